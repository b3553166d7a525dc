"""Folders that are taken for image folders and are none: the parent of training and test, a wrapper around the classes, pictures of all
classes side by side. As image folders they would make classes that nobody means."""

from pathlib import PurePosixPath

from scripts.lib.data.picture_tree import PictureTree
from scripts.lib.data.pictures import EXTENSIONS
from scripts.lib.jobs.errors import InputError

TRAINING = {"train", "training", "trainset", "train_set"}
HELD_OUT = {"val", "valid", "validation", "dev", "test", "testing", "eval", "testset", "test_set"}
LISTS = (".txt", ".csv", ".tsv")
NAMED = 3  # of many folders, as many are named


def check_is_image_folder(tree: PictureTree, labels_key: str, one_class: bool) -> None:
    """Raise InputError, with what it looks like, for a folder whose folders are not classes.

    labels_key: the config key that could name a list of labels instead. one_class: whether one folder is enough.
    """
    root, folders = tree.root, tree.top_folders()
    inside = _inside(tree)
    if not folders:
        if tree.pictures:
            raise InputError(
                f"{root} has {len(tree.pictures)} pictures and no folders: an image folder has one for each class, or a list says what the "
                f"pictures show: name it at `{labels_key}`{_lists_beside(tree)}."
            )
        raise InputError(f"{root} has no folders: an image folder has one for each class.")
    splits = _splits(folders)
    if splits:
        raise InputError(
            f"{root} looks like the parent of {' and '.join(splits)}, which are parts of a data set and no classes: name one of them, such as "
            f"{root / splits[-1]}."
        )
    if len(folders) == 1 and not one_class:
        _refuse_one(tree, labels_key, folders[0], inside[folders[0]])
    divided = next((folder for folder in folders if len(_splits(inside[folder])) > 1), None)
    if divided is not None:
        raise InputError(
            f"{root} has {' and '.join(_splits(inside[divided]))} inside of {divided}, so training and test would be read as one: give each a "
            "folder with all classes in it."
        )


def _inside(tree: PictureTree) -> dict[str, list[str]]:
    """The folders directly in each top folder."""
    inside: dict[str, list[str]] = {folder: [] for folder in tree.top_folders()}
    for folder in tree.folders:
        parts = folder.split("/")
        if len(parts) == 2:
            inside[parts[0]].append(parts[1])
    return inside


def _splits(folders: list[str]) -> list[str]:
    """Those folders that are named as the parts of a data set, if there are training and others, or nothing else."""
    train = [name for name in folders if name.lower() in TRAINING]
    others = [name for name in folders if name.lower() in HELD_OUT]
    return train + others if (train and others) or len(train + others) == len(folders) else []


def _refuse_one(tree: PictureTree, labels_key: str, only: str, inside: list[str]) -> None:
    path = tree.root / only
    direct = sum(PurePosixPath(picture).parent.as_posix() == only for picture in tree.pictures)
    if len(inside) > 1 and not direct:
        names = ", ".join(inside[:NAMED]) + (", …" if len(inside) > NAMED else "")
        raise InputError(
            f"{tree.root} has one folder, {only}, and the classes seem to be in it ({names}): name {path}."
        )
    raise InputError(
        f"{tree.root} has one folder, {only}, so that all {len(tree.pictures)} pictures would be of one class: give each class a folder, or name "
        f"{path} and, at `{labels_key}`, a list that says what each picture shows{_lists_beside(tree)}."
    )


def _lists_beside(tree: PictureTree) -> str:
    """The texts beside the pictures or their folder, which may be lists of labels."""
    lists = [file for file in tree.others if file.count("/") <= 1 and file.lower().endswith(LISTS)]
    return f", perhaps {tree.root / lists[0]}" if lists else ""


def refuse_empty(tree: PictureTree, folder: str) -> None:
    """Raise InputError for a class folder without pictures, with what is in it instead."""
    others = [file for file in tree.others if file.startswith(f"{folder}/")]
    instead = f" ({len(others)} files of other kinds, as {others[0]})" if others else ""
    raise InputError(
        f"{tree.root / folder} has no pictures ({', '.join(EXTENSIONS)}){instead}: add some, or remove the folder (in training as in test); "
        "a class that is to stay without them must be in the list `classes`."
    )
