"""What the residual networks of He et al. 2015 (arXiv 1512.03385) share: the block of two 3x3 convolutions, and stages of such blocks.

Convolutions have no bias, because a batch norm follows each; batch norms have torch's momentum and epsilon, of which the paper says nothing.
"""

from collections.abc import Callable, Sequence

import torch
from torch import nn

from scripts.lib.networks.initial_weights import he_normal


class Block(nn.Module):
    """Two 3x3 convolutions, each with its batch norm, and the shortcut around them; a ReLU follows the addition."""

    def __init__(self, before: int, after: int, stride: int, shortcut: Callable[[int, int], nn.Module]) -> None:
        """before, after: channels; a block of stride 2 halves the image, and has a shortcut of this kind."""
        super().__init__()
        self.conv1, self.norm1 = nn.Conv2d(before, after, 3, stride, padding=1, bias=False), nn.BatchNorm2d(after)
        self.conv2, self.norm2 = nn.Conv2d(after, after, 3, padding=1, bias=False), nn.BatchNorm2d(after)
        self.shortcut = shortcut(before, after) if stride > 1 else nn.Identity()
        self.relu = nn.ReLU()

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """[N, before, H, W] to [N, after, H, W], or half the height and width."""
        inner = self.relu(self.norm1(self.conv1(images)))
        return self.relu(self.norm2(self.conv2(inner)) + self.shortcut(images))


def residual_network(
    widths: Sequence[int], blocks: int, shortcut: Callable[[int, int], nn.Module], classes: int, stride: int = 1
) -> nn.Sequential:
    """A 3x3 stem of a stride, a stage of so many blocks for each width, global average pooling, one dense layer.

    Each stage but the first begins by halving the image. shortcut: gives the module around the block that does, from its channels before and
    after.
    """
    before = widths[0]
    layers: list[nn.Module] = [
        nn.Conv2d(3, before, 3, stride, padding=1, bias=False),
        nn.BatchNorm2d(before),
        nn.ReLU(),
    ]
    for stage, width in enumerate(widths):
        for block in range(blocks):
            layers.append(Block(before, width, 2 if stage > 0 and block == 0 else 1, shortcut))
            before = width
    return he_normal(nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(before, classes)))
