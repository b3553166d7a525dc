"""Where a study's images come from, as far as it can be said without reading them."""

import glob
from pathlib import Path

from scripts.lib.errors import InputError

# Source -> the keys that name its files, by split.
FILES: dict[str, dict[str, tuple[str, ...]]] = {
    "planted_digits": {"train": (), "test": ()},
    "image_folder": {"train": ("train",), "test": ("test",)},
    "arrays": {"train": ("train_images", "train_labels"), "test": ("test_images", "test_labels")},
    "parquet": {"train": ("train",), "test": ("test",)},
}


def matching(pattern: str) -> list[str]:
    """The files and folders that a path or a pattern such as `~/data/test-*.parquet` names, sorted."""
    path = str(Path(pattern).expanduser())
    return [path] if Path(path).exists() else sorted(glob.glob(path))  # noqa: PTH207 (Path.glob takes no absolute pattern)


def splits_of(source: str, options: dict) -> list[str]:
    """`test`, and `train` where the study names training images."""
    return [split for split, keys in FILES[source].items() if all(options[key] is not None for key in keys)]


def check_files(source: str, options: dict) -> None:
    """Raise InputError if a file or folder that the study names is not there, or only half of a split is named."""
    for split, keys in FILES[source].items():
        named = [key for key in keys if options[key] is not None]
        if named and len(named) < len(keys):
            missing = next(key for key in keys if key not in named)
            raise InputError(
                f"config key `data.{source}.{missing}` is missing beside `{named[0]}`: name both, or neither."
            )
        for key in named:
            found = matching(options[key])
            if not found:
                raise InputError(
                    f"config key `data.{source}.{key}` is {options[key]!r}, and there is nothing of that name: correct the path."
                )
            if any(Path(path).is_dir() != (source == "image_folder") for path in found):
                wanted = (
                    "a folder with one folder a class" if source == "image_folder" else f"a file (of the {split} split)"
                )
                raise InputError(f"config key `data.{source}.{key}` is {options[key]!r}: it must name {wanted}.")


def tracked_files(source: str, options: dict) -> list[str]:
    """The files whose change makes the data anew. Of a folder of pictures there are none: it is too large to look through at each start."""
    if source == "image_folder":
        return []
    keys = [key for keys in FILES[source].values() for key in keys if options[key] is not None]
    classes = [options["classes"]] if options.get("classes") else []
    return [path for pattern in [*(options[key] for key in keys), *classes] for path in matching(pattern)]
