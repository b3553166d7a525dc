"""Make a study's images, their example table and the manifest that vouches for them."""

import numpy as np
import PIL

from scripts.lib.data.arrays import read_arrays
from scripts.lib.data.celeba import read_celeba
from scripts.lib.data.cifar import read_cifar
from scripts.lib.data.class_counts import count_classes
from scripts.lib.data.dataset import save_examples, save_manifest
from scripts.lib.data.idx import read_idx
from scripts.lib.data.image_folder import read_image_folder
from scripts.lib.data.imagenet import read_imagenet
from scripts.lib.data.overlap import trained_on
from scripts.lib.data.parquet import read_parquet
from scripts.lib.data.planted_digits import read_planted_digits
from scripts.lib.data.predictions import read_predictions
from scripts.lib.data.shard_writing import write_shards
from scripts.lib.data.shards import digest_of
from scripts.lib.data.split import Split
from scripts.lib.data.writing import Size, write_split
from scripts.lib.jobs.files import sha256
from scripts.lib.jobs.job import logged
from scripts.lib.study.sources import places_of, without_paths

# Options in, the splits and the class names out.
READERS = {
    "planted_digits": read_planted_digits,
    "image_folder": read_image_folder,
    "imagenet": read_imagenet,
    "arrays": read_arrays,
    "idx": read_idx,
    "cifar": read_cifar,
    "celeba": read_celeba,
    "parquet": read_parquet,
    "predictions": read_predictions,  # examples without pictures
}


def count_trained_on(splits: dict[str, Split], pixels: dict[str, list[str]]) -> dict[str, int] | None:
    """How many test images are training images too, and how many of them with another label; None without any training images."""
    if not pixels.get("train"):
        return None
    match = trained_on(pixels["test"], pixels["train"])
    shared = np.flatnonzero(match >= 0)
    relabelled = int((splits["test"].label[shared] != splits["train"].label[match[shared]]).sum())
    if len(shared):
        test, train = splits["test"].example[shared[0]], splits["train"].example[match[shared[0]]]
        print(
            f"warning: {len(shared)} test images have the pixels of a training image, {relabelled} of them under another label, "
            f"as {test!r} those of {train!r} of the training split: what is measured on them is memory"
        )
    return {"images": len(shared), "under_another_label": relabelled}


def main(output, params, threads: int) -> None:
    """Read the study's source, write images, example table and manifest."""
    splits, classes = READERS[params.source](dict(params.options))
    places = places_of(params.source, params.options)
    of_classes = count_classes({name: split.label for name, split in splits.items()}, classes, places)
    paths = dict(zip(params.splits, output.images, strict=True))
    size, pixels, converted, broken = Size(), {}, {}, {}
    shards: dict[str, dict] = {}
    for name in splits if paths else ():
        if name in paths:
            written = write_split(paths[name], name, splits[name], params.options, size, threads)
        else:
            written = write_shards(output.shards, name, splits[name], params.options, threads)
            shards = written.shards
        splits[name], pixels[name], converted[name] = written.split, written.pixels, written.converted
        broken[name] = written.broken
    if any(broken.values()):  # a class may have lost its last picture
        of_classes = count_classes({name: split.label for name, split in splits.items()}, classes, places)
    trained = splits.get("train")
    frequency = np.bincount(trained.label, minlength=len(classes)) if trained else None
    columns: dict[str, list] = {}
    for name, split in splits.items():
        number = len(split.example)
        rows = {
            "example": split.example,
            "split": [name] * number,
            "label": split.label,
            "shown": split.shown,
            "kind": split.kind,
            "class_frequency": np.full(number, np.nan) if frequency is None else frequency[split.shown],
            "pixels": pixels.get(name, [""] * number),
            **split.more,
        }
        for column, values in rows.items():
            columns.setdefault(column, []).extend(values)
        kinds, counts = np.unique(split.kind, return_counts=True)
        planted = ", ".join(f"{count} {kind}" for kind, count in zip(kinds, counts, strict=True))
        copies = f"{number - len(set(pixels[name]))} have the pixels of another" if name in pixels else "no pictures"
        print(f"{name}: {number} images ({planted}); {copies}")
        for what, count in sorted(converted.get(name, {}).items()):
            print(f"{name}: {count} pictures converted: {what}")
    shared = count_trained_on(splits, pixels)
    save_examples(output.examples, columns)
    digests = {name: sha256(path) for name, path in paths.items()} | ({"train": digest_of(shards)} if shards else {})
    save_manifest(
        output.manifest,
        {
            "source": params.source,
            "name": params.name,
            "options": without_paths(params.source, params.options),
            "classes": classes,
            "image_size": list(size.shape[:2]),
            "converted": {name: dict(converted.get(name, {})) for name in splits},
            "broken": {name: broken.get(name, 0) for name in splits},
            "read": {name: split.read for name, split in splits.items()},
            "pillow": PIL.__version__,
            "examples": {name: len(split.example) for name, split in splits.items()},
            "examples_of_each_class": of_classes,
            "test_images_in_training": shared,
            "sha256": {**digests, "examples": sha256(output.examples)},
            **({"shards": shards} if shards else {}),
        },
    )


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake.output, snakemake.params, snakemake.threads)  # noqa: F821
