"""The parts of the error, in worlds where they are known."""

import numpy as np
import pytest

from scripts.lib.audit.error_parts import ErrorParts, assumed, odd_sizes, of_paired, of_uncompressed
from scripts.lib.audit.excess import excesses, uncompressed
from scripts.lib.audit.modal import modal_labels
from scripts.lib.audit.pies import dealt_pies


def coins(models: int, images: int, random: np.random.Generator) -> np.ndarray:
    """Every model tosses a fair coin for every image."""
    return random.integers(0, 2, (models, images))


def test_the_part_of_images_where_models_toss_coins():
    """One model each: dense and control agree (1/2), and the level differs from both or from none: excess 1 or 0. Or they do not (1/2), and
    the level differs from one of the two, which is dealt to either place: 1/2 - 1. The variance is 1/2 * 1/2 + 1/2 * 1/4.

    Three each: of six dense and control coins none, one, five or six are heads (14/64): excess 1 or 0. Two or four are (30/64): in 4 of
    10 deals they make one majority of two, excess 0.8 - 0.4 or 0.2 - 0.4. Three are (20/64): 1/2 - 1. The variance is 15/64.

    On a half of the images nobody ever differs. Forty deals are not all: that adds a little.
    """
    random = np.random.default_rng(0)
    votes = np.concatenate([coins(9, 20_000, random), np.zeros((9, 20_000), int)], axis=1)
    parts = of_uncompressed(votes, random)
    assert parts.sizes.tolist() == [1, 3]
    assert parts.images[0] == pytest.approx(3 / 16, abs=0.007)
    assert parts.images[1] == pytest.approx(15 / 128, abs=0.007)
    assert abs(parts.models) < 1e-4  # no model is odd on many images


def test_the_part_of_models_where_each_says_one_thing_on_all_images():
    """A model tosses its coin once, so the excess is that of one image: its variance is 3/8 for any odd number of models, and m three times it."""
    random = np.random.default_rng(1)
    votes = np.repeat(coins(60, 1, random), 50, axis=1)
    votes[:, 0] = 0  # that not all images are alike
    parts = of_uncompressed(votes, random)
    assert parts.models / 3 == pytest.approx(3 / 8 * (49 / 50) ** 2, rel=0.5)


def test_it_foresees_the_standard_errors_of_the_audit():
    """Errors of models that are odd on like images: ten dense models say what a study of ten of each will find."""
    random = np.random.default_rng(2)
    features, logit = random.normal(size=(4, 4000)), random.normal(0, 2, 4000)

    def models(count: int) -> np.ndarray:
        common = random.normal(size=(count, 4)) @ features / 2
        return (logit + 0.7 * common + 0.7 * random.normal(size=(count, 4000)) > 0).astype(np.int64)

    parts = of_uncompressed(models(24), random)
    dense, control, level = models(10), models(10), models(10)
    dealt, chance = dealt_pies(dense, control, modal_labels(level).label[None], 60, random)
    reference = uncompressed(dense, control, {"independent": random}, "largest")
    found = excesses(
        dealt[0] - chance, reference, level, "independent", np.ones((1, 4000), bool), 100, (random, random), 0.05
    ).of(0)
    assert found.se_images == pytest.approx((parts.of_images(10) / 4000) ** 0.5, rel=0.2)
    assert found.se_models == pytest.approx((parts.models / 10) ** 0.5, rel=0.9)


def test_a_paired_level_that_changes_nothing_has_no_error():
    random = np.random.default_rng(3)
    dense, control = coins(8, 500, random), coins(8, 500, random)
    parts = of_paired(dense, dense, control, random)
    assert (parts.images == 0).all() and parts.models == 0 and parts.freedom == 7


def test_the_excess_of_a_paired_level_is_no_part_of_its_errors():
    """All uncompressed models agree, and the level says otherwise on a tenth of the images: an excess, and nothing uncertain but that."""
    dense = np.zeros((7, 1000), int)
    level = dense.copy()
    level[:, :100] = 1
    parts = of_paired(dense, level, dense[:5], np.random.default_rng(4))
    assert parts.images == pytest.approx(0) and parts.models == 0


def test_a_law_between_and_beyond_what_was_measured():
    law = ErrorParts(np.array([1, 9]), np.array([0.1, 0.05]), 0.0, 9)
    assert law.of_images(1) == pytest.approx(0.1) and law.of_images(9) == pytest.approx(0.05)
    assert law.of_images(36) == pytest.approx(0.025)
    assert law.of_images(3) == pytest.approx((0.1 + 0.15) / 2 / 3**0.5)  # halfway in the logarithm
    flat = ErrorParts(np.array([1, 9]), np.array([0.1, 0.05]), 0.0, 9, exponent=0.0)
    assert flat.of_images(3) == pytest.approx(0.075) and flat.of_images(36) == pytest.approx(0.05)
    assert assumed(0.2).of_images(4) == pytest.approx(assumed(0.1).of_images(1))


def test_sizes_are_odd_and_one_is_among_them():
    assert odd_sizes(1) == [1] and odd_sizes(2) == [1] and odd_sizes(12) == [1, 3, 5, 7, 11]


def test_too_few_models_are_refused():
    with pytest.raises(ValueError, match="must be 6"):
        of_uncompressed(np.zeros((5, 10), int), np.random.default_rng(0))
    with pytest.raises(ValueError, match="two pairs"):
        of_paired(*[np.zeros((1, 10), int)] * 3, np.random.default_rng(0))
