"""The two layouts in which benchmarks of corruptions are published, written and read again.

cifar-10-c: `{corruption}.npy`, uint8[S * N, H, W, 3], all N images of the first severity, then all of the next; not saved as JPEG.
imagenet-c: `{corruption}/{severity}/{class}/{name}.JPEG`, of quality 85. Saving changes noise a lot, so the two are different benchmarks.
"""

import hashlib
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import Image

from scripts.lib.corrupted.subset import Chosen
from scripts.lib.data.dataset import load_images, load_manifest
from scripts.lib.data.pictures import EXTENSIONS
from scripts.lib.jobs.errors import InputError
from scripts.lib.jobs.files import sha256

ARRAYS, FOLDERS = "cifar-10-c", "imagenet-c"
QUALITY = 85
LONGEST_NAME = 255  # bytes, on all common file systems
VARIANTS = {
    ARRAYS: "in memory: the images were never saved as JPEG, as in CIFAR-10-C",
    FOLDERS: f"saved JPEG: quality {QUALITY}, optimized, 4:2:0, as in ImageNet-C; for noise this is another benchmark than in memory",
}


def class_folders(classes: list[str]) -> list[str]:
    """One folder name a class. Readers number the classes by the sorted names, so these are the names only where that gives the labels."""
    usable = all(
        name.isprintable() and name == PurePosixPath(name).name and name[:1] not in ("", ".") for name in classes
    )
    if usable and sorted(set(classes)) == classes:
        return classes
    digits = len(str(len(classes) - 1))
    return [f"{label:0{digits}d}" for label in range(len(classes))]


def jpeg_files(example: list[str], label: list[int], folders: list[str]) -> list[str]:
    """`class/name.JPEG` for each example; InputError where two would share one."""
    files, owner = [], {}
    for name, number in zip(example, label, strict=True):
        last = PurePosixPath(name)
        stem = last.stem if last.suffix.lower() in EXTENSIONS else last.name
        file = f"{folders[number]}/{stem}.JPEG"
        if len(f"{stem}.JPEG".encode()) > LONGEST_NAME:
            raise InputError(
                f"the example {name!r} has too long a name for a file: rename it, or use the layout {ARRAYS}."
            )
        if file in owner:
            raise InputError(
                f"the examples {owner[file]!r} and {name!r} would both be saved as {file}: rename one, or use the layout {ARRAYS}."
            )
        owner[file] = name
        files.append(file)
    return files


def as_jpeg(image: np.ndarray) -> bytes:
    """The file of uint8[H, W, 3], as the program that made ImageNet-C saves it."""
    content = io.BytesIO()
    Image.fromarray(image).save(content, "JPEG", quality=QUALITY, optimize=True)
    return content.getvalue()


@dataclass(frozen=True)
class Variant:
    """N images of one corruption and severity."""

    corruption: str
    severity: int
    images: np.ndarray | list[tuple[Path, str]]  # uint8[N, H, W, 3], or JPEG files with their SHA-256
    rows: np.ndarray | None = None  # which of an array's images; None for all

    def batches(self, size: int) -> Iterator[np.ndarray]:
        """All images in order, uint8[n, H, W, 3] with at most `size` at a time; InputError for a file that is missing or changed."""
        for start in range(0, len(self.images if self.rows is None else self.rows), size):
            part = (
                self.images[start : start + size] if self.rows is None else self.images[self.rows[start : start + size]]
            )
            yield part if isinstance(part, np.ndarray) else np.stack([_read_jpeg(*file) for file in part])


def _read_jpeg(path: Path, digest: str) -> np.ndarray:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}): corrupt the images again.") from None
    if hashlib.sha256(content).hexdigest() != digest:
        raise InputError(
            f"{path} is not the file that was made: delete its list in shards/, and snakemake makes it again."
        )
    with Image.open(io.BytesIO(content)) as picture:
        return np.asarray(picture)


def load_variants(files: list[str], manifests: list[str], chosen: Chosen, chosen_digest: str) -> list[Variant]:
    """The variants that some manifests describe; files: beside each manifest its array, or its list of JPEGs.

    Raises InputError unless everything was made from the chosen examples in their order.
    """
    parts: dict[tuple[str, int], list] = {}
    for file, path in zip(files, manifests, strict=True):
        made = load_manifest(path)
        if made["examples_sha256"] != chosen_digest:
            raise InputError(
                f"{file} was made from other examples, or in another order: delete it, and snakemake makes it again."
            )
        read = _arrays if made["layout"] == ARRAYS else _files
        for severity, images in read(file, made, len(chosen)):
            parts.setdefault((made["corruption"], severity), []).append(images)
    variants = []
    for (corruption, severity), images in parts.items():
        joined = images[0] if isinstance(images[0], np.ndarray) else [file for shard in images for file in shard]
        expected = [f"{corruption}/{severity}/{file}" for file in chosen.file]
        if isinstance(joined, list) and ["/".join(path.parts[-4:]) for path, _ in joined] != expected:
            raise InputError(
                f"the shards of {corruption} {severity} do not make up the chosen examples: make them anew."
            )
        variants.append(Variant(corruption, severity, joined))
    return variants


def _arrays(file: str, made: dict, count: int) -> Iterator[tuple[int, np.ndarray]]:
    _check(file, made)
    stacked, severities = load_images(file, mapped=True), made["severities"]
    if len(stacked) != len(severities) * count:
        raise InputError(
            f"{file} holds {len(stacked)} images instead of {len(severities)} x {count}: delete it, and snakemake makes it again."
        )
    yield from zip(severities, np.split(stacked, len(severities)), strict=True)


def listed_files(path: str | Path) -> Iterator[tuple[int, str, str]]:
    """Severity, SHA-256 and file (`corruption/severity/class/name.JPEG`) of each line of a shard's list."""
    for line in Path(path).read_text(encoding="utf-8").splitlines():
        digest, file = line.split("  ", 1)
        yield int(file.split("/")[1]), digest, file


def _files(file: str, made: dict, count: int) -> Iterator[tuple[int, list[tuple[Path, str]]]]:
    _check(file, made)
    root = Path(file).parents[2]
    found: dict[int, list] = {severity: [] for severity in made["severities"]}
    for severity, digest, path in listed_files(file):
        found[severity].append((root / path, digest))
    yield from found.items()


def _check(file: str, made: dict) -> None:
    if sha256(file) != made["file_sha256"]:
        raise InputError(
            f"{file} is not the file that its manifest describes: delete it, and snakemake makes it again."
        )
