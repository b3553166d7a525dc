"""Gradual pruning: the schedule by hand, masks against brute force, and what a training leaves behind."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from scripts.lib.pruning import (
    GradualPruning,
    Mask,
    Schedule,
    block_mask,
    magnitude_mask,
    prunable,
    schedule_from_fractions,
)


def test_cubic_schedule_by_hand():
    schedule = Schedule(begin=100, end=300, every=50)
    assert schedule.sparsity(0, 0.9) == schedule.sparsity(100, 0.9) == 0
    assert schedule.sparsity(200, 0.9) == pytest.approx(0.9 * (1 - 0.5**3))
    assert schedule.sparsity(250, 0.8) == pytest.approx(0.8 * (1 - 0.25**3))
    assert schedule.sparsity(300, 0.9) == schedule.sparsity(999, 0.9) == 0.9
    assert [step for step in range(400) if schedule.updates_at(step)] == [100, 150, 200, 250, 300]


def test_the_end_is_an_update_even_off_the_beat():
    assert [step for step in range(50) if Schedule(0, 25, 10).updates_at(step)] == [0, 10, 20, 25]


def test_a_schedule_without_room_is_refused():
    with pytest.raises(ValueError, match="train longer"):
        schedule_from_fractions(3, 0.5, 0.6, 1)
    assert schedule_from_fractions(100, 0.2, 1.0, 5) == Schedule(20, 99, 5)


@given(st.integers(0, 2**31), st.floats(0, 0.99))
@settings(max_examples=40)
def test_magnitude_mask_zeroes_the_smallest_exactly(seed, sparsity):
    weight = torch.randn(6, 5, 3, 3, generator=torch.Generator().manual_seed(seed))
    mask = magnitude_mask(weight, sparsity)
    kept = weight.abs()[mask == 1]
    assert int((mask == 0).sum()) == round(sparsity * weight.numel())
    if (mask == 0).any() and len(kept):
        assert weight.abs()[mask == 0].max() <= kept.min()


def test_magnitude_mask_is_exact_among_equal_weights():
    assert magnitude_mask(torch.ones(10), 0.5).tolist() == [0] * 5 + [1] * 5


@pytest.mark.parametrize("shape", [(16, 8, 3, 3), (10, 6, 3, 3), (8, 8), (5, 3, 1, 1)])
@pytest.mark.parametrize("sparsity", [0.0, 0.5, 0.8])
def test_block_mask_against_loops(shape, sparsity):
    weight = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    rows, columns = 4, 4
    mask = block_mask(weight, sparsity, (rows, columns))
    taps = weight.numpy().reshape(shape[0], shape[1], -1)
    masks = mask.numpy().reshape(taps.shape)
    for top in range(0, shape[0], rows):
        blocks = []
        for tap in range(taps.shape[2]):
            for left in range(0, shape[1], columns):
                where = (slice(top, top + rows), slice(left, left + columns), tap)
                assert len(np.unique(masks[where])) == 1  # whole blocks only
                blocks.append((np.mean(taps[where] ** 2), masks[where].flat[0]))
        pruned = sorted(score for score, kept in blocks if kept == 0)
        assert len(pruned) == round(sparsity * len(blocks))  # the same number in every block row
        assert pruned == sorted(score for score, _ in blocks)[: len(pruned)]  # and the weakest


def test_a_mask_takes_zeros_and_ones_only():
    mask = Mask(torch.zeros(3))
    for wrong in (torch.tensor([0, 0.5, 1]), torch.tensor([0, 1]), torch.tensor([0, 1, float("nan")])):
        with pytest.raises(ValueError, match="zeros and ones"):
            mask.set(wrong)


def network():
    return nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 8, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 2)
    )


def test_which_layers():
    assert list(prunable(network(), "convolutions")) == ["0", "2"]
    assert list(prunable(network(), "convolutions_but_first")) == ["2"]
    with pytest.raises(ValueError, match="selects no layer"):
        GradualPruning(nn.Sequential(nn.Conv2d(3, 4, 3)), Schedule(0, 1, 1), "magnitude", 0.5, "convolutions_but_first")


def test_masked_weights_are_kept_may_return_and_end_as_zeros():
    model = nn.Sequential(nn.Conv2d(1, 1, (1, 4), bias=False))
    pruner = GradualPruning(model, Schedule(0, 2, 2), "magnitude", 0.5, "convolutions")
    raw = model[0].parametrizations.weight.original
    with torch.no_grad():
        raw.copy_(torch.tensor([[[[4.0, 3.0, 2.0, 1.0]]]]))
    pruner.after_step(2)
    assert model[0].weight.flatten().tolist() == [4, 3, 0, 0] and raw.flatten().tolist() == [4, 3, 2, 1]
    model[0](torch.ones(1, 1, 1, 4)).sum().backward()
    assert raw.grad.flatten().tolist() == [1, 1, 0, 0]  # no gradient reaches what is masked
    with torch.no_grad():
        raw.copy_(torch.tensor([[[[0.5, 3.0, 2.0, 1.0]]]]))
    pruner.after_step(2)
    assert model[0].weight.flatten().tolist() == [0, 3, 2, 0]  # the third has returned
    assert pruner.finish() == {"0": (2, 4)}
    assert dict(model.named_parameters())["0.weight"].flatten().tolist() == [0, 3, 2, 0]
