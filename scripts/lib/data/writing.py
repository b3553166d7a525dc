"""From the pictures of a split to one array of images of one size, by several threads and with few of them in memory."""

from collections import Counter, deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import chain

import numpy as np
from PIL import Image

from scripts.lib.data.pictures import open_picture
from scripts.lib.data.preparations import PREPARATIONS
from scripts.lib.data.split import Picture, Split
from scripts.lib.dataset import pixels_digest, writing_images
from scripts.lib.errors import InputError
from scripts.lib.job import ImageProgress

AHEAD = 16  # pictures that wait for each thread


def prepare(picture: Picture, options: dict) -> tuple[str, np.ndarray, list[str]]:
    """What to call a picture, the prepared image uint8[H, W, 3], and what had to be converted."""
    name, data = picture
    if isinstance(data, np.ndarray):
        return name, prepare_array(name, data, options), []
    opened, notes = open_picture(name, data, options["orientation"])
    fit = PREPARATIONS[options["preparation"]]
    try:
        return name, np.asarray(fit(opened, options["size"]) if fit else opened), notes
    except ValueError as error:
        raise InputError(f"{name} cannot be prepared: {error}.") from None


def prepare_array(name: str, image: np.ndarray, options: dict) -> np.ndarray:
    """An image uint8[H, W, 3] prepared as pictures are; InputError if it cannot be."""
    fit = PREPARATIONS[options.get("preparation", "as_is")]  # planted digits have no options
    if fit is None:
        return image
    try:
        return np.asarray(fit(Image.fromarray(np.ascontiguousarray(image)), options["size"]))
    except ValueError as error:
        raise InputError(f"{name} cannot be prepared: {error}.") from None


def in_order(function: Callable, items: Iterator, threads: int) -> Iterator:
    """As `map`, by several threads (Pillow's decoders let others run), with no more than a few items in memory."""
    if threads == 1:
        yield from map(function, items)
        return
    with ThreadPoolExecutor(threads) as pool:
        waiting: deque = deque()
        try:
            for item in items:
                waiting.append(pool.submit(function, item))
                if len(waiting) >= threads * AHEAD:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


@dataclass
class Size:
    """The size that all images must have: that of the first, and what that one is called."""

    where: str = ""
    shape: tuple[int, ...] = ()
    section: str = "the study's `data` section"  # where the user says how images are prepared

    def check(self, where: str, image: np.ndarray) -> None:
        """Raise InputError if an image has another size."""
        if not self.where:
            self.where, self.shape = where, image.shape
        if image.shape != self.shape:
            raise InputError(
                f"{where} has {image.shape[1]} x {image.shape[0]} pixels and {self.where} {self.shape[1]} x {self.shape[0]}: "
                f"set `preparation` and `size` in {self.section} to make all of one size (`pad` adds zeros, `squeeze` resizes)."
            )


def write_split(
    path: str, name: str, split: Split, options: dict, size: Size, threads: int
) -> tuple[list[str], Counter]:
    """Write a split's images; the digests of their pixels, and how many were converted from what. Names images without a picture."""
    prepared = in_order(partial(prepare, options=options), split.pictures, threads)
    first = next(prepared)
    size.check(first[0], first[1])
    digests, converted = [], Counter(dict.fromkeys(split.converted, len(split.example)))
    plain: list[str] = []
    progress = ImageProgress(len(split.example), f"prepare the {name} images")
    with writing_images(path, (len(split.example), *size.shape)) as put:
        for where, image, notes in chain([first], prepared):
            size.check(where, image)
            put(len(digests), image)
            digests.append(pixels_digest(image))
            converted.update(notes)
            if (image == image[0, 0]).all():
                plain.append(where)
            progress.advance(1)
    if plain:
        print(f"warning: {name}: {len(plain)} of {len(digests)} images are of one colour throughout, as {plain[0]}")
    return digests, converted
