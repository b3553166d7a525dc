"""CIFAR-10 and CIFAR-100 as published, in a folder or in the archive; an example's id is its position in its split.

The positions are those of torchvision and of CIFAR-10H. Files are read and not unpacked, and nothing in them is run.
"""

import hashlib
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from scripts.lib.data.plain_pickle import load_plain
from scripts.lib.data.split import Picture, Split
from scripts.lib.jobs.errors import InputError
from scripts.lib.study.cifar_files import PUBLISHED, Published, files_at
from scripts.lib.study.sources import expanded

SHAPE = (3, 32, 32)  # of a row: all of red, then green, then blue, each row after row


def read_cifar(options: dict) -> tuple[dict[str, Split], list[str]]:
    """Both splits, and the class names of the fine or the coarse labels."""
    published, path = PUBLISHED[options["name"]], expanded(options["path"])
    contents = _contents(options, path)
    key, names_key = published.labels[options["labels"]]
    classes = _names(contents.pop(published.meta), names_key, f"{path}/{published.meta}")
    splits = {}
    for split, files in (("train", published.train), ("test", published.test)):
        batches = [_batch(contents.pop(file), key, len(classes), f"{path}/{file}") for file in files]
        label = np.concatenate([labels for _, labels in batches])
        pictures = _pictures([images for images, _ in batches], [f"{path}/{file}" for file in files])
        splits[split] = Split([str(position) for position in range(len(label))], label, pictures)
    return splits, classes


def _contents(options: dict, path: Path) -> dict[str, bytes]:
    """The files' bytes by name; InputError for what cannot be read or is not as published."""
    published = PUBLISHED[options["name"]]
    try:
        if options["verify"] == "published":
            for file in files_at(options, path):
                _check_md5(file, published)
        return _in_folder(path, published) if path.is_dir() else _in_archive(path, published)
    except (tarfile.TarError, EOFError, OSError, zlib.error) as error:
        raise InputError(f"{path} is damaged, no archive or not readable ({error}): replace it.") from None


def _check_md5(file: Path, published: Published) -> None:
    """Raise InputError for a file that is not the published one."""
    name = file.name if file.name in published.files else published.archive
    with file.open("rb") as opened:
        found = hashlib.file_digest(opened, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
    if found != published.md5[name]:
        raise InputError(
            f"{file} has the MD5 checksum {found} and the published {name} has {published.md5[name]}: get it from "
            "https://www.cs.toronto.edu/~kriz/cifar.html, or write `verify: none` for a file of your own."
        )


def _in_folder(path: Path, published: Published) -> dict[str, bytes]:
    return {file: (path / file).read_bytes() for file in published.files}


def _in_archive(path: Path, published: Published) -> dict[str, bytes]:
    """The files' bytes by name, read in one go from front to back; InputError if one is not there."""
    wanted = {f"{published.folder}/{file}": file for file in published.files}
    contents = {}
    with tarfile.open(path, "r|*") as archive:
        for member in archive:
            file = wanted.get(member.name.removeprefix("./"))
            if file is not None and member.isfile():
                contents[file] = archive.extractfile(member).read()
    missing = next((name for name, file in wanted.items() if file not in contents), None)
    if missing is not None:
        raise InputError(f"{path} has no {missing} in it: bring {published.archive} as published.")
    return contents


def _names(content: bytes, key: str, where: str) -> list[str]:
    names = load_plain(content, where).get(key)
    if not isinstance(names, list) or not names or not all(isinstance(name, str) and name for name in names):
        raise InputError(f"{where} has no list of class names `{key}`: replace it.")
    if len(set(names)) < len(names):
        raise InputError(
            f"{where} has two classes of one name in `{key}`: a name means one class, so tell the two apart."
        )
    return names


def _batch(content: bytes, key: str, classes: int, where: str) -> tuple[np.ndarray, np.ndarray]:
    """A file's images, uint8[N, 32, 32, 3], and their labels, int64[N]."""
    batch = load_plain(content, where)
    rows, labels = batch.get("data"), batch.get(key)
    if not isinstance(rows, np.ndarray) or rows.ndim != 2 or rows.shape[1] != np.prod(SHAPE):
        found = f"uint8{list(rows.shape)}" if isinstance(rows, np.ndarray) else "no array"
        raise InputError(f"{where} holds {found} as `data`: it must be uint8 [N, 3072], one row an image.")
    if not isinstance(labels, list) or not all(type(label) is int for label in labels):
        raise InputError(f"{where} has no list of whole numbers `{key}`: replace it.")
    if len(labels) != len(rows) or not labels:
        raise InputError(f"{where} has {len(rows)} images and {len(labels)} labels: one label an image is needed.")
    wrong = next((row for row, label in enumerate(labels) if not 0 <= label < classes), None)
    if wrong is not None:
        raise InputError(
            f"{where} has the label {labels[wrong]} in row {wrong}, and there are {classes} class names: labels must be from 0 to {classes - 1}."
        )
    return rows.reshape(-1, *SHAPE).transpose(0, 2, 3, 1), np.array(labels, dtype=np.int64)


def _pictures(batches: list[np.ndarray], files: list[str]) -> Iterator[Picture]:
    for images, file in zip(batches, files, strict=True):
        for row, image in enumerate(images):
            yield f"image {row} of {file}", image
