"""Pictures in one folder per class, as torchvision's ImageFolder has them; an example's id is its path in the folder."""

import os
from pathlib import Path

import numpy as np

from scripts.lib.data.pictures import EXTENSIONS
from scripts.lib.data.sources import expanded, splits_of
from scripts.lib.data.split import Split, check_ids
from scripts.lib.errors import InputError


def read_image_folder(options: dict) -> tuple[dict[str, Split], list[str]]:
    """The splits that the study names, and the class names: the folders' names in their order."""
    folders = {split: expanded(options[split]) for split in splits_of("image_folder", options)}
    classes = {split: _classes(folder) for split, folder in folders.items()}
    if len(classes) == 2 and classes["train"] != classes["test"]:
        odd = sorted(set(classes["train"]) ^ set(classes["test"]))
        raise InputError(
            f"{folders['train']} and {folders['test']} must have folders of the same names, and only one has {odd[0]}: add it."
        )
    return {split: _split(folder, classes[split]) for split, folder in folders.items()}, classes["test"]


def _classes(folder: Path) -> list[str]:
    names = sorted(entry.name for entry in os.scandir(folder) if entry.is_dir())
    if not names:
        raise InputError(f"{folder} has no folders: an image folder has one for each class.")
    return names


def _split(folder: Path, classes: list[str]) -> Split:
    files, label, ignored = [], [], []
    visited: set[str] = set()
    for number, name in enumerate(classes):
        before = len(files)
        for parent, folders, found in os.walk(folder / name, followlinks=True):
            folders.sort()
            real = os.path.realpath(parent)
            if real in visited:
                raise InputError(f"{parent} leads to {real}, which was read already: remove the link.")
            visited.add(real)
            for file in sorted(found):
                is_picture = file.lower().endswith(EXTENSIONS) and not file.startswith(".")
                (files if is_picture else ignored).append(Path(parent, file))
        label += [number] * (len(files) - before)
        if len(files) == before:
            raise InputError(
                f"{folder / name} has no pictures ({', '.join(EXTENSIONS)}): add some, or remove the folder (in training as in test)."
            )
    if ignored:
        print(f"{folder}: {len(ignored)} files are no pictures by their names and were ignored, as {ignored[0]}")
    example = [file.relative_to(folder).as_posix() for file in files]
    check_ids(example, str(folder))
    return Split(example, np.array(label), ((str(file), file) for file in files))
