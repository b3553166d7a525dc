"""Quantized layers compute what a plain loop over whole numbers computes, bit for bit."""

import numpy as np
import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from torch import nn

from kernels.folding import fold_batchnorm
from scripts.lib.compression.calibration import calibrate
from scripts.lib.compression.quantization import (
    LAYERS,
    DynamicInt8Layer,
    Float16Layer,
    IntegerWeightLayer,
    StaticInt8Layer,
    affine,
    quantize_network,
)
from scripts.lib.compression.quantized_models import load_networks
from scripts.lib.jobs.errors import InputError
from scripts.lib.networks.architectures import build_network, normalized
from scripts.lib.networks.cohorts import save_cohort
from scripts.lib.networks.predicting import probabilities

IMAGES = torch.from_numpy(np.random.default_rng(0).integers(0, 255, (40, 32, 32, 3), dtype=np.uint8))
UNIT = torch.tensor(-1.0), torch.tensor(1.0)


def trained(seed=0):
    """A network whose batch norms are not the identity."""
    torch.manual_seed(seed)
    network = build_network("plain", [5, 10, 20, 20], 10).train()
    for _ in range(3):
        network(torch.randn(16, 3, 32, 32))
    return network.eval()


def quantized(method, seed=0):
    network = trained(seed)
    return quantize_network(network, method, calibrate(network, normalized(IMAGES)))


def whole_by_hand(x, scale, zero_point):
    """int8 numbers, then less the zero point: int64 of x's shape. The division is float32's, as a processor's is."""
    q = np.rint(np.float32(x) / np.float32(scale)).astype(np.int64) + int(zero_point)
    return np.clip(q, -128, 127) - int(zero_point)


def convolved_by_hand(x, weight, stride, padding, groups):
    """Sums int64[N, out, H', W'] of whole numbers x[N, C, H, W] and weight[out, C / groups, h, w], one product after another."""
    outputs, inputs, height, width = weight.shape
    x = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    rows, columns = ((size - side) // stride + 1 for size, side in zip(x.shape[2:], (height, width), strict=True))
    sums = np.zeros((len(x), outputs, rows, columns), np.int64)
    for n, o, i, j, c, dy, dx in np.ndindex(*sums.shape, inputs, height, width):
        channel = o // (outputs // groups) * inputs + c
        sums[n, o, i, j] += x[n, channel, i * stride + dy, j * stride + dx] * int(weight[o, c, dy, dx])
    return sums


@pytest.mark.parametrize("stride, padding, groups", [(1, 1, 1), (2, 0, 1), (2, 1, 2)])
@pytest.mark.parametrize("low, high", [(0.0, 3.0), (-1.0, 1.5), (-4.0, -0.5)])
def test_a_fixed_point_convolution_is_that_of_a_loop_over_integers(stride, padding, groups, low, high):
    torch.manual_seed(1)
    layer = nn.Conv2d(4, 6, 3, stride=stride, padding=padding, groups=groups).requires_grad_(False)
    x = torch.rand(2, 4, 6, 6) * (high - low) * 1.2 + low * 1.1  # some of it beyond the calibrated range
    static = StaticInt8Layer(layer, (torch.tensor(low), torch.tensor(high)))
    assert static.weight.dtype == static.input_zero_point.dtype == torch.int8 and static.bias.dtype == torch.int32
    ints = whole_by_hand(x.numpy(), static.input_scale.numpy(), static.input_zero_point)
    sums = convolved_by_hand(ints, static.weight.numpy(), stride, padding, groups)
    sums += static.bias.numpy().astype(np.int64)[:, None, None]
    scale = np.float32(static.input_scale) * static.weight_scale.numpy()
    assert np.array_equal(static(x).numpy(), sums.astype(np.float32) * scale[:, None, None])
    # And that is the layer, but for half a step of what it reads and of its weights.
    inside = x.clamp(min(low, 0), max(high, 0))
    assert (static(inside) - layer(inside)).abs().max() < 0.03 * max(high, -low)


def test_a_dynamic_convolution_quantizes_each_image_by_itself():
    torch.manual_seed(2)
    layer = nn.Conv2d(3, 4, 3, padding=1).requires_grad_(False)
    x = torch.rand(3, 3, 5, 5) * torch.tensor([1.0, 10.0, 0.0]).reshape(3, 1, 1, 1) - 0.3
    dynamic = DynamicInt8Layer(layer)
    for image, got in zip(x, dynamic(x), strict=True):
        scale, zero_point = affine(image.min(), image.max())
        ints = whole_by_hand(image[None].numpy(), scale.numpy(), zero_point)
        sums = convolved_by_hand(ints, dynamic.weight.numpy(), 1, 1, 1)[0].astype(np.float32)
        rescaled = sums * (np.float32(scale) * dynamic.weight_scale.numpy())[:, None, None]
        assert np.array_equal(got.numpy(), rescaled + dynamic.bias.numpy()[:, None, None])
        assert torch.equal(dynamic(image[None])[0], got)


@pytest.mark.parametrize("inputs, exact", [(500, torch.float32), (3000, torch.float64)])
def test_sums_beyond_float32_are_exact_too(inputs, exact):
    """Channels of weights that are all as large as can be, so that float32 sums would be rounded."""
    random = np.random.default_rng(3)
    layer = nn.Linear(inputs, 2).requires_grad_(False)
    layer.weight.copy_(torch.from_numpy(random.choice([-1.0, 1.0], (2, inputs)).astype(np.float32)))
    layer.weight[1] = 1
    x = torch.from_numpy(random.uniform(0.7, 1, (5, inputs)).astype(np.float32))
    static = StaticInt8Layer(layer, (torch.tensor(0.0), torch.tensor(1.0)))
    ints = whole_by_hand(x.numpy(), static.input_scale.numpy(), static.input_zero_point)
    sums = ints @ static.weight.numpy().T.astype(np.int64) + static.bias.numpy()
    assert static.exact_type(static.bias) == exact and (sums.max() > 2**24) == (exact == torch.float64)
    assert np.array_equal(static.accumulated(torch.from_numpy(ints).float(), static.bias).numpy(), np.float32(sums))


def test_wide_convolutions_are_exact_where_torch_would_choose_a_faster_algorithm():
    random = np.random.default_rng(4)
    layer = nn.Conv2d(32, 32, 3, padding=1, bias=False).requires_grad_(False)
    static = StaticInt8Layer(layer, UNIT)
    ints = random.integers(-255, 256, (17, 32, 16, 16))
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(ints, ((0, 0), (0, 0), (1, 1), (1, 1))), (3, 3), (2, 3))
    sums = np.einsum("nchwij,ocij->nohw", windows, static.weight.numpy().astype(np.int64), optimize=True)
    assert np.array_equal(static.accumulated(torch.from_numpy(ints).float()).numpy(), sums)


@given(st.floats(-1e4, 1e4, width=32), st.floats(0, 1e4, width=32))
@example(0.0, 340 * 2.0**-149)
def test_zero_is_a_whole_number_and_the_ends_of_the_range_are_kept(low, width):
    low, high = torch.tensor(low), torch.tensor(low) + torch.tensor(width)
    scale, zero_point = affine(low, high)
    assert zero_point == zero_point.round() and -128 <= zero_point <= 127 and scale > 0
    for end in (low.clamp_max(0), high.clamp_min(0)):
        assert abs(whole_by_hand(end, scale, zero_point) * float(scale) - float(end)) <= 0.501 * float(scale)


def test_a_bias_that_is_large_beside_its_weights_widens_the_scale():
    layer = nn.Conv2d(1, 3, 1).requires_grad_(False)
    layer.weight.copy_(torch.tensor([0.0, 1e-12, 1.0]).reshape(3, 1, 1, 1))
    layer.bias.copy_(torch.tensor([5.0, -5.0, 0.1]))
    static = StaticInt8Layer(layer, UNIT)
    assert static.bias[:2].tolist() == pytest.approx([2**30, -(2**30)]) and static.weight.flatten().tolist() == [
        0,
        0,
        127,
    ]
    assert static(torch.zeros(1, 1, 1, 1)).flatten().numpy() == pytest.approx([5, -5, 0.1], abs=1 / 127 / 127)


def test_float16_is_storage_only():
    layer = nn.Conv2d(3, 4, 3).requires_grad_(False)
    half = Float16Layer(layer)
    assert half.weight.dtype == half.bias.dtype == torch.float16
    x = torch.randn(2, 3, 5, 5)
    rounded = [torch.from_numpy(each.numpy().astype(np.float16).astype(np.float32)) for each in layer.parameters()]
    assert torch.equal(half(x), nn.functional.conv2d(x, *rounded)) and half(x).dtype == torch.float32


@pytest.mark.parametrize(
    ("method", "difference"),
    [("float16", 1e-4), ("int8_dynamic", 5e-3), ("int8_static", 5e-3), ("int8_weights", 5e-3), ("int4_weights", 5e-2)],
)
def test_a_quantized_network_is_near_the_trained_one_and_keeps_no_other_weights(method, difference):
    network = quantized(method)
    away = np.abs(probabilities(network, IMAGES) - probabilities(trained(), IMAGES)).max()
    assert 0 < away < difference
    assert [name for name, module in network.named_modules() if isinstance(module, LAYERS[method])] == [
        *("0", "3", "6", "9", "14")
    ]
    assert not list(network.parameters()) and not any("running" in name for name in network.state_dict())


def test_predictions_do_not_depend_on_the_batch():
    for method in LAYERS:
        network = quantized(method)
        alone = np.concatenate([probabilities(network, IMAGES[n : n + 1]) for n in range(3)])
        assert np.abs(probabilities(network, IMAGES)[:3] - alone).max() < 1e-6


@pytest.mark.parametrize("method", LAYERS)
def test_what_is_saved_is_what_predicts(tmp_path, method):
    networks = {seed: quantized(method, seed) for seed in (0, 7)}
    description = {
        "seeds": [0, 7],
        "network": {"name": "plain", "channels": [5, 10, 20, 20]},
        "classes": list("0123456789"),
    }
    save_cohort(tmp_path / "m.safetensors", networks, description | {"quantization": {"method": method}})
    loaded, _ = load_networks(tmp_path / "m.safetensors")
    for seed, network in networks.items():
        assert np.array_equal(probabilities(loaded[seed], IMAGES), probabilities(network, IMAGES))
        kinds = {name: tensor.dtype for name, tensor in loaded[seed].state_dict().items()}
        assert kinds == {name: tensor.dtype for name, tensor in network.state_dict().items()}
    # 6,185 weights of one or two bytes, 65 biases of four or two; int8 has 65 scales, and static five more, with zero points.
    stored = {"float16": 2 * (6185 + 65), "int8_dynamic": 6185 + 65 * 8, "int8_static": 6185 + 65 * 8 + 5 * 5}
    # Channels of 27, 45, 90, 180 and 20 weights are 1, 1, 2, 3 and 1 groups of 64, and 14, 23, 45, 90 and 10 pairs of weights.
    scales = 5 * 1 + 10 * 1 + 20 * 2 + 20 * 3 + 10 * 1
    pairs = 5 * 14 + 10 * 23 + 20 * 45 + 20 * 90 + 10 * 10
    stored |= {"int8_weights": 6185 + 4 * (scales + 65), "int4_weights": pairs + 4 * (scales + 65)}
    assert (tmp_path / "m.safetensors").stat().st_size > 2 * stored[method]
    assert sum(each.numel() * each.element_size() for each in loaded[0].state_dict().values()) == stored[method]
    (tmp_path / "m.safetensors").write_bytes(b"x" * 100)
    with pytest.raises(InputError, match=r"m\.safetensors cannot be read"):
        load_networks(tmp_path / "m.safetensors")


def test_what_cannot_be_quantized_is_named():
    padded = nn.Sequential(nn.Conv2d(3, 2, 3, padding=1, padding_mode="reflect"))
    with pytest.raises(ValueError, match="layer 0: its padding is `reflect`, and only padding with zeros"):
        quantize_network(padded, "int8_dynamic", {})
    large = nn.Sequential(nn.Linear(2, 2))
    large[0].weight.data[0, 0] = 1e5
    with pytest.raises(ValueError, match="layer 0: it has weights beyond 65504"):
        quantize_network(large, "float16", {})
    with pytest.raises(ValueError, match="layer 0: its sums can leave int32"):
        wide = nn.Sequential(nn.Linear(70_000, 1))
        wide[0].weight.data[:] = 1
        quantize_network(wide, "int8_dynamic", {})
    network = trained()
    with pytest.raises(ValueError, match=r"`exempt` names fc, which is no convolution .*: it has 0, 3, 6, 9, 14"):
        quantize_network(network, "float16", {}, exempt=["0", "fc"])
    with pytest.raises(ValueError, match="all its layers are exempt"):
        quantize_network(padded, "float16", {}, exempt="first_and_last")


@pytest.mark.parametrize("exempt, left", [("first_and_last", ["0", "14"]), (["3", "14"], ["3", "14"]), ("none", [])])
@pytest.mark.parametrize("method", LAYERS)
def test_exempt_layers_stay_as_they_are(method, exempt, left, tmp_path):
    model = trained()
    network = quantize_network(model, method, calibrate(model, normalized(IMAGES)), exempt)
    assert [name for name, _ in network.named_parameters()] == [
        f"{name}.{of}" for name in left for of in ("weight", "bias")
    ]
    folded = fold_batchnorm(model).state_dict()
    assert all(torch.equal(value, folded[name]) for name, value in network.named_parameters())
    assert sum(isinstance(module, LAYERS[method]) for module in network.modules()) == 5 - len(left)
    description = {
        "seeds": [0],
        "network": {"name": "plain", "channels": [5, 10, 20, 20]},
        "classes": list("0123456789"),
    }
    quantization = {"method": method, "exempt": exempt}
    save_cohort(tmp_path / "m", {0: network}, description | {"quantization": quantization})
    loaded, _ = load_networks(tmp_path / "m")
    assert np.array_equal(probabilities(loaded[0], IMAGES), probabilities(network, IMAGES))


@pytest.mark.parametrize("weight_range", ["max", "mse"])
@pytest.mark.parametrize("method", LAYERS)
def test_pruned_weights_stay_zero(method, weight_range):
    torch.manual_seed(5)
    layer = nn.Conv2d(6, 4, 3).requires_grad_(False)
    pruned = torch.rand(layer.weight.shape) < 0.8
    pruned[0] = True  # a whole channel
    layer.weight[pruned] = 0
    options = {} if method == "float16" else {"weight_range": weight_range}
    network = quantize_network(nn.Sequential(layer), method, {"0": UNIT}, **options)
    weight = network[0].integers() if isinstance(network[0], IntegerWeightLayer) else network[0].weight
    assert not weight.reshape(pruned.shape)[pruned].any() and weight.reshape(pruned.shape)[~pruned].any()


@pytest.mark.parametrize("method", ["int8_weights", "int4_weights"])
@pytest.mark.parametrize("group", [64, 7, None])
@pytest.mark.parametrize("layer", [nn.Conv2d(6, 4, 3, 2, 1, groups=2), nn.Linear(9, 5, bias=False)])
def test_a_layer_of_integer_weights_is_that_of_a_loop_over_groups(method, group, layer):
    layer = layer.requires_grad_(False)
    quantized = LAYERS[method](layer, group=group)
    largest = {"int8_weights": 127, "int4_weights": 7}[method]
    rows = layer.weight.flatten(1).numpy()
    size = rows.shape[1] if group is None else group
    expected = np.zeros_like(rows)
    for channel, first in np.ndindex(len(rows), -(-rows.shape[1] // size)):
        part = rows[channel, first * size : (first + 1) * size]
        scale = np.abs(part).max() / np.float32(largest)
        expected[channel, first * size : (first + 1) * size] = np.rint(part / scale).clip(-largest, largest) * scale
    x = torch.randn(3, 6, 5, 5) if isinstance(layer, nn.Conv2d) else torch.randn(3, 9)
    layer.weight.copy_(torch.from_numpy(expected).reshape(layer.weight.shape))
    assert torch.equal(quantized(x), layer(x))
