"""Picture files as RGB arrays, read as torchvision's ImageFolder reads them, except that 16-bit grey is scaled instead of cut off."""

import io
import stat
import struct
import zlib
from contextlib import suppress
from pathlib import Path

import numpy as np
from PIL import Image

from scripts.lib.jobs.errors import InputError
from scripts.lib.jobs.what_is_it import HEAD, what_is_it

EXTENSIONS = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")
EXIF_ORIENTATION = 0x0112
# Pillow's modes that are converted, and what is said of them.
CONVERTED = {
    "1": "black and white",
    "L": "grayscale",
    "LA": "grayscale with transparency (dropped)",
    "La": "grayscale with transparency (dropped)",
    "P": "palette",
    "PA": "palette with transparency (dropped)",
    "RGBA": "transparency (dropped)",
    "RGBa": "transparency (dropped)",
    "RGBX": "padded RGB",
    "CMYK": "CMYK",
    "YCbCr": "YCbCr",
    "I;16": "16-bit grayscale",
    "I;16L": "16-bit grayscale",
    "I;16B": "16-bit grayscale",
}
# Formats whose mode I, 32 bits elsewhere, holds 16: Pillow scales what a PGM file says is white to 65535.
HOLDS_16_BITS = ("PPM", "PNG")
# EXIF's orientation -> what makes the picture upright (Exif 2.3, section 4.6.4). 1 is upright; other numbers say nothing.
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# What Pillow's decoders raise when they meet bytes that their format does not have, beside OSError.
DAMAGED = (
    *(OSError, EOFError, SyntaxError, ValueError, LookupError, TypeError, AttributeError),
    *(ArithmeticError, RuntimeError, struct.error, zlib.error),
)


class BrokenPictureError(InputError):
    """A picture that cannot be used. what: a clause that names it and says why; remedy: what helps."""

    def __init__(self, what: str, remedy: str = "replace it") -> None:
        super().__init__(f"{what}: {remedy}.")
        self.what, self.remedy = what, remedy


def open_picture(name: str, data: bytes | Path, orientation: str) -> tuple[Image.Image, list[str]]:
    """The picture in mode RGB, and what had to be done to it (empty for most). Of several frames or pages it is the first.

    name: what to call it in an error. orientation: `upright` turns it as its EXIF says, `as_stored` does not.
    Raises BrokenPictureError for what is no picture, is damaged, too large, or has more than 16 bits.
    """
    if isinstance(data, Path):
        _check_is_file(name, data)
    try:
        with Image.open(io.BytesIO(data) if isinstance(data, bytes) else data) as picture:
            deep = _has_16_bit_colour(picture)
            picture.load()
            turn = TURNS.get(_orientation(picture))
            mode = "I;16" if picture.mode == "I" and picture.format in HOLDS_16_BITS else picture.mode
            rgb = _to_rgb(picture, mode)
            if turn is not None and orientation == "upright":
                rgb = rgb.transpose(turn)
            several = _has_several_frames(picture)
    except Image.UnidentifiedImageError:
        raise _no_picture(name, data) from None
    except Image.DecompressionBombError:
        raise BrokenPictureError(
            f"{name} has more than {2 * Image.MAX_IMAGE_PIXELS:,} pixels, which is too much to open", "make it smaller"
        ) from None
    except DAMAGED as error:
        raise BrokenPictureError(f"{name} is damaged or cannot be read ({error})") from None
    notes = [CONVERTED[mode]] if mode in CONVERTED else []
    if deep:
        notes.append("16-bit colour (its high byte)")
    if several:
        notes.append("several frames or pages (the first)")
    if turn is not None:
        notes.append("EXIF rotation, applied" if orientation == "upright" else "EXIF rotation, not applied")
    return rgb, notes


def _check_is_file(name: str, path: Path) -> None:
    """Raise BrokenPictureError for what is not there, and for what would be waited for without end, such as a pipe."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise BrokenPictureError(f"{name} is no file", "remove it")
    except FileNotFoundError:
        where = f"is a link to {path.readlink()}, which is not there" if path.is_symlink() else "is not there"
        raise BrokenPictureError(f"{name} {where}", "get the file") from None
    except OSError as error:
        raise BrokenPictureError(f"{name} cannot be read ({error.strerror})") from None


def _no_picture(name: str, data: bytes | Path) -> BrokenPictureError:
    """What to say of a file that no decoder knows: what it looks like, where that can be told."""
    try:
        head = data[:HEAD] if isinstance(data, bytes) else _head(data)
    except OSError as error:
        return BrokenPictureError(f"{name} cannot be read ({error.strerror})")
    what = what_is_it(head)
    if what is not None and what.endswith(" picture"):
        return BrokenPictureError(f"{name} is damaged or cannot be read (it begins as {what})")
    but = f" but {what}" if what else ""
    return BrokenPictureError(f"{name} is no picture that can be read{but}", "remove it, or put the right file there")


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(HEAD)


def _orientation(picture: Image.Image) -> int | None:
    """What the EXIF says; None where there is none, or none that can be read. Readers that do not turn pictures never look at it."""
    with suppress(*DAMAGED):
        return picture.getexif().get(EXIF_ORIENTATION)
    return None


def _has_several_frames(picture: Image.Image) -> bool:
    """Whether there are further frames; what is wrong with them does not concern the first."""
    with suppress(*DAMAGED):
        return bool(getattr(picture, "is_animated", False))
    return False


def _has_16_bit_colour(picture: Image.Image) -> bool:
    """Whether Pillow is about to keep the high bytes of colours only. It says so in the names of its raw modes."""
    return picture.mode in ("RGB", "RGBA") and any(";16" in str(tile.args) for tile in picture.tile)


def _to_rgb(picture: Image.Image, mode: str) -> Image.Image:
    if mode == "RGB":
        return picture
    if mode not in CONVERTED:
        raise ValueError(f"its mode {mode} cannot be shown with 8 bits: save it as 8-bit RGB")
    if mode.startswith("I;16"):
        # Pillow would turn all above 255 into white. The high byte is what it takes of 16-bit colour.
        values = np.asarray(picture).astype(np.uint16)
        return Image.fromarray((values >> 8).astype(np.uint8)).convert("RGB")
    return picture.convert("RGB")
