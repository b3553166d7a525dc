"""CIFAR-10, CelebA and ImageNet in miniature: the files and folders of the published data sets, with a few small pictures."""

import io
import pickle
import tarfile
from pathlib import Path

import numpy as np
from PIL import Image

CIFAR10 = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
ATTRIBUTES = ("Blond_Hair", "Male", "Young")


def picture(path: Path, seed: int, size: tuple[int, int]) -> None:
    """A JPEG file of smooth colours; size: width, height."""
    path.parent.mkdir(parents=True, exist_ok=True)
    colours = np.random.default_rng(seed).integers(0, 256, (3, 3, 3), dtype=np.uint8)
    Image.fromarray(colours).resize(size, Image.Resampling.BICUBIC).save(path, "JPEG", quality=95)


def make_cifar10(path: Path, each: int = 4) -> Path:
    """The archive of CIFAR-10 with so many images of each class in each batch, as Python's pickles in a tar file."""
    random = np.random.default_rng(5)
    labels = np.arange(10 * each) % 10
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:gz") as archive:

        def put(name: str, content: dict) -> None:
            data = pickle.dumps(content, protocol=2)
            member = tarfile.TarInfo(f"cifar-10-batches-py/{name}")
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))

        for name in (*(f"data_batch_{number}" for number in range(1, 6)), "test_batch"):
            images = random.integers(0, 256, (len(labels), 3072), dtype=np.uint8)
            put(name, {"data": images, "labels": labels.tolist()})
        put("batches.meta", {"label_names": list(CIFAR10)})
    return path


def make_celeba(folder: Path, parts: str = "0000000011222222", size: tuple[int, int] = (44, 54)) -> Path:
    """CelebA of a picture for each of the parts (0 training, 1 validation, 2 test).

    Every second picture has Blond_Hair; Male changes with every third, Young with every fourth.
    """
    numbers = range(1, len(parts) + 1)
    names = [f"{number:06d}.jpg" for number in numbers]
    for number, name in zip(numbers, names, strict=True):
        picture(folder / "img_align_celeba" / name, number, size)
    rows = [
        f"{name} {' '.join(f'{1 if number // every % 2 else -1:2d}' for every in (1, 3, 4))}"
        for number, name in zip(numbers, names, strict=True)
    ]
    text = "\n".join([str(len(parts)), f"{' '.join(ATTRIBUTES)} ", *rows, ""])
    (folder / "list_attr_celeba.txt").write_text(text)
    lines = [f"{name} {part}\n" for name, part in zip(names, parts, strict=True)]
    (folder / "list_eval_partition.txt").write_text("".join(lines))
    return folder


# In the order in which ILSVRC would number them, which is not that of the alphabet.
SYNSETS = ("n02119789", "n01440764", "n03000134")


def make_imagenet(folder: Path, each: int = 4, size: tuple[int, int] = (60, 40), in_folders: bool = False) -> Path:
    """ImageNet of three classes: `train` and `val` with as many pictures of each, and the development kit's ground truth.

    The validation picture 1 is of the class that ILSVRC numbers 1, and so on in turn. in_folders: whether `val` has class folders.
    """
    for seed, wordnet_id in enumerate(SYNSETS):
        for number in range(each):
            picture(folder / "train" / wordnet_id / f"{wordnet_id}_{number}.JPEG", seed * 100 + number, size)
    truth = [number % len(SYNSETS) + 1 for number in range(each * len(SYNSETS))]
    for number, label in enumerate(truth, 1):
        place = folder / "val" / SYNSETS[label - 1] if in_folders else folder / "val"
        picture(place / f"ILSVRC2012_val_{number:08d}.JPEG", 1000 + number, size)
    (folder / "ILSVRC2012_validation_ground_truth.txt").write_text("".join(f"{label}\n" for label in truth))
    (folder / "synsets.txt").write_text("".join(f"{wordnet_id}\n" for wordnet_id in SYNSETS))
    return folder
