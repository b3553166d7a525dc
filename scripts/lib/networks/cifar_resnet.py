"""ResNets for CIFAR's images: He et al. 2015, "Deep Residual Learning for Image Recognition", arXiv 1512.03385, section 4.2.

A 3x3 convolution of 16 channels, three stages of n blocks with 16, 32 and 64 channels, global average pooling and one dense layer: 6n + 2
layers with weights. All shortcuts are identities (option A), so they have no weights. Convolutions have no bias, because a batch norm
follows each; batch norms have torch's momentum and epsilon, of which the paper says nothing.
"""

import torch
from torch import nn
from torch.nn import functional

from scripts.lib.networks.initial_weights import he_normal

WIDTHS = (16, 32, 64)


class PaddedShortcut(nn.Module):
    """Option A where a stage begins: every second pixel, and channels of zeros behind those that there are."""

    def __init__(self, added: int) -> None:
        """added: the channels of zeros."""
        super().__init__()
        self.added = added

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """[N, C, H, W] to [N, C + added, ceil(H / 2), ceil(W / 2)]."""
        return functional.pad(images[:, :, ::2, ::2], (0, 0, 0, 0, 0, self.added))


class Block(nn.Module):
    """Two 3x3 convolutions, each with its batch norm, and the shortcut around them; a ReLU follows the addition."""

    def __init__(self, before: int, after: int) -> None:
        """before, after: channels; a block that has more of them than the one before halves the image."""
        super().__init__()
        stride = 2 if after > before else 1
        self.conv1, self.norm1 = nn.Conv2d(before, after, 3, stride, padding=1, bias=False), nn.BatchNorm2d(after)
        self.conv2, self.norm2 = nn.Conv2d(after, after, 3, padding=1, bias=False), nn.BatchNorm2d(after)
        self.shortcut = PaddedShortcut(after - before) if after > before else nn.Identity()
        self.relu = nn.ReLU()

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """[N, before, H, W] to [N, after, H, W], or half the height and width."""
        inner = self.relu(self.norm1(self.conv1(images)))
        return self.relu(self.norm2(self.conv2(inner)) + self.shortcut(images))


def cifar_resnet(blocks: int, classes: int) -> nn.Sequential:
    """The network with so many blocks a stage, n in the paper."""
    layers: list[nn.Module] = [nn.Conv2d(3, WIDTHS[0], 3, padding=1, bias=False), nn.BatchNorm2d(WIDTHS[0]), nn.ReLU()]
    before = WIDTHS[0]
    for width in WIDTHS:
        for _ in range(blocks):
            layers.append(Block(before, width))
            before = width
    return he_normal(nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(before, classes)))
