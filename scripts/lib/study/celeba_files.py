"""The files of CelebA as published (https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html): the aligned pictures and two lists in one folder."""

from pathlib import Path

from scripts.lib.jobs.errors import InputError

PICTURES = "img_align_celeba"
ATTRIBUTES, PARTITION = "list_attr_celeba", "list_eval_partition"
ENDINGS = (".txt", ".csv")  # as published, and as Kaggle has them
MD5 = {  # as torchvision.datasets.CelebA has them
    "list_attr_celeba.txt": "75e246fa4810816ffd6ee81facbd244c",
    "list_eval_partition.txt": "d32c9cbf5e040fd4025c592c306e6668",
}
# In the list of the partition a number says which part a picture belongs to.
PARTS = ("training", "validation", "test")
COUNTS = (162_770, 19_867, 19_962)  # pictures in each
LIKE = (
    f"it must have {ATTRIBUTES}.txt, {PARTITION}.txt (or Kaggle's .csv) and the folder {PICTURES} with 000001.jpg and so on, which "
    "https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html has"
)


def list_at(path: Path, name: str) -> Path:
    """One of the two lists, with the first of its endings that is there."""
    return next((path / f"{name}{ending}" for ending in ENDINGS if (path / f"{name}{ending}").is_file()), path / name)


def lists_at(options: dict, path: Path) -> list[Path]:
    """Both lists; the pictures are too many to look at each at every start."""
    return [list_at(path, name) for name in (ATTRIBUTES, PARTITION)]


def pictures_at(path: Path) -> Path:
    """The folder of the pictures; Kaggle's archive has it in another of the same name."""
    return path / PICTURES / PICTURES if (path / PICTURES / PICTURES).is_dir() else path / PICTURES


def check_celeba(here: str, options: dict, path: Path) -> None:
    """Raise InputError unless all of CelebA is in the folder at the path; here: what the sentence begins with."""
    if not path.is_dir():
        what = "a file" if path.exists() else "nothing"
        raise InputError(f"{here}, and there is {what} of that name: name CelebA's folder; {LIKE}.")
    missing = next((file.name for file in lists_at(options, path) if not file.is_file()), None)
    if missing is None and not pictures_at(path).is_dir():
        missing = PICTURES
    if missing is not None:
        raise InputError(f"{here}, a folder without {missing}: {LIKE}.")
