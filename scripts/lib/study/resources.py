"""What jobs ask a cluster for: memory and time that follow from the study's size, and more of both at every further attempt.

These are generous guesses, not measurements: `snakemake estimate` measures. A job that asked for too little is stopped by the scheduler
and started again with more; training then goes on from its checkpoint.
"""

from collections.abc import Sequence
from pathlib import Path

DAY = 24 * 60  # minutes; a usual limit of clusters, and a job that trains needs no longer one
MARGIN = 2  # copies of the images that a job holds in memory: its own, and batches and predictions
TRAINING = 4  # minutes for a model to see 1 GB of pixels once; small networks on one core of a CPU and large ones on a GPU take about a quarter
PREDICTION = 2  # the same without the way back


def image_bytes(files: str | Path | Sequence[str | Path]) -> int:
    """The size of a job's files of images. Raises FileNotFoundError while one of them is not made yet."""
    files = [files] if isinstance(files, str | Path) else files
    return sum(Path(file).stat().st_size for file in files)


def arrays(files: str | Path | Sequence[str | Path]) -> list[str | Path]:
    """Those of the files that a job reads into memory as a whole; shards and lists of pictures are read piece by piece."""
    files = [files] if isinstance(files, str | Path) else files
    return [file for file in files if Path(file).suffix == ".npy"]


def memory(base: int, images: int, attempt: int) -> int:
    """Megabytes for a job's attempt: `base` for all but its images, of which it reads so many bytes."""
    return attempt * (base + _rounded_up(MARGIN * images, 10**6))


def minutes(base: int, attempt: int) -> int:
    """Minutes for a job's attempt: `base` at the first, a day at most or what the rule says itself."""
    return min(attempt * base, max(base, DAY))


def training_minutes(base: int, models: int, epochs: int, images: int, attempt: int) -> int:
    """Minutes to train so many models for so many epochs on so many bytes of images, one after the other, besides `base`."""
    return min(DAY, attempt * (base + _rounded_up(TRAINING * models * epochs * images, 10**9)))


def prediction_minutes(base: int, models: int, images: int, attempt: int) -> int:
    """Minutes for so many models to look once at so many bytes of images, besides `base`."""
    return min(DAY, attempt * (base + _rounded_up(PREDICTION * models * images, 10**9)))


def _rounded_up(part: int, whole: int) -> int:
    return -(-part // whole)
