"""A file's computation as a module of torch: images are given as the file wants them, answers come back as tensors."""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from scripts.lib.jobs.errors import InputError
from scripts.lib.networks.weight_files import one_line, some
from scripts.lib.study.sharded_weights import parts_of_weights

CHANNELS = (1, 3)  # that images may have
BYTE = 255  # the largest
WHOLE_NUMBERS = (torch.uint8, torch.int8)


@dataclass(frozen=True)
class Reads:
    """What a file says about the images that it reads."""

    runtime: str  # what runs it, with its version
    layout: str = "NCHW"
    channels: int | None = None  # None: it does not say
    size: tuple[int, int] | None = None  # height and width; None: any, or it does not say
    batch: int | None = None  # how many images at a time; None: any number
    dtype: torch.dtype = torch.float32
    scale: float | None = None  # of quantized images: what a step is worth, and which step is zero
    zero: int = 0
    mean: list[float] | None = None  # of images in 0..1, if it says so
    std: list[float] | None = None
    classes: list[str] | None = None  # names of its outputs, if it says so
    notes: tuple[str, ...] = ()  # what else is to be said

    def sentences(self) -> list[str]:
        """What is said of it in the log."""
        size = "of any size" if self.size is None else f"of {self.size[1]} x {self.size[0]} pixels"
        batch = "in batches of any size" if self.batch is None else f"{self.batch} at a time"
        return [
            f"{self.runtime}, {torch.get_num_threads()} thread{'s' * (torch.get_num_threads() > 1)}",
            f"reads images {size} as {name_of(self.dtype)} {self.layout}, {batch}",
            *self.notes,
        ]

    def as_json(self) -> dict:
        """The same for the description of a cohort."""
        return {
            "runtime": self.runtime,
            "threads": torch.get_num_threads(),
            "layout": self.layout,
            "dtype": name_of(self.dtype),
            "size": self.size and list(self.size),
            "batch": self.batch,
            "notes": list(self.notes),
        }


class Runner(nn.Module, ABC):
    """Asks a runtime; it has no parameters, because the runtime keeps them. Subclasses say `compute`."""

    def __init__(self, path: str | Path, reads: Reads) -> None:
        super().__init__()
        self.reads = reads
        self.path = str(path)
        self.file_bytes = sum(part.stat().st_size for part in parts_of_weights(path))

    def forward(self, images: torch.Tensor) -> Any:
        given = as_wanted(images.cpu(), self.reads)
        if self.reads.batch is None:
            return _moved(self.compute(given), images.device)
        parts = []
        for part in given.split(self.reads.batch):
            filled = self.reads.batch - len(part)  # the last image again, as often as the file wants
            parts.append(self.compute(torch.cat([part, part[-1:].expand(filled, *part.shape[1:])]) if filled else part))
        return _moved(joined(parts, len(images)), images.device)

    @abstractmethod
    def compute(self, images: torch.Tensor) -> Any:
        """What the runtime gives for images as the file wants them, contiguous; tensors are float32 on the CPU."""

    def zeros(self) -> float:
        """The share of the weights that are zero; NaN where they are not seen."""
        return math.nan

    def __deepcopy__(self, memo: dict) -> "Runner":
        """Itself, because a runtime's session can be used from several places and nothing changes it."""
        return self


def as_wanted(images: torch.Tensor, reads: Reads) -> torch.Tensor:
    """float32[N, C, H, W], normalized, in the file's layout and type; steps of quantized images are rounded to the nearest."""
    if reads.layout == "NHWC":
        images = images.permute(0, 2, 3, 1)
    if reads.dtype in WHOLE_NUMBERS:
        ends = torch.iinfo(reads.dtype)
        steps = images if reads.scale is None else images / reads.scale + reads.zero
        images = steps.round().clamp(ends.min, ends.max)
    return images.to(reads.dtype).contiguous()


def joined(parts: Sequence[Any], count: int) -> Any:
    """The answers for batches one after another, of `count` images; in the containers that the batches have."""
    first = parts[0]
    if isinstance(first, torch.Tensor):
        return torch.cat(list(parts))[:count] if first.ndim else first
    if isinstance(first, Mapping):
        return {key: joined([part[key] for part in parts], count) for key in first}
    if isinstance(first, tuple | list):
        return tuple(joined(each, count) for each in zip(*parts, strict=True))
    return first


def _moved(given: Any, device: torch.device) -> Any:
    """The same on another device."""
    if isinstance(given, torch.Tensor):
        return given.to(device)
    if isinstance(given, Mapping):
        return {key: _moved(each, device) for key, each in given.items()}
    return tuple(_moved(each, device) for each in given) if isinstance(given, tuple | list) else given


def name_of(dtype: torch.dtype) -> str:
    """`float32` for torch.float32."""
    return str(dtype).removeprefix("torch.")


def layout_of(shape: Sequence[int | None], path: str | Path) -> dict[str, Any]:
    """`layout`, `channels`, `size` and `batch` of what reads images of a shape, in which None is any number.

    Where both the second and the last number could be channels, the second is. Raises InputError if neither could.
    """
    if len(shape) != 4:
        raise InputError(
            f"{path} reads {_shown(shape)}, and images have 4 dimensions: export what reads images [N, C, H, W] or [N, H, W, C]."
        )
    batch, second, third, last = shape
    if second in CHANNELS or (second is None and last not in CHANNELS):
        layout, channels, size = "NCHW", second, (third, last)
    elif last in CHANNELS:
        layout, channels, size = "NHWC", last, (second, third)
    else:
        raise InputError(f"{path} reads {_shown(shape)}: it must read images of 1 or 3 channels.")
    known = None if None in size else size
    return {"layout": layout, "channels": channels, "size": known, "batch": batch}


def _shown(shape: Sequence[int | None]) -> str:
    return f"[{', '.join('any' if each is None else str(each) for each in shape)}]"


def only_input(names: Sequence[str], path: str | Path) -> None:
    """Raise InputError unless a file reads one thing; names: of what it reads."""
    if len(names) != 1:
        raise InputError(
            f"{path} reads {len(names)} inputs ({some(names)}) and must read images alone: export it with the others as constants."
        )


def known_type(name: str, types: Mapping[str, torch.dtype], path: str | Path) -> torch.dtype:
    """The type of the images that a file reads, by the runtime's name of it; InputError if images are none such."""
    if name not in types:
        raise InputError(
            f"{path} reads {name}: it must read images as {', '.join(name_of(each) for each in types.values())}."
        )
    return types[name]


def of_bytes(dtype: torch.dtype, scale: float | None = None, zero: int = 0) -> dict[str, list[float]]:
    """`mean` and `std` with which a file that reads whole numbers gets the bytes of an image, {} for others.

    scale and zero: of quantized images. int8 has the bytes less 128, as LiteRT's converter makes it of uint8.
    """
    if dtype not in WHOLE_NUMBERS:
        return {}
    zero_byte = zero + (128 if dtype == torch.int8 else 0)
    step = 1.0 if scale is None else scale
    return {"mean": [zero_byte / BYTE], "std": [1 / (BYTE * step)]}


def cannot_be_read(path: str | Path, runtime: str, error: BaseException) -> InputError:
    """What is said of a file that a runtime does not read."""
    return InputError(
        f"{path} cannot be read by {runtime} ({one_line(error)}): it is damaged, or for another version; export it again."
    )
