"""Picture files of every kind that turns up in real folders: read as users expect, or refused by name."""

import io
import os
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageOps

from scripts.lib.data.pictures import BrokenPictureError, open_picture
from scripts.lib.jobs.errors import InputError

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


@pytest.mark.parametrize(
    "orientation, upright_of",
    [
        (2, np.fliplr),
        (3, lambda image: np.rot90(image, 2)),
        (4, np.flipud),
        (5, lambda image: image.transpose(1, 0, 2)),
        (6, lambda image: np.rot90(image, 3)),
        (7, lambda image: np.rot90(image, 2).transpose(1, 0, 2)),
        (8, np.rot90),
    ],
)
def test_exif_rotation_is_applied_when_asked_for(orientation, upright_of):
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = file_of(Image.fromarray(RGB), exif=exif)
    stored, notes = read(data)
    assert np.array_equal(stored, RGB) and notes == ["EXIF rotation, not applied"]
    upright, notes = read(data, "upright")
    assert np.array_equal(upright, upright_of(RGB)) and notes == ["EXIF rotation, applied"]
    assert np.array_equal(upright, np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data)))))


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


@pytest.mark.parametrize(
    "content, sentence",
    [
        (b"", "is no picture that can be read but an empty file: remove it"),
        (b"this is a text", "is no picture that can be read but a text: remove it"),
        (b"<!DOCTYPE html><html>404</html>", "is no picture that can be read but an HTML page"),
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n",
            "but a Git LFS pointer, which stands for",
        ),
        (bytes(range(200, 256)), "is no picture that can be read: remove it"),
        (b"\x89PNG\r\n\x1a\n", "is damaged or cannot be read (it begins as a PNG picture): replace it."),
        (b"\xff\xd8\xff\xe0" + b"\0" * 50, "is damaged or cannot be read ("),
    ],
)
def test_what_is_no_picture_is_named(content, sentence, tmp_path):
    (tmp_path / "x.png").write_bytes(content)
    for data in (content, tmp_path / "x.png"):
        with pytest.raises(BrokenPictureError) as error:
            open_picture("dog/x.png", data, "as_stored")
        assert str(error.value).startswith("dog/x.png is ") and sentence in str(error.value)


def test_16_bit_portable_maps_keep_their_high_byte():
    values = (np.arange(1600) * 40).astype(">u2")
    image, notes = read(b"P5 40 40 65535\n" + values.tobytes())
    assert np.array_equal(image[:, :, 1].ravel(), values >> 8) and notes == ["16-bit grayscale"]
    # 12 bits: 4095 is white. Hand-computed: 2048 / 4095 * 65535 = 32775.5, whose high byte is 128.
    image, notes = read(b"P5 3 1 4095\n" + np.array([0, 2048, 4095], ">u2").tobytes())
    assert image[0, :, 0].tolist() == [0, 128, 255] and notes == ["16-bit grayscale"]


def test_16_bit_colour_keeps_its_high_byte_and_is_counted():
    deep = np.dstack([RGB, np.full_like(RGB, 99)]).reshape(40, 50, 2, 3).transpose(0, 1, 3, 2)  # high byte, low byte
    lines = b"".join(b"\0" + line.tobytes() for line in deep)
    parts = [
        (b"IHDR", struct.pack(">IIBBBBB", 50, 40, 16, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(lines)),
        (b"IEND", b""),
    ]
    file = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in parts
    )
    image, notes = read(file)
    assert np.array_equal(image, RGB) and notes == ["16-bit colour (its high byte)"]


@pytest.mark.parametrize("form", ["PNG", "WEBP", "TIFF"])
def test_of_several_frames_the_first_is_taken_and_counted(form):
    frames = [Image.fromarray(frame) for frame in (RGB, 255 - RGB)]
    image, notes = read(file_of(frames[0], form, save_all=True, append_images=frames[1:], lossless=True))
    assert np.array_equal(image, RGB) and notes == ["several frames or pages (the first)"]


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
def test_an_exif_that_cannot_be_read_is_no_damage():
    whole = file_of(Image.fromarray(RGB), "JPEG", exif=b"Exif\0\0II*\0\x99\xff\xff\xff" + b"\xee" * 40)
    plain = file_of(Image.fromarray(RGB), "JPEG")
    for orientation in ("as_stored", "upright"):
        image, notes = read(whole, orientation)
        assert np.array_equal(image, read(plain)[0]) and notes == []


def test_links_to_nothing_and_pipes_are_named_and_not_waited_for(tmp_path):
    (tmp_path / "gone.png").symlink_to("annex/objects/7.png")
    with pytest.raises(
        BrokenPictureError, match=r"^gone.png is a link to annex/objects/7.png, which is not there: get"
    ):
        open_picture("gone.png", tmp_path / "gone.png", "as_stored")
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(BrokenPictureError, match=r"^pipe.png is no file: remove it"):
        open_picture("pipe.png", tmp_path / "pipe.png", "as_stored")


def test_32_bit_pictures_are_refused_with_the_remedy():
    with pytest.raises(InputError, match=r"x.tif .*its mode F cannot be shown with 8 bits: save it as 8-bit RGB"):
        open_picture("x.tif", file_of(Image.fromarray(GREY.astype(np.float32)), "TIFF"), "as_stored")


def test_a_picture_that_is_too_large_to_be_true_is_refused(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 500)
    with pytest.raises(InputError, match=r"^x.png has more than 1,000 pixels, which is too much to open: make it"):
        open_picture("x.png", file_of(Image.fromarray(RGB)), "as_stored")


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match=r"^x.png is not there: get the file\.$"):
        open_picture("x.png", tmp_path / "x.png", "as_stored")
