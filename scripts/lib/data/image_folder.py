"""Pictures in one folder per class, as torchvision's ImageFolder has them, or in any folders with a list that says what they show.

An example's id is its path in the folder.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from scripts.lib.data.class_file import read_classes
from scripts.lib.data.class_order import TEXT, Classes, key, ordered
from scripts.lib.data.label_list import read_label_list
from scripts.lib.data.mistaken import check_is_image_folder, refuse_empty
from scripts.lib.data.picture_tree import PictureTree, read_tree
from scripts.lib.data.pictures import BrokenPictureError
from scripts.lib.data.split import Picture, Split, check_ids, checked_labels
from scripts.lib.jobs.errors import InputError
from scripts.lib.study.sources import expanded, splits_of

NUMBER = re.compile(r"[0-9]+")


@dataclass
class Labelled:
    """The N pictures of a split, and what the folders or the list call their classes."""

    where: str  # the folder or the list, for errors
    tree: PictureTree
    pictures: list[str]  # paths in the folder
    called: list[str]  # of each picture, what its class is called there
    empty: list[str]  # folders without pictures
    left_out: dict[str, int]
    numbered: bool  # whether all of them are whole numbers, which may be labels

    @property
    def by_list(self) -> bool:
        """Whether a list says what the pictures show."""
        return self.where != str(self.tree.root)

    def classes(self) -> list[str]:
        """What the classes are called that are named here."""
        return [*dict.fromkeys(self.called), *self.empty]

    def split(self, label: np.ndarray, classes: Classes) -> Split:
        """The examples with their labels, int64[N]."""
        check_ids(self.pictures, str(self.tree.root))
        return Split(
            self.pictures,
            label,
            self._files(),
            read={"left_out": self.left_out, "class_order": classes.order, "class_folders": classes.folders},
        )

    def _files(self) -> Iterator[Picture]:
        root, there = self.tree.root, set(self.tree.pictures)
        for picture in self.pictures:
            if picture in there:
                yield str(root / picture), root / picture
            else:
                yield picture, BrokenPictureError(f"{picture}, which {self.where} names, is not in {root}", "get it")


def read_image_folder(options: dict) -> tuple[dict[str, Split], list[str]]:
    """The splits that the study names, and the class names.

    A class that one split has and the other has not is a class of both. Its name is that of its folder, in the order of the names as
    texts or as the options `order` and `classes` say.
    """
    labelled = {
        split: read_labelled(options[split], options.get(f"{split}_labels"), options, f"{split}_labels")
        for split in splits_of("image_folder", options)
    }
    classes = classes_of(labelled, options)
    print(f"{len(classes.names)} classes, in the order of {classes.order}: {', '.join(classes.names[:5])}")
    return {split: each.split(labels_of(each, classes), classes) for split, each in labelled.items()}, classes.names


def read_labelled(folder: str, labels: str | None, options: dict, labels_key: str, one_class: bool = False) -> Labelled:
    """The pictures of a split, by folders or by a list.

    labels: the list, or None. labels_key: the config key that names a list, for errors. one_class: whether there may be one class only.
    """
    tree = read_tree(expanded(folder))
    if labels is not None:
        path = str(expanded(labels))
        said = read_label_list(path, tree.pictures, options.get("file_column"), options.get("label_column"))
        return by_list(tree, path, said)
    check_is_image_folder(tree, labels_key, one_class)
    beside = [picture for picture in tree.pictures if "/" not in picture]
    left_out = tree.left_out()
    if beside:
        left_out["pictures beside the class folders"] = len(beside)
        print(
            f"warning: {tree.root}: {len(beside)} pictures lie beside the class folders and are of no class, as {beside[0]}"
        )
    pictures = tree.pictures[len(beside) :]  # the root's own files come first
    called = [picture.split("/", 1)[0] for picture in pictures]
    nested = sum(picture.count("/") > 1 for picture in pictures)
    if nested:
        print(
            f"{tree.root}: {nested} of {len(pictures)} pictures are in folders inside of a class folder, and of that class"
        )
    full = set(called)
    empty = [folder for folder in tree.top_folders() if folder not in full]
    if not pictures:
        refuse_empty(tree, empty[0])
    return Labelled(str(tree.root), tree, pictures, called, empty, left_out, _all_numbers(full))


def _all_numbers(called: set[str]) -> bool:
    return all(NUMBER.fullmatch(each) for each in called)


def by_list(tree: PictureTree, path: str, label: dict[str, str]) -> Labelled:
    """The pictures of a folder that a list names; path: of the list. label: what it calls the class of each, by the picture's path."""
    left_out, there = tree.left_out(), set(tree.pictures)
    unlabelled = [picture for picture in tree.pictures if picture not in label]
    if unlabelled:
        left_out["pictures that the list does not name"] = len(unlabelled)
        print(f"{path}: {len(unlabelled)} of {len(there)} pictures are not named and left out, as {unlabelled[0]}")
    missing = [picture for picture in label if picture not in there]
    if missing:  # they stay examples, and are broken
        print(f"warning: {path}: {len(missing)} of {len(label)} named pictures are not in {tree.root}, as {missing[0]}")
    # In the order of the folder, so that another order of the list makes no other data set.
    pictures = [picture for picture in tree.pictures if picture in label] + sorted(missing)
    called = [label[picture] for picture in pictures]
    return Labelled(path, tree, pictures, called, [], left_out, _all_numbers(set(called)))


def classes_of(labelled: dict[str, Labelled], options: dict) -> Classes:
    """The classes of all splits, each under the name that the test calls it.

    Raises InputError for a class folder without pictures, and for names or numbers that do not fit together.
    """
    for each in labelled.values():
        _check_spelling(each)
    _check_case(labelled)
    # The test comes last, and its names are those that stay.
    found = {
        key(name): name for each in labelled.values() if not (each.by_list and each.numbered) for name in each.classes()
    }
    names = list(found.values())
    if options.get("classes") is not None:
        return _read_classes(str(expanded(options["classes"])), names, labelled)
    for each in labelled.values():
        for folder in each.empty:
            if not any(key(folder) in map(key, other.called) for other in labelled.values()):
                refuse_empty(each.tree, folder)
    if names:
        return ordered(names, options.get("order", TEXT))
    where = " and ".join(each.where for each in labelled.values())
    occurring = sorted({int(name) for each in labelled.values() for name in each.called})
    checked_labels(np.array(occurring[-1:]), where)
    highest = occurring[-1]
    if highest > 1 and occurring == list(range(1, highest + 1)):
        raise InputError(
            f"{where}: the labels are from 1 to {highest} and count from 0 here: subtract 1 from all of them, or give a file `classes` that has "
            f"these numbers as names, or {highest + 1} names."
        )
    numbers = [str(number) for number in range(highest + 1)]
    return Classes(numbers, numbers, "the numbers in the list")


def _read_classes(path: str, names: list[str], labelled: dict[str, Labelled]) -> Classes:
    """The classes of a file; where lists of numbers are all that there is, these may be its names or count its lines."""
    if names:
        return read_classes(path, names)
    try:
        return read_classes(path, sorted({name for each in labelled.values() for name in each.called}))
    except InputError:  # no names: then they count
        return read_classes(path, [])


def _check_spelling(each: Labelled) -> None:
    """Raise InputError for two classes whose names look the same: one in composed letters, one not."""
    twice = next((name for name, count in Counter(map(key, each.classes())).items() if count > 1), None)
    if twice is not None:
        raise InputError(
            f"{each.where} has two classes that are both called {twice} in Unicode's composed form: rename one, or put them together."
        )


def _check_case(labelled: dict[str, Labelled]) -> None:
    """Raise InputError for a class that training and test call by capital letters here and small ones there."""
    if len(labelled) < 2:
        return
    train, test = ({key(name): name for name in labelled[split].classes()} for split in ("train", "test"))
    only_train = {name.casefold(): name for name in train.keys() - test.keys()}
    other = next((name for name in sorted(test.keys() - train.keys()) if name.casefold() in only_train), None)
    if other is not None:
        raise InputError(
            f"{labelled['test'].where} has the class {other}, and {labelled['train'].where} {only_train[other.casefold()]}: give both one name."
        )


def labels_of(each: Labelled, classes: Classes) -> np.ndarray:
    """The labels of a split's pictures, int64[N]: by the classes' names, or by numbers where these are no class's name.

    Raises InputError for a name that no class has, and for a number beyond the classes.
    """
    label = classes.labels_of()
    called = sorted(set(each.called))
    unknown = [name for name in called if key(name) not in label]
    if each.numbered and len(unknown) == len(called):
        highest = max(map(int, called))
        if highest >= len(classes.names):
            raise InputError(
                f"{each.where} has the label {highest} and there are {len(classes.names)} classes: labels count them from 0, in the order of "
                f"{classes.order}."
            )
        print(f"{each.where}: its numbers are taken as positions among the classes: 0 is {classes.names[0]}")
        return np.array([int(name) for name in each.called], dtype=np.int64)
    if unknown:
        raise InputError(
            f"{each.where} has the class {unknown[0]!r}, and there is none of that name: classes are called as {classes.names[0]!r}."
        )
    number = {name: label[key(name)] for name in called}
    return np.array([number[name] for name in each.called], dtype=np.int64)
