"""The networks that can be trained, by the name a study gives."""

from collections.abc import Callable, Sequence

import torch
from torch import nn


def plain(channels: Sequence[int], classes: int) -> nn.Sequential:
    """A stride-2 3x3 convolution, batch norm and ReLU for each entry of `channels`, global average pooling, one dense layer."""
    layers: list[nn.Module] = []
    for before, after in zip([3, *channels], channels, strict=False):
        layers += [
            nn.Conv2d(before, after, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(after),
            nn.ReLU(inplace=True),
        ]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels[-1], classes))


NETWORKS: dict[str, Callable[..., nn.Module]] = {"plain": plain}


def build_network(name: str, channels: Sequence[int], classes: int) -> nn.Module:
    """A network with random weights from torch's global stream, in channels-last layout, which is the faster one on CPUs."""
    return NETWORKS[name](channels, classes).to(memory_format=torch.channels_last)


def normalized(images: torch.Tensor) -> torch.Tensor:
    """uint8[N, H, W, 3] to what every network reads: float32[N, 3, H, W] in -1..1, channels last."""
    return images.permute(0, 3, 1, 2).float().div_(127.5).sub_(1)
