"""Gradual pruning: the schedule by hand, masks against brute force, and what a training leaves behind."""

import copy
import io

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from kernels.cost import expected_seconds
from kernels.packed import block_mask as blocks_kept
from kernels.sparsify import sparsify
from scripts.lib.compression.pruning import (
    BATCH,
    GradualPruning,
    Mask,
    Schedule,
    block_mask,
    channel_energy,
    magnitude_mask,
    prunable,
    schedule_from_fractions,
    sparsities_by_time,
)
from scripts.lib.networks import predicting
from scripts.lib.networks.architectures import build_network


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


def three_stages(width: int = 16) -> nn.Sequential:
    """Convolutions of as many weights each, on ever smaller images; the last one's input channels are no multiple of 4."""
    torch.manual_seed(0)
    layers: list[nn.Module] = []
    for inputs, outputs in ((width, width), (width, width), (width, width - 2), (width - 2, width)):
        layers += [nn.Conv2d(inputs, outputs, 3, 2, 1), nn.BatchNorm2d(outputs), nn.ReLU()]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, 3))


def test_more_is_pruned_where_it_saves_more_time():
    model = nn.Sequential(nn.Conv2d(3, 64, 3, padding=1), three_stages(64))
    model.train()
    layers = prunable(model, "convolutions_but_first")
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    sparsities = sparsities_by_time(model, layers, (16, 4), 0.8, (32, 32))
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items()) and model.training
    weights = {name: layer.weight.numel() for name, layer in layers.items()}
    pruned = sum(weights[name] * one for name, one in sparsities.items())
    assert pruned == pytest.approx(0.8 * sum(weights.values()))
    assert all(0.6 - 1e-9 <= one <= 0.9 + 1e-9 for one in sparsities.values())
    first, second, third, odd = sparsities.values()
    assert first == pytest.approx(0.9) and first >= second >= third and odd == pytest.approx(0.6)
    shapes = ((32, 32), (16, 16), (8, 8))
    seconds = [
        sum(
            min(expected_seconds(layer, (16, 4), density, size) for density in (None, 1 - one))
            for layer, one, size in zip(layers.values(), dealt, [(BATCH, 64, *shape) for shape in shapes], strict=False)
        )
        for dealt in (sparsities.values(), [0.8] * 3)
    ]
    assert seconds[0] < 0.9 * seconds[1]


def test_time_is_modelled_for_as_many_images_as_are_predicted():
    assert BATCH == predicting.BATCH


class Unused(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Conv2d(3, 4, 3), nn.Conv2d(3, 4, 3)

    def forward(self, x):
        return self.a(x)


def test_a_layer_that_no_image_reaches_has_no_time():
    model = Unused()
    with pytest.raises(ValueError, match="no image reaches the layer `b`"):
        sparsities_by_time(model, prunable(model, "convolutions"), (4, 1), 0.5, (8, 8))


def pruned(model, steps=4, **options):
    """Pruned without training: (the masked network before it is finished, what finish gives, the pruner)."""
    masked = copy.deepcopy(model)
    pruner = GradualPruning(model, Schedule(0, steps, 2), "block", 0.75, "convolutions", (4, 4), **options)
    for step in range(steps + 1):
        pruner.after_step(step)
    for name, layer in pruner.layers.items():
        masked.get_submodule(name).weight.data.copy_(layer.weight)
    return masked, pruner.finish(), pruner


@pytest.mark.parametrize("allocation", ["uniform", "time_saved"])
def test_grouped_channels_end_as_blocks_and_the_network_computes_the_same(allocation):
    torch.manual_seed(0)
    model = build_network("plain", [8, 12, 16, 8], 3).eval()
    for norm in (module for module in model if isinstance(module, nn.BatchNorm2d)):
        for tensor, low, high in (
            (norm.weight, 0.5, 2),
            (norm.bias, -1, 1),
            (norm.running_mean, -1, 1),
            (norm.running_var, 0.5, 2),
        ):
            tensor.data.uniform_(low, high)
    raw = copy.deepcopy(model)
    masked, reached, pruner = pruned(model, allocation=allocation, permutation="output_channels", size=(32, 32))
    assert list(pruner.orders) == ["0", "3", "6", "9"] and any(
        order.tolist() != sorted(order.tolist()) for order in pruner.orders.values()
    )
    x = torch.randn(4, 3, 32, 32)
    with torch.no_grad():
        expected = masked.double()(x.double())
        assert torch.allclose(copy.deepcopy(model).double()(x.double()), expected, rtol=1e-12, atol=1e-12)
        sparse, decisions = sparsify(model, (4, 4), x, decide="always")
        assert sum(one.sparse for one in decisions) == 3
        assert torch.allclose(sparse(x).double(), expected, rtol=1e-5, atol=1e-5)  # dense and masked, or packed
    for name in ("3", "6", "9"):
        kept = blocks_kept(model.get_submodule(name).weight, 4, 4).sum(1)
        assert len(set(kept.tolist())) == 1 and reached[name][0] == (model.get_submodule(name).weight == 0).sum()
    plain, _, _ = pruned(raw, allocation=allocation, size=(32, 32))
    for name in ("3", "6", "9"):
        grouped, alone = (net.get_submodule(name).weight.double().square().sum() for net in (masked, plain))
        assert grouped > 0 and (name != "3" or grouped >= alone * (1 - 1e-6))  # behind it, input blocks differ, too


def test_planted_groups_are_found_and_kept():
    """Every fourth output channel reads the same input block: as they are, each row of blocks needs all four blocks."""
    model = nn.Sequential(nn.Conv2d(16, 16, 1, bias=False), nn.ReLU(), nn.Conv2d(16, 4, 1, bias=False))
    with torch.no_grad():
        model[0].weight.zero_()
        for channel in range(16):
            block = 4 * (channel % 4)
            model[0].weight[channel, block : block + 4] = 1 + torch.rand(4, 1, 1)
    weight = model[0].weight.clone()
    kept = lambda masked: float((masked[0].weight.abs().sum() / weight.abs().sum()).detach())  # noqa: E731
    assert kept(pruned(copy.deepcopy(model))[0]) < 0.35
    assert kept(pruned(model, permutation="output_channels")[0]) == 1
    assert blocks_kept(model[0].weight, 4, 4).sum() == 4


def test_masks_follow_the_groups_of_the_first_update():
    model = three_stages()
    pruner = GradualPruning(
        model, Schedule(2, 6, 2), "block", 0.5, "convolutions", (4, 4), permutation="output_channels"
    )
    pruner.after_step(1)
    assert pruner.orders is None
    pruner.after_step(2)
    orders = {name: order.clone() for name, order in pruner.orders.items()}
    assert list(orders) == ["0", "3", "6", "9"] and all(
        bool((m.mask == 1).all()) for m in model.modules() if isinstance(m, Mask)
    )
    with torch.no_grad():
        for layer in pruner.layers.values():
            layer.parametrizations.weight.original.normal_()
    pruner.after_step(4)
    assert all(torch.equal(pruner.orders[name], order) for name, order in orders.items())
    file = io.BytesIO()
    pruner.finish()
    torch.save(model.state_dict(), file)
    assert all("parametrizations" not in name for name in model.state_dict())


@pytest.mark.parametrize("shape", [(8, 8, 3, 3), (10, 6, 3, 3), (5, 3, 1, 1)])
def test_channel_energy_is_what_blocks_are_ranked_by(shape):
    weight = torch.randn(shape)
    energy = channel_energy(weight, 4)
    taps = weight.numpy().reshape(shape[0], shape[1], -1)
    expected = np.stack(
        [
            (taps[:, begin : begin + 4, tap] ** 2).mean(1)
            for tap in range(taps.shape[2])
            for begin in range(0, shape[1], 4)
        ],
        1,
    )
    assert np.allclose(energy, expected)
    mask = block_mask(weight, 0.5, (shape[0], 4)).numpy().reshape(taps.shape)
    kept = np.stack([mask[0, begin, tap] for tap in range(taps.shape[2]) for begin in range(0, shape[1], 4)])
    assert np.array_equal(np.sort(energy.mean(0)[kept == 1]), np.sort(energy.mean(0))[round(0.5 * len(kept)) :])
