"""Make a study's images, their example table and the manifest that vouches for them."""

import numpy as np

from scripts.lib.data.planted_digits import CLASSES, SIZE, make_planted_digits
from scripts.lib.dataset import save_examples, save_images, save_manifest
from scripts.lib.files import sha256
from scripts.lib.job import logged


def prepare_planted_digits(options: dict, train: str, test: str, examples: str, manifest: str) -> None:
    """Write the planted digits; the paths are those of the rule's outputs."""
    splits = make_planted_digits(**options)
    frequency = np.bincount(splits["train"].label, minlength=len(CLASSES))
    columns: dict[str, list] = {}
    for name, split in splits.items():
        rows = {
            "example": [f"{name}/{index:05d}" for index in range(len(split.label))],
            "split": [name] * len(split.label),
            "label": split.label,
            "shown": split.shown,
            "kind": split.kind,
            "class_frequency": frequency[split.shown],
            "source": split.source,
        }
        for column, values in rows.items():
            columns.setdefault(column, []).extend(values)
    save_images(train, splits["train"].images)
    save_images(test, splits["test"].images)
    save_examples(examples, {name: np.array(values) for name, values in columns.items()})
    save_manifest(
        manifest,
        {
            "source": "planted_digits",
            "options": options,
            "classes": list(CLASSES),
            "image_size": SIZE,
            "examples": {name: len(split.label) for name, split in splits.items()},
            "sha256": {"train": sha256(train), "test": sha256(test), "examples": sha256(examples)},
        },
    )
    for name, split in splits.items():
        kinds, counts = np.unique(split.kind, return_counts=True)
        planted = ", ".join(f"{count} {kind}" for kind, count in zip(kinds, counts, strict=True))
        print(f"{name}: {len(split.label)} images ({planted})")


SOURCES = {"planted_digits": prepare_planted_digits}


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        SOURCES[snakemake.params.source](snakemake.params.options, **snakemake.output)  # noqa: F821
