"""Corrupting many images in little memory: a few are read, all their severities made, and the next are read."""

from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version

import numpy as np

from scripts.lib.corruptions import corrupt
from scripts.lib.data.dataset import Examples, pixels_digest
from scripts.lib.jobs.errors import InputError
from scripts.lib.jobs.job import ImageProgress

CLEAN = "clean"  # what severity 0 goes by where a corruption is named
CHUNK = 4 * 2**20  # bytes of images that are read at a time
# What the bytes of a corrupted image can depend on.
PACKAGES = (
    "numpy",
    "scipy",
    "numba",
    "pillow",
    "scikit-image",
    "opencv-python-headless",
    "opencv-python",
    "imagecorruptions-imaug",
)


def severities_of(corruption: str, severities: list[int]) -> list[int]:
    """The severities of a corruption: those of the study, and 0 for the clean images."""
    return [0] if corruption == CLEAN else list(severities)


def corrupted_chunks(
    images: np.ndarray,
    examples: Examples,
    positions: np.ndarray,
    dataset: str,
    corruption: str,
    severities: list[int],
    **options,
) -> Iterator[tuple[int, int, np.ndarray]]:
    """Corrupt images[positions]; yields severity, index of the first in `positions`, and uint8[n, H, W, 3].

    images: uint8[M, H, W, 3], mapped or not, held against the digests in `examples`. options: `constants`, `engine` and `stream`
    of scripts.lib.corruptions.corrupt.
    """
    progress = ImageProgress(len(positions) * len(severities), corruption)
    step = max(1, CHUNK // max(1, int(np.prod(images.shape[1:]))))
    for start in range(0, len(positions), step):
        chosen = positions[start : start + step]
        chunk = np.ascontiguousarray(images[chosen])
        ids = [str(example) for example in examples.example[chosen]]
        for image, digest, example in zip(chunk, examples.pixels[chosen], ids, strict=True):
            if pixels_digest(image) != digest:
                raise InputError(
                    f"the test image {example!r} is not the one that was prepared: delete data/test.npy, and snakemake makes it again."
                )
        for severity in severities:
            made = (
                chunk
                if corruption == CLEAN
                else corrupt(chunk, corruption, severity, dataset=dataset, example_ids=ids, **options)
            )
            yield severity, start, made
            progress.advance(len(chunk))


def versions() -> dict[str, str]:
    """The versions of the packages that made the images."""
    found = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
