"""The networks that can be trained, by the name a study gives."""

from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import nn

from scripts.lib.networks.checkpoints import build_untrained
from scripts.lib.networks.cifar_resnet import cifar_resnet, residual
from scripts.lib.networks.plain import plain
from scripts.lib.networks.resnet import resnet18_3x3
from scripts.lib.networks.resnet50_v1 import resnet50_v1
from scripts.lib.networks.vgg import vgg16_bn
from scripts.lib.networks.wide_resnet import wide_resnet
from scripts.lib.study.trained_networks import can_be_smaller, wide_resnet_size

# Each is called with `classes`, with `channels` if a study may choose them, and with a factor `width` for all of them if they can be fewer.
# Of others the names are families: `_factory`.
NETWORKS: dict[str, Callable[..., nn.Module]] = {
    "plain": plain,
    "residual": residual,
    "resnet20": partial(cifar_resnet, 3),
    "resnet32": partial(cifar_resnet, 5),
    "resnet56": partial(cifar_resnet, 9),
    "resnet18_3x3": resnet18_3x3,
    "resnet50_v1": resnet50_v1,
    "vgg16_bn": vgg16_bn,
}


def build_network(name: str, channels: Sequence[int] | None, classes: int, width: float = 1.0) -> nn.Module:
    """A network with random weights from torch's global stream, in channels-last layout, which is the faster one on CPUs.

    channels: of networks that have none of their own, None for the others. width: a factor for all of these; 1 for networks that cannot be
    smaller. Raises InputError if others' code cannot build the network.
    """
    own = ({} if channels is None else {"channels": channels}) | ({"width": width} if can_be_smaller(name) else {})
    return _factory(name)(**own, classes=classes).to(memory_format=torch.channels_last)


def _factory(name: str) -> Callable[..., nn.Module]:
    if ":" in name:
        return partial(build_untrained, name)
    size = wide_resnet_size(name)
    return NETWORKS[name] if size is None else partial(wide_resnet, *size)


def normalized(images: torch.Tensor) -> torch.Tensor:
    """uint8[N, H, W, 3] to what every network reads: float32[N, 3, H, W] in -1..1, channels last."""
    return images.permute(0, 3, 1, 2).float().div_(127.5).sub_(1)
