"""Image folders that tests make, and what is read from them."""

import pytest
from PIL import Image

from scripts.lib.data.image_folder import read_image_folder
from scripts.lib.jobs.errors import InputError


def put(root, *names):
    """Pictures, and files of other kinds by their names."""
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix.lower() in (".png", ".jpg"):
            Image.new("RGB", (32, 32)).save(path, "PNG")
        else:
            path.write_text("x")
    return root


def read(test, train=None, **options):
    paths = {"test": str(test), "train": train and str(train)}
    splits, classes = read_image_folder(paths | {key: str(value) for key, value in options.items()})
    return splits, classes


def labels(split):
    return dict(zip(split.example, split.label.tolist(), strict=True))


def refusal(*folders, **options):
    with pytest.raises(InputError) as error:
        read(*folders, **options)
    assert "\n" not in str(error.value)
    return str(error.value)
