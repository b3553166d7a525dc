"""The networks that can be trained, by the name a study gives."""

from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import nn

from scripts.lib.networks.checkpoints import build_untrained
from scripts.lib.networks.cifar_resnet import cifar_resnet
from scripts.lib.networks.plain import plain
from scripts.lib.networks.resnet import resnet18_3x3
from scripts.lib.networks.resnet50_v1 import resnet50_v1
from scripts.lib.networks.vgg import vgg16_bn
from scripts.lib.networks.wide_resnet import wide_resnet
from scripts.lib.study.trained_networks import wide_resnet_size

# Each is called with `classes` and a factor `width` for all numbers of channels, and `plain` with `channels` too. Of others the names are
# families: `_factory`.
NETWORKS: dict[str, Callable[..., nn.Module]] = {
    "plain": plain,
    "resnet20": partial(cifar_resnet, 3),
    "resnet32": partial(cifar_resnet, 5),
    "resnet56": partial(cifar_resnet, 9),
    "resnet18_3x3": resnet18_3x3,
    "resnet50_v1": resnet50_v1,
    "vgg16_bn": vgg16_bn,
}


def build_network(name: str, channels: Sequence[int] | None, classes: int, width: float = 1.0) -> nn.Module:
    """A network with random weights from torch's global stream, in channels-last layout, which is the faster one on CPUs.

    channels: of `plain`; None for the others, which have channels of their own. width: a factor for all of these; 1 for torchvision's and
    timm's networks. Raises InputError if others' code cannot build the network.
    """
    own = ({} if channels is None else {"channels": channels}) | ({} if ":" in name else {"width": width})
    return _factory(name)(**own, classes=classes).to(memory_format=torch.channels_last)


def _factory(name: str) -> Callable[..., nn.Module]:
    if ":" in name:
        return partial(build_untrained, name)
    size = wide_resnet_size(name)
    return NETWORKS[name] if size is None else partial(wide_resnet, *size)


def normalized(images: torch.Tensor) -> torch.Tensor:
    """uint8[N, H, W, 3] to what every network reads: float32[N, 3, H, W] in -1..1, channels last."""
    return images.permute(0, 3, 1, 2).float().div_(127.5).sub_(1)
