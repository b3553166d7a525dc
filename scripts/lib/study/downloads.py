"""Published files that a study may have fetched: `download` in the place of a path. They lie in the folder `downloads`, for all studies.

Addresses and checksums are those of torchvision.datasets. CelebA's and ImageNet's files are at no address that everyone may use.
"""

from dataclasses import dataclass

from scripts.lib.jobs.errors import InputError
from scripts.lib.study.cifar_files import DOWNLOAD, PUBLISHED

FOLDER = "downloads"
CIFAR = "https://www.cs.toronto.edu/~kriz"
# `name` of the data set -> where its idx files are, and their MD5 checksums.
IDX = {
    "mnist": (
        "https://ossci-datasets.s3.amazonaws.com/mnist",
        {
            "train_images": "f68b3c2dcbeaaa9fbdd348bbdeb94873",
            "train_labels": "d53e105ee54ea40749a09fcbcd1e9432",
            "test_images": "9fb629c4189551a2d022fa330f9573f3",
            "test_labels": "ec29112dd5afa0611ce80d1b7f02629c",
        },
    ),
    "fashion-mnist": (
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com",
        {
            "train_images": "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
            "train_labels": "25c81989df183df01b3e8a0aad5dffbe",
            "test_images": "bef4ecab320f06d8554ea6380940ec79",
            "test_labels": "bb300cfdad3c16e7a12a480ee83cd310",
        },
    ),
}
IDX_FILES = {
    "train_images": "train-images-idx3-ubyte.gz",
    "train_labels": "train-labels-idx1-ubyte.gz",
    "test_images": "t10k-images-idx3-ubyte.gz",
    "test_labels": "t10k-labels-idx1-ubyte.gz",
}


@dataclass(frozen=True)
class Published:
    """Where a file is, and its MD5 checksum."""

    url: str
    md5: str


def _all() -> dict[str, Published]:
    """What can be fetched, by its path in FOLDER."""
    files = {
        f"{name}/{cifar.archive}": Published(f"{CIFAR}/{cifar.archive}", cifar.md5[cifar.archive])
        for name, cifar in PUBLISHED.items()
    }
    for name, (address, checksums) in IDX.items():
        for key, file in IDX_FILES.items():
            files[f"{name}/{file}"] = Published(f"{address}/{file}", checksums[key])
    return files


DOWNLOADS = _all()


def with_downloads(source: str, options: dict) -> dict:
    """The options with the path of the file in the place of each `download`; InputError where nobody knows what to fetch."""
    if source == "cifar" and options["path"] == DOWNLOAD:
        return options | {"path": f"{FOLDER}/{options['name']}/{PUBLISHED[options['name']].archive}"}
    wanted = [key for key in IDX_FILES if source == "idx" and options[key] == DOWNLOAD]
    if wanted and options["name"] not in IDX:
        raise InputError(
            f"config key `data.idx.{wanted[0]}` is {DOWNLOAD}, and `name` is {options['name']}: what can be downloaded are {' and '.join(IDX)}, so "
            "name the file."
        )
    return options | {key: f"{FOLDER}/{options['name']}/{IDX_FILES[key]}" for key in wanted}


def is_download(path: str) -> bool:
    """Whether a path is that of a file which can be fetched."""
    return path.removeprefix(f"{FOLDER}/") in DOWNLOADS and path.startswith(f"{FOLDER}/")
