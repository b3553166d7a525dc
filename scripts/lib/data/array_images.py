"""Arrays of images as people keep them: where the colours are, and from what to what the values go."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import isqrt

import numpy as np

from scripts.lib.jobs.errors import InputError

AT_ONCE = 2**24  # values that are in memory at a time


@dataclass(frozen=True)
class Images:
    """N images in an array of any type, and how one of them becomes uint8[H, W, 3]."""

    array: np.ndarray  # [N, H, W, 3], or [N, H, W, 1] for grey; often mapped
    to_bytes: Callable[[np.ndarray], np.ndarray] | None  # None for what is uint8 already
    converted: tuple[str, ...]  # what is done to every image, for the log

    def __len__(self) -> int:
        return len(self.array)

    def __iter__(self) -> Iterator[np.ndarray]:
        for image in self.array:
            whole = image if self.to_bytes is None else self.to_bytes(image)
            yield np.broadcast_to(whole, (*whole.shape[:2], 3))


def images_in(array: np.ndarray, where: str) -> Images:
    """The images in an array; InputError for what can be understood in several ways, or in none.

    Understood are [N, H, W, 3] and [N, 3, H, W], grey as [N, H, W], [N, H, W, 1] and [N, 1, H, W]; values from 0 to 255 as whole
    numbers or floats, from 0 to 1 as floats, and booleans.
    """
    found = f"{where} holds {array.dtype}{list(array.shape)}"
    if array.dtype.kind not in "biuf":
        raise InputError(f"{found}: images must be numbers, as uint8 [N, H, W, 3].")
    shaped = colours_last(array, found)
    if not shaped.size:
        raise InputError(f"{found}, which is no image: a split needs examples.")
    to_bytes, how = _to_bytes(shaped, where)
    return Images(shaped, to_bytes, (*how, *(["grayscale"] if shaped.shape[3] == 1 else [])))


def colours_last(array: np.ndarray, found: str) -> np.ndarray:
    """A view [N, H, W, C] with C of 1 or 3; InputError for other shapes. found: what the sentence begins with."""
    if array.ndim == 3:
        return array[..., None]
    if array.ndim == 4 and array.shape[3] in (1, 3):
        return array
    if array.ndim == 4 and array.shape[1] in (1, 3):
        return array.transpose(0, 2, 3, 1)
    raise InputError(f"{found}: images must be [N, H, W, 3] or [N, 3, H, W], or [N, H, W] for grey; {_remedy(array)}.")


def _remedy(array: np.ndarray) -> str:
    shape = array.shape
    if array.ndim == 4 and 4 in (shape[1], shape[3]):
        part = "images[..., :3]" if shape[3] == 4 else "images[:, :3]"
        return f"of four channels the last is usually transparency, which {part} leaves out"
    if array.ndim == 4 and shape[2] in (1, 3):
        return "bring the images to the front, images.transpose(3, 0, 1, 2)"
    if array.ndim == 2:
        for channels in (1, 3):
            side = isqrt(shape[1] // channels)
            if side > 1 and channels * side * side == shape[1]:
                planes = "" if channels == 1 else ", if one colour comes after the other as in CIFAR's files"
                return f"give the rows the shape of an image, images.reshape(-1, {channels}, {side}, {side}){planes}"
    return "give it that shape"


def _to_bytes(images: np.ndarray, where: str) -> tuple[Callable[[np.ndarray], np.ndarray] | None, list[str]]:
    """How values become bytes, and what to say of it."""
    kind = images.dtype
    if kind.kind == "b":
        return _times_255, ["black and white (bool)"]
    low, high, whole = _range(images, where)
    if low < 0 or high > 255:
        if kind == np.int8:
            remedy = "these are bytes that were taken for signed ones, so save images.view('uint8')"
        elif low < 0:
            remedy = "undo the normalization by mean and std"
        else:
            remedy = "scale them by the largest value that there can be"
        raise InputError(
            f"{where} holds {kind} from {low:g} to {high:g}: images must be from 0 to 255, or floats from 0 to 1; {remedy}."
        )
    if kind.kind != "f":
        if 0 < high <= 1:
            raise InputError(
                f"{where} holds {kind} of nothing but 0 and 1, which is black: multiply by 255, or save it as bool or float."
            )
        return (None, []) if kind == np.uint8 else (_rounded, [f"{kind} from 0 to 255"])
    if high <= 1:
        return _times_255, [f"{kind} from 0 to 1, times 255 and rounded"]
    if whole:
        return _rounded, [f"{kind} from 0 to 255"]
    if high < 2:
        raise InputError(
            f"{where} holds {kind} from {low:g} to {high:g}, which may be meant from 0 to 1 or from 0 to 255: clip it to 0 … 1, or save it as uint8."
        )
    return _rounded, [f"{kind} from 0 to 255, rounded"]


def _range(images: np.ndarray, where: str) -> tuple[float, float, bool]:
    """The lowest and the highest value, and whether all are whole; InputError for NaN. Bytes are looked at until one is above 1."""
    low, high, whole = np.inf, -np.inf, True
    step = max(1, AT_ONCE // max(1, images[0].size))
    for start in range(0, len(images), step):
        part = images[start : start + step]
        if images.dtype.kind == "f":
            odd = ~np.isfinite(part).all(axis=(1, 2, 3))
            if odd.any():
                raise InputError(
                    f"image {start + int(odd.argmax())} of {where} has a value that is NaN or infinite: correct it."
                )
            whole = whole and bool((part == np.rint(part)).all())
        low, high = min(low, float(part.min())), max(high, float(part.max()))
        if images.dtype == np.uint8 and high > 1:
            break
    return low, high, whole


def _times_255(image: np.ndarray) -> np.ndarray:
    return np.rint(image.astype(np.float64) * 255).astype(np.uint8)


def _rounded(image: np.ndarray) -> np.ndarray:
    return np.rint(image).astype(np.uint8)
