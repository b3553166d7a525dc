"""Says so where models that were brought have their classes in another order than the study, or know nothing of its classes."""

import sys

import numpy as np

from scripts.lib.audit.class_order import class_order, no_information
from scripts.lib.jobs.errors import InputError
from scripts.lib.study.levels import CONTROL, DENSE

EXPLAINED = 1e-4  # significance; there are as many tests as models, and the two shares below must be reached too
AT_CHANCE = 0.05  # significance
# Of the images right in the other order, at least: what is wrong with a network that knows less is not the order of its classes, and a
# compressed one may have forgotten all but a few classes and confuse the others.
KNOWN, KEPT = 0.25, 0.5
SHOWN = 3  # classes in a sentence


def check_class_order(
    model: str, level: str, votes: np.ndarray, labels: np.ndarray, names: list[str], remedy: str, declared: bool = False
) -> str | None:
    """Raise InputError if another order of the classes explains a model's votes, or return a warning if they are no better than chance.

    model: how the sentence begins. votes, labels: int[N]. names: of the study's classes. remedy: what to do about the order. declared: the
    study names the order of the outputs itself, so another one is only warned of. Chance is nothing to warn of where a network was compressed.
    """
    dense = level in (DENSE, CONTROL)
    found = class_order(votes, labels, len(names))
    if found.explains(EXPLAINED) and found.reordered >= (KNOWN if dense else KEPT):
        moved = [each for each in np.unique(labels) if found.output[each] != each]
        order = ", ".join(f"its {names[found.output[each]]!r} is the study's {names[each]!r}" for each in moved[:SHOWN])
        order += " and so on" if len(moved) > SHOWN else ""
        sentence = (
            f"{model}: its classes are in another order than the study's: {found.top1:.1%} of {found.images} images are right, and "
            f"{found.reordered:.1%} if {order}: {remedy}."
        )
        if not declared:
            raise InputError(sentence)
        return sentence
    rate, p = no_information(votes, labels)
    if dense and rate < 1 and p > AT_CHANCE:
        return (
            f"{model}: top-1 is {np.mean(votes == labels):.1%} of {len(labels)} images, no better than always saying one class, {rate:.1%} "
            f"(exact binomial p = {p:.2g}): do weights, normalization, image size and the order of classes fit the study?"
        )
    return None


def warn(sentence: str) -> None:
    """Show a warning in the job's log and on the terminal."""
    print(f"WARNING: {sentence}", flush=True)
    if sys.stderr is not sys.__stderr__ and sys.__stderr__ is not None:  # else the log is the terminal
        print(f"warning: {sentence}", file=sys.__stderr__, flush=True)
