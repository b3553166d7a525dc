"""Who brings networks with other classes is told so: an order that explains the votes stops, bare chance warns."""

import numpy as np
import pytest

from scripts.lib.jobs.errors import InputError
from scripts.lib.networks.class_check import check_class_order, warn

NAMES = ["cat", "dog", "frog", "horse"]
LABELS = np.repeat(np.arange(4), 32)
SWAPPED = np.array([1, 0, 3, 2])[LABELS]


def ask(votes, level="dense", **options):
    return check_class_order("dense, a.pth", level, votes, LABELS, NAMES, "add `classes`", **options)


@pytest.mark.parametrize("level", ["dense", "control", "pruned"])
def test_another_order_stops(level):
    with pytest.raises(InputError) as error:
        ask(SWAPPED, level)
    assert str(error.value) == (
        "dense, a.pth: its classes are in another order than the study's: 0.0% of 64 images are right, and 100.0% if its 'dog' is the study's "
        "'cat', its 'cat' is the study's 'dog', its 'horse' is the study's 'frog' and so on: add `classes`."
    )


def test_an_order_that_the_study_names_is_only_warned_of():
    assert "are in another order" in ask(SWAPPED, declared=True)


def test_a_compressed_network_that_forgot_nearly_everything_may_confuse_classes():
    turn = np.arange(128) % 10  # four in ten say the neighbour, the others another wrong class
    votes = np.where(turn < 4, SWAPPED, np.where(turn < 7, (LABELS + 2) % 4, 3 - LABELS))
    assert ask(votes, "pruned") is None
    with pytest.raises(InputError, match="in another order"):
        ask(votes, "dense")


def test_a_network_that_knows_little_in_any_order_is_only_warned_of():
    """Always 0 or 1, by the class: of 20 classes two are told apart, in another order."""
    labels = np.repeat(np.arange(20), 50)
    warning = check_class_order("a.pth", "dense", 1 - labels % 2, labels, list(map(str, range(20))), "add `classes`")
    assert "top-1 is 0.0% of 1000 images, no better than always saying one class, 5.0%" in warning


def test_chance_is_warned_of_where_nothing_was_compressed():
    guesses = np.tile(np.arange(4), 32)
    assert ask(guesses) == (
        "dense, a.pth: top-1 is 25.0% of 128 images, no better than always saying one class, 25.0% (exact binomial p = 0.53): do weights, "
        "normalization, image size and the order of classes fit the study?"
    )
    assert ask(guesses, "pruned") is None and ask(LABELS) is None


def test_a_warning_is_in_the_log(capsys):
    warn("look here")
    assert "WARNING: look here" in capsys.readouterr().out
