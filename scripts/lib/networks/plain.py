"""The demo's network: small enough that a population of them is trained in minutes."""

from collections.abc import Sequence

from torch import nn

from scripts.lib.networks.widths import scaled


def plain(channels: Sequence[int], classes: int, width: float = 1.0) -> nn.Sequential:
    """A stride-2 3x3 convolution, batch norm and ReLU for each entry of `channels`, global average pooling, one dense layer.

    width: a factor for all channels.
    """
    layers: list[nn.Module] = []
    channels = scaled(channels, width)
    for before, after in zip([3, *channels], channels, strict=False):
        layers += [
            nn.Conv2d(before, after, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(after),
            nn.ReLU(inplace=True),
        ]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels[-1], classes))
