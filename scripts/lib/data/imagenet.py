"""ImageNet (ILSVRC2012) as it is unpacked: class folders called by WordNet ids, and validation pictures with or without them.

Labels are positions of the sorted WordNet ids, as torchvision and nearly all published weights count. An example's id is its file's name,
so that it is the same whether the validation pictures are in class folders or not.
"""

import re
from pathlib import PurePosixPath

import numpy as np

from scripts.lib.data.class_order import Classes, key
from scripts.lib.data.image_folder import Labelled, by_list, classes_of, labels_of, read_labelled
from scripts.lib.data.label_list import match_pictures
from scripts.lib.data.picture_tree import read_tree
from scripts.lib.data.split import Split, check_ids
from scripts.lib.data.text_file import read_lines
from scripts.lib.jobs.errors import InputError
from scripts.lib.study.sources import expanded, splits_of

WORDNET_ID = re.compile(r"n[0-9]{8}")
NUMBER = re.compile(r"[0-9]+")
CLASSES, PICTURES = 1000, {"train": 1_281_167, "test": 50_000}  # Russakovsky et al. 2015, table 2
ORDER = "the WordNet ids"
KIT = "meta.mat of the development kit, or a text with a WordNet id a line in the order of ILSVRC's numbers"


def read_imagenet(options: dict) -> tuple[dict[str, Split], list[str]]:
    """The splits that the study names, and the class names: WordNet ids, or what the file `classes` calls them."""
    labelled = {split: _read(split, options) for split in splits_of("imagenet", options)}
    for each in labelled.values():
        _check_wordnet_ids(each)
    classes = _sorted(classes_of(labelled, options))
    if options["verify"] == "published":
        _check_counts(labelled, classes)
    print(f"{len(classes.names)} classes, in the order of {classes.order}: {', '.join(classes.names[:5])}")
    splits = {}
    for name, each in labelled.items():
        splits[name] = split = each.split(labels_of(each, classes), classes)
        split.example = [PurePosixPath(picture).name for picture in split.example]
        check_ids(split.example, str(each.tree.root), "ImageNet's file names are unique, so remove one")
    return splits, classes.names


def _read(split: str, options: dict) -> Labelled:
    """The pictures of a split, by folders, by a list, or by the ground truth of the development kit."""
    truth = options["test_labels"] if split == "test" else None
    numbers = None if truth is None else read_ground_truth(str(expanded(truth)))
    if numbers is None:
        return read_labelled(options[split], truth, options, "test_labels")
    if options["synsets"] is None:
        raise InputError(
            f"{truth} numbers classes as ILSVRC does, which is not the order of their WordNet ids: name at `synsets` {KIT}."
        )
    synsets = read_synsets(str(expanded(options["synsets"])), options["verify"] == "published")
    wrong = np.flatnonzero((numbers < 1) | (numbers > len(synsets)))
    if len(wrong):
        raise InputError(
            f"{truth} has the label {numbers[wrong[0]]} in line {wrong[0] + 1}, and {options['synsets']} names {len(synsets)} classes, which "
            "count from 1: bring both from one development kit."
        )
    tree = read_tree(expanded(options[split]))
    names = [f"ILSVRC2012_val_{number:08d}.JPEG" for number in range(1, len(numbers) + 1)]
    position = match_pictures(names, tree.pictures)
    if not (position >= 0).any():
        raise InputError(f"{options[split]} has no picture that is called as {names[0]}: name the validation pictures.")
    label = {
        tree.pictures[where] if where >= 0 else name: synsets[number - 1]
        for name, where, number in zip(names, position, numbers, strict=True)
    }
    return by_list(tree, str(expanded(truth)), label)


def read_ground_truth(path: str) -> np.ndarray | None:
    """ILSVRC2012_validation_ground_truth.txt: the class of each validation picture, int64[N], counted from 1; None for a list with names."""
    lines = [line.strip() for line in read_lines(path, "ILSVRC2012_validation_ground_truth.txt, or a list of pictures")]
    if not lines or not all(NUMBER.fullmatch(line) for line in lines):
        return None
    return np.array(lines, dtype=np.int64)


def read_synsets(path: str, published: bool) -> list[str]:
    """The WordNet ids in the order in which ILSVRC numbers them from 1, of meta.mat or of a text.

    published: whether these are ImageNet's, whose numbers are known not to follow the alphabet. Raises InputError for anything else.
    """
    synsets = _of_meta(path) if path.lower().endswith(".mat") else _of_text(path)
    wrong = next((name for name in synsets if not WORDNET_ID.fullmatch(name) or synsets.count(name) > 1), None)
    if wrong is not None or not synsets:
        what = "nothing in it" if wrong is None else f"{wrong!r}, which is no WordNet id or not the only one"
        raise InputError(f"{path} has {what}: give {KIT}.")
    if published and synsets == sorted(synsets):
        raise InputError(
            f"{path} has the WordNet ids in the order of the alphabet, and ILSVRC numbers them otherwise: give {KIT}."
        )
    return synsets


def _of_text(path: str) -> list[str]:
    rows = [line.split() for line in read_lines(path, KIT) if line.strip()]
    for number, row in enumerate(rows, 1):
        if len(row) > 1 and NUMBER.fullmatch(row[1]) and int(row[1]) != number:
            raise InputError(f"{path} has the number {row[1]} in line {number}: sort its lines by ILSVRC's numbers.")
    return [row[0] for row in rows]


def _of_meta(path: str) -> list[str]:
    """Of MATLAB's array of structures: all synsets with their numbers; those that have children are no classes."""
    from scipy.io import loadmat  # slow to import, and few studies need it
    from scipy.io.matlab import MatReadError

    try:
        found = np.atleast_1d(loadmat(path, squeeze_me=True)["synsets"])
        classes = found[[int(children) == 0 for children in found["num_children"]]]
        number = {str(row["WNID"]): int(row["ILSVRC2012_ID"]) for row in classes}
    except (OSError, ValueError, TypeError, KeyError, IndexError, NotImplementedError, MatReadError) as error:
        raise InputError(f"{path} is damaged or no meta.mat ({error}): give {KIT}.") from None
    synsets = sorted(number, key=number.__getitem__)
    if [number[name] for name in synsets] != list(range(1, len(classes) + 1)):
        raise InputError(f"{path} does not number its classes from 1 to {len(classes)}: give {KIT}.")
    return synsets


def _check_wordnet_ids(each: Labelled) -> None:
    """Raise InputError for a class that is no WordNet id; a list may number the classes instead."""
    other = next((name for name in each.classes() if not WORDNET_ID.fullmatch(name)), None)
    if other is not None and not (each.by_list and each.numbered):
        raise InputError(
            f"{each.where} has the class {other!r}, and ImageNet's are called as n01440764: read other pictures with `source: image_folder`."
        )


def _sorted(classes: Classes) -> Classes:
    """The same classes in the order of their WordNet ids, in whatever order a file names them."""
    order = sorted(range(len(classes.folders)), key=lambda number: key(classes.folders[number]))
    return Classes([classes.folders[n] for n in order], [classes.names[n] for n in order], ORDER)


def _check_counts(labelled: dict[str, Labelled], classes: Classes) -> None:
    """Raise InputError unless there are as many classes and pictures as in ILSVRC2012."""
    if len(classes.names) != CLASSES:
        raise InputError(
            f"{' and '.join(each.where for each in labelled.values())}: there are {len(classes.names)} classes, and ImageNet has {CLASSES:,}: add the "
            "others, or write `verify: none` for a part of it."
        )
    for split, each in labelled.items():
        if len(each.pictures) != PICTURES[split]:
            raise InputError(
                f"{each.where} has {len(each.pictures):,} pictures, and ImageNet has {PICTURES[split]:,} in the {split} split: add the others, or write "
                "`verify: none` for a part of it."
            )
