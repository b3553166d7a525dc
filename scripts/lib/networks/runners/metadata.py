"""How images are normalized, as the metadata of network files say it."""

import json
from collections.abc import Mapping

from scripts.lib.jobs.errors import InputError

# Of ONNX's own metadata for images: https://github.com/onnx/onnx/blob/main/docs/MetadataProps.md
PIXELS, RANGE = "Image.BitmapPixelFormat", "Image.NominalPixelRange"
RANGES = {
    "NominalRange_0_255": ([0.0], [1 / 255]),
    "Normalized_0_1": ([0.0], [1.0]),
    "Normalized_1_1": ([0.5], [0.5]),
}
FORMATS = ("Gray8", "Rgb8")


def normalization(metadata: Mapping[str, str], path: str) -> dict[str, list[float]]:
    """`mean` and `std` of images in 0..1 from texts by key: from these two, JSON lists, or from ONNX's range of pixels; {} if there is none.

    Raises InputError for values that are no such lists, and for other pixels than red, green, blue or grey.
    """
    pixels = metadata.get(PIXELS, FORMATS[0])
    if pixels not in FORMATS:
        raise InputError(f"{path} says `{PIXELS}` is {pixels}: export it for {' or '.join(FORMATS)}.")
    if "mean" in metadata and "std" in metadata:
        return {key: _numbers(metadata[key], key, path) for key in ("mean", "std")}
    if RANGE not in metadata:
        return {}
    if metadata[RANGE] not in RANGES:
        raise InputError(f"{path} says `{RANGE}` is {metadata[RANGE]}: it may be one of {', '.join(RANGES)}.")
    mean, std = RANGES[metadata[RANGE]]
    return {"mean": mean, "std": std}


def _numbers(text: str, key: str, path: str) -> list[float]:
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if (
        not isinstance(found, list)
        or not all(isinstance(each, int | float) for each in found)
        or len(found) not in (1, 3)
    ):
        raise InputError(
            f"{path} says `{key}` is {text!r}: it must be a list of 1 or 3 numbers, or say it in the study."
        )
    return [float(each) for each in found]
