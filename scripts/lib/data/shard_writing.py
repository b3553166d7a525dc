"""From the pictures of a split to shards: each is opened, made smaller and saved as JPEG, by several threads, with few of them in memory."""

import io
from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from scripts.lib.data.broken import STOP, settle
from scripts.lib.data.dataset import pixels_digest
from scripts.lib.data.pictures import BrokenPictureError
from scripts.lib.data.preparations import BILINEAR
from scripts.lib.data.shards import Stored, writing_shards
from scripts.lib.data.split import Picture, Split
from scripts.lib.data.writing import Written, fit, in_order, opened, usable
from scripts.lib.jobs.errors import InputError
from scripts.lib.jobs.job import ImageProgress


def stored(picture: Image.Image, short_side: int, quality: int) -> Stored:
    """A picture in RGB as a shard keeps it: its shorter side `short_side` pixels or fewer, as JPEG with 4:2:0 colours."""
    width, height = picture.size
    shorter = min(width, height)
    if shorter > short_side:
        width, height = (max(1, round(side * short_side / shorter)) for side in (width, height))
        picture = picture.resize((width, height), BILINEAR)
    content = io.BytesIO()
    picture.save(content, "JPEG", quality=quality, subsampling="4:2:0")
    return Stored(content.getvalue(), height, width)


def store(picture: Picture, options: dict) -> tuple[str, tuple[Stored, str] | BrokenPictureError, list[str]]:
    """What to call a picture, what is stored of its file and the digest of the image that the test split would have of it, or why there is none.

    The digest is of the pixels as `prepare` makes them, so that a test image which is a training image is found.
    """
    name, found, notes = opened(picture, options)
    if isinstance(found, BrokenPictureError):
        return name, found, []
    image = fit(name, found, options)
    if isinstance(image, BrokenPictureError):
        return name, image, []
    shards = options["shards"]
    try:
        return name, (stored(found, shards["short_side"], shards["quality"]), pixels_digest(image)), notes
    except (OSError, ValueError) as error:  # more than 65,500 pixels
        return name, BrokenPictureError(f"{name} cannot be saved as JPEG ({error})"), []


def write_shards(paths: Sequence[str], name: str, split: Split, options: dict, threads: int) -> Written:
    """Write a split's pictures, equally many to each shard but for broken ones, which `broken` is about as in `write_split`.

    The same bytes for any number of threads. Raises InputError for more shards than pictures.
    """
    total, broken = len(split.example), []
    if total < len(paths):
        raise InputError(
            f"config key `data.imagenet.shards.number` is {len(paths)} and there are {total} {name} pictures: ask for fewer shards."
        )
    progress = ImageProgress(total, f"store the {name} pictures")
    kept, digests, converted = [], [], Counter()
    with writing_shards(paths) as shards:
        pictures = in_order(partial(store, options=options), split.pictures, threads)
        for position, _, (picture, digest), notes in usable(pictures, broken):
            shards[position * len(paths) // total].put(split.example[position], int(split.label[position]), picture)
            kept.append(position)
            digests.append(digest)
            converted.update(notes)
            progress.advance(position + 1 - progress.done)
        settle(name, broken, total, options.get("broken", STOP))
    converted.update(dict.fromkeys(split.converted, len(kept)))
    described = {Path(path).name: shard.description() for path, shard in zip(paths, shards, strict=True)}
    return Written(split.take(np.array(kept)) if broken else split, digests, converted, len(broken), shards=described)
