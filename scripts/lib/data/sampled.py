"""Some test images, chosen by their ids: the same ones whatever the order of the data is, and for whichever model."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from scripts.lib.data.dataset import Examples, load_split, pixels_digest
from scripts.lib.jobs.errors import InputError
from scripts.lib.jobs.streams import key


@dataclass(frozen=True)
class SampledImages:
    """The chosen images, which stay on disk until they are asked for, and their examples."""

    path: str
    pictures: np.ndarray  # uint8[N, H, W, 3] of the whole split, mapped
    positions: np.ndarray  # int64[n], ascending
    examples: Examples  # of the chosen ones

    def __len__(self) -> int:
        return len(self.positions)

    def batches(self, size: int) -> Iterator[np.ndarray]:
        """uint8[at most size, H, W, 3], in order; InputError for an image that is not the one that the examples describe."""
        for start in range(0, len(self), size):
            images = np.array(self.pictures[self.positions[start : start + size]])
            known = self.examples.pixels[start : start + size]
            if any(pixels_digest(image) != digest for image, digest in zip(images, known, strict=True)):
                raise InputError(
                    f"{self.path} is not the file that its examples describe: delete it, and snakemake makes it again."
                )
            yield images


def sample_images(images: str, examples: str, manifest: str, count: int | None, why: str) -> SampledImages:
    """`count` test images, None for all; why: the config key that asks for them. InputError if there are fewer."""
    pictures, table, _ = load_split(images, examples, manifest, "test", mapped=True)
    if count is not None and count > len(table):
        raise InputError(
            f"config key `{why}` is {count} and {images} holds {len(table)} images: ask for fewer, or null for all."
        )
    positions = np.sort(_shuffled(table.example)[:count])
    return SampledImages(images, pictures, positions, table.take(positions))


def first_half(example: np.ndarray) -> np.ndarray:
    """Which examples are in the first of two halves, bool[n]: every other one in the order of a hash of their ids."""
    inside = np.zeros(len(example), dtype=bool)
    inside[_shuffled(example)[::2]] = True
    return inside


def _shuffled(example: np.ndarray) -> np.ndarray:
    """Positions int64[n] in the order of a hash of the ids."""
    return np.argsort(np.array([key("layers", each) for each in example], dtype=object), kind="stable")
