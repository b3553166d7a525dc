"""The files of CIFAR-10 and CIFAR-100 as published in Python's pickles (https://www.cs.toronto.edu/~kriz/cifar.html)."""

from dataclasses import dataclass
from pathlib import Path

from scripts.lib.jobs.errors import InputError

DOWNLOAD = "download"  # in the place of a path: the published file is fetched


@dataclass(frozen=True)
class Published:
    """One of the data sets; its files in the order of the examples, and each file's MD5 checksum."""

    archive: str
    folder: str  # what is in the archive
    train: tuple[str, ...]
    test: tuple[str, ...]
    meta: str  # the file of class names
    labels: dict[str, tuple[str, str]]  # `fine` or `coarse` -> the keys of the labels and, in `meta`, of their names
    md5: dict[str, str]

    @property
    def files(self) -> tuple[str, ...]:
        """All files in the folder that are read."""
        return (*self.train, *self.test, self.meta)


PUBLISHED = {
    "cifar10": Published(
        archive="cifar-10-python.tar.gz",
        folder="cifar-10-batches-py",
        train=tuple(f"data_batch_{number}" for number in range(1, 6)),
        test=("test_batch",),
        meta="batches.meta",
        labels={"fine": ("labels", "label_names")},
        md5={
            "cifar-10-python.tar.gz": "c58f30108f718f92721af3b95e74349a",
            "data_batch_1": "c99cafc152244af753f735de768cd75f",
            "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
            "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
            "data_batch_4": "634d18415352ddfa80567beed471001a",
            "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
            "test_batch": "40351d587109b95175f43aff81a1287e",
            "batches.meta": "5ff9c542aee3614f3951f8cda6e48888",
        },
    ),
    "cifar100": Published(
        archive="cifar-100-python.tar.gz",
        folder="cifar-100-python",
        train=("train",),
        test=("test",),
        meta="meta",
        labels={
            "fine": ("fine_labels", "fine_label_names"),
            "coarse": ("coarse_labels", "coarse_label_names"),
        },
        md5={
            "cifar-100-python.tar.gz": "eb9058c3a382ffc7106e4002c42a8d85",
            "train": "16019d7e3df5f24257cddd939b257f8d",
            "test": "f0ef6b0ae62326f3e7ffdfab6717acfc",
            "meta": "7973b15100ade9c7d40fb424638fde48",
        },
    ),
}


def files_at(options: dict, path: Path) -> list[Path]:
    """The files that a study reads of its data set: the archive at the path, or those in the folder there."""
    return [path / file for file in PUBLISHED[options["name"]].files] if path.is_dir() else [path]


def check_cifar(here: str, options: dict, path: Path) -> None:
    """Raise InputError unless an archive is at the path, or a folder with all files; here: what the sentence begins with."""
    published = PUBLISHED[options["name"]]
    if options["labels"] not in published.labels:
        raise InputError(
            f"config key `data.cifar.labels` is {options['labels']}, and {options['name']} has only one kind of labels: remove the key."
        )
    if options["path"] == DOWNLOAD:
        return
    if not path.exists():
        raise InputError(f"{here}, and there is nothing of that name: correct the path, or write `path: {DOWNLOAD}`.")
    missing = next((file.name for file in files_at(options, path) if not file.is_file()), None)
    if missing is not None:
        raise InputError(
            f"{here}, a folder without {missing}: name the folder {published.folder} with all its files, or the archive {published.archive}."
        )
