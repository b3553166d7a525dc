"""Pruning while a network trains: any combination of the four choices, and what a training leaves behind."""

import copy
import io
from itertools import pairwise, product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from kernels.packed import block_mask as blocks_kept
from kernels.sparsify import sparsify
from scripts.lib.compression.distributions import DISTRIBUTIONS
from scripts.lib.compression.pruning import Mask, channel_energy, prunable, pruner_for
from scripts.lib.compression.schedules import SCHEDULES
from scripts.lib.compression.scores import SCORES
from scripts.lib.compression.structures import STRUCTURES, Blocks, mask_of
from scripts.lib.jobs.errors import InputError
from scripts.lib.networks.architectures import build_network
from scripts.lib.study.pruned_levels import CHOICES, check_pruned_level

PRUNING = {
    "begin": 0.2,
    "end": 0.8,
    "every": 2,
    "layers": "convolutions",
    "allocation": "uniform",
    "permutation": "none",
}
ALWAYS = {"begin": 0.0, "end": 1.0}


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


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
    level, pruning = (
        {"name": "m", "method": "magnitude", "sparsity": 0.5},
        PRUNING | {"layers": "convolutions_but_first"},
    )
    with pytest.raises(InputError, match=r"^level m: pruning\.layers `convolutions_but_first` selects no layer"):
        pruner_for(nn.Sequential(nn.Conv2d(3, 4, 3)), level, 0, 10, pruning, (8, 8))


def test_masked_weights_are_kept_may_return_and_end_as_zeros():
    model = nn.Sequential(nn.Conv2d(1, 1, (1, 4), bias=False))
    pruner = pruner_for(model, {"name": "m", "method": "magnitude", "sparsity": 0.5}, 0, 3, PRUNING | ALWAYS, (1, 4))
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


def pruned(model, steps=4, **options):
    """Pruned without training: (the masked network before it is finished, what finish gives, the pruner)."""
    masked = copy.deepcopy(model)
    level = {"name": "b", "method": "block", "sparsity": 0.75, "block": [4, 4]}
    pruner = pruner_for(model, level, 0, steps + 1, PRUNING | ALWAYS | options, (32, 32))
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
    masked, reached, pruner = pruned(model, allocation=allocation, permutation="output_channels")
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
    plain, _, _ = pruned(raw, allocation=allocation)
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
    level = {"name": "b", "method": "block", "sparsity": 0.5, "block": [4, 4]}
    pruning = {"begin": 0.25, "end": 0.75, "permutation": "output_channels"}  # steps 2, 4 and 6
    pruner = pruner_for(model, level, 0, 8, PRUNING | pruning, (32, 32))
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
    structure = Blocks(shape[0], 4)
    mask = mask_of(structure, structure.scores(weight), 0.5, weight.shape).numpy().reshape(taps.shape)
    kept = np.stack([mask[0, begin, tap] for tap in range(taps.shape[2]) for begin in range(0, shape[1], 4)])
    assert np.array_equal(np.sort(energy.mean(0)[kept == 1]), np.sort(energy.mean(0))[round(0.5 * len(kept)) :])


IMAGES = torch.randn(6, 3, 6, 6, generator=torch.Generator().manual_seed(0))
STEPS = 10


def two_layers(seed):
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, bias=False), nn.ReLU(), nn.Conv2d(8, 6, 3, bias=False), nn.AdaptiveAvgPool2d(1), nn.Flatten()
    )


def combination(structure, distribution, score="magnitude", schedule="gradual", sparsity=0.6):
    """The entry of a level that makes all choices itself."""
    own = {"block": {"block": [4, 2]}, "n_of_m": {"n": 2, "m": 4}}.get(structure, {})
    level = {"name": "p", "method": "prune", "structure": structure, "distribution": distribution} | own
    level |= {"score": score, "schedule": schedule}
    return level if structure == "n_of_m" else level | {"sparsity": sparsity}


def is_possible(level):
    try:
        check_pruned_level("here", level, PRUNING)
    except InputError:
        return False
    return True


POSSIBLE = [pair for pair in product(CHOICES["structure"], CHOICES["distribution"]) if is_possible(combination(*pair))]


def trained(model, pruner, steps=STEPS, begin=0, optimizer=None):
    """Train on images of which each is a class; the masks of all layers after each step."""
    optimizer = torch.optim.SGD(model.parameters(), 0.2, momentum=0.9) if optimizer is None else optimizer
    if begin == 0:
        pruner.before_training()
    history = []
    for step in range(begin, steps):
        loss = nn.functional.cross_entropy(model(IMAGES), torch.arange(6))
        optimizer.zero_grad()
        loss.backward()
        pruner.before_step(step)
        optimizer.step()
        pruner.after_step(step)
        history.append({name: layer.parametrizations.weight[0].mask.clone() for name, layer in pruner.layers.items()})
    return history


def test_what_can_be_combined():
    assert len(POSSIBLE) == 3 + 4 + 1 + 3  # only blocks save time, and n of m is the same everywhere


@pytest.mark.parametrize("structure, distribution", POSSIBLE)
@given(st.floats(0, 0.95), st.integers(0, 1000))
@settings(max_examples=2, deadline=None)
def test_whatever_is_combined_masks_are_what_was_asked_for(structure, distribution, sparsity, seed):
    for score, schedule in product(CHOICES["score"], CHOICES["schedule"]):
        level = combination(structure, distribution, score, schedule, sparsity)
        model = two_layers(seed)
        pruner = pruner_for(model, level, seed, STEPS, PRUNING, (6, 6))
        units, history = pruner.structure, trained(model, pruner)
        for masks in history:
            for mask in masks.values():
                assert set(mask.unique().tolist()) <= {0.0, 1.0}
                kept = units.scores(mask)
                assert (
                    set(kept.unique().tolist()) <= {0.0, 1.0} and (kept.sum(1) >= 1).all()
                )  # whole units, no group emptied
                assert structure == "n_of_m" or len(set(kept.sum(1).tolist())) == 1  # groups are alike
        if not SCORES[score](level["name"], seed).returns:  # what is gone is gone
            assert all((now[n] <= before[n]).all() for before, now in pairwise(history) for n in now)
        changes = [
            step
            for step, (before, now) in enumerate(pairwise(history), 1)
            if any(not torch.equal(before[name], now[name]) for name in now)
        ]
        allowed = {"gradual": {2, 4, 6, 8}, "one_shot": {2}, "from_start": set()}
        assert set(changes) <= allowed[schedule]
        final = history[-1]
        reached = pruner.finish()
        zeros, total = sum(zeros for zeros, _ in reached.values()), sum(weights for _, weights in reached.values())
        wanted = 0.5 if structure == "n_of_m" else sparsity
        unit = {"unstructured": 1, "block": 16 * 9, "output_channels": 72, "n_of_m": 8 * 9}[structure]
        # Up to a unit of each layer, of equal counts in each group a unit of each; more only where a layer would be emptied.
        assert zeros <= wanted * total + 2 * unit and (zeros >= wanted * total - 2 * unit or sparsity > 0.8)
        for name, mask in final.items():
            assert torch.equal(model.get_submodule(name).weight == 0, mask == 0)
            assert reached[name] == (int((mask == 0).sum()), mask.numel())


@pytest.mark.parametrize("score", CHOICES["score"])
@pytest.mark.parametrize("schedule", CHOICES["schedule"])
@pytest.mark.parametrize("structure, permutation", [("unstructured", "none"), ("block", "output_channels")])
def test_a_training_that_stops_and_goes_on_ends_with_the_same_bytes(score, schedule, structure, permutation):
    level = combination(structure, "global", score, schedule)
    pruning = PRUNING | {"permutation": "none" if score == "random" else permutation}

    def begun():
        model = two_layers(0)
        pruner = pruner_for(model, level, 0, STEPS, pruning, (6, 6))
        return model, pruner, torch.optim.SGD(model.parameters(), 0.2, momentum=0.9)

    model, pruner, optimizer = begun()
    trained(model, pruner, optimizer=optimizer)
    expected = (pruner.finish(), model.state_dict())
    for stop in (1, 3, 7):
        model, pruner, optimizer = begun()
        trained(model, pruner, stop, optimizer=optimizer)
        file = io.BytesIO()
        torch.save([model.state_dict(), pruner.state_dict(), optimizer.state_dict()], file)
        file.seek(0)
        states = torch.load(file, weights_only=True)
        model, pruner, optimizer = begun()
        for each, state in zip((model, pruner, optimizer), states, strict=True):
            each.load_state_dict(state)
        trained(model, pruner, begin=stop, optimizer=optimizer)
        assert pruner.finish() == expected[0]
        assert all(torch.equal(value, expected[1][name]) for name, value in model.state_dict().items())


@pytest.mark.parametrize(
    "short, long",
    [
        ({"method": "magnitude"}, {"method": "prune"}),
        ({"method": "block", "block": [4, 2]}, {"method": "prune", "structure": "block", "block": [4, 2]}),
    ],
)
def test_a_short_name_is_what_it_stands_for(short, long):
    states = []
    for method in (short, long):
        model = two_layers(0)
        pruner = pruner_for(model, {"name": "p", "sparsity": 0.6} | method, 0, STEPS, PRUNING, (6, 6))
        trained(model, pruner)
        pruner.finish()
        states.append(model.state_dict())
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])


def test_random_masks_hang_on_level_seed_and_layer_only():
    def mask(level, seed, structure="unstructured"):
        pruner = pruner_for(
            two_layers(seed),
            combination(structure, "uniform", "random") | {"name": level},
            seed,
            STEPS,
            PRUNING,
            (6, 6),
        )
        pruner.after_step(8)
        return pruner.layers["2"].parametrizations.weight[0].mask

    assert torch.equal(mask("a", 0), mask("a", 0))
    assert not torch.equal(mask("a", 0), mask("a", 1)) and not torch.equal(mask("a", 0), mask("b", 0))


def test_random_units_are_pruned_alike_whatever_their_size():
    """Blocks at ragged edges have fewer weights, and as often go: of 3 columns of blocks one is pruned, each in a third of all rows."""
    weight = torch.ones(300, 5)  # blocks of 1 x 2: the last column has one weight each
    level = {
        "name": "p",
        "method": "prune",
        "score": "random",
        "structure": "block",
        "block": [1, 2],
        "sparsity": 1 / 3,
    }
    pruner = pruner_for(nn.Sequential(nn.Conv2d(5, 300, 1)), level, 0, 2, PRUNING | ALWAYS, (6, 6))
    units = pruner.structure.scores(pruner.score.values("0", weight, pruner.structure))
    counts = torch.bincount(units.argmin(1), minlength=3)
    assert counts.sum() == 300 and all(abs(int(count) - 100) < 5 * (300 * 2 / 9) ** 0.5 for count in counts)


def test_gradients_times_weights_by_hand():
    """The loss w0 x0 + w1 x1 + … has the gradients x: what is least of |x w|, over the steps since the last update, goes."""
    model = nn.Sequential(nn.Conv2d(1, 1, (1, 4), bias=False))
    level = {"name": "g", "method": "prune", "score": "gradient_times_weight", "sparsity": 0.5}
    pruner = pruner_for(model, level, 0, 3, PRUNING | ALWAYS, (1, 4))
    raw = model[0].parametrizations.weight.original
    with torch.no_grad():
        raw.copy_(torch.tensor([[[[4.0, -3.0, 2.0, 1.0]]]]))
    for step, image in enumerate(([1.0, 1, 5, -1], [1.0, 1, -1, 20], [0.0, 5, 0, 0])):
        raw.grad = None
        model[0](torch.tensor(image).reshape(1, 1, 1, 4)).sum().backward()
        pruner.before_step(step)
        if step == 2:  # |x w|: 4 + 0, 3 + 15, 2 + 0, 20 + 0, of steps 1 and 2; step 0 was an update of nothing
            pruner.after_step(step)
        elif step == 0:
            pruner.after_step(step)
            assert model[0].weight.flatten().tolist() == [4, -3, 2, 1]
    assert model[0].weight.flatten().tolist() == [0, -3, 0, 1]


def test_a_loop_that_notes_no_gradients_is_wrong():
    level = combination("unstructured", "uniform", "gradient_times_weight")
    pruner = pruner_for(two_layers(0), level, 0, STEPS, PRUNING, (6, 6))
    with pytest.raises(RuntimeError, match="call before_step"):
        pruner.after_step(2)


def test_levels_that_do_not_prune_have_no_pruner():
    for method in ("none", "smaller", "int8_static"):
        assert pruner_for(two_layers(0), {"name": "l", "method": method}, 0, STEPS, PRUNING, (6, 6)) is None


def test_every_choice_of_a_study_can_be_made():
    assert set(STRUCTURES) == set(CHOICES["structure"]) and set(SCORES) == set(CHOICES["score"])
    assert set(DISTRIBUTIONS) == set(CHOICES["distribution"]) and set(SCHEDULES) == set(CHOICES["schedule"])
