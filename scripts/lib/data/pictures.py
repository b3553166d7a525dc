"""Picture files as RGB arrays, read as torchvision's ImageFolder reads them, except that 16-bit grey is scaled instead of cut off."""

import io
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from scripts.lib.errors import InputError

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


def open_picture(name: str, data: bytes | Path, orientation: str) -> tuple[Image.Image, list[str]]:
    """The picture in mode RGB, and what had to be done to it (empty for most).

    name: what to call it in an error. orientation: `upright` turns it as its EXIF says, `as_stored` does not.
    Raises InputError for what is no picture, is damaged, or has more than 16 bits.
    """
    try:
        with Image.open(io.BytesIO(data) if isinstance(data, bytes) else data) as picture:
            picture.load()
            turned = picture.getexif().get(EXIF_ORIENTATION, 1) not in (0, 1)
            if turned and orientation == "upright":
                picture = ImageOps.exif_transpose(picture)
            mode, rgb = picture.mode, _to_rgb(picture)
    except Image.UnidentifiedImageError:
        raise InputError(f"{name} is no picture that can be read: remove it, or put the right file there.") from None
    except (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError) as error:
        raise InputError(f"{name} is damaged or cannot be read ({error}): replace it.") from None
    notes = [CONVERTED[mode]] if mode in CONVERTED else []
    if turned:
        notes.append("EXIF rotation, applied" if orientation == "upright" else "EXIF rotation, not applied")
    return rgb, notes


def _to_rgb(picture: Image.Image) -> Image.Image:
    if picture.mode == "RGB":
        return picture
    if picture.mode not in CONVERTED:
        raise ValueError(f"its mode {picture.mode} cannot be shown with 8 bits: save it as 8-bit RGB")
    if picture.mode.startswith("I;16"):
        # Pillow would turn all above 255 into white. The high byte is what it takes of 16-bit colour.
        values = np.asarray(picture).astype(np.uint16)
        return Image.fromarray((values >> 8).astype(np.uint8)).convert("RGB")
    return picture.convert("RGB")
