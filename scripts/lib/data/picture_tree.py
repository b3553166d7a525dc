"""All pictures under a folder, and what else lies there."""

import errno
import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from scripts.lib.data.litter import is_litter
from scripts.lib.data.pictures import EXTENSIONS
from scripts.lib.jobs.errors import InputError

NO_ENDING = "no ending"


@dataclass
class PictureTree:
    """Paths in the folder, with slashes: of each folder first its own files, then its folders, both as sorted texts."""

    root: Path
    pictures: list[str] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)  # without the root
    skipped_folders: list[str] = field(default_factory=list)
    skipped_files: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)  # files that are no pictures by their names

    def top_folders(self) -> list[str]:
        """The folders directly in the root."""
        return [folder for folder in self.folders if "/" not in folder]

    def left_out(self) -> dict[str, int]:
        """How many of what was left out; what was not is not named. Says so in the log, with the endings of files that are no pictures."""
        found = {
            "hidden or system folders": self.skipped_folders,
            "hidden or system files": self.skipped_files,
            "files that are no pictures by their names": self.others,
        }
        for what, paths in found.items():
            if paths:
                by_ending = Counter(PurePosixPath(path).suffix.lower() or NO_ENDING for path in paths).most_common(5)
                endings = ", ".join(f"{ending} {count}" for ending, count in by_ending)
                of_which = f" ({endings})" if paths is self.others else ""
                print(f"{self.root}: left out: {what}: {len(paths)}{of_which}, as {paths[0]}")
        return {what: len(paths) for what, paths in found.items() if paths}


def read_tree(root: Path) -> PictureTree:
    """Look through a folder and all folders in it, links to folders too.

    Raises InputError for folders that may not be read, and for a link to a folder that was read already.
    """
    tree, waiting = PictureTree(root), [""]
    visited: set[str] = set()
    unreadable: list[str] = []
    while waiting:
        here = waiting.pop()
        path = os.path.join(root, here)  # noqa: PTH118 (a path for each of a million files takes seconds)
        real = os.path.realpath(path)
        if real in visited:
            raise InputError(f"{path} leads to {real}, which was read already: remove the link.")
        visited.add(real)
        try:
            files, folders = _entries(path)
        except OSError as error:
            unreadable.append(f"{error.filename} ({error.strerror})")
            continue
        if here:
            tree.folders.append(here)
        prefix = f"{here}/" if here else ""
        for name in sorted(files):
            if is_litter(name):
                tree.skipped_files.append(prefix + name)
            else:
                (tree.pictures if name.lower().endswith(EXTENSIONS) else tree.others).append(prefix + name)
        tree.skipped_folders += [prefix + name for name in sorted(folders) if is_litter(name)]
        waiting += [prefix + name for name in sorted(folders, reverse=True) if not is_litter(name)]
    if unreadable:
        what = "a folder" if len(unreadable) == 1 else f"{len(unreadable)} folders"
        raise InputError(
            f"{root} has {what} that may not be read, as {unreadable[0]}: give yourself the right to read, or take it out, because what is "
            "in there would be missing without a word."
        )
    return tree


def _entries(path: str) -> tuple[list[str], list[str]]:
    """The names of the files and of the folders in a folder; what a link that leads nowhere names counts as a file."""
    files, folders = [], []
    with os.scandir(path) as entries:
        for entry in entries:
            try:
                is_folder = entry.is_dir()
            except OSError as error:
                if error.errno != errno.ELOOP:  # else a link to itself, and no folder
                    raise
                is_folder = False
            (folders if is_folder else files).append(entry.name)
    return files, folders
