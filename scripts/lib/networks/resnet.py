"""ResNet-18 with the stem that papers on CIFAR and TinyImageNet give it.

The network of He et al. 2015 (arXiv 1512.03385, table 1) begins with a 7x7 convolution of stride 2 and a max-pool, which leave little of an
image of 64 pixels or fewer; here a 3x3 convolution of stride 1 takes their place, and there is no max-pool. Shortcuts that change the number
of channels are 1x1 convolutions with a batch norm (option B).
"""

import torch
from torch import nn

from scripts.lib.networks.initial_weights import he_normal

WIDTHS, BLOCKS = (64, 128, 256, 512), 2


class Block(nn.Module):
    """Two 3x3 convolutions, each with its batch norm, and the shortcut around them; a ReLU follows the addition."""

    def __init__(self, before: int, after: int) -> None:
        """before, after: channels; a block that has more of them than the one before halves the image."""
        super().__init__()
        stride = 2 if after > before else 1
        self.conv1, self.norm1 = nn.Conv2d(before, after, 3, stride, padding=1, bias=False), nn.BatchNorm2d(after)
        self.conv2, self.norm2 = nn.Conv2d(after, after, 3, padding=1, bias=False), nn.BatchNorm2d(after)
        self.shortcut = (
            nn.Sequential(nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after))
            if after > before
            else nn.Identity()
        )
        self.relu = nn.ReLU()

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """[N, before, H, W] to [N, after, H, W], or half the height and width."""
        inner = self.relu(self.norm1(self.conv1(images)))
        return self.relu(self.norm2(self.conv2(inner)) + self.shortcut(images))


def resnet18_3x3(classes: int) -> nn.Sequential:
    """A 3x3 stem, four stages of two blocks, global average pooling, one dense layer."""
    before = WIDTHS[0]
    layers: list[nn.Module] = [nn.Conv2d(3, before, 3, padding=1, bias=False), nn.BatchNorm2d(before), nn.ReLU()]
    for width in WIDTHS:
        for _ in range(BLOCKS):
            layers.append(Block(before, width))
            before = width
    return he_normal(nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(before, classes)))
