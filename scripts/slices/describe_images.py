"""image_statistics.parquet: how bright, sharp, colourful … each test image is, whatever it shows."""

from collections.abc import Iterator

import numpy as np

from scripts.lib.annotations.column import NUMBER, Column, save_columns
from scripts.lib.audit.image_statistics import STATISTICS, statistics_of
from scripts.lib.data.dataset import load_split
from scripts.lib.jobs.job import logged

PIXELS = 2**18  # of images that are looked at together: few enough to stay in a processor's cache


def batches(images: np.ndarray) -> Iterator[np.ndarray]:
    """Images uint8[N, H, W, 3], which may be mapped, as many at a time as have PIXELS."""
    together = max(1, PIXELS // (images.shape[1] * images.shape[2]))
    yield from (np.asarray(images[first : first + together]) for first in range(0, len(images), together))


def described(images: np.ndarray) -> list[Column]:
    """The statistics of images uint8[N, H, W, 3] as columns."""
    parts = [statistics_of(batch) for batch in batches(images)]
    return [Column(name, NUMBER, np.concatenate([part[name] for part in parts])) for name in STATISTICS]


def main(input, output) -> None:
    """Read the test images, write image_statistics.parquet."""
    images, examples, _ = load_split(input.images, input.examples, input.data, "test", mapped=True)
    columns = described(images)
    for column in columns:
        low, middle, high = np.quantile(column.values, [0.1, 0.5, 0.9])
        print(f"{column.name}: a tenth below {low:.3g}, half below {middle:.3g}, a tenth above {high:.3g}")
    save_columns(output.statistics, examples.example, columns)


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake.input, snakemake.output)  # noqa: F821
