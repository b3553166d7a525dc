"""Wide ResNets: Zagoruyko & Komodakis 2016, "Wide Residual Networks", arXiv 1605.07146, table 1, without dropout.

A 3x3 convolution of 16 channels, three groups of n blocks with 16k, 32k and 64k channels, batch norm and ReLU, global average pooling and
one dense layer. The depth 6n + 4 counts the 1x1 convolutions of the three shortcuts; k widens it. Blocks are pre-activated (He et al.
2016, arXiv 1603.05027): normalized before they are convolved.
"""

import torch
from torch import nn

from scripts.lib.networks.initial_weights import he_normal
from scripts.lib.networks.widths import scaled

STEM, WIDTHS = 16, (16, 32, 64)


class PreactivatedBlock(nn.Module):
    """Batch norm, ReLU and 3x3 convolution, twice, and the shortcut around them.

    The shortcut of a block that changes the number of channels or the size of the image is a 1x1 convolution, which reads what the first ReLU
    gives.
    """

    def __init__(self, before: int, after: int, stride: int) -> None:
        """before, after: channels; stride: of the first convolution and of the shortcut."""
        super().__init__()
        self.norm1, self.conv1 = nn.BatchNorm2d(before), nn.Conv2d(before, after, 3, stride, padding=1, bias=False)
        self.norm2, self.conv2 = nn.BatchNorm2d(after), nn.Conv2d(after, after, 3, padding=1, bias=False)
        self.shortcut = None if (before, stride) == (after, 1) else nn.Conv2d(before, after, 1, stride, bias=False)
        self.relu = nn.ReLU()

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """[N, before, H, W] to [N, after, H, W], smaller by the stride."""
        active = self.relu(self.norm1(images))
        inner = self.conv2(self.relu(self.norm2(self.conv1(active))))
        return inner + (images if self.shortcut is None else self.shortcut(active))


def wide_resnet(depth: int, factor: int, classes: int, width: float = 1.0) -> nn.Sequential:
    """WRN-depth-factor; depth: 6n + 4, which `scripts.lib.study.trained_networks.wide_resnet_size` checks. width: a factor for all channels."""
    before, *groups = scaled([STEM, *(narrow * factor for narrow in WIDTHS)], width)
    layers: list[nn.Module] = [nn.Conv2d(3, before, 3, padding=1, bias=False)]
    for group, after in enumerate(groups):
        for block in range((depth - 4) // 6):
            layers.append(PreactivatedBlock(before, after, 2 if group > 0 and block == 0 else 1))
            before = after
    layers += [nn.BatchNorm2d(before), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(before, classes)]
    return he_normal(nn.Sequential(*layers))
