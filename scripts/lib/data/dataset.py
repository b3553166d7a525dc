"""A data set on disk: images as `.npy`, one row an example in `examples.parquet`, and a manifest that vouches for both."""

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import IO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from scripts.lib.jobs.errors import InputError
from scripts.lib.jobs.files import replacing, reserve, sha256, write_text
from scripts.lib.jobs.streams import key

COLUMNS = ("example", "split", "label", "shown", "kind", "class_frequency", "pixels")


@dataclass(frozen=True)
class Examples:
    """One split of the example table; arrays of length N in the order of the split's images."""

    example: np.ndarray  # str: a stable id, never a position in a loader
    label: np.ndarray  # int64: the label as given
    kind: np.ndarray  # str: what was planted, `typical` if nothing
    shown: np.ndarray  # int64: the class that the image shows, where that is known to differ from the label
    class_frequency: (
        np.ndarray
    )  # int64: training images that are labelled with the class shown; NaN without any training images
    pixels: np.ndarray  # str: digest of the image, as `pixels_digest` makes it

    def __len__(self) -> int:
        return len(self.example)

    def take(self, positions: np.ndarray) -> "Examples":
        """The examples at these positions."""
        return Examples(*(getattr(self, field.name)[positions] for field in fields(self)))

    def sample_per_class(self, count: int) -> np.ndarray:
        """Positions of `count` examples of each class, in table order, as a hash of their ids chooses them.

        The same examples whatever the order of the table is, and no favourites of that order.
        """
        drawn = np.array([key("sample", example) for example in self.example], dtype=object)
        chosen = np.zeros(len(self), dtype=bool)
        for label in np.unique(self.label):
            members = np.flatnonzero(self.label == label)
            chosen[members[np.argsort(drawn[members])[:count]]] = True
        return np.flatnonzero(chosen)


def pixels_digest(image: np.ndarray) -> str:
    """32 hexadecimal digits for uint8[H, W, 3]: those of equal images of equal size are equal."""
    return hashlib.blake2b(np.ascontiguousarray(image), digest_size=16).hexdigest()


@contextmanager
def writing_images(
    path: str | Path, shape: tuple[int, int, int, int], at_most: bool = False
) -> Iterator[Callable[[int, np.ndarray], None]]:
    """Yield a function (index of the first, images) that writes uint8[n, H, W, 3] to a `.npy` of this shape, in any order.

    at_most: there may be fewer images in the end, written from the first one on; the file then has as many.
    The disk space is taken before the first image. The file appears whole or not at all.
    """
    image, written = int(np.prod(shape[1:])), 0
    with replacing(path) as beside, beside.open("wb") as file:
        header = _write_header(file, shape)
        reserve(file, header + shape[0] * image)

        def put(index: int, images: np.ndarray) -> None:
            nonlocal written
            file.seek(header + index * image)
            file.write(np.ascontiguousarray(images, dtype=np.uint8))
            written += images.nbytes

        yield put
        if at_most and written < shape[0] * image:
            shape = (written // image, *shape[1:])
            file.truncate(header + written)
            if _write_header(file, shape) != header:
                raise ValueError(f"the header of {path} has another length for fewer images.")
        if written != shape[0] * image:
            raise ValueError(f"{written} of {shape[0] * image} bytes of {path} were written.")


def _write_header(file: IO[bytes], shape: tuple[int, ...]) -> int:
    """Write what a `.npy` of uint8 begins with, and return its length. numpy leaves room in it for longer numbers of images."""
    file.seek(0)
    np.lib.format.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": shape})
    return file.tell()


def load_images(path: str | Path, digest: str | None = None, mapped: bool = False) -> np.ndarray:
    """Read uint8[N, H, W, 3], or map it; InputError if the file is damaged or not the one its manifest describes."""
    _check_digest(path, digest)
    try:
        images = np.load(path, mmap_mode="r" if mapped else None, allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise InputError(f"{path} cannot be read ({error}): delete it, and snakemake makes it again.") from None
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] != 3:
        raise InputError(
            f"{path} holds {images.dtype}{list(images.shape)} instead of uint8 images [N, H, W, 3]: make it anew."
        )
    return images


def _check_digest(path: str | Path, digest: str | None) -> None:
    if digest is not None and sha256(path) != digest:
        raise InputError(
            f"{path} is not the file that its manifest describes: delete it, and snakemake makes it again."
        )


def save_examples(path: str | Path, columns: dict[str, np.ndarray]) -> None:
    """Write the example table; it must have COLUMNS and may have more."""
    missing = [name for name in COLUMNS if name not in columns]
    if missing:
        raise ValueError(f"the example table lacks the columns {missing}.")
    with replacing(path) as beside:
        pq.write_table(
            pa.table({name: pa.array(values) for name, values in columns.items()}), beside, compression="zstd"
        )


def load_examples(path: str | Path, split: str, digest: str | None = None) -> Examples:
    """One split of the example table; InputError if it is damaged, empty, not the one its manifest describes, or an id appears twice."""
    _check_digest(path, digest)
    try:
        table = pq.read_table(path, filters=[("split", "==", split)])
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{path} cannot be read ({error}): delete it, and snakemake makes it again.") from None
    missing = [name for name in COLUMNS if name not in table.column_names]
    if missing:
        raise InputError(f"{path} lacks the columns {', '.join(missing)}: make it anew.")
    columns = {field.name: table[field.name].to_numpy() for field in fields(Examples)}
    if table.num_rows == 0:
        raise InputError(f"{path} has no example of the split `{split}`: check the study's `data` section.")
    if len(np.unique(columns["example"])) != table.num_rows:
        raise InputError(f"{path} names an example twice in the split `{split}`: ids must be unique.")
    return Examples(**columns)


def save_manifest(path: str | Path, manifest: dict) -> None:
    """Write a manifest as JSON with sorted keys, so that equal manifests are equal files."""
    write_text(path, json.dumps(manifest, indent=2, sort_keys=True) + "\n")


def load_manifest(path: str | Path) -> dict:
    """Read a manifest; InputError if it is damaged."""
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError, OSError) as error:
        raise InputError(f"{path} cannot be read ({error}): delete it, and snakemake makes it again.") from None


def load_split(
    images: str | Path, examples: str | Path, manifest: str | Path, split: str, mapped: bool = False
) -> tuple[np.ndarray, Examples, dict]:
    """Images, examples and manifest of a split; InputError unless all three belong together.

    Where the images are mapped instead of read, their bytes are not looked at here: hold those that are used against the digests in
    `Examples.pixels`.
    """
    description = load_manifest(manifest)
    pictures = load_images(images, None if mapped else description["sha256"][split], mapped)
    table = load_examples(examples, split, description["sha256"]["examples"])
    if len(table) != len(pictures):
        raise InputError(
            f"{images} holds {len(pictures)} images and {examples} describes {len(table)}: make both anew."
        )
    return pictures, table, description
