"""Make the images of a natural test set, their example table and the manifest that vouches for them."""

import numpy as np
import PIL

from scripts.lib.corrupted.natural import SPLIT
from scripts.lib.data.arrays import load_labels, read_split
from scripts.lib.data.class_order import Classes
from scripts.lib.data.dataset import load_manifest, save_examples, save_manifest
from scripts.lib.data.image_folder import labels_of, read_labelled
from scripts.lib.data.labels import one_numbering
from scripts.lib.data.split import Split
from scripts.lib.data.writing import Size, write_split
from scripts.lib.jobs.errors import InputError
from scripts.lib.jobs.files import sha256
from scripts.lib.jobs.job import logged


def read_natural(natural: dict, classes: list[str], folders: list[str] | None = None) -> Split:
    """The examples of a natural set with the study's labels; InputError for a class that the study does not have.

    folders: what the study's own folders are called, where its classes have names beside.
    """
    if "folder" not in natural:
        ((label,), _) = one_numbering([load_labels(natural["labels"])], classes)
        split = read_split(natural["images"], natural["labels"], label)
        if label.max() >= len(classes):
            raise InputError(
                f"{natural['labels']} has the label {label.max()} and the study {len(classes)} classes, which count from 0: correct it."
            )
        return split
    named = Classes(folders or classes, classes, "the study's classes")
    labelled = read_labelled(natural["folder"], natural.get("labels"), natural, "labels", one_class=True)
    if labelled.empty:
        print(f"{labelled.where}: {len(labelled.empty)} folders have no pictures, as {labelled.empty[0]}")
    return labelled.split(labels_of(labelled, named), named)


def main(input, output, params, threads: int) -> None:
    """Read a natural set, write images, example table and manifest."""
    data = load_manifest(input.data)
    split = read_natural(params.natural, data["classes"], data.get("read", {}).get("test", {}).get("class_folders"))
    height, width = data["image_size"]
    name = params.natural["name"]
    size = Size("the study's data", (height, width, 3), f"the entry `{name}` of `natural`")
    written = write_split(output.images, name, split, params.preparation, size, threads)
    split, pixels = written.split, written.pixels
    for what, count in sorted(written.converted.items()):
        print(f"{name}: {count} pictures converted: {what}")
    columns = {
        "example": split.example,
        "split": [SPLIT] * len(pixels),
        "label": split.label,
        "shown": split.shown,
        "kind": split.kind,
        "class_frequency": np.full(len(pixels), np.nan),
        "pixels": pixels,
    }
    save_examples(output.examples, columns)
    among = np.unique(split.label)
    print(f"{name}: {len(pixels)} images of {len(among)} of the study's {len(data['classes'])} classes")
    save_manifest(
        output.manifest,
        {
            "name": name,
            "preparation": params.preparation,
            "all_classes": data["classes"],
            "classes": [data["classes"][label] for label in among],
            "image_size": [height, width],
            "converted": written.converted,
            "broken": written.broken,
            "read": split.read,
            "pillow": PIL.__version__,
            "examples": len(pixels),
            "sha256": {SPLIT: sha256(output.images), "examples": sha256(output.examples)},
        },
    )


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake.input, snakemake.output, snakemake.params, snakemake.threads)  # noqa: F821
