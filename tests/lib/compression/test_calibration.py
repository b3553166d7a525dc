"""Ranges of what layers read: by hand, and against plain searches over the values themselves."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from scripts.lib.compression import calibration
from scripts.lib.compression.calibration import BINS, STEPS, calibrate, percentile_range, range_of_least_error
from scripts.lib.compression.quantization import affine, whole


def conv_net():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 2, 1), nn.ReLU(), nn.Conv2d(2, 2, 1)).eval().requires_grad_(False)


def test_calibration_finds_what_each_layer_reads(monkeypatch):
    network, images = conv_net(), torch.randn(5, 3, 4, 4)
    hidden = network[0](images).relu()
    expected = {"0": (images.min(), images.max()), "2": (hidden.min(), hidden.max())}
    assert calibrate(network, images) == expected
    assert not network[0]._forward_pre_hooks
    monkeypatch.setattr(calibration, "BATCH", 2)
    several = calibrate(network, images)
    assert torch.tensor([*several["0"], *several["2"]]) == pytest.approx(torch.tensor([*expected["0"], *expected["2"]]))


def test_what_cannot_be_calibrated_is_named():
    for options in ({}, {"range": "mse"}):
        with pytest.raises(ValueError, match="layer 0: it reads undefined numbers"):
            calibrate(nn.Sequential(nn.Linear(2, 2)), torch.tensor([[1.0, float("nan")]]), **options)
        unused = conv_net()
        unused.forward = lambda x: x
        with pytest.raises(ValueError, match="layer 0: the network never uses it"):
            calibrate(unused, torch.zeros(1, 3, 32, 32), **options)


@pytest.mark.parametrize(
    "counts, percentile, expected",
    [
        # Bins of width 1 from -2 to 8; a hundred values.
        ([1, 0, 0, 97, 0, 0, 0, 0, 1, 1], 100, (-2, 8)),
        ([1, 0, 0, 97, 0, 0, 0, 0, 1, 1], 99, (1, 7)),  # one may go at each end, and so may empty bins
        ([1, 0, 0, 97, 0, 0, 0, 0, 1, 1], 98, (1, 2)),
        ([2, 0, 0, 97, 0, 0, 0, 0, 0, 1], 99, (-2, 2)),
        ([100, 0, 0, 0, 0, 0, 0, 0, 0, 0], 51, (-2, -1)),
    ],
)
def test_percentiles_by_hand(counts, percentile, expected):
    found = percentile_range(torch.tensor(counts), torch.tensor(-2.0), torch.tensor(8.0), percentile)
    assert [float(end) for end in found] == list(expected)


@given(st.integers(0, 2**32 - 1), st.sampled_from([60, 99, 99.9, 100]))
def test_no_more_than_the_percentile_says_lies_beyond(seed, percentile):
    counts = torch.from_numpy(np.random.default_rng(seed).integers(0, 100, 50))
    low, high = (float(end) for end in percentile_range(counts, torch.tensor(0.0), torch.tensor(50.0), percentile))
    low, high = round(low), round(high)  # edges of bins
    allowed = (100 - percentile) / 100 * int(counts.sum()) + 1e-6
    assert low < high and counts[:low].sum() <= allowed and counts[high:].sum() <= allowed
    assert counts[: low + 1].sum() > allowed and counts[high - 1 :].sum() > allowed


def test_the_range_of_least_error_by_hand():
    """Values 0 to 255 are whole numbers of the scale 1, for which a single 510 is cut to 255: an error of 255 * 255.

    With the scale 2 of all values every other one is off by one, 128 * 10,000 times.
    """
    often, once = torch.arange(256.0), torch.tensor([510.0])
    counts = torch.histc(often, BINS, 0, 510).long() * 10_000 + torch.histc(once, BINS, 0, 510).long()
    assert range_of_least_error(counts, torch.tensor(0.0), torch.tensor(510.0)) == (0, 255)
    seldom = torch.histc(often, BINS, 0, 510).long() + torch.histc(once, BINS, 0, 510).long()
    assert range_of_least_error(seldom, torch.tensor(0.0), torch.tensor(510.0)) == (0, 510)


@given(st.integers(0, 2**32 - 1), st.sampled_from([3.0, 30.0]), st.sampled_from([None, 0.0, -0.5]))
def test_no_range_of_the_grid_has_less_error(seed, degrees, cut):
    values = np.random.default_rng(seed).standard_t(degrees, 200)
    values = values if cut is None else values.clip(cut)
    low, high = torch.tensor(values.min()).float(), torch.tensor(values.max()).float()
    counts, edges = np.histogram(values, 64, (float(low), float(high)))
    middles = torch.from_numpy((edges[1:] + edges[:-1]) / 2)

    def error(low, high):
        scale, zero_point = affine(low, high)
        return float((whole(middles, scale, zero_point) * scale - middles).square() @ torch.from_numpy(counts).double())

    found = range_of_least_error(torch.from_numpy(counts), low, high)
    grid = [k / STEPS for k in range(5, STEPS + 1, 5)]
    least = min(error(low.double() * one, high.double() * other) for one in grid for other in grid)
    assert error(*(end.double() for end in found)) <= least * (1 + 1e-4) + 1e-9


@pytest.mark.parametrize("options", [{"range": "percentile", "percentile": 99}, {"range": "mse"}])
def test_a_histogram_is_of_all_that_a_layer_reads(options, monkeypatch):
    """Half a million normal values and one of 10, which is cut: it costs less than the coarser rounding of all others."""
    network = conv_net()
    images = torch.randn(40, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    images[0, 0, 0, 0] = 10
    found = calibrate(network, images, **options)["0"]
    assert -6 < found[0] < -2 and 2 < found[1] < 9
    values = images.flatten().double().numpy()
    counts = torch.from_numpy(np.histogram(values, BINS, (values.min(), values.max()))[0])
    clip = {"percentile": percentile_range, "mse": range_of_least_error}[options["range"]]
    rest = {key: value for key, value in options.items() if key != "range"}
    expected = clip(counts, images.min(), images.max(), **rest)
    step = max(
        (values.max() - values.min()) / BINS, values.max() / STEPS
    )  # numpy may see a value at an edge in the next bin
    assert torch.stack(found).tolist() == pytest.approx(torch.stack(expected).tolist(), abs=1.01 * step)
    monkeypatch.setattr(calibration, "BATCH", 3)
    assert torch.equal(torch.stack(calibrate(network, images, **options)["0"]), torch.stack(found))


@pytest.mark.parametrize("options", [{"range": "percentile", "percentile": 99.99}, {"range": "mse"}])
def test_a_layer_that_reads_one_value_only_has_a_range(options):
    for value in (0.0, 3.0, -2.0):
        low, high = calibrate(nn.Sequential(nn.Linear(2, 2)), torch.full((4, 2), value), **options)["0"]
        scale, zero_point = affine(low, high)
        x = torch.tensor([value])
        assert float(whole(x, scale, zero_point) * scale) == pytest.approx(value, abs=abs(value) / 200)
