"""How many images each class has in each split, and which classes can therefore not be audited or not be learned."""

import numpy as np

from scripts.lib.jobs.errors import InputError

NAMED = 10  # of many classes, as many are named


def count_classes(
    labels: dict[str, np.ndarray], classes: list[str], places: dict[str, str] | None = None
) -> dict[str, list[int]]:
    """The number of images of each class in each split, in the order of the classes.

    labels: int64[N] of the split `test`, and of `train` where there is one. places: where the user keeps a split, for errors.
    A class without test images is named in the log, and the study goes on: nothing can be said of its recall. Raises InputError for a
    class that only the test split has, because no model could learn it, and for a test split of less than two classes.
    """
    where = {split: f"{(places or {}).get(split, 'the data')} (the {split} split)" for split in labels}
    counts = {split: np.bincount(of_split, minlength=len(classes)) for split, of_split in labels.items()}
    tested = np.flatnonzero(counts["test"])
    if len(tested) < 2:
        raise InputError(
            f"all images of {where['test']} have one label (class {classes[tested[0]]}): classes are compared, so check the labels, or bring "
            "test images of two classes or more."
        )
    if "train" in counts:
        unlearned = np.flatnonzero((counts["train"] == 0) & (counts["test"] > 0))
        if len(unlearned):
            raise InputError(
                f"{_named(unlearned, classes)} {_have(unlearned)} images in {where['test']} and none in {where['train']}: no model can learn "
                "what it is never shown, so add training images, or take the test images out."
            )
    untested = np.flatnonzero(counts["test"] == 0)
    if len(untested):
        print(
            f"warning: {_named(untested, classes)} {_have(untested)} no images in {where['test']}: the study goes on, and says nothing about "
            f"{'its' if len(untested) == 1 else 'their'} recall"
        )
    return {split: [int(count) for count in of_split] for split, of_split in counts.items()}


def _named(found: np.ndarray, classes: list[str]) -> str:
    """`class ant`, or `3 classes (ant, bee, cow)`."""
    if len(found) == 1:
        return f"class {classes[found[0]]}"
    names = [classes[label] for label in found[:NAMED]] + (["…"] if len(found) > NAMED else [])
    return f"{len(found)} classes ({', '.join(names)})"


def _have(found: np.ndarray) -> str:
    return "has" if len(found) == 1 else "have"
