"""Post-training quantization of convolutions and linear layers: float16, dynamic-range and fixed-point int8, weights of 8 and 4 bits.

What is stored are real float16 and int8 numbers. What int8 layers compute is integer arithmetic, done with whole numbers in
floating point: every product, and every sum however it is ordered, is exact as long as none leaves the numbers that the type
holds exactly, and the type is chosen so that none can. So the result does not depend on whether a processor has instructions for int8,
nor on their saturation. Integer speed is not shown by it.

The schemes are those of TensorFlow Lite (Jacob et al. 2018, arXiv 1712.05877; its quantization specification): weights -127..127 around
zero with a scale for each output channel; what a layer reads -128..127 with one scale and zero point, so that 0 (padding,
ReLU) is a whole number; sums and fixed-point biases int32. All convolutions and linear layers are quantized, the first and the last too
unless they are exempt, after batch norms became part of them. What is between them (ReLU, pooling, sums of branches) is computed in float32 on
the rescaled sums, and so are the logits: the rounding of a tensor takes place where the next layer reads it.

Weights alone, of 8 or 4 bits with a scale for each group of them, become float32 again where a layer computes, and so do float16 ones.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial

import torch
from torch import nn

from kernels.folding import fold_batchnorm, replace
from scripts.lib.compression.integer_weights import (
    dequantized_weight,
    grouped_weight,
    one_in_a_byte,
    quantized_weight,
    two_in_a_byte,
)

WHOLE = {torch.float32: 2**24, torch.float64: 2**53}  # up to here the type holds every whole number
LARGEST_BIAS = 2**30  # of int32, which leaves as much for the products


def affine(low: torch.Tensor, high: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Scale and zero point (whole numbers in -128..127) that map [low, high], widened to include 0, to -128..127; any shape, float32."""
    low, high = low.clamp_max(0), high.clamp_min(0)
    scale = high / 255 - low / 255
    # A subnormal scale has few digits, and 255 of it may be far from the range.
    scale = torch.where(scale >= torch.finfo(scale.dtype).tiny, scale, torch.ones_like(scale))
    return scale, (-128 - low / scale).round().clamp(-128, 127)


def whole(x: torch.Tensor, scale: torch.Tensor, zero_point: torch.Tensor) -> torch.Tensor:
    """The int8 numbers of x less the zero point, float32 of x's shape: round(x / scale), halves to even, cut to what int8 holds."""
    # Two passes more than to clamp between tensors, and four times as fast, because torch vectorizes clamping between numbers only.
    return (x / scale).round_().add_(zero_point).clamp_(-128, 127).sub_(zero_point)


def operation(layer: nn.Module) -> Callable[..., torch.Tensor]:
    """What a layer does with (input, weight, bias); ValueError for padding with anything but zeros."""
    if isinstance(layer, nn.Linear):
        return nn.functional.linear
    if layer.padding_mode != "zeros":
        raise ValueError(f"its padding is `{layer.padding_mode}`, and only padding with zeros can be quantized")
    return partial(
        nn.functional.conv2d,
        stride=layer.stride,
        padding=layer.padding,
        dilation=layer.dilation,
        groups=layer.groups,
    )


@contextmanager
def sums_of_products() -> Iterator[None]:
    """Convolutions that add up products and nothing else: Winograd's and Fourier's, which cuDNN and NNPACK choose, are not exact."""
    with torch.backends.cudnn.flags(enabled=False), torch.backends.nnpack.flags(enabled=False):
        yield


class Float16Layer(nn.Module):
    """Weights and biases stored as float16, computed with in float32 (TensorFlow Lite's float16 on a CPU)."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.operation = operation(layer)
        self.register_buffer("weight", layer.weight.half())
        self.register_buffer("bias", None if layer.bias is None else layer.bias.half())
        if not all(bool(stored.isfinite().all()) for stored in self.buffers()):
            raise ValueError("it has weights beyond 65504, the largest float16")

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.operation(x, self.weight.float(), None if self.bias is None else self.bias.float())


class Int8Layer(nn.Module):
    """Weights as int8 with a scale for each output channel; `accumulated` is what all int8 layers share."""

    def __init__(self, layer: nn.Module, least_scale: torch.Tensor | float = 0.0, weight_range: str = "max") -> None:
        super().__init__()
        self.operation = operation(layer)
        weight, scale = quantized_weight(layer.weight, least_scale, weight_range)
        self.register_buffer("weight", weight)
        self.register_buffer("weight_scale", scale)

    def exact_type(self, bias: torch.Tensor | None = None) -> torch.dtype:
        """The smallest type in which no sum of this layer can be rounded; ValueError if one can leave int32."""
        largest = 255 * self.weight.double().flatten(1).abs().sum(1)
        if bias is not None:
            largest = largest + bias.double().abs()
        if largest.max() >= 2**31:
            raise ValueError("its sums can leave int32, because it has too many inputs for int8")
        return torch.float32 if largest.max() <= WHOLE[torch.float32] else torch.float64

    def accumulated(self, x: torch.Tensor, bias: torch.Tensor | None = None) -> torch.Tensor:
        """The integer sums, exact and then rounded to float32 as engines convert int32; x: whole numbers of magnitude up to 255, bias: int32 [out]."""
        exact = self.exact_type(bias)
        with sums_of_products():
            sums = self.operation(x.to(exact), self.weight.to(exact), None if bias is None else bias.to(exact))
        return sums.float()

    def rescaled(self, sums: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
        """Sums times the input's and the weights' scales; sums: [B, out, H, W] or [..., out]."""
        return sums * (scale * self.weight_scale.reshape(self.channels(sums)))

    def channels(self, sums: torch.Tensor) -> tuple[int, ...]:
        """The shape in which a value for each output channel meets the sums."""
        return (1, -1, 1, 1) if self.weight.ndim == 4 else (*[1] * (sums.ndim - 1), -1)


class DynamicInt8Layer(Int8Layer):
    """Dynamic-range int8: what the layer reads is quantized when it reads it, each image by its own smallest and largest value.

    So what is predicted for an image does not depend on its batch. Biases are float32 and are added to the rescaled sums.
    """

    def __init__(self, layer: nn.Module, weight_range: str = "max") -> None:
        super().__init__(layer, weight_range=weight_range)
        self.register_buffer("bias", None if layer.bias is None else layer.bias.clone())
        self.exact_type()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        of_an_image = tuple(range(1, x.ndim))
        scale, zero_point = affine(x.amin(of_an_image, keepdim=True), x.amax(of_an_image, keepdim=True))
        result = self.rescaled(self.accumulated(whole(x, scale, zero_point)), scale)
        return result if self.bias is None else result + self.bias.reshape(self.channels(result))


class StaticInt8Layer(Int8Layer):
    """Fixed-point int8: what the layer reads has one scale and zero point, known before it runs; the bias is int32 and part of the sums.

    range: smallest and largest value that the layer is to read, as `calibrate` finds them, float32 scalars. A channel whose bias is so
    large beside its weights that int32 cannot hold it gets a larger scale.
    """

    def __init__(self, layer: nn.Module, range: tuple[torch.Tensor, torch.Tensor], weight_range: str = "max") -> None:
        scale, zero_point = affine(*range)
        least = 0.0 if layer.bias is None else layer.bias.abs() / scale / LARGEST_BIAS
        super().__init__(layer, least, weight_range)
        bias = None
        if layer.bias is not None:
            bias = (layer.bias.double() / (scale * self.weight_scale).double()).round().to(torch.int32)
        self.register_buffer("bias", bias)
        self.register_buffer("input_scale", scale)
        self.register_buffer("input_zero_point", zero_point.to(torch.int8))
        self.exact_type(bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        sums = self.accumulated(whole(x, self.input_scale, self.input_zero_point.float()), self.bias)
        return self.rescaled(sums, self.input_scale)


class IntegerWeightLayer(nn.Module):
    """Weights stored as whole numbers with a float32 scale for each group, float32 biases; computed with in float32.

    A pruned weight stays zero, because zero is one of the numbers. group: as `grouped_weight` says.
    """

    largest: int  # the numbers are -largest..largest

    def __init__(self, layer: nn.Module, weight_range: str = "max", group: int | None = 64) -> None:
        super().__init__()
        self.operation, self.shape, self.group = operation(layer), layer.weight.shape, group
        integers, scale = grouped_weight(layer.weight, group, self.largest, weight_range)
        self.register_buffer("weight", self.stored(integers))
        self.register_buffer("weight_scale", scale)
        self.register_buffer("bias", None if layer.bias is None else layer.bias.clone())

    def stored(self, integers: torch.Tensor) -> torch.Tensor:
        """What is kept of int8 [out, n]."""
        return integers

    def integers(self) -> torch.Tensor:
        """int8 [out, n] of what is kept."""
        return self.weight

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        weight = dequantized_weight(self.integers(), self.weight_scale, self.group).reshape(self.shape)
        return self.operation(x, weight, self.bias)


class Int8WeightLayer(IntegerWeightLayer):
    """Weights of eight bits, -127..127."""

    largest = 127


class Int4WeightLayer(IntegerWeightLayer):
    """Weights of four bits, -7..7, two in a byte."""

    largest = 7

    def stored(self, integers: torch.Tensor) -> torch.Tensor:
        """uint8 [out, ceil(n / 2)] of int8 [out, n]."""
        return two_in_a_byte(integers)

    def integers(self) -> torch.Tensor:
        """int8 [out, n] of the bytes that are kept."""
        return one_in_a_byte(self.weight, self.shape[1:].numel())


LAYERS: dict[str, type[nn.Module]] = {
    "float16": Float16Layer,
    "int8_dynamic": DynamicInt8Layer,
    "int8_static": StaticInt8Layer,  # which needs the range of what it reads
    "int8_weights": Int8WeightLayer,
    "int4_weights": Int4WeightLayer,
}


def quantize_network(
    model: nn.Module,
    method: str,
    ranges: Mapping[str, tuple[torch.Tensor, torch.Tensor]],
    exempt: str | Sequence[str] = "none",
    **options: str | int | None,
) -> nn.Module:
    """A copy for inference with batch norms folded and every convolution and linear layer quantized that is not exempt.

    ranges: what each layer reads, by name, as `calibrate` finds it; read by `int8_static` only. exempt: as `exempted` says. options:
    `weight_range` and `group`, as far as the method's layer takes them. Raises ValueError, which names the layer, for one that cannot be
    quantized, and for `exempt` that names none or leaves none.
    """
    network = fold_batchnorm(model)
    layers = quantizable(network)
    for name in exempted(layers, exempt):
        del layers[name]
    if not layers:
        raise ValueError("all its layers are exempt")
    for name, layer in layers.items():
        range = {"range": ranges[name]} if method == "int8_static" else {}
        try:
            quantized = LAYERS[method](layer, **range, **options)
        except ValueError as error:
            raise ValueError(f"layer {name}: {error}") from None
        replace(network, name, quantized)
    return network.eval()


def quantizable(model: nn.Module) -> dict[str, nn.Module]:
    """The layers that can be quantized, by name, in the order in which the network lists them."""
    return {name: module for name, module in model.named_modules() if isinstance(module, nn.Conv2d | nn.Linear)}


def exempted(layers: Mapping[str, nn.Module], exempt: str | Sequence[str]) -> list[str]:
    """The names among those of `quantizable` that stay as they are; ValueError for a name that is not there.

    exempt: `none`, `first_and_last` of the network's list, or names.
    """
    names = list(layers)
    if exempt == "none":
        return []
    if exempt == "first_and_last":
        return list(dict.fromkeys([*names[:1], *names[-1:]]))  # which may be one
    for name in exempt:
        if name not in names:
            raise ValueError(
                f"`exempt` names {name}, which is no convolution or linear layer of the network: it has {', '.join(names)}"
            )
    return list(exempt)
