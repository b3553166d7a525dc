"""Layers that are exchanged: exactly the level with the others exempt, and dense layers pruned as much as the level's own."""

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from kernels.folding import fold_batchnorm
from scripts.lib.compression.calibration import calibrate
from scripts.lib.compression.cost import weight_bytes
from scripts.lib.compression.exchanging import of_pruned, of_quantized
from scripts.lib.compression.quantization import LAYERS, quantize_network
from scripts.lib.compression.scores import Random
from scripts.lib.compression.structures import Unstructured


def network():
    """Three layers, the first with a batch norm that does something."""
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(3, 5, 3, padding=1),
        nn.BatchNorm2d(5),
        nn.ReLU(),
        nn.Conv2d(5, 4, 3, stride=2),
        nn.Flatten(),
        nn.Linear(4 * 3 * 3, 3),
    )
    model[1].running_mean.normal_()
    model[1].running_var.uniform_(0.5, 2)
    return model.eval()


NAMES = ["0", "3", "5"]
IMAGES = torch.rand(6, 3, 8, 8, generator=torch.Generator().manual_seed(1)) * 2 - 1


RANGES = calibrate(network(), IMAGES)


@settings(max_examples=25)
@given(st.sampled_from(sorted(LAYERS)), st.sets(st.sampled_from(NAMES), min_size=1), st.sets(st.sampled_from(NAMES)))
def test_a_layer_alone_is_exactly_the_level_with_all_others_exempt(method, compressed, before):
    model = network()
    exchanged = of_quantized(model, quantize_network(model, method, RANGES))
    exchanged.with_compressed(before)  # whatever was asked for before
    exempt = [name for name in NAMES if name not in compressed]
    level = quantize_network(model, method, RANGES, exempt)
    with torch.no_grad():
        assert torch.equal(exchanged.with_compressed(compressed)(IMAGES), level(IMAGES))
        assert torch.equal(exchanged.with_compressed([])(IMAGES), fold_batchnorm(model)(IMAGES))
        assert torch.equal(exchanged.trained(IMAGES), model(IMAGES))


def test_what_is_exempt_in_the_level_is_not_exchanged_and_the_others_save_what_the_level_saves():
    model = network()
    quantized = quantize_network(model, "int4_weights", {}, ["3"])
    exchanged = of_quantized(model, quantized)
    assert exchanged.layers == ["0", "5"]
    assert sum(exchanged.bytes_saved.values()) == weight_bytes(fold_batchnorm(model)) - weight_bytes(quantized)
    with pytest.raises(ValueError, match=r"^3 is no layer that can be exchanged"):
        exchanged.with_compressed(["3"])


def pruned_as(model, zeros):
    """A copy of a network in which the first of each layer's weights are zero, as many as said."""
    pruned = copy.deepcopy(model)
    for name, count in zeros.items():
        pruned.get_submodule(name).weight.data.view(-1)[:count] = 0
    return pruned


def test_a_dense_layer_loses_as_many_of_its_smallest_weights_as_the_levels_layer_has_lost():
    model = network()
    before = copy.deepcopy(model.state_dict())
    level = {"name": "half", "method": "magnitude", "sparsity": 0.5}
    exchanged = of_pruned(model, pruned_as(model, {"0": 40, "3": 90}), level, 0, "convolutions")
    assert exchanged.layers == ["0", "3"] and exchanged.bytes_saved == {"0": 160, "3": 360}
    for name, count in (("0", 40), ("3", 90)):
        dense = before[f"{name}.weight"].flatten()
        kept = exchanged.with_compressed([name]).get_submodule(name).weight.detach().flatten()
        smallest = dense.abs().argsort()[:count]
        assert (kept == 0).sum() == count and bool((kept[smallest] == 0).all())
        assert torch.equal(kept[kept != 0], dense[kept != 0])
        other = exchanged.network.get_submodule("3" if name == "0" else "0")
        assert bool((other.weight != 0).all())
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_two_of_four_stay_two_of_four_where_three_channels_fill_a_group():
    model = network()
    level = {"name": "two", "method": "prune", "structure": "n_of_m", "n": 2, "m": 4}
    pruned = copy.deepcopy(model)
    pruned[0].weight.data[:, 0] = 0  # of three input channels one is gone, the fourth of the group is not there
    pruned[3].weight.data[:, [0, 1]] = 0
    pruned[3].weight.data[:, 4] = 0  # alone in its group, with three that are not there: one is always kept
    pruned[3].weight.data[:, 4] = 1
    layers = of_pruned(model, pruned, level, 0, "convolutions").compressed
    assert bool(((layers["0"].weight == 0).sum(1) == 1).all())
    assert bool(((layers["3"].weight[:, :4] == 0).sum(1) == 2).all())
    assert bool((layers["3"].weight[:, 4] != 0).all())


def test_random_scores_are_those_of_the_level_and_seed():
    model = network()
    level = {"name": "chance", "method": "prune", "score": "random", "sparsity": 0.5}
    layer = of_pruned(model, pruned_as(model, {"0": 67, "3": 90}), level, 7, "convolutions").compressed["0"]
    drawn = Random("chance", 7).values("0", model[0].weight, Unstructured()).flatten()
    assert set(drawn.argsort()[:67].tolist()) == set((layer.weight.flatten() == 0).nonzero().flatten().tolist())
