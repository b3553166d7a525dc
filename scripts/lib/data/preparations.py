"""How pictures of many sizes become images of one: the programs that made the published data sets each had their way.

A preparation takes a picture and the side of the result in pixels, and raises ValueError for a picture that it cannot take. The error
says why and, after a colon, what helps.
"""

from collections.abc import Callable

from PIL import Image

BILINEAR = Image.Resampling.BILINEAR


def resize_then_crop(picture: Image.Image, size: int) -> Image.Image:
    """Shorter side to 256/224 of `size`, then the centre: ImageNet-C at 224 pixels (make_imagenet_c.py)."""
    shorter = round(size * 256 / 224)
    width, height = picture.size
    scaled = (shorter, int(shorter * height / width)) if width <= height else (int(shorter * width / height), shorter)
    if scaled[0] * scaled[1] > 2 * Image.MAX_IMAGE_PIXELS:
        raise ValueError(
            f"{width} x {height} pixels would become {scaled[0]} x {scaled[1]} before the centre is cut out: "
            "cut out what is meant"
        )
    return _centre(picture.resize(scaled, BILINEAR) if scaled != picture.size else picture, size, size)


def crop_then_resize(picture: Image.Image, size: int) -> Image.Image:
    """The central 87.5 % of each side, then squeezed into a square: ImageNet-C at 299 pixels (make_imagenet_c_inception.py).

    Of a side of one pixel that pixel is kept, where 87.5 % rounded down would be none, and nothing is black.
    """
    width, height = (max(1, int(side * 0.875)) for side in picture.size)
    return _centre(picture, width, height).resize((size, size), BILINEAR)


def squeeze(picture: Image.Image, size: int) -> Image.Image:
    """All of it, squeezed into a square: ImageNet-64-C (make_imagenet_64_c.py)."""
    return picture.resize((size, size), BILINEAR)


def pad(picture: Image.Image, size: int) -> Image.Image:
    """Zeros around it, as LeNet-5 read MNIST's 28 x 28 pixels in a field of 32 x 32 (LeCun et al. 1998, section II.B).

    Of an odd number of rows or columns, the one more comes after the picture. Raises ValueError for a picture that is larger.
    """
    if max(picture.size) > size:
        raise ValueError(
            f"it has {picture.width} x {picture.height} pixels and `pad` only adds some: choose a larger `size`, or another `preparation`"
        )
    padded = Image.new(picture.mode, (size, size))
    padded.paste(picture, ((size - picture.width) // 2, (size - picture.height) // 2))
    return padded


def _centre(picture: Image.Image, width: int, height: int) -> Image.Image:
    left, top = round((picture.width - width) / 2), round((picture.height - height) / 2)
    return picture.crop((left, top, left + width, top + height))


PREPARATIONS: dict[str, Callable[[Image.Image, int], Image.Image] | None] = {
    "as_is": None,  # all pictures have one size already
    "resize_then_crop": resize_then_crop,
    "crop_then_resize": crop_then_resize,
    "squeeze": squeeze,
    "pad": pad,
}
