"""Slices: clusters that are there are found, p-values hold although slices were chosen, and exact tests are those of scipy and of counting."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from scripts.lib.audit.clusters import find_clusters
from scripts.lib.audit.slice_candidates import cluster_slices, description, kept_slices, ranks, statistic_slices
from scripts.lib.audit.slices import (
    ALIKE,
    AS_UNSURE,
    BEYOND_UNSURE,
    FOUND,
    NOTHING,
    UNTESTED,
    alone,
    beside_one_control,
    dealt_p,
    slice_verdict,
    strata_of,
    stratified_difference,
)

ONE = np.zeros(1000, dtype=int)  # all images in one stratum


def blobs(random, sizes, dimensions=8, far=8.0):
    """Features of so many images around centres far from each other, and which centre each is of."""
    which = np.repeat(np.arange(len(sizes)), sizes)
    centres = far * np.eye(len(sizes), dimensions)
    return (centres[which] + random.normal(size=(len(which), dimensions))).astype(np.float32), which


def same_groups(first, second):
    """Whether two numberings are of the same groups."""
    pairs = set(zip(first.tolist(), second.tolist(), strict=True))
    return len(pairs) == len(set(first.tolist())) == len(set(second.tolist()))


def test_clusters_that_are_there_are_found_whatever_the_scale_of_a_feature():
    features, which = blobs(np.random.default_rng(0), [60, 50, 40])
    stretched = features * np.array([1000, 1, 1, 0.001, 1, 1, 1, 1]) + 5
    for given_ in (features, stretched, np.column_stack([features, np.full(len(features), 3.0)])):
        found = find_clusters(given_, 3, np.random.default_rng(1))
        assert same_groups(found.of(given_), which)


def test_there_are_no_more_clusters_than_different_images():
    features = np.repeat(np.eye(3), 5, axis=0)
    assert same_groups(find_clusters(features, 20, np.random.default_rng(0)).of(features), np.repeat(np.arange(3), 5))
    with pytest.raises(ValueError, match="same features"):
        find_clusters(np.ones((4, 2)), 2, np.random.default_rng(0))


def test_every_image_is_in_one_cluster_and_the_other_half_finds_its_own():
    features, which = blobs(np.random.default_rng(0), [60, 50, 40])
    slices = np.stack(list(cluster_slices(features, np.arange(0, 150, 2), 3, np.random.default_rng(0)).values()))
    assert (slices.sum(axis=0) == 1).all() and same_groups(slices.argmax(axis=0), which)


def test_ends_of_statistics_are_those_of_the_discovery_images():
    values = np.arange(200.0)
    discovery = np.arange(100)
    slices = statistic_slices({"brightness": values, "noise": values[::-1].copy()}, discovery)
    assert slices["brightness, lowest tenth"].nonzero()[0].tolist() == list(range(10))
    assert slices["brightness, highest tenth"].nonzero()[0].tolist() == list(range(90, 200))
    assert slices["brightness, lowest fifth and noise, highest fifth"].nonzero()[0].tolist() == list(range(20))
    assert not slices["brightness, lowest fifth and noise, lowest fifth"].any()


def test_what_most_images_have_is_no_end():
    values = np.r_[np.zeros(60), np.arange(40.0)]  # such as the colourfulness of a set with grey images
    assert list(statistic_slices({"saturation": values}, np.arange(100))) == ["saturation, highest tenth"]


def test_what_is_kept_is_clear_large_and_not_twice_the_same():
    scores = np.zeros(200)
    scores[:20] = 1
    whole, part, other, tiny, calm = (np.zeros(200, bool) for _ in range(5))
    whole[:40], part[:30], other[10:60], tiny[:5], calm[100:150] = True, True, True, True, True
    candidates = np.stack([whole, part, other, tiny, calm])
    # `part` has 20 of 30, clearer than `whole` with 20 of 40, which is the same again; `other` has 10 of 50 and shares 20 of 30.
    assert kept_slices(candidates, scores, 10, 10) == [1]
    assert kept_slices(candidates[[0, 2, 4]], scores, 10, 10) == [0]
    other[:] = False
    other[5:20] = other[60:75] = True  # shares half of its images
    assert kept_slices(np.stack([whole, part, other, tiny, calm]), scores, 10, 10) == [1, 2]
    assert kept_slices(np.stack([whole, part, other, tiny, calm]), scores, 1, 10) == [1]
    assert kept_slices(candidates, np.zeros(200), 10, 10) == kept_slices(candidates, scores, 10, 150) == []


def test_a_description_names_classes_and_what_is_unlike_the_others():
    inside = np.arange(100) < 10
    labels = np.r_[np.zeros(7), np.ones(2), [2], np.full(90, 2)].astype(int)
    ranked = {"brightness": ranks(np.arange(100.0)), "noise": ranks(-np.arange(100.0)), "edges": np.full(100, 0.5)}
    assert description(inside, labels, ["cat", "dog", "owl"], ranked) == "cat 70 %, dog 20 %; dark, noisy"
    assert (
        description(inside, labels, ["cat", "dog", "owl"], ranked, "noise, highest tenth") == "cat 70 %, dog 20 %; dark"
    )
    assert description(inside, np.arange(100), list("x" * 100), {}) == "many classes"


def test_ranks_are_scipys():
    values = np.random.default_rng(0).integers(0, 9, 50)
    assert ranks(values) == pytest.approx((stats.rankdata(values) - 0.5) / 50)


@given(st.integers(1, 12), st.integers(1, 12), st.data())
def test_without_a_control_it_is_fishers_exact_test(inside, outside, data):
    first, second = data.draw(st.integers(0, inside)), data.draw(st.integers(0, outside))
    changed = np.r_[np.arange(inside) < first, np.arange(outside) < second]
    members = np.arange(inside + outside) < inside
    table = [[first, inside - first], [second, outside - second]]
    assert alone(changed, members, ONE[: len(changed)], 0.05).p == pytest.approx(
        stats.fisher_exact(table, alternative="greater").pvalue
    )


@given(st.lists(st.integers(-1, 1), min_size=2, max_size=9), st.data())
def test_beside_a_control_file_all_draws_are_counted(scores, data):
    drawn = data.draw(st.integers(1, len(scores) - 1))
    scores = np.array(scores)
    members = np.arange(len(scores)) < drawn
    sums = np.array([scores[list(chosen)].sum() for chosen in combinations(range(len(scores)), drawn)])
    assert dealt_p(scores, members) == pytest.approx((sums >= scores[members].sum()).mean())


def test_with_strata_the_draws_of_each_stratum_are_counted():
    scores = np.array([1, 0, 0, 1, 1, 0, -1, 0, 1])
    strata = np.array([0, 0, 0, 0, 2, 2, 2, 2, 2])
    inside = np.array([1, 1, 0, 0, 1, 0, 0, 0, 1], dtype=bool)
    sums = [
        scores[list(first)].sum() + scores[list(second)].sum()
        for first in combinations(range(4), 2)
        for second in combinations(range(4, 9), 2)
    ]
    assert dealt_p(scores, inside, strata) == pytest.approx(np.mean(np.array(sums) >= scores[inside].sum()))


def test_strata_are_the_finer_the_less_sure():
    strata = strata_of(np.arange(10_000)[::-1])
    sizes = np.bincount(strata)
    assert sizes[-1] == 2000 and sizes[-2] == 1600 and sizes.sum() == 10_000 and len(sizes) == 20
    assert (np.diff(sizes[1:]) > 0).all() and strata[0] == 19 and strata[-1] == 0  # the surest image is in the last
    assert len(set(strata_of(np.ones(50)).tolist())) == 1


def test_a_stratified_difference_by_hand():
    changed = np.r_[np.ones(5), np.zeros(5), np.ones(2), np.zeros(8)].astype(bool)
    inside = np.arange(20) < 10
    found = stratified_difference(changed, inside, ONE[:20], 0.05)
    half = 1.959964 * np.sqrt(0.5 * 0.5 / 10 + 0.2 * 0.8 / 10)  # of one stratum it is that of two proportions
    assert found == pytest.approx((0.3, 0.3 - half, 0.3 + half), abs=1e-6)
    # Weights 10 * 10 / 20 and 1 * 3 / 4: (5 * 0.3 + 0.75 * (1 - 0)) / 5.75.
    changed, inside = np.r_[changed, True, False, False, False], np.r_[inside, True, False, False, False]
    strata = np.r_[ONE[:20], 1, 1, 1, 1]
    assert stratified_difference(changed, inside, strata, 0.05).value == pytest.approx(2.25 / 5.75)
    nobody = stratified_difference(changed, strata == 1, strata, 0.05)
    assert np.isnan(nobody.value)
    calm = stratified_difference(np.zeros(20, bool), np.arange(20) < 10, ONE[:20], 0.05)
    assert calm.value == 0 and np.isnan(calm.low)


def test_a_slice_that_is_no_more_than_unsure_is_told_apart_from_one_that_is_more():
    random = np.random.default_rng(0)
    sureness = random.random(4000)
    inside = random.random(4000) < 0.5 * np.exp(-10 * sureness)
    strata = strata_of(sureness)
    draws = [random.random(4000) < 0.4 * np.exp(-20 * sureness) for _ in range(100)]
    unsure = [alone(changed, inside, strata, 0.05) for changed in draws]
    assert max(each.p for each in unsure) < 1e-6
    assert np.mean([each.p_unsure <= 0.05 for each in unsure]) < stats.binom.ppf(0.9999, 100, 0.05) / 100
    covered = np.mean([each.beyond_unsure.low <= 0 <= each.beyond_unsure.high for each in unsure])
    assert covered > stats.binom.ppf(0.0001, 100, 0.95) / 100
    more = [alone(changed | (inside & (random.random(4000) < 0.2)), inside, strata, 0.05) for changed in draws[:20]]
    assert max(each.p_unsure for each in more) < 0.01


def test_a_slice_of_nobody_or_everybody_has_no_test():
    for inside in (np.zeros(4, bool), np.ones(4, bool)):
        assert np.isnan(dealt_p(np.array([1, 0, -1, 0]), inside))
    assert slice_verdict(NOTHING.p, NOTHING.p_unsure, 0.05) == UNTESTED
    assert slice_verdict(0.05, np.nan, 0.05) == FOUND and slice_verdict(0.051, 0.01, 0.05) == ALIKE
    assert slice_verdict(0.01, 0.05, 0.05) == f"{FOUND}, {BEYOND_UNSURE}"
    assert slice_verdict(0.01, 0.06, 0.05) == f"{FOUND}, {AS_UNSURE}"


def test_a_slice_that_the_control_changes_as_much_is_no_finding():
    inside = np.arange(400) < 100
    changed = (np.arange(400) % 100 < 10) | (inside & (np.arange(400) < 50))
    control = (np.arange(400) % 100 >= 90) | (inside & (np.arange(400) >= 50))
    assert alone(changed, inside, ONE[: len(changed)], 0.05).p < 1e-9
    tested = beside_one_control(changed, control, inside, 0.05)
    # Inside 50 images change and 60 by the control, of which 10 more; outside 10 and 10 of each hundred.
    assert tested.p > 0.5 and tested.beyond.low < 0 < tested.beyond.high


def studies(random, count, planted=False, controlled=False):
    """p-values of slices that were chosen as the audit chooses them, in made studies; planted: a cluster changes five times as often."""
    found, first = [], 0
    for _ in range(count):
        features, which = blobs(random, [150] * 6)
        statistics = {name: random.normal(size=len(which)) for name in ("brightness", "edges", "noise", "entropy")}
        changed = random.random(len(which)) < np.where(planted & (which == 2), 0.3, 0.06)
        control = random.random(len(which)) < 0.06
        scores = changed - 1.0 * control if controlled else changed.astype(float)
        testing = random.random(len(which)) < 0.5
        candidates = cluster_slices(features, np.flatnonzero(~testing), 6, random)
        candidates |= statistic_slices(statistics, np.flatnonzero(~testing))
        inside = np.stack(list(candidates.values()))
        kept = kept_slices(inside[:, ~testing], scores[~testing], 5, 20)
        for place in kept:
            own = inside[place][testing]
            if controlled:
                found.append(beside_one_control(changed[testing], control[testing], own, 0.05).p)
            else:
                found.append(alone(changed[testing], own, ONE[: testing.sum()], 0.05).p)
        first += bool(kept) and (inside[kept[0]] == (which == 2)).mean() > 0.99
    return np.array(found), first


@pytest.mark.parametrize("controlled", [False, True])
def test_p_values_hold_where_no_slice_matters_although_slices_were_chosen(controlled):
    p, _ = studies(np.random.default_rng(0), 80, controlled=controlled)
    assert len(p) > 30
    for level in (0.05, 0.2, 0.5):  # at most as often as a test that holds, but for a chance of 1 in 10,000
        assert (p <= level).sum() <= stats.binom.ppf(0.9999, len(p), level)


def test_tested_on_the_images_that_chose_them_slices_would_be_found_where_there_are_none():
    """That the test above can fail: the same p-values on the discovery half are far too small."""
    random, found = np.random.default_rng(0), []
    for _ in range(60):
        changed = random.random(400) < 0.1
        inside = random.random((30, 400)) < 0.2
        kept = kept_slices(inside, changed.astype(float), 5, 20)
        found += [alone(changed, inside[place], ONE[: len(changed)], 0.05).p for place in kept]
    assert (np.array(found) <= 0.05).mean() > 0.5


def test_a_planted_slice_is_found_first():
    p, first = studies(np.random.default_rng(0), 20, planted=True)
    assert first >= 19 and (p < 0.001).sum() >= 19
