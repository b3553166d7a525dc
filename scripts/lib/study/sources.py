"""Where a study's images come from, as far as it can be said without reading them."""

import glob
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from scripts.lib.jobs.errors import InputError
from scripts.lib.jobs.natural_order import natural_order
from scripts.lib.study.celeba_files import check_celeba, lists_at
from scripts.lib.study.cifar_files import DOWNLOAD, check_cifar, files_at
from scripts.lib.study.downloads import is_download

# Source -> the keys that name its files, by split.
FILES: dict[str, dict[str, tuple[str, ...]]] = {
    "planted_digits": {"train": (), "test": ()},
    "image_folder": {"train": ("train",), "test": ("test",)},
    "imagenet": {"train": ("train",), "test": ("test",)},
    "arrays": {"train": ("train_images", "train_labels"), "test": ("test_images", "test_labels")},
    "idx": {"train": ("train_images", "train_labels"), "test": ("test_images", "test_labels")},
    "cifar": {"train": ("path",), "test": ("path",)},  # one folder or archive holds both
    "celeba": {"train": ("path",), "test": ("path",)},
    "parquet": {"train": ("train",), "test": ("test",)},
    "predictions": {},  # no images: the levels name files of predictions
}
# Published data sets of which one `path` holds everything: what checks it, and what names the files there that are followed.
PUBLISHED: dict[str, tuple[Callable[[str, dict, Path], None], Callable[[dict, Path], list[Path]]]] = {
    "cifar": (check_cifar, files_at),
    "celeba": (check_celeba, lists_at),
}
# The keys that name lists of what the pictures of a folder show.
LISTS: dict[str, tuple[str, ...]] = {"image_folder": ("train_labels", "test_labels"), "imagenet": ("test_labels",)}
FOLDERS = tuple(LISTS)  # sources whose splits are folders of pictures
SYNSETS = "synsets"  # the key of `imagenet` that names a file of the order in which ILSVRC numbers classes
NOT_DOWNLOADED = {
    "imagenet": "correct the path, or get ILSVRC2012_img_train.tar, ILSVRC2012_img_val.tar and the development kit from "
    "https://image-net.org/download (they need an account), unpack them and name the folders"
}
CLASSES = "classes"  # the key of a source that names a file of class names
EXAMPLES = "examples"  # the key of `predictions` that names a table of the examples
COLUMNS = {"image_folder": ("file_column", "label_column")}  # the keys that name columns of such lists
ARRAY = ".npy"
ROW_FILES = (".parquet", *(f"{text}{packed}" for text in (".csv", ".tsv", ".jsonl") for packed in ("", ".gz")))
PREDICTION_ENDINGS = (*ROW_FILES, ARRAY)
DENSE = "dense"  # of `predictions`: the dense level's files, which list the examples where there is no table of them


def expanded(path: str) -> Path:
    """A path with `~` replaced by the home folder; InputError if there is no such home."""
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise InputError(f"the path {path!r} cannot be used ({error}): write it without `~`.") from None


def matching(pattern: str) -> list[str]:
    """The files that a path or a pattern such as `~/data/test-*.parquet` names, in the order of their numbers: 2 before 10."""
    path = str(expanded(pattern))
    return [path] if Path(path).exists() else natural_order(glob.glob(path))  # noqa: PTH207 (Path.glob takes no absolute pattern)


def splits_of(source: str, options: dict) -> list[str]:
    """`test`, and `train` where the study names training images."""
    return [split for split, keys in FILES[source].items() if all(options[key] is not None for key in keys)]


def places_of(source: str, options: dict) -> dict[str, str]:
    """Where each split's labels come from, as the study writes it; of data that no file of the user's holds, nothing."""
    return {
        split: options.get(f"{split}_labels") or options[FILES[source][split][-1]]
        for split in splits_of(source, options)
        if FILES[source][split]
    }


def without_paths(source: str, options: dict) -> dict:
    """The options that do not depend on where somebody keeps the files."""
    paths = {
        CLASSES,
        EXAMPLES,
        SYNSETS,
        DENSE,
        *LISTS.get(source, ()),
        *(key for keys in FILES[source].values() for key in keys),
    }
    return {key: value for key, value in options.items() if key not in paths}


def check_files(source: str, options: dict) -> None:
    """Raise InputError if a file or folder that the study names is not there, or only half of a split is named."""
    if source in PUBLISHED:
        path, here = expanded(options["path"]), f"config key `data.{source}.path` is {options['path']!r}"
        check, _ = PUBLISHED[source]
        check(here, options, path)
        check_trackable(here, [str(path)])
        return
    for split, keys in FILES[source].items():
        named = [key for key in keys if options[key] is not None]
        if named and len(named) < len(keys):
            missing = next(key for key in keys if key not in named)
            raise InputError(
                f"config key `data.{source}.{missing}` is missing beside `{named[0]}`: name both, or neither."
            )
        for key in named:
            if source != "idx" or options[key] != DOWNLOAD:
                _check_path(source, key, options[key], f"a file (of the {split} split)")
    _check_lists(source, options)
    if options.get(CLASSES) is not None:
        _check_path(source, CLASSES, options[CLASSES], "a text file with one class name a line")
    if options.get(SYNSETS) is not None:
        _check_path(
            source, SYNSETS, options[SYNSETS], "meta.mat of ImageNet's development kit, or a text of WordNet ids"
        )
    if options.get(EXAMPLES) is not None:
        _check_path(source, EXAMPLES, options[EXAMPLES], "a table with one example a row, or an array of labels")


def _check_lists(source: str, options: dict) -> None:
    """Raise InputError for keys about lists of labels, or about the order of folders, that do not go together."""
    here = f"config key `data.{source}"
    named = [key for key in LISTS.get(source, ()) if options.get(key) is not None]
    for key in named:
        folder = key.removesuffix("_labels")
        if options[folder] is None:
            raise InputError(f"{here}.{folder}` is missing beside `{key}`: name the folder of the pictures too.")
        _check_path(source, key, options[key], "a file that says what each picture shows")
    columns = [key for key in COLUMNS.get(source, ()) if options.get(key) is not None]
    if len(columns) == 1 or (columns and not named):
        raise InputError(
            f"{here}.{columns[0]}` is of a list of labels: name its `file_column`, its `label_column` and the list, as `test_labels`."
        )
    if source == "image_folder" and options.get(CLASSES) is not None and options.get("order", "text") != "text":
        raise InputError(
            f"{here}.order` is {options['order']}, and `classes` has an order of its own: remove one of them."
        )


def _check_path(source: str, key: str, value: str, wanted: str) -> None:
    here = f"config key `data.{source}.{key}` is {value!r}"
    found = matching(value) if source == "parquet" and key != CLASSES else [str(expanded(value))]
    if not found or not all(Path(path).exists() for path in found):
        raise InputError(
            f"{here}, and there is nothing of that name: {NOT_DOWNLOADED.get(source, 'correct the path')}."
        )
    folders = source in FOLDERS and key in ("train", "test")
    if any(Path(path).is_dir() != folders for path in found):
        raise InputError(f"{here}: it must name {'a folder with one folder a class' if folders else wanted}.")
    if not folders:
        check_trackable(here, found)


def check_trackable(here: str, paths: list[str]) -> None:
    """Raise InputError for a path that snakemake would take for a pattern."""
    if any("{" in path or "}" in path for path in paths):
        raise InputError(f"{here}: snakemake reads braces as wildcards, so rename what has them.")


def tracked_files(source: str, options: dict) -> list[str]:
    """The files whose change makes the data anew. A folder of pictures is too large to look through at each start."""
    if source in PUBLISHED:
        _, files = PUBLISHED[source]
        return [str(file) for file in files(options, expanded(options["path"]))]
    keys = [key for keys in FILES[source].values() for key in keys] if source not in FOLDERS else []
    named = [
        options[key]
        for key in (*keys, *LISTS.get(source, ()), CLASSES, SYNSETS, EXAMPLES)
        if options.get(key) is not None
    ]
    if options.get(EXAMPLES) is None:
        named += options.get(DENSE, [])
    return [path for pattern in named for path in ([pattern] if is_download(pattern) else matching(pattern))]


def check_apart(files: dict[str, list[str]]) -> None:
    """Raise InputError if two levels name the same file; files: by level."""
    owner: dict[Path, str] = {}
    for level, paths in files.items():
        for path in paths:
            other = owner.setdefault(Path(path).resolve(), level)
            if other != level:
                raise InputError(
                    f"config key `levels`: `{other}` and `{level}` both name {path}: the models of two levels are others."
                )


def patterns(named: str | list[str]) -> list[str]:
    """One pattern or path, or several, as a list."""
    return [named] if isinstance(named, str) else list(named)


def check_level_files(key: str, named: str | list[str], endings: tuple[str, ...]) -> list[str]:
    """The files that a level names, by a pattern or one by one, in the order of their numbers; InputError for what is not there or has another ending."""
    found: list[str] = []
    for pattern in patterns(named):
        here = f"config key {key} is {pattern!r}"
        files = matching(pattern)
        if not files:
            raise InputError(f"{here}, and there is nothing of that name: correct the path.")
        for path in files:
            if Path(path).is_dir():
                raise InputError(
                    f"{here}, and {path} is a folder: name the files in it, as `{path.rstrip('/')}/*{endings[0]}`."
                )
            if not path.lower().endswith(endings):
                raise InputError(f"{here}, and {path} is none of {', '.join(endings)}: convert it, or name others.")
        check_trackable(here, files)
        found += files
    twice = next((path for path, times in Counter(found).items() if times > 1), None)
    if twice is not None:
        raise InputError(f"config key {key} names {twice} twice: name every file once.")
    return natural_order(found)
