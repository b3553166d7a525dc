"""Make a study's images, their example table and the manifest that vouches for them."""

from collections import Counter, deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import chain

import numpy as np
import PIL

from scripts.lib.data.arrays import read_arrays
from scripts.lib.data.image_folder import read_image_folder
from scripts.lib.data.parquet import read_parquet
from scripts.lib.data.pictures import open_picture
from scripts.lib.data.planted_digits import read_planted_digits
from scripts.lib.data.predictions import read_predictions
from scripts.lib.data.preparations import PREPARATIONS
from scripts.lib.data.sources import without_paths
from scripts.lib.data.split import Picture, Split
from scripts.lib.dataset import pixels_digest, save_examples, save_manifest, writing_images
from scripts.lib.errors import InputError
from scripts.lib.files import sha256
from scripts.lib.job import ImageProgress, logged

# Options in, the splits and the class names out.
READERS = {
    "planted_digits": read_planted_digits,
    "image_folder": read_image_folder,
    "arrays": read_arrays,
    "parquet": read_parquet,
    "predictions": read_predictions,  # examples without pictures
}
AHEAD = 16  # pictures that wait for each thread


def prepare(picture: Picture, options: dict) -> tuple[str, np.ndarray, list[str]]:
    """What to call a picture, the prepared image uint8[H, W, 3], and what had to be converted."""
    name, data = picture
    if isinstance(data, np.ndarray):
        return name, data, []
    opened, notes = open_picture(name, data, options["orientation"])
    fit = PREPARATIONS[options["preparation"]]
    return name, np.asarray(fit(opened, options["size"]) if fit else opened), notes


def in_order(function, items: Iterator, threads: int) -> Iterator:
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

    def check(self, where: str, image: np.ndarray) -> None:
        """Raise InputError if an image has another size."""
        if not self.where:
            self.where, self.shape = where, image.shape
        if image.shape != self.shape:
            raise InputError(
                f"{where} has {image.shape[1]} x {image.shape[0]} pixels and {self.where} {self.shape[1]} x {self.shape[0]}: "
                "set `preparation` and `size` in the study's `data` section to make all of one size."
            )


def write_split(
    path: str, name: str, split: Split, options: dict, size: Size, threads: int
) -> tuple[list[str], Counter]:
    """Write a split's images; the digests of their pixels, and how many were converted from what."""
    prepared = in_order(partial(prepare, options=options), split.pictures, threads)
    first = next(prepared)
    size.check(first[0], first[1])
    digests, converted = [], Counter()
    progress = ImageProgress(len(split.example), f"prepare the {name} images")
    with writing_images(path, (len(split.example), *size.shape)) as put:
        for where, image, notes in chain([first], prepared):
            size.check(where, image)
            put(len(digests), image)
            digests.append(pixels_digest(image))
            converted.update(notes)
            progress.advance(1)
    return digests, converted


def main(output, params, threads: int) -> None:
    """Read the study's source, write images, example table and manifest."""
    splits, classes = READERS[params.source](dict(params.options))
    paths = dict(zip(params.splits, output.images, strict=True))
    trained = splits.get("train")
    frequency = np.bincount(trained.label, minlength=len(classes)) if trained else None
    columns: dict[str, list] = {}
    size, converted = Size(), {}
    for name, split in splits.items():
        pixels, converted[name] = [""] * len(split.example), {}
        if name in paths:
            pixels, converted[name] = write_split(paths[name], name, split, params.options, size, threads)
        rows = {
            "example": split.example,
            "split": [name] * len(split.example),
            "label": split.label,
            "shown": split.shown,
            "kind": split.kind,
            "class_frequency": np.full(len(pixels), np.nan) if frequency is None else frequency[split.shown],
            "pixels": pixels,
            **split.more,
        }
        for column, values in rows.items():
            columns.setdefault(column, []).extend(values)
        kinds, counts = np.unique(split.kind, return_counts=True)
        planted = ", ".join(f"{count} {kind}" for kind, count in zip(kinds, counts, strict=True))
        copies = f"{len(pixels) - len(set(pixels))} have the pixels of another" if name in paths else "no pictures"
        print(f"{name}: {len(pixels)} images ({planted}); {copies}")
        for what, count in sorted(converted[name].items()):
            print(f"{name}: {count} pictures converted: {what}")
    save_examples(output.examples, columns)
    save_manifest(
        output.manifest,
        {
            "source": params.source,
            "name": params.name,
            "options": without_paths(params.source, params.options),
            "classes": classes,
            "image_size": list(size.shape[:2]),
            "converted": converted,
            "pillow": PIL.__version__,
            "examples": {name: len(split.example) for name, split in splits.items()},
            "sha256": {**{name: sha256(path) for name, path in paths.items()}, "examples": sha256(output.examples)},
        },
    )


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake.output, snakemake.params, snakemake.threads)  # noqa: F821
