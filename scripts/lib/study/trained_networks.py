"""The networks that a study can train, by name, and what can be said of a name without importing torch.

`wide_resnet-DEPTH-WIDTH` is a family of names; `torchvision:NAME` and `timm:NAME` are the architectures of these packages, trained from scratch.
"""

import re
from difflib import get_close_matches

from scripts.lib.jobs.errors import InputError
from scripts.lib.study.factories import ZOOS, module_file

# Networks whose numbers of channels a study may choose, and what these are if it does not.
CHANNELS = {"plain": (5, 10, 20, 20), "residual": (8, 32, 96)}
FIXED = (
    "resnet50_v1",
)  # made of others' layers, whose channels cannot be fewer; so are torchvision's and timm's networks
NAMES = (*CHANNELS, "resnet20", "resnet32", "resnet56", "resnet18_3x3", "resnet50_v1", "vgg16_bn")
FAMILIES = ("wide_resnet-DEPTH-WIDTH", *(f"{package}:NAME" for package in ZOOS))
WIDE_RESNET = re.compile(r"wide_resnet-([1-9]\d*)-([1-9]\d*)")


def wide_resnet_size(name: str) -> tuple[int, int] | None:
    """Depth and width of `wide_resnet-DEPTH-WIDTH`; None for a name of another form, InputError for a depth that is not 6n + 4."""
    found = WIDE_RESNET.fullmatch(name)
    if found is None:
        return None
    depth, width = map(int, found.groups())
    if depth < 10 or depth % 6 != 4:
        raise InputError(
            f"config key `network.name` is {name!r}, and no wide ResNet has {depth} layers: write a depth of 6n + 4, as 10, 16, 22 or 28."
        )
    return depth, width


def check_network(network: dict) -> None:
    """Raise InputError for a name that is no network's, a package that is not there, or channels where a network has its own.

    network: the section of a study; `channels` may be missing or None, which is as good as missing.
    """
    name, channels = network["name"], network.get("channels")
    if ":" in name:
        _check_package(name)
    elif wide_resnet_size(name) is None and name not in NAMES:
        near = get_close_matches(name, [*NAMES, *FAMILIES], n=1)
        remedy = f"did you mean `{near[0]}`?" if near else f"it may be one of {', '.join([*NAMES, *FAMILIES])}."
        raise InputError(f"config key `network.name` is {name!r}, which is unknown: {remedy}")
    if name not in CHANNELS and channels is not None:
        raise InputError(
            f"config key `network.channels` is {list(channels)}, and {name} has channels of its own: remove the key, or write `channels: null` "
            "if another file of the study has it."
        )


def _check_package(name: str) -> None:
    """Raise InputError unless it is `torchvision:NAME` or `timm:NAME`, and the package is installed."""
    package, _, architecture = name.partition(":")
    if package not in ZOOS or not architecture:
        raise InputError(
            f"config key `network.name` is {name!r}: write torchvision:NAME or timm:NAME, or train a network of your own elsewhere and bring it as "
            "`checkpoints` of a level."
        )
    try:
        module_file(name)
    except InputError as error:
        raise InputError(f"config key `network.name`: {error}") from None


def with_channels(network: dict) -> dict:
    """The section with the channels that a network has by default, and without the key for networks that have their own."""
    name = network["name"]
    if name not in CHANNELS:
        return {"name": name}
    return network if network.get("channels") is not None else network | {"channels": list(CHANNELS[name])}


def can_be_smaller(name: str) -> bool:
    """Whether a network can be had with fewer channels."""
    return ":" not in name and name not in FIXED
