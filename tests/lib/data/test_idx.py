"""idx files, MNIST's format: what is read of them, and one sentence for each that is damaged or something else."""

import gzip
from functools import partial

import numpy as np
import pytest

from scripts.lib.data.idx import load_idx, read_idx
from scripts.lib.data.writing import prepare_array
from scripts.lib.jobs.errors import InputError

KINDS = {"u1": 8, "i1": 9, ">i2": 11, ">i4": 12, ">f4": 13, ">f8": 14}
IMAGES = np.random.default_rng(0).integers(0, 256, (5, 28, 28), dtype=np.uint8)
LABELS = np.array([1, 0, 2, 0, 1], np.uint8)
# Without the time in it, because pytest-xdist needs equal names of tests in all workers.
packed = partial(gzip.compress, mtime=0)


def idx(array, kind="u1"):
    lengths = b"".join(length.to_bytes(4, "big") for length in array.shape)
    return bytes([0, 0, KINDS[kind], array.ndim]) + lengths + array.astype(kind).tobytes()


@pytest.fixture(params=["plain", "gzip"])
def options(tmp_path, request):
    """Of test images; packed files need no ending that says so."""
    pack = packed if request.param == "gzip" else bytes
    (tmp_path / "images").write_bytes(pack(idx(IMAGES)))
    (tmp_path / "labels").write_bytes(pack(idx(LABELS)))
    paths = {"test_images": str(tmp_path / "images"), "test_labels": str(tmp_path / "labels")}
    return {"train_images": None, "train_labels": None, "classes": None, **paths}


def test_images_labels_and_ids(options, tmp_path):
    splits, classes = read_idx(options)
    test = splits["test"]
    assert list(splits) == ["test"] and classes == ["0", "1", "2"] and test.example == ["0", "1", "2", "3", "4"]
    assert test.label.tolist() == LABELS.tolist() and test.converted == ("grayscale",)
    pictures = list(test.pictures)
    assert pictures[3][0] == f"image 3 of {tmp_path}/images"
    assert np.array_equal([image for _, image in pictures], np.stack([IMAGES] * 3, axis=3))
    padded = prepare_array(*pictures[0], {"preparation": "pad", "size": 32})
    assert padded.shape == (32, 32, 3) and np.array_equal(padded[2:30, 2:30, 1], IMAGES[0]) and not padded[:2].any()


def test_training_images_and_class_names(options, tmp_path):
    (tmp_path / "classes.txt").write_text("shirt\nbag\nboot\n")
    options |= {"train_images": options["test_images"], "train_labels": options["test_labels"]}
    splits, classes = read_idx(options | {"classes": str(tmp_path / "classes.txt")})
    assert sorted(splits) == ["test", "train"] and classes == ["shirt", "bag", "boot"]


@pytest.mark.parametrize("kind", KINDS)
def test_numbers_of_every_kind(tmp_path, kind):
    array = np.array([[0, 1, 2], [100, 120, 127]])
    (tmp_path / "x").write_bytes(idx(array, kind))
    loaded = load_idx(str(tmp_path / "x"))
    assert loaded.dtype == np.dtype(kind) and np.array_equal(loaded, array)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (idx(IMAGES)[:-1], r"x is truncated: an idx file of uint8\[5, 28, 28\] has 3936 bytes, and there are 3935, so"),
        (idx(IMAGES) + b"\0", "x is longer than it says: an idx file of .* has 3936 bytes, and there are 3937"),
        (packed(idx(IMAGES))[:-30], r"x is truncated, damaged or not readable \(.*\): bring it again"),
        (packed(idx(IMAGES))[:12], "x is truncated, damaged or not readable"),
        (packed(idx(IMAGES)[:100]), "x is truncated: an idx file"),
        (idx(IMAGES)[:9], "x is damaged and no idx file"),
        (b"\0\0\x07\x01\0\0\0\x01a", "x is damaged and no idx file: bring a file such as t10k-images-idx3-ubyte"),
        (b"\0\0\x08\0a", "x is damaged and no idx file"),
        (b"\0\x01\x08\x01\0\0\0\x01a", "x is damaged and no idx file"),
        (b"", "x is an empty file and no idx file"),
        (b"<!DOCTYPE html><html>", "x is an HTML page and no idx file"),
        (b"\x93NUMPY" + bytes(99), "x is a NumPy array and no idx file"),
        (packed(b"0\n1\n"), "x is a text and no idx file"),
    ],
)
def test_what_is_no_idx_file(tmp_path, content, sentence):
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(InputError, match=sentence):
        load_idx(str(tmp_path / "x"))


def test_what_cannot_be_read(tmp_path):
    with pytest.raises(InputError, match=r"is truncated, damaged or not readable \(.*directory"):
        load_idx(str(tmp_path))


@pytest.mark.parametrize(
    ("images", "labels", "sentence"),
    [
        (IMAGES, LABELS[:4], "images has 5 images and .*labels 4 labels: give one label an image"),
        (LABELS, LABELS, r"images holds uint8\[5\]: images must be"),
        (IMAGES, IMAGES, r"labels holds uint8\[5, 28, 28\], which look like images: name the file of the labels"),
        (IMAGES.reshape(5, 784), LABELS, r"images holds uint8\[5, 784\]: images must be .*reshape\(-1, 1, 28, 28\)"),
        (IMAGES, LABELS + 1, "the labels are from 1 to 3 and count from 0 here"),
    ],
)
def test_files_that_do_not_fit(options, images, labels, sentence):
    for array, key in ((images, "test_images"), (labels, "test_labels")):
        with open(options[key], "wb") as file:  # noqa: PTH123
            file.write(idx(array))
    with pytest.raises(InputError, match=sentence):
        read_idx(options)


def test_a_label_that_has_no_name(options, tmp_path):
    (tmp_path / "classes.txt").write_text("shirt\nbag\n")
    with pytest.raises(InputError, match=r"classes.txt has 2 class names and there is the label 2"):
        read_idx(options | {"classes": str(tmp_path / "classes.txt")})
