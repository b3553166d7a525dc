"""From the pictures of a split to one array of images of one size, by several threads and with few of them in memory."""

from collections import Counter, deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from itertools import chain

import numpy as np
from PIL import Image

from scripts.lib.data.broken import STOP, settle
from scripts.lib.data.dataset import pixels_digest, writing_images
from scripts.lib.data.pictures import BrokenPictureError, open_picture
from scripts.lib.data.preparations import PREPARATIONS
from scripts.lib.data.split import Picture, Split
from scripts.lib.jobs.errors import InputError
from scripts.lib.jobs.job import ImageProgress

AHEAD = 16  # pictures that wait for each thread


def opened(picture: Picture, options: dict) -> tuple[str, Image.Image | np.ndarray | BrokenPictureError, list[str]]:
    """What to call a picture, the picture in RGB (images of arrays as they are) or why there is none, and what had to be converted."""
    name, data = picture
    if isinstance(data, BrokenPictureError | np.ndarray):
        return name, data, []
    try:
        return name, *open_picture(name, data, options["orientation"])
    except BrokenPictureError as error:
        return name, error, []


def prepare(picture: Picture, options: dict) -> tuple[str, np.ndarray | BrokenPictureError, list[str]]:
    """What to call a picture, the prepared image uint8[H, W, 3] or why there is none, and what had to be converted."""
    name, found, notes = opened(picture, options)
    if isinstance(found, BrokenPictureError):
        return name, found, []
    if isinstance(found, np.ndarray):
        return name, prepare_array(name, found, options), []
    fitted = fit(name, found, options)
    return name, fitted, [] if isinstance(fitted, BrokenPictureError) else notes


def fit(name: str, picture: Image.Image, options: dict) -> np.ndarray | BrokenPictureError:
    """A picture in RGB as the image uint8[H, W, 3] that the study's preparation makes of it, or why there is none."""
    preparation = PREPARATIONS[options["preparation"]]
    try:
        return np.asarray(preparation(picture, options["size"]) if preparation else picture)
    except ValueError as error:
        why, _, remedy = str(error).rpartition(": ")
        return BrokenPictureError(f"{name} cannot be prepared: {why}", remedy)


def prepare_array(name: str, image: np.ndarray, options: dict) -> np.ndarray:
    """An image uint8[H, W, 3] prepared as pictures are; InputError if it cannot be."""
    preparation = PREPARATIONS[options.get("preparation", "as_is")]  # planted digits have no options
    if preparation is None:
        return image
    try:
        return np.asarray(preparation(Image.fromarray(np.ascontiguousarray(image)), options["size"]))
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


@dataclass
class Written:
    """What was written of a split."""

    split: Split  # the examples whose pictures could be used
    pixels: list[str]  # digests of their images
    converted: Counter  # how many pictures were converted from what
    broken: int  # how many pictures were left out
    shards: dict[str, dict] = field(default_factory=dict)  # of shards, what the manifest says of each by its name


def write_split(path: str, name: str, split: Split, options: dict, size: Size, threads: int) -> Written:
    """Write a split's images.

    All pictures are looked at before the first one that cannot be used stops the study, or, where the option `broken` is `skip`, is
    left out. The log names images without a picture.
    """
    total, broken = len(split.example), []
    prepared = usable(in_order(partial(prepare, options=options), split.pictures, threads), broken)
    progress = ImageProgress(total, f"prepare the {name} images")
    first = next(prepared, None)
    policy = options.get("broken", STOP)
    if first is None:
        settle(name, broken, total, policy)
    size.check(first[1], first[2])
    digests, kept, plain = [], [], []
    converted = Counter()
    with writing_images(path, (total, *size.shape), at_most=True) as put:
        for position, where, image, notes in chain([first], prepared):
            size.check(where, image)
            put(len(digests), image)
            digests.append(pixels_digest(image))
            kept.append(position)
            converted.update(notes)
            if (image == image[0, 0]).all():
                plain.append(where)
            progress.advance(position + 1 - progress.done)
        settle(name, broken, total, policy)
    converted.update(dict.fromkeys(split.converted, len(kept)))
    if plain:
        print(f"warning: {name}: {len(plain)} of {len(digests)} images are of one colour throughout, as {plain[0]}")
    return Written(split.take(np.array(kept)) if broken else split, digests, converted, len(broken))


def usable(prepared: Iterator, broken: list[BrokenPictureError]) -> Iterator[tuple[int, str, np.ndarray, list[str]]]:
    """Position and what `prepare` gives of those pictures that can be used; the others are named in the log and put into `broken`."""
    for position, (where, image, notes) in enumerate(prepared):
        if isinstance(image, BrokenPictureError):
            broken.append(image)
            print(f"broken: {image.what}")
        else:
            yield position, where, image, notes
