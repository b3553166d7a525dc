"""Fixed-point int8 against torchao's PT2E quantization for x86, which is others' code for the same scheme.

Both fold batch norms, observe the same images and quantize weights by output channel and activations by tensor. Three settings of
theirs are made ours: weights -127..127 instead of -128..127, no least scale, and smallest and largest values instead of a search. What
differs then is rounding: they multiply by the inverse of a scale and keep biases in floating point. In residual networks they
quantize the sums of branches too, which here stay float32.
"""

import dataclasses

import pytest
import torch

from scripts.lib.compression.calibration import calibrate
from scripts.lib.compression.quantization import StaticInt8Layer, quantize_network
from scripts.lib.networks.architectures import build_network, normalized

REASON = "torchao is not installed (envs/requirements-extras.txt)"
x86 = pytest.importorskip("torchao.quantization.pt2e.quantizer.x86_inductor_quantizer", reason=REASON)


def pt2e(network, images):
    """PT2E's network for inference, in which torch's reference operations say what is computed."""
    from torchao.quantization.pt2e.observer import MinMaxObserver, PerChannelMinMaxObserver
    from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e, prepare_pt2e

    config = x86.get_default_x86_inductor_quantization_config()
    read = dataclasses.replace(config.input_activation, observer_or_fake_quant_ctr=MinMaxObserver.with_args(eps=2**-60))
    weight = dataclasses.replace(
        config.weight, quant_min=-127, observer_or_fake_quant_ctr=PerChannelMinMaxObserver.with_args(eps=2**-60)
    )
    quantizer = x86.X86InductorQuantizer()
    quantizer.set_global(dataclasses.replace(config, input_activation=read, output_activation=read, weight=weight))
    # Not strict, exported graphs lack the names by which the quantizer finds the branches of residual networks.
    prepared = prepare_pt2e(torch.export.export(network, (images,), strict=True).module(), quantizer)
    prepared(images)
    return convert_pt2e(prepared)


def reads(graph):
    """Scale and zero point, less the 128 by which uint8 is above int8, of everything that is quantized as a whole."""
    return [
        (node.args[1], node.args[2] - 128)
        for node in graph.nodes
        if node.target == torch.ops.quantized_decomposed.quantize_per_tensor.default
    ]


@pytest.fixture(scope="module", params=["plain", "resnet20"])
def both(request):
    """Our network, PT2E's of the same weights, and the images that both observed."""
    torch.manual_seed(0)
    network = build_network(request.param, [5, 10, 20, 20] if request.param == "plain" else None, 10).train()
    with torch.no_grad():
        for _ in range(3):
            network(torch.randn(16, 3, 32, 32))
    network = network.eval().requires_grad_(False)
    images = normalized(torch.randint(0, 256, (32, 32, 32, 3), dtype=torch.uint8))
    ours = quantize_network(network, "int8_static", calibrate(network, images))
    return ours, pt2e(network, images), images


def layers(ours):
    return [module for module in ours.modules() if isinstance(module, StaticInt8Layer)]


def test_weights_have_the_same_scales_and_numbers(both):
    ours, theirs, _ = both
    state = theirs.state_dict()
    weights = [value for value in state.values() if value.dtype == torch.int8]
    scales = [value for name, value in state.items() if name.startswith("_scale")]
    differ = 0
    for layer, weight, scale in zip(layers(ours), weights, scales, strict=True):
        torch.testing.assert_close(layer.weight_scale, scale, rtol=1e-5, atol=0)
        away = (layer.weight.int() - weight.int()).abs()
        assert away.max() <= 1  # at the middle between two numbers
        differ += int(away.sum())
    assert differ <= 1e-4 * sum(weight.numel() for weight in weights)


def test_what_layers_read_has_the_same_scales_and_zero_points(both):
    """All but the last, behind pooling, whose result keeps the scale of what is pooled in PT2E and is observed anew here."""
    ours, theirs, _ = both
    known = reads(theirs.graph)
    for layer in layers(ours)[:-1]:
        scale, zero_point = float(layer.input_scale), int(layer.input_zero_point)
        assert any(abs(scale - other) <= 1e-5 * other and zero_point == zero for other, zero in known)
    assert float(layers(ours)[-1].input_scale) <= known[-1][0] * (1 + 1e-5)


def test_logits_are_as_near_as_one_step_of_what_the_last_layer_reads(both):
    """If all that it reads is one step away, a logit is away the step times the sum of the magnitudes of its weights.

    The step is PT2E's, the larger one. Where the two largest logits are further apart than both may be off, the classes are the same.
    """
    ours, theirs, images = both
    last = layers(ours)[-1]
    step = reads(theirs.graph)[-1][0] * last.weight.float().abs().sum(1) * last.weight_scale
    logits, expected = ours(images), theirs(images)
    assert ((logits - expected).abs() <= step).all()
    top = logits.topk(2).values
    clear = top[:, 0] - top[:, 1] > 2 * step.max()
    assert clear.any() and torch.equal(logits.argmax(1)[clear], expected.argmax(1)[clear])
