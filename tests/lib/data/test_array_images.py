"""Arrays of images of any layout and range: read as the pixels that they were made from, or named for what they are."""

import numpy as np
import pytest

from scripts.lib.data.array_images import images_in
from scripts.lib.jobs.errors import InputError

BYTES = np.random.default_rng(0).integers(0, 256, (4, 6, 5, 3), dtype=np.uint8)
BYTES[0, 0, 0] = (0, 1, 255)
GREY = BYTES[..., 0]


@pytest.mark.parametrize(
    ("array", "converted"),
    [
        (BYTES, ()),
        (BYTES.transpose(0, 3, 1, 2), ()),
        (np.asfortranarray(BYTES), ()),
        (BYTES.astype(np.int64), ("int64 from 0 to 255",)),
        (BYTES.astype(">u2"), (">u2 from 0 to 255",)),
        (BYTES.astype(np.float32), ("float32 from 0 to 255",)),
        (BYTES + np.float32(0.4) * (BYTES < 255), ("float32 from 0 to 255, rounded",)),
        *(
            ((BYTES / 255).astype(kind), (f"{np.dtype(kind)} from 0 to 1, times 255 and rounded",))
            for kind in (np.float16, np.float32, np.float64, ">f4")
        ),
    ],
)
def test_colours(array, converted):
    images = images_in(array, "x.npy")
    assert np.array_equal(list(images), BYTES) and len(images) == 4
    assert all(image.dtype == np.uint8 for image in images) and images.converted == converted


@pytest.mark.parametrize(
    "array", [GREY, GREY[..., None], GREY[:, None], (GREY / 255).astype(np.float32), GREY.astype(int)[:, None]]
)
def test_grey(array):
    images = images_in(array, "x.npy")
    assert np.array_equal(list(images), np.stack([GREY] * 3, axis=3)) and images.converted[-1] == "grayscale"


def test_black_and_white():
    for array in (GREY > 99, (GREY > 99).astype(float)):
        assert np.array_equal(list(images_in(array, "x")), np.stack([(GREY > 99) * np.uint8(255)] * 3, axis=3))


@pytest.mark.parametrize(
    ("array", "sentence"),
    [
        (BYTES / 127.5 - 1, "float64 from -1 to 1: .* undo the normalization by mean and std"),
        (BYTES.view(np.int8), r"int8 from -128 to 127: .* save images.view\('uint8'\)"),
        (BYTES.astype(np.uint16) * 257, "uint16 from 0 to 65535: .* scale them by the largest value that there can be"),
        (BYTES / 255 * 1.02, "from 0 to 1.02, which may be meant from 0 to 1 or from 0 to 255: clip it"),
        ((GREY > 99).astype(np.uint8), "of nothing but 0 and 1, which is black: multiply by 255"),
        (
            np.where(np.arange(4)[:, None, None, None] == 2, np.nan, BYTES),
            "image 2 of x.npy has a value that is NaN or infinite",
        ),
        (np.concatenate([BYTES, BYTES[..., :1]], axis=3), r"of four channels .* images\[\.\.\., :3\] leaves out"),
        (
            BYTES.transpose(1, 2, 3, 0).repeat(2, axis=3),
            r"bring the images to the front, images.transpose\(3, 0, 1, 2\)",
        ),
        (np.zeros((4, 3072), np.uint8), r"images.reshape\(-1, 3, 32, 32\), if one colour comes after the other"),
        (np.zeros((4, 784), np.uint8), r"images.reshape\(-1, 1, 28, 28\)"),
        (
            np.zeros((4, 7), np.uint8),
            r"images must be \[N, H, W, 3\] or \[N, 3, H, W\], or \[N, H, W\] for grey; give it that shape",
        ),
        (np.zeros((0, 6, 5, 3), np.uint8), "which is no image: a split needs examples"),
        (np.array([["a"]]), "images must be numbers"),
        (BYTES.astype(complex), "images must be numbers"),
    ],
)
def test_what_is_named(array, sentence):
    with pytest.raises(InputError, match=sentence):
        images_in(array, "x.npy")


def test_all_of_a_large_array_is_looked_at(monkeypatch):
    monkeypatch.setattr("scripts.lib.data.array_images.AT_ONCE", 100)  # one image at a time
    late = BYTES / 255
    late[3, 0, 0, 0] = np.inf
    with pytest.raises(InputError, match=r"image 3 of x.npy has a value that is NaN or infinite"):
        images_in(late, "x.npy")
    late[3, 0, 0, 0] = 300
    with pytest.raises(InputError, match="float64 from 0 to 300"):
        images_in(late, "x.npy")
    dark = np.zeros((3, 6, 5, 3), np.uint8)
    dark[2] = 200
    assert images_in(dark, "x.npy").converted == ()  # bytes, although the first images are black
