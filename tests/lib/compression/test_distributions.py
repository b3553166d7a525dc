"""How sparse each layer becomes: by hand, against brute force, and never otherwise than was asked for."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from kernels.cost import expected_seconds
from scripts.lib.compression.distributions import BATCH, Fixed, Global, Units, erk_sparsities, sparsities_by_time
from scripts.lib.compression.pruning import prunable
from scripts.lib.networks import predicting


def units(*groups):
    """A layer's units of one weight each from their scores by group."""
    scores = torch.tensor(groups, dtype=torch.float32)
    return Units(scores, torch.ones_like(scores))


def test_a_fixed_distribution_reaches_a_fraction_of_each_layer():
    assert Fixed({"a": 0.5, "b": 0.9}).sparsities(0.5, {}) == {"a": 0.25, "b": 0.45}


def test_globally_the_least_of_all_layers_go():
    layers = {"a": units([1, 2, 3, 4]), "b": units([5, 6, 7, 8]), "c": units([0, 9])}
    assert Global(0.5).sparsities(1.0, layers) == {
        "a": 3 / 4,
        "b": 1 / 4,
        "c": 1 / 2,
    }  # the 4 is a's best, 5 goes instead
    assert Global(0.5).sparsities(0.4, layers) == {"a": 1 / 4, "b": 0, "c": 1 / 2}


def test_globally_the_best_of_each_group_stays():
    assert Global(0.9).sparsities(1.0, {"a": units([1, 2], [3, 4]), "b": units([8, 9])}) == {"a": 0.5, "b": 0.5}


def test_globally_weights_count_and_not_units():
    large = Units(torch.tensor([[1.0, 4.0]]), torch.tensor([[9.0, 9.0]]))
    small = Units(torch.tensor([[2.0, 3.0, 5.0]]), torch.tensor([[2.0, 2.0, 2.0]]))
    assert Global(0.55).sparsities(1.0, {"large": large, "small": small}) == {"large": 0.5, "small": 2 / 6 + 2 / 6}
    assert Global(9 / 24).sparsities(1.0, {"large": large, "small": small}) == {"large": 0.5, "small": 0}


@given(
    st.lists(st.lists(st.floats(0, 1, width=32), min_size=2, max_size=9), min_size=1, max_size=4), st.floats(0, 0.99)
)
@settings(max_examples=60)
def test_globally_the_total_is_exact_unless_a_layer_would_be_emptied(scores, sparsity):
    layers = {str(number): units(one) for number, one in enumerate(scores)}
    found = Global(sparsity).sparsities(1.0, layers)
    gone = sum(round(found[name] * layer.scores.numel()) for name, layer in layers.items())
    total = sum(map(len, scores))
    assert abs(gone - min(sparsity * total, total - len(scores))) <= 0.5 + 1e-9


def test_erk_by_hand():
    """Of two layers the sums of sides over products are 26 / 1,440 and 46 / 14,400 … of all 15,840 weights 1,584 are kept."""
    shapes = {"a": torch.Size([16, 10, 3, 3]), "b": torch.Size([40, 40, 3, 3])}
    sides = {"a": 16 + 10 + 3 + 3, "b": 40 + 40 + 3 + 3}
    kept = 0.1 * (1440 + 14400)
    found = erk_sparsities(shapes, 0.9)
    for name in shapes:
        assert (1 - found[name]) * shapes[name].numel() == pytest.approx(kept * sides[name] / sum(sides.values()))


def test_erk_has_no_layer_denser_than_dense():
    """A first layer of 108 weights would be denser than dense, so it is dense, and the others share what is left in proportion."""
    shapes = {
        name: torch.Size(shape)
        for name, shape in {"a": (4, 3, 3, 3), "b": (64, 64, 3, 3), "c": (64, 128, 3, 3)}.items()
    }
    found = erk_sparsities(shapes, 0.9)
    assert found["a"] == 0
    kept = {name: (1 - found[name]) * shape.numel() for name, shape in shapes.items()}
    assert sum(kept.values()) == pytest.approx(0.1 * sum(shape.numel() for shape in shapes.values()))
    assert kept["b"] / kept["c"] == pytest.approx((64 + 64 + 6) / (64 + 128 + 6))


@given(
    st.lists(st.tuples(*[st.integers(1, 40)] * 2, *[st.sampled_from([1, 3, 5])] * 2), min_size=1, max_size=6),
    st.floats(0, 0.99),
)
@settings(max_examples=60)
def test_erk_keeps_exactly_what_it_may(shapes, sparsity):
    shapes = {str(number): torch.Size(shape) for number, shape in enumerate(shapes)}
    found = erk_sparsities(shapes, sparsity)
    total = sum(shape.numel() for shape in shapes.values())
    pruned = sum(found[name] * shape.numel() for name, shape in shapes.items())
    assert pruned == pytest.approx(sparsity * total, abs=1e-6 * total)
    assert all(-1e-9 <= one < 1 for one in found.values())


def three_stages(width):
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
