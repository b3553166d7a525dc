"""Natural test sets: further images of the study's classes, or of some of them, such as ImageNet-A and ImageNet-R.

In the ledger a natural set `imagenet-a` has up to three variants, told apart in the column corruption (severity 0): `imagenet-a` is answered
from all classes; `imagenet-a:masked` from the classes of the set only, as its authors score it (1907.07174, 2006.16241); and
`imagenet-a:clean` are the study's own test images of these classes, answered from these classes only. Plain answers for the same test
images are in the suite `clean`.
"""

from dataclasses import dataclass

import numpy as np

from scripts.lib.corrupted.layouts import Variant
from scripts.lib.data.dataset import Examples, load_manifest, load_split
from scripts.lib.jobs.errors import InputError

SPLIT = "natural"
MASKED, CLEAN = ":masked", ":clean"


@dataclass(frozen=True)
class Shown:
    """Images to predict, the examples that they show, and the classes that may be answered (int64; None for all)."""

    variant: Variant
    examples: Examples
    among: np.ndarray | None = None


def load_natural(
    images: list[str], manifests: list[str], tables: list[str], data: dict, study: tuple[np.ndarray, Examples]
) -> list[Shown]:
    """All variants of all natural sets.

    images, manifests, tables: of each set what `prepare_natural` made; data: the study's manifest; study: its (images, examples).
    Raises InputError unless the sets were made for these classes and this image size.
    """
    clean_images, clean = study
    shown = []
    for image_file, manifest, table in zip(images, manifests, tables, strict=True):
        made = load_manifest(manifest)
        if made["all_classes"] != data["classes"] or made["image_size"] != data["image_size"]:
            raise InputError(
                f"{image_file} was made for other classes or another image size: delete it, and snakemake makes it again."
            )
        pictures, examples, _ = load_split(image_file, table, manifest, SPLIT)
        name, among = made["name"], np.unique(examples.label)
        shown.append(Shown(Variant(name, 0, pictures), examples))
        if len(among) < len(data["classes"]):
            rows = np.flatnonzero(np.isin(clean.label, among))
            shown.append(Shown(Variant(name + MASKED, 0, pictures), examples, among))
            if len(rows):
                shown.append(Shown(Variant(name + CLEAN, 0, clean_images, rows), clean.take(rows), among))
    return shown
