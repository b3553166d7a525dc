"""Where the pictures of a study's test images lie, for those who want to look at them in tools of their own."""

from pathlib import PurePosixPath

from scripts.lib.data.picture_tree import read_tree
from scripts.lib.study.celeba_files import pictures_at
from scripts.lib.study.sources import expanded


def _in_folder(options: dict, examples: list[str]) -> list[str]:
    root = expanded(options["test"])
    return [str(root / example) for example in examples]


def _by_name(options: dict, examples: list[str]) -> list[str | None]:
    """ImageNet's ids are names of files, which may be in class folders."""
    tree = read_tree(expanded(options["test"]))
    found = {PurePosixPath(picture).name: str(tree.root / picture) for picture in tree.pictures}
    return [found.get(example) for example in examples]


def _of_celeba(options: dict, examples: list[str]) -> list[str]:
    folder = pictures_at(expanded(options["path"]))
    return [str(folder / example) for example in examples]


# Of the other sources no picture is a file of its own.
FILES = {"image_folder": _in_folder, "imagenet": _by_name, "celeba": _of_celeba}


def picture_files(source: str, options: dict, examples: list[str]) -> list[str | None]:
    """The path of each test image's picture, None where there is no such file; options: the study's section of the source."""
    return FILES[source](options, examples) if source in FILES else [None] * len(examples)
