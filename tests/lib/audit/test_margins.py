"""A loss that is the same for every image, by hand and from logits."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special

from scripts.lib.audit.classes import class_impact, recall
from scripts.lib.audit.margins import logit_margins, right_after_shift
from scripts.lib.audit.multiple import benjamini_hochberg


def margins_of(logits, labels):
    """As the ledger has them: the first two probabilities and the label's, in single precision."""
    p = special.softmax(logits, axis=-1).astype(np.float32)
    ranked = np.sort(p, axis=-1)
    p_label = np.take_along_axis(p, labels[..., None], axis=-1)[..., 0]
    return logit_margins(p_label, ranked[..., -1], ranked[..., -2], p.argmax(axis=-1) == labels)


def test_four_images_by_hand():
    # The label at 0.8 before 0.2; the label second with 0.2; the label third with 0.1; a label whose probability vanished.
    p_label, p1, p2 = np.array([0.8, 0.2, 0.1, 0]), np.array([0.8, 0.8, 0.6, 1]), np.array([0.2, 0.2, 0.3, 0])
    margins = logit_margins(p_label, p1, p2, np.array([True, False, False, False]))
    assert margins == pytest.approx([np.log(4), -np.log(4), -np.log(6), -np.inf])


@given(st.integers(0, 1000))
def test_is_the_margin_of_the_logits(seed):
    random = np.random.default_rng(seed)
    logits, labels = random.normal(0, 3, (20, 6)), random.integers(0, 6, 20)
    own = logits[np.arange(20), labels]
    others = np.where(np.arange(6) == labels[:, None], -np.inf, logits).max(axis=1)
    assert margins_of(logits, labels) == pytest.approx(own - others, rel=1e-4, abs=1e-4)


def test_a_shift_takes_the_smallest_margins_first():
    margins = np.array([[3.0, 1.0], [0.5, -1.0]])
    assert right_after_shift(margins, 0.75).tolist() == [[True, True], [True, False]]
    assert right_after_shift(margins, 0.5).tolist() == [[True, True], [False, False]]
    assert right_after_shift(margins, 1.0).all() and not right_after_shift(margins, 0.0).any()


@given(st.integers(0, 1000), st.floats(0, 1))
def test_a_shift_brings_the_top1_asked_for_and_its_own_changes_nothing(seed, top1):
    random = np.random.default_rng(seed)
    logits, labels = random.normal(0, 2, (3, 30, 5)), np.tile(random.integers(0, 5, 30), (3, 1))
    margins, correct = margins_of(logits, labels), logits.argmax(axis=-1) == labels
    assert right_after_shift(margins, top1).mean() == pytest.approx(top1, abs=0.5 / 90 + 1e-9)
    assert np.array_equal(right_after_shift(margins, correct.mean()), correct)


def test_an_equal_loss_of_logits_is_flagged_by_the_papers_test_and_foreseen_by_the_null():
    """What the null is for: classes of very different difficulty, every label's logit less by one and the same amount."""
    random = np.random.default_rng(0)
    classes, n = 60, 40
    labels = np.repeat(np.arange(classes), n)
    ease = np.repeat(random.normal(1, 2, classes), n) + random.normal(0, 1, classes * n)
    dense, control, shifted = ease + random.normal(0, 1, (3, 20, classes * n)) - np.array([0, 0, 1.5])[:, None, None]

    def flagged(right):
        recalls = [recall(np.where(votes, labels, -1), labels, classes) for votes in (dense > 0, right)]
        p = class_impact(*recalls, (dense > 0).mean(), right.mean(), 0.05).p
        return (benjamini_hochberg(p) <= 0.05).sum()

    assert flagged(control > 0) <= 2  # nothing differs
    found = flagged(shifted > 0)
    assert found > 20  # ceilings and floors only
    assert flagged(right_after_shift(control, (shifted > 0).mean())) == pytest.approx(found, abs=6)
