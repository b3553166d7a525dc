"""The corruptions of ImageNet-C and CIFAR-10-C (Hendrycks & Dietterich, 2019), as published, in batches.

    corrupt(images, "fog", 3, dataset="cifar10", example_ids=ids)

Importing this package is cheap: what a corruption needs is imported when it is used.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

if TYPE_CHECKING:
    import numpy as np

# The published archives: four families are the 15 corruptions of ImageNet-C, the fifth is for validation. `own` are those that
# nobody published: no mCE counts them, and there are no errors of AlexNet for them.
FAMILIES: dict[str, tuple[str, ...]] = {
    "noise": ("gaussian_noise", "shot_noise", "impulse_noise"),
    "blur": ("defocus_blur", "glass_blur", "motion_blur", "zoom_blur"),
    "weather": ("snow", "frost", "fog", "brightness"),
    "digital": ("contrast", "elastic_transform", "pixelate", "jpeg_compression"),
    "extra": ("speckle_noise", "gaussian_blur", "spatter", "saturate"),
    "own": (),
}
IMAGENET_C = ("noise", "blur", "weather", "digital")

# Corruption -> module of this package that has a function of that name.
CORRUPTIONS: dict[str, str] = {
    **{corruption: family for family in IMAGENET_C for corruption in FAMILIES[family]},
    "speckle_noise": "noise",
    "gaussian_blur": "blur",
    "spatter": "spatter",
    "saturate": "digital",
}

OWN_SOURCE = "Lacuna's own"  # where the constants of an own corruption come from
ENGINES = ("lacuna", "imagecorruptions")
SMALLEST_SIDE = 32  # no constants were ever published for less
BLOCK = 2**16  # values worked on at a time: as numbers of 64 bits they fit the cache of a core


@lru_cache
def _tables() -> dict:
    # libyaml's loader where PyYAML was built with it: 5 ms instead of 60.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load((Path(__file__).parent / "constants.yaml").read_bytes(), loader)


def official_tables(corruption: str) -> dict[int, dict]:
    """The official constants of a corruption, by the image size (the shorter side, in pixels) that they were published for.

    Each has `table` (that size), `source` (the program that they come from) and `severities`: five dicts of keyword arguments.
    """
    _check_corruption(corruption)
    return {
        table: {
            "table": table,
            "source": OWN_SOURCE if corruption in FAMILIES["own"] else _tables()["sources"][table],
            "severities": [
                {name: values[i] if isinstance(values, list) else values for name, values in columns.items()}
                for i in range(5)
            ],
        }
        for table, columns in _tables()["corruptions"][corruption].items()
    }


def nearest_table(tables: dict[int, dict], image_size: int) -> dict:
    """Of some `official_tables` the one whose size is nearest, the smaller of two equally near."""
    return tables[min(tables, key=lambda size: (abs(size - image_size), size))]


def constants_for(corruption: str, image_size: int) -> dict:
    """The official constants of a corruption for images of this size, as in `official_tables`."""
    return nearest_table(official_tables(corruption), image_size)


def corrupt(
    images: np.ndarray,
    corruption: str,
    severity: int,
    *,
    dataset: str,
    example_ids: Sequence[str],
    constants: dict | None = None,
    stream: str = "exact",
    engine: str = "lacuna",
) -> np.ndarray:
    """The images, corrupted: uint8[N, H, W, 3] from uint8[N, H, W, 3], always a new array.

    What happens to an image depends on itself, `dataset`, `corruption`, `severity` and its example id, on nothing else.
    Severity 0 is the images as they are. `constants` (as from `constants_for`) replaces the table of the images' size.

    The stream "exact" draws the random numbers that the published functions would draw from the same seed, "fast" others
    of the same distributions, in less time. The engine "imagecorruptions" calls that package instead, for comparison:
    it knows only its own constants, those of ImageNet-C, and one stream.
    """
    import numpy as np

    from .streams import KINDS, streams

    _check_corruption(corruption)
    if severity not in range(6):
        raise ValueError(f"severity must be 0 (unchanged), 1, 2, 3, 4 or 5, not {severity!r}")
    if stream not in KINDS:
        raise ValueError(f"there is no stream {stream!r}; there are {', '.join(KINDS)}")
    if engine not in ENGINES:
        raise ValueError(f"there is no engine {engine!r}; there are {', '.join(ENGINES)}")
    if engine == "imagecorruptions" and corruption in FAMILIES["own"]:
        raise ValueError(f"the engine imagecorruptions does not have {corruption}: leave the engine out")
    if engine == "imagecorruptions" and (constants is not None or stream != "exact"):
        raise ValueError("the engine imagecorruptions has constants and random numbers of its own: leave both out")
    if not isinstance(images, np.ndarray) or images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] != 3:
        is_array = isinstance(images, np.ndarray)
        found = f"{images.dtype} of shape {images.shape}" if is_array else type(images).__name__
        raise ValueError(f"images must be a NumPy array of uint8 and shape (N, H, W, 3), not {found}")
    height, width = images.shape[1:3]
    if min(height, width) < SMALLEST_SIDE:
        raise ValueError(f"images must be at least {SMALLEST_SIDE} pixels on each side, not {height} x {width}")
    if len(example_ids) != len(images):
        raise ValueError(f"{len(images)} images need as many example ids, not {len(example_ids)}")
    if len(set(example_ids)) != len(example_ids):
        raise ValueError("example ids must differ: two examples with the same id would get the same random numbers")

    if severity == 0:
        return images.copy()
    if engine == "imagecorruptions":
        from .by_imagecorruptions import corrupt_by_imagecorruptions

        return corrupt_by_imagecorruptions(images, corruption, severity, dataset, example_ids)
    constants = constants or constants_for(corruption, min(height, width))
    function = getattr(importlib.import_module(f".{CORRUPTIONS[corruption]}", __name__), corruption)
    corrupted = np.empty_like(images, order="C")
    step = max(1, BLOCK // images[0].size) if len(images) else 1
    for start in range(0, len(images), step):
        block = slice(start, start + step)
        chances = streams(stream, dataset, corruption, severity, example_ids[block])
        # Contiguous and writable, so that compiled functions meet one type of array only.
        pixels = np.require(images[block], requirements=("C", "W"))
        corrupted[block] = function(pixels, chances, **constants["severities"][severity - 1])
    return corrupted


def _check_corruption(corruption: str) -> None:
    if corruption not in CORRUPTIONS:
        raise ValueError(f"there is no corruption {corruption!r}; there are {', '.join(CORRUPTIONS)}")
