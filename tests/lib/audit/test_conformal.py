"""Conformal sets against sets that are formed one class at a time, and coverage and sizes as they are promised."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scripts.lib.audit.conformal import aps_scores, conformal_sets, halves_of, lac_scores, threshold
from scripts.lib.audit.per_image import measure_of


def made(random, images, classes=5, sharpness=2.0):
    """Probabilities that are true, and labels drawn from them."""
    logits = random.normal(0, sharpness, (images, classes))
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return p.astype(np.float32), (p.cumsum(axis=1) > random.random((images, 1))).argmax(axis=1)


def test_the_threshold_by_hand():
    assert threshold(np.arange(9, 0, -1), 0.9) == 9  # ceil(10 x 0.9) is 9, whatever 0.9 is in binary
    assert threshold(np.arange(19.0), 0.5) == 9 and threshold(np.arange(8), 0.9) == math.inf


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 300), st.integers(1, 99))
def test_the_threshold_is_the_smallest_that_promises_enough(n, percent):
    found = threshold(np.arange(1.0, n + 1), percent / 100)
    if math.isinf(found):
        assert 100 * n < percent * (n + 1)
    else:
        assert 100 * found >= percent * (n + 1) > 100 * (found - 1)


def test_adaptive_scores_class_by_class(monkeypatch):
    monkeypatch.setattr("scripts.lib.audit.conformal.ROOM", 10)  # two rows at a time
    random = np.random.default_rng(0)
    p, _ = made(random, 9)
    p[3] = 0.2  # equal ones: the class of the smallest number is taken for likelier
    uniform = random.random(9)
    found = aps_scores(p, uniform)
    for i, row in enumerate(p):
        for c, own in enumerate(row):
            likelier = sum(other for d, other in enumerate(row) if other > own or (other == own and d < c))
            assert found[i, c] == pytest.approx(likelier + uniform[i] * own, abs=1e-6)
    assert np.array_equal(lac_scores(p), -p)


def test_sets_formed_one_by_one():
    random = np.random.default_rng(1)
    p, labels = made(random, 40)
    reference = lac_scores(made(random, 40)[0])[np.arange(40), labels]
    halves = halves_of(40, 3, random)
    assert (halves.sum(axis=1) == 20).all() and len(np.unique(halves, axis=0)) == 3
    found = conformal_sets(lac_scores(p), labels, halves, reference)
    covered, kept, sizes = [], [], []
    for half in halves:
        for inside in (half, ~half):
            nonconformity = sorted(1 - p[i, labels[i]] for i in range(40) if inside[i])
            limit, kept_limit = nonconformity[18], sorted(1 + reference[inside])[18]  # ceil(21 x 0.9) = 19th
            for i in np.flatnonzero(~inside):
                named = {c for c in range(5) if 1 - p[i, c] <= limit}
                covered.append(labels[i] in named)
                sizes.append(len(named))
                kept.append(1 - p[i, labels[i]] <= kept_limit)
    assert (found.coverage, found.size, found.kept_coverage) == pytest.approx(
        (np.mean(covered), np.mean(sizes), np.mean(kept))
    )


def test_a_models_own_thresholds_are_kept_by_itself():
    p, labels = made(np.random.default_rng(2), 60)
    scores = lac_scores(p)
    found = conformal_sets(scores, labels, halves_of(60, 4, np.random.default_rng(0)), scores[np.arange(60), labels])
    assert found.kept_coverage == found.coverage and not found.kept_coverage_part.any()


@pytest.mark.parametrize("kind", ["lac", "aps"])
def test_coverage_is_what_is_promised_and_intervals_of_sizes_cover(kind):
    random, runs, coverage, sizes, ends = np.random.default_rng(3), 150, [], [], []
    for _ in range(runs):
        p, labels = made(random, 200)
        scores = lac_scores(p) if kind == "lac" else aps_scores(p, random.random(200))
        found = conformal_sets(scores, labels, halves_of(200, 4, random), scores[np.arange(200), labels])
        coverage.append(found.coverage)
        sizes.append(found.size)
        ends.append(measure_of("dense", np.array([found.size]), found.size_part[None], 200).estimate(0.05)[1:])
    # ceil(101 x 0.9) / 101 is what split conformal prediction promises for halves of 100 without ties.
    assert np.mean(coverage) == pytest.approx(91 / 101, abs=0.002)
    ends, truth = np.array(ends), np.mean(sizes)
    covered = ((ends[:, 0] <= truth) & (truth <= ends[:, 1])).sum()
    assert covered >= 0.87 * runs, covered


def test_what_is_left_of_coverage_where_a_model_becomes_surer():
    """Of a model whose probabilities are pushed to their ends nothing is covered as promised by the thresholds of before."""
    p, labels = made(np.random.default_rng(4), 2000)
    sharp = p**3 / (p**3).sum(axis=1, keepdims=True)
    before = lac_scores(p)[np.arange(2000), labels]
    halves = halves_of(2000, 3, np.random.default_rng(0))
    found = conformal_sets(lac_scores(sharp), labels, halves, before)
    assert found.coverage == pytest.approx(0.9, abs=0.01) and found.kept_coverage < 0.87
    end = measure_of("dense", np.array([found.kept_coverage]), found.kept_coverage_part[None], 2000).estimate(0.05)
    assert end.high < 0.9
