"""Picture files of every kind that turns up in real folders: read as users expect, or refused by name."""

import io

import numpy as np
import pytest
from PIL import Image

from scripts.lib.data.pictures import open_picture
from scripts.lib.errors import InputError

RGB = np.random.default_rng(0).integers(0, 255, (40, 50, 3), dtype=np.uint8)
GREY = RGB[:, :, 0]


def file_of(picture, form="PNG", **options):
    content = io.BytesIO()
    picture.save(content, form, **options)
    return content.getvalue()


def read(data, orientation="as_stored"):
    picture, notes = open_picture("x.png", data, orientation)
    assert picture.mode == "RGB"
    return np.asarray(picture), notes


def test_rgb_is_as_it_is(tmp_path):
    (tmp_path / "x.png").write_bytes(file_of(Image.fromarray(RGB)))
    image, notes = read(tmp_path / "x.png")
    assert np.array_equal(image, RGB) and notes == []


def test_grey_becomes_three_equal_channels():
    image, notes = read(file_of(Image.fromarray(GREY)))
    assert np.array_equal(image, np.stack([GREY] * 3, axis=2)) and notes == ["grayscale"]


def test_black_and_white():
    image, notes = read(file_of(Image.fromarray(GREY > 127)))
    assert np.array_equal(image[:, :, 1], np.where(GREY > 127, 255, 0)) and notes == ["black and white"]


def test_16_bit_grey_keeps_its_high_byte_instead_of_turning_white():
    image, notes = read(file_of(Image.fromarray(GREY.astype(np.uint16) * 256 + 77)))
    assert np.array_equal(image[:, :, 2], GREY) and notes == ["16-bit grayscale"]


def test_a_palette_is_looked_up():
    indexed = Image.fromarray(GREY // 64)
    palette = np.arange(768, dtype=np.uint8)
    indexed.putpalette(palette.tobytes())
    image, notes = read(file_of(indexed))
    assert np.array_equal(image, palette.reshape(256, 3)[GREY // 64]) and notes == ["palette"]


def test_transparency_is_dropped_and_its_colours_stay():
    image, notes = read(file_of(Image.fromarray(np.dstack([RGB, GREY]))))
    assert np.array_equal(image, RGB) and notes == ["transparency (dropped)"]


def test_cmyk():
    ink = np.zeros((40, 50, 4), np.uint8)
    ink[:, :25, 0] = 255  # cyan, and white beside it
    image, notes = read(file_of(Image.fromarray(ink, "CMYK"), "JPEG", quality=100))
    assert np.abs(image[:, :20].astype(int) - [0, 255, 255]).max() < 12 and image[:, 30:].min() > 243
    assert notes == ["CMYK"]


@pytest.mark.parametrize("orientation, rotations", [(3, 2), (6, 3), (8, 1)])
def test_exif_rotation_is_applied_when_asked_for(orientation, rotations):
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = file_of(Image.fromarray(RGB), exif=exif)
    stored, notes = read(data)
    assert np.array_equal(stored, RGB) and notes == ["EXIF rotation, not applied"]
    upright, notes = read(data, "upright")
    assert np.array_equal(upright, np.rot90(RGB, rotations)) and notes == ["EXIF rotation, applied"]


def test_an_exif_that_says_upright_is_no_rotation():
    exif = Image.Exif()
    exif[0x0112] = 1
    assert read(file_of(Image.fromarray(RGB), exif=exif), "upright")[1] == []


@pytest.mark.parametrize("form", ["PNG", "JPEG", "BMP", "WEBP", "TIFF"])
@pytest.mark.parametrize("kept", [0.3, 0.9])
def test_a_truncated_file_is_named(form, kept):
    whole = file_of(Image.fromarray(np.tile(RGB, (4, 4, 1))), form)
    with pytest.raises(InputError) as error:
        open_picture("dog/x.png", whole[: int(len(whole) * kept)], "as_stored")
    assert str(error.value).startswith("dog/x.png is ") and "\n" not in str(error.value)


@pytest.mark.parametrize("content", [b"", b"this is a text", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0" + b"\0" * 50])
def test_what_is_no_picture_is_named(content):
    with pytest.raises(InputError, match=r"^dog/x.png is (no picture that can be read|damaged or cannot be read)"):
        open_picture("dog/x.png", content, "as_stored")


def test_32_bit_pictures_are_refused_with_the_remedy():
    with pytest.raises(InputError, match=r"x.tif .*its mode F cannot be shown with 8 bits: save it as 8-bit RGB"):
        open_picture("x.tif", file_of(Image.fromarray(GREY.astype(np.float32)), "TIFF"), "as_stored")


def test_a_picture_that_is_too_large_to_be_true_is_refused(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 500)
    with pytest.raises(InputError, match="exceeds limit of 1000 pixels"):
        open_picture("x.png", file_of(Image.fromarray(RGB)), "as_stored")


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match="No such file"):
        open_picture("x.png", tmp_path / "x.png", "as_stored")
