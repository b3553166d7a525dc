"""The summary of corruptions: what is a mean corruption error and what is not."""

import numpy as np
import pytest

from scripts.lib.audit import alexnet
from scripts.lib.jobs.errors import InputError
from scripts.lib.tables.corruption_summary import (
    EXTENDED_SET,
    EXTRA,
    PUBLISHED,
    PUBLISHED_SET,
    alexnet_errors,
    check_alexnet,
    errors_of,
    summarize_level,
)

ALL_FIVE = [1, 2, 3, 4, 5]


def population(names, rate, level, severities=ALL_FIVE, images=200, clean=0.2):
    """Five models that err at `rate` under every corruption and less on clean images."""
    random = np.random.default_rng(sum(map(ord, level)))
    wrong = {name: random.binomial(len(severities), rate, (5, images)).astype(np.uint8) for name in names}
    wrong["clean"] = (random.random((5, images)) < clean).astype(np.uint8)
    return wrong, errors_of(wrong, {"clean": [0]} | dict.fromkeys(names, severities), level, 200)


def rows_of(names, severities=ALL_FIVE, reference="dense", level="pruned"):
    _, dense = population(names, 0.5, "dense", severities)
    own = dense if level == "dense" else population(names, 0.7, level, severities)[1]
    against = dense if reference == "dense" else alexnet_errors(names)
    shown = {"clean": [0]} | dict.fromkeys(names, severities)
    rows = summarize_level(level, own, dense, against, shown, {"examples": 200}, 0.05)
    return own, dense, {row["corruption"]: row for row in rows}


def test_all_fifteen_make_an_mce_and_the_extra_ones_stay_apart():
    own, dense, rows = rows_of([*PUBLISHED, *EXTRA])
    assert list(rows) == ["clean", PUBLISHED_SET, EXTENDED_SET, *PUBLISHED, *EXTRA]
    first = rows[PUBLISHED_SET]
    expected = np.mean([own.error[i] / dense.error[i] for i in range(15)])
    assert first["mce"] == first["ce"] == pytest.approx(expected) and first["mce_low"] < expected < first["mce_high"]
    relative = np.mean([(own.error[i] - own.clean) / (dense.error[i] - dense.clean) for i in range(15)])
    assert first["relative_mce"] == pytest.approx(relative)
    excess = np.mean((own.error - own.clean - dense.error + dense.clean)[:15])
    assert first["excess_error"] == pytest.approx(excess) and first["reason"] == "none"
    assert first["error_change"] == pytest.approx(np.mean((own.error - dense.error)[:15]))
    clean = rows["clean"]
    assert clean["error"] == own.clean and clean["error_change"] == own.clean - dense.clean and np.isnan(clean["ce"])
    assert np.isnan(rows[EXTENDED_SET]["mce"]) and rows[EXTENDED_SET]["reason"] == "mCE is of the 15 alone"
    assert rows[EXTENDED_SET]["ce"] == pytest.approx(np.mean(own.error / dense.error))
    assert rows["fog"]["ce"] == pytest.approx(own.error[9] / dense.error[9]) and np.isnan(rows["fog"]["mce"])


def test_some_of_the_fifteen_or_of_the_severities_make_none():
    _, _, rows = rows_of(["fog", "contrast"])
    some = rows[PUBLISHED_SET]
    assert (some["found"], some["of"]) == (2, 15) and np.isnan(some["mce"]) and some["ce"] > 1
    assert some["reason"] == "2 of 15 corruptions, so this is no mCE" and EXTENDED_SET not in rows
    _, _, rows = rows_of(list(PUBLISHED), severities=[1, 5])
    assert np.isnan(rows[PUBLISHED_SET]["mce"]) and "severities 1 5, so this is no mCE" in rows[PUBLISHED_SET]["reason"]
    _, _, rows = rows_of([])
    assert (
        np.isnan(rows[PUBLISHED_SET]["ce"]) and rows[PUBLISHED_SET]["reason"] == "no corruption of these in the study"
    )


def test_the_reference_is_one_and_has_no_excess():
    _, _, rows = rows_of(["fog"], level="dense")
    assert rows["fog"]["ce"] == rows["fog"]["relative_ce"] == 1
    assert np.isnan(rows["fog"]["ce_low"]) and np.isnan(rows["fog"]["excess_error"])


def test_a_level_that_is_made_of_the_dense_models_is_drawn_with_them():
    wrong, dense = population(["fog"], 0.5, "dense")
    shown = {"clean": [0], "fog": ALL_FIVE}
    worse = {name: counts.copy() for name, counts in wrong.items()}
    worse["fog"][:, wrong["fog"].max(axis=0) < 5] += 1  # an image more is lost to every model alike
    intervals = {}
    for drawn_as in ("dense", "int8"):
        own = errors_of(worse, shown, drawn_as, 200)
        rows = {row["corruption"]: row for row in summarize_level("int8", own, dense, dense, shown, {}, 0.05)}
        intervals[drawn_as] = rows["fog"]["error_change_high"] - rows["fog"]["error_change_low"]
    assert intervals["dense"] < intervals["int8"]


def test_nothing_is_relative_to_a_loss_that_may_be_none():
    wrong, _ = population(["fog", "snow"], 0.5, "dense")
    wrong["snow"] = 5 * wrong["clean"]  # this corruption does nothing
    shown = {"clean": [0], "fog": ALL_FIVE, "snow": ALL_FIVE}
    dense = errors_of(wrong, shown, "dense", 200)
    own = population(["fog", "snow"], 0.7, "pruned")[1]
    rows = {row["corruption"]: row for row in summarize_level("pruned", own, dense, dense, shown, {}, 0.05)}
    assert np.isnan(rows["snow"]["relative_ce"]) and rows["fog"]["relative_ce"] > 1
    assert "does not surely lose under snow" in rows[PUBLISHED_SET]["reason"]
    assert np.isnan(rows[PUBLISHED_SET]["relative_ce"]) and rows[PUBLISHED_SET]["ce"] > 1


def test_alexnet_as_the_reference():
    own, _, rows = rows_of(list(PUBLISHED), reference="alexnet")
    expected = np.mean([own.error[i] / np.mean(alexnet.ERRORS[name]) for i, name in enumerate(PUBLISHED)])
    assert rows[PUBLISHED_SET]["mce"] == pytest.approx(expected)
    itself = alexnet_errors(list(PUBLISHED))
    shown = {"clean": [0]} | dict.fromkeys(PUBLISHED, ALL_FIVE)
    (_, first, *_) = summarize_level("a", itself, itself, alexnet_errors(list(PUBLISHED)), shown, {}, 0.05)
    assert first["mce"] == pytest.approx(1) and first["relative_mce"] == pytest.approx(1)


@pytest.mark.parametrize(
    "classes, size, said", [(10, [224, 224], "classes 10"), (1000, [64, 64], "size"), (1000, None, "None")]
)
def test_alexnet_is_refused_elsewhere(classes, size, said):
    with pytest.raises(InputError, match=f"`corruptions.reference` is alexnet.*{said}"):
        check_alexnet(classes, size)
    check_alexnet(1000, [224, 224])
