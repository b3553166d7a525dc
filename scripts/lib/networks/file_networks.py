"""Networks that bring their own computation, prepared for the study's images as all other networks are."""

from pathlib import Path

from torch import nn

from scripts.lib.jobs.errors import InputError
from scripts.lib.networks.checkpoints import Normalized, zeros_of
from scripts.lib.networks.runners.readers import READERS
from scripts.lib.networks.runners.runner import Reads, Runner

BACKGROUND = "background"  # what files call the output that stands for none of the classes


def read_network(
    path: str,
    network: str,
    mean: list[float] | None = None,
    std: list[float] | None = None,
    channels: int | None = None,
    unless_said: tuple[list[float], list[float]] | None = None,
) -> tuple[Normalized, Reads]:
    """The network of a file, in evaluation mode, and what the file says; network: its format, a key of READERS.

    mean, std, channels: as a study says them; None for what the file does. unless_said: mean and std where neither does. Raises InputError where
    nobody says how images are normalized, where what is said does not go together, or where the file cannot be read.
    """
    built, reads = READERS[network](Path(path))
    if channels is not None and reads.channels is not None and channels != reads.channels:
        raise InputError(f"{path} reads {reads.channels} channels and `channels` says {channels}: remove `channels`.")
    channels = reads.channels or channels or 3
    if mean is None or std is None:
        mean, std = reads.mean, reads.std
    if (mean is None or std is None) and unless_said is not None:
        mean, std = unless_said
    if mean is None or std is None:
        raise InputError(
            f"{path} does not say how images are normalized: add `mean` and `std` to the level's `checkpoints`, of images from 0 to 1, as mean: "
            "[0.485, 0.456, 0.406] and std: [0.229, 0.224, 0.225], or mean: [0.0] and std: [1.0] if it does so itself."
        )
    if len(mean) != len(std) or len(mean) not in (1, channels):
        raise InputError(
            f"{path} reads {channels} channel{'s' * (channels > 1)}, and there are {len(mean)} numbers in `mean` and {len(std)} in `std`: give one "
            "for each channel, or one for all."
        )
    copies = channels // len(mean)
    mean, std = ([float(each) for each in values] * copies for values in (mean, std))
    return Normalized(built, mean, std).eval(), reads


def check_size(path: str, reads: Reads, size: tuple[int, int]) -> None:
    """Raise InputError for a file that reads images of one size only, if the study's, height and width, have another."""
    if reads.size is not None and tuple(reads.size) != tuple(size):
        raise InputError(
            f"{path} reads images of {reads.size[1]} x {reads.size[0]} pixels and the study's are {size[1]} x {size[0]}: prepare the study's in its "
            "size, `preparation` and `size` of `data`, or export it for images of any size."
        )


def background_of(reads: Reads, classes: int) -> str | None:
    """`first` or `last` if a file names one output more than the study has classes, and that one is for none of them; else None."""
    if reads.classes is None or len(reads.classes) != classes + 1:
        return None
    ends = {"first": reads.classes[0], "last": reads.classes[-1]}
    return next((end for end, name in ends.items() if str(name).lower() == BACKGROUND), None)


def is_file_network(network: nn.Module) -> bool:
    """Whether a network's computation is a runtime's, so that torch sees no layers of it."""
    return isinstance(getattr(network, "network", None), Runner)


def file_bytes(network: nn.Module) -> int:
    """Bytes of the files in a network that bring their own computation."""
    return sum(module.file_bytes for module in network.modules() if isinstance(module, Runner))


def zeros_or_unknown(network: Normalized) -> float:
    """The share of zeros as `zeros_of` counts it, or as the file tells; NaN where it does not."""
    return network.network.zeros() if is_file_network(network) else zeros_of(network)
