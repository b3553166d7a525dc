"""How unevenly a loss falls on the classes: by hand, against scipy, and where nothing differs."""

import numpy as np
import pytest
from scipy import stats

from scripts.lib.audit.disparity import (
    combined_error_variance,
    error_rates,
    frequency_slope,
    jackknifed,
    recall_intensification,
    symmetric_distance_error,
)


def test_the_slope_on_frequency_is_scipys_per_doubling():
    random = np.random.default_rng(0)
    frequency, change = random.integers(10, 1000, 12), random.normal(0, 0.1, 12)
    found = frequency_slope(change, frequency, 0.05)
    fit = stats.linregress(np.log2(frequency), change)
    assert found.value == pytest.approx(fit.slope) and found.low < found.value < found.high
    exact = frequency_slope(0.03 * np.log2(frequency) - 0.2, frequency, 0.05)
    assert exact.value == pytest.approx(0.03) and np.isnan([exact.low, exact.high]).all()
    # Classes without test or training images are left out.
    holes = np.append(frequency, [0, np.nan, 50]), np.append(change, [0.5, 0.5, np.nan])
    assert frequency_slope(holes[1], holes[0], 0.05) == found


def test_the_variance_of_the_slope_is_hc3():
    random = np.random.default_rng(5)
    frequency, change = random.integers(10, 1000, 9), random.normal(0, 0.1, 9)
    found = frequency_slope(change, frequency, 0.05)
    x = np.column_stack([np.ones(9), np.log2(frequency)])
    hat = x @ np.linalg.inv(x.T @ x) @ x.T
    residual = (change - hat @ change) / (1 - np.diag(hat))
    bread = np.linalg.inv(x.T @ x)
    error = np.sqrt((bread @ (x.T * residual**2) @ x @ bread)[1, 1])
    assert found.high - found.value == pytest.approx(stats.t.ppf(0.975, 7) * error)


def test_the_interval_of_the_slope_covers_where_rare_classes_vary_more():
    random, covered, trials = np.random.default_rng(1), 0, 1000
    frequency = np.geomspace(20, 2000, 40)
    for _ in range(trials):
        change = 0.02 * np.log2(frequency) + random.normal(0, 0.5 / np.sqrt(frequency))
        _, low, high = frequency_slope(change, frequency, 0.05)
        covered += low <= 0.02 <= high
    assert 0.90 < covered / trials < 0.98


@pytest.mark.parametrize("frequency", [[1, 2, 3], [5, 5, 5, 5], [0, 1, 2, 3], [np.nan] * 4])
def test_there_is_no_slope_without_frequencies_that_differ(frequency):
    assert np.isnan(frequency_slope(np.arange(len(frequency)) / 10, np.array(frequency), 0.05)).all()


def test_error_rates_of_four_images_by_hand():
    votes, labels = np.array([[0, 1, 1, 2], [0, 0, -1, 2]]), np.array([0, 0, 1, 2])
    false_positive, false_negative = error_rates(votes, labels, 3)
    assert false_positive == pytest.approx(np.array([[0, 1 / 3, 0], [0, 0, 0]]))
    assert false_negative == pytest.approx(np.array([[0.5, 0, 0], [0, 1, 0]]))


def test_error_rates_without_images_are_undefined():
    votes = np.array([[0, 2, 2], [2, 2, 0]])
    false_positive, false_negative = error_rates(votes, np.array([0, 2, 2]), 3)
    assert np.isnan(false_negative[:, 1]).all() and false_negative[:, 0].tolist() == [0, 1]
    assert false_positive[:, 1].tolist() == [0, 0]
    assert np.isnan(error_rates(np.zeros((2, 3), int), np.zeros(3, int), 1)[0]).all()  # there is no other class
    assert np.isnan(
        jackknifed(combined_error_variance, *2 * [error_rates(votes[:, :1] * 0, np.zeros(1, int), 1)], 0.05)
    ).all()


def test_cev_and_sde_by_hand():
    # Relative changes (FPR, FNR): (1, 0) and (0, 1). Mean (0.5, 0.5), each 0.5 away from it; apart by 1 each.
    dense, compressed = np.array([[0.1, 0.1], [0.2, 0.2]]), np.array([[0.2, 0.1], [0.2, 0.4]])
    assert combined_error_variance(dense, compressed) == pytest.approx(0.5)
    assert symmetric_distance_error(dense, compressed) == pytest.approx(1)


def test_an_equal_growth_of_all_errors_is_no_disparity():
    dense = np.random.default_rng(0).random((2, 7))
    assert combined_error_variance(dense, 1.7 * dense) == pytest.approx(0, abs=1e-12)
    assert symmetric_distance_error(dense, 1.7 * dense) == pytest.approx(0, abs=1e-12)


def test_classes_without_dense_errors_are_left_out():
    dense, compressed = np.array([[0.1, 0.1, 0.1], [0.2, 0.2, 0]]), np.array([[0.2, 0.1, 0.3], [0.2, 0.4, 0.5]])
    assert combined_error_variance(dense, compressed) == pytest.approx(0.5)
    assert symmetric_distance_error(dense, compressed) == pytest.approx(1)
    nothing = np.zeros((2, 4, 3))
    assert np.isnan(jackknifed(combined_error_variance, nothing, nothing + 0.1, 0.05).value)


def test_where_one_dense_model_makes_the_only_errors_there_is_no_interval():
    dense, compressed = np.full((2, 3, 2), 0.2), np.full((2, 3, 2), 0.3)
    equal = jackknifed(combined_error_variance, dense, compressed, 0.05)
    assert equal.value == 0 and np.isnan([equal.low, equal.high]).all()  # no model differs: no spread to tell from
    dense[0, 1:, 0] = 0
    found = jackknifed(combined_error_variance, dense, compressed, 0.05)
    assert found.value > 0 and np.isnan([found.low, found.high]).all()


def test_many_at_once_are_as_each():
    dense, compressed = np.random.default_rng(1).random((2, 5, 2, 4))
    for statistic in (combined_error_variance, symmetric_distance_error):
        assert statistic(dense, compressed) == pytest.approx(
            [float(statistic(*each)) for each in zip(dense, compressed, strict=True)]
        )
        assert statistic(dense, compressed[0])[3] == pytest.approx(float(statistic(dense[3], compressed[0])))


def test_of_a_difference_of_means_the_jackknife_is_students_interval():
    rates = np.random.default_rng(2).random((2, 2, 9, 1)) + 1  # FPR and FNR of two populations of nine models

    def difference(dense, compressed):
        return (compressed - dense)[..., 0, 0]

    found = jackknifed(difference, *rates, 0.05)
    first, second = rates[:, 0, :, 0]
    error = np.sqrt(first.var(ddof=1) / 9 + second.var(ddof=1) / 9)
    assert found.value == pytest.approx(second.mean() - first.mean())
    assert found.high - found.value == pytest.approx(stats.t.ppf(0.975, 8) * error)


def test_jackknifed_cev_covers_its_expectation():
    random = np.random.default_rng(3)
    base = random.uniform(0.1, 0.4, (2, 1, 12))
    growth = random.uniform(1, 2, (2, 1, 12))

    def draw():
        return (rate * random.normal(1, 0.08, (2, 10, 12)) for rate in (base, base * growth))

    expectation = np.mean([combined_error_variance(*(rates.mean(axis=1) for rates in draw())) for _ in range(2000)])
    covered = 0
    for _ in range(300):
        low, high = jackknifed(combined_error_variance, *draw(), 0.05)[1:]
        covered += low <= expectation <= high
    assert 0.92 <= covered / 300 <= 0.99


def test_intensification_by_hand():
    # Both halves of the dense models know the same recalls; each class loses half of what it is below 0.9.
    recalls = np.tile([0.9, 0.7, 0.5, 0.3], (4, 1))
    found = recall_intensification(recalls, recalls - (0.9 - recalls) / 2, 0.05)
    assert found.value == pytest.approx(0.5) and np.isnan([found.low, found.high]).all()  # they lie on a line
    holes = np.insert(recalls, 2, np.nan, axis=1)
    assert recall_intensification(holes, holes - (0.9 - holes) / 2, 0.05).value == pytest.approx(0.5)
    assert np.isnan(recall_intensification(recalls[:, :3], recalls[:, :3], 0.05).value)
    assert np.isnan(recall_intensification(recalls * 0, recalls, 0.05).value)


def test_intensification_of_populations_that_do_not_differ_is_0_where_the_plain_slope_is_not():
    random = np.random.default_rng(4)
    slopes, plain, covered = [], [], 0
    for _ in range(400):
        truth = random.normal(0.7, 0.03, 30)
        dense, control = random.normal(truth, 0.06, (2, 6, 30))
        found = recall_intensification(dense, control, 0.05)
        slopes.append(found.value)
        covered += found.low <= 0 <= found.high
        change = control.mean(axis=0) - dense.mean(axis=0)
        plain.append(stats.linregress(dense.mean(axis=0), change).slope)
    assert np.mean(slopes) == pytest.approx(0, abs=4 * np.std(slopes) / 20)
    assert np.mean(plain) < -0.2
    assert 0.9 <= covered / 400 <= 0.985


def test_of_pairs_the_jackknife_leaves_out_pairs():
    random = np.random.default_rng(6)
    dense = random.uniform(0.1, 0.3, (2, 5, 4))
    compressed = dense + random.normal(0, 0.01, (2, 5, 4))

    def difference(before, after):
        return (after - before).mean(axis=(-1, -2))

    found = jackknifed(difference, dense, compressed, 0.05, paired=True)
    changes = (compressed - dense).mean(axis=(0, 2)) + 1  # kept above 0, where the interval is cut
    expected = stats.t.interval(0.95, 4, changes.mean(), stats.sem(changes))
    assert found.value == pytest.approx(changes.mean() - 1) and found.high == pytest.approx(expected[1] - 1)


def test_intensification_of_pairs_without_change_is_0_at_every_draw():
    random = np.random.default_rng(7)
    shared = random.uniform(0.3, 0.9, 12)
    for _ in range(20):
        dense = shared + random.normal(0, 0.05, (6, 12))
        found = recall_intensification(dense, dense.copy(), 0.05, paired=True)
        assert found.value == pytest.approx(0, abs=1e-12) and np.isnan(found.low)
        # Half of all pairs lose half of what the weaker classes lack.
        lost = recall_intensification(dense, dense - (0.9 - shared) / 2, 0.05, paired=True)
        assert 0.3 < lost.value < 0.55
