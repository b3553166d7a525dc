"""ResNets for CIFAR's images: He et al. 2015, "Deep Residual Learning for Image Recognition", arXiv 1512.03385, section 4.2.

A 3x3 convolution of 16 channels, three stages of n blocks with 16, 32 and 64 channels, global average pooling and one dense layer: 6n + 2
layers with weights. All shortcuts are identities (option A), so they have no weights.
"""

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional

from scripts.lib.networks.residual import residual_network
from scripts.lib.networks.widths import scaled

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


def residual(channels: Sequence[int], classes: int, width: float = 1.0) -> nn.Sequential:
    """A residual network that is trained on a CPU in minutes: as many stages as `channels` has entries, of one block each.

    Its stem halves the image, as that of networks for larger ones does, so that the first stage costs a quarter. Not of the paper.
    """
    return residual_network(scaled(channels, width), 1, padded_shortcut, classes, stride=2)


def padded_shortcut(before: int, after: int) -> PaddedShortcut:
    """Option A from so many channels to as many or more."""
    return PaddedShortcut(after - before)


def cifar_resnet(blocks: int, classes: int, width: float = 1.0) -> nn.Sequential:
    """The network with so many blocks a stage, n in the paper; width: a factor for all channels."""
    return residual_network(scaled(WIDTHS, width), blocks, padded_shortcut, classes)
