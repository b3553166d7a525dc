"""CelebA and ImageNet in miniature: the files and folders of the published data sets, with a few small pictures."""

from pathlib import Path

import numpy as np
from PIL import Image

ATTRIBUTES = ("Blond_Hair", "Male", "Young")


def picture(path: Path, seed: int, size: tuple[int, int]) -> None:
    """A JPEG file of smooth colours; size: width, height."""
    path.parent.mkdir(parents=True, exist_ok=True)
    colours = np.random.default_rng(seed).integers(0, 256, (3, 3, 3), dtype=np.uint8)
    Image.fromarray(colours).resize(size, Image.Resampling.BICUBIC).save(path, "JPEG", quality=95)


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
