"""Weights as whole numbers around zero: their scales, for an output channel or for a group of its weights, and two of four bits in a byte."""

from collections.abc import Callable

import torch
from torch.nn import functional

CLIPPED = range(99, 19, -1)  # hundredths of the largest magnitude that `scale_of_least_error` tries besides all of it


def scale_of_largest(rows: torch.Tensor, largest: int) -> torch.Tensor:
    """Scales float32 [R] with which the largest magnitude of each of rows [R, n] becomes `largest`."""
    return rows.abs().amax(1) / largest


def scale_of_least_error(rows: torch.Tensor, largest: int) -> torch.Tensor:
    """Scales float32 [R] with which rows [R, n], rounded to -largest..largest, have the least squared error.

    Tried are the largest magnitude of a row and its fractions from 0.99 down to 0.20, beyond which weights are cut; of equal ones the
    largest scale stays, so the error is never above that of `scale_of_largest`. The criterion is the squared error of Nagel et al. 2021
    (arXiv 2106.08295, on setting quantization ranges), the search a grid.
    """
    whole = scale_of_largest(rows, largest)
    best, least = whole, _squared_error(rows, whole, largest)
    for hundredths in CLIPPED:
        scale = whole * (hundredths / 100)
        error = _squared_error(rows, scale, largest)
        best, least = torch.where(error < least, scale, best), torch.minimum(error, least)
    return best


WEIGHT_RANGES: dict[str, Callable[[torch.Tensor, int], torch.Tensor]] = {
    "max": scale_of_largest,
    "mse": scale_of_least_error,
}


def quantized_weight(
    weight: torch.Tensor, least_scale: torch.Tensor | float = 0.0, weight_range: str = "max"
) -> tuple[torch.Tensor, torch.Tensor]:
    """int8 [out, ...] in -127..127 and float32 scales [out], so that their product is nearest to the weight [out, ...].

    The scale of a channel is what WEIGHT_RANGES says, unless least_scale (float32 [out] or a number) is larger. The scale of a channel of
    zeros is least_scale or, if that is 0, one.
    """
    scale = torch.clamp_min(WEIGHT_RANGES[weight_range](weight.flatten(1), 127), least_scale)
    scale = _positive(scale)
    columns = scale.reshape(-1, *[1] * (weight.ndim - 1))
    return (weight / columns).round().clamp(-127, 127).to(torch.int8), scale


def grouped_weight(
    weight: torch.Tensor, group: int | None, largest: int, weight_range: str = "max"
) -> tuple[torch.Tensor, torch.Tensor]:
    """int8 [out, n] in -largest..largest and float32 scales [out, ceil(n / group)] of a weight [out, ...] with n numbers a channel.

    A group is that many neighbours of an output channel in the order of the tensor: all taps of an input channel, then those of the next.
    If the channel is no multiple of it, its last group is smaller. group None: one scale for the whole channel.
    """
    rows = weight.flatten(1)
    outputs, inputs = rows.shape
    size = _group_size(inputs, group)
    groups = -(-inputs // size)
    padded = functional.pad(rows, (0, groups * size - inputs)).reshape(
        -1, size
    )  # zeros change neither a maximum nor an error
    scale = _positive(WEIGHT_RANGES[weight_range](padded, largest))
    integers = _rounded(padded, scale, largest).to(torch.int8)
    return integers.reshape(outputs, -1)[:, :inputs].contiguous(), scale.reshape(outputs, groups)


def dequantized_weight(integers: torch.Tensor, scale: torch.Tensor, group: int | None) -> torch.Tensor:
    """float32 [out, n]: int8 [out, n] times the scales [out, ceil(n / group)] of their groups."""
    inputs = integers.shape[1]
    return integers * scale.repeat_interleave(_group_size(inputs, group), 1)[:, :inputs]


def two_in_a_byte(integers: torch.Tensor) -> torch.Tensor:
    """uint8 [out, ceil(n / 2)] of int8 [out, n] in -8..7: the first of two in the lower four bits, each in two's complement."""
    pairs = functional.pad(integers, (0, integers.shape[1] % 2)).view(torch.uint8) & 15
    return pairs[:, ::2] | pairs[:, 1::2] << 4


def one_in_a_byte(pairs: torch.Tensor, inputs: int) -> torch.Tensor:
    """int8 [out, inputs] of what `two_in_a_byte` gave, uint8 [out, ceil(inputs / 2)]."""
    bits = torch.stack([pairs & 15, pairs >> 4], 2).flatten(1)[:, :inputs]
    return (bits ^ 8).view(torch.int8) - 8


def _group_size(inputs: int, group: int | None) -> int:
    return inputs if group is None else min(group, inputs)


def _positive(scale: torch.Tensor) -> torch.Tensor:
    """The scale of nothing but zeros is one."""
    return torch.where(scale > 0, scale, torch.ones_like(scale))


def _rounded(rows: torch.Tensor, scale: torch.Tensor, largest: int) -> torch.Tensor:
    return (rows / scale[:, None]).round().clamp(-largest, largest)


def _squared_error(rows: torch.Tensor, scale: torch.Tensor, largest: int) -> torch.Tensor:
    """float32 [R] of rows [R, n] and scales [R]."""
    scale = _positive(scale)
    return (_rounded(rows, scale, largest) * scale[:, None] - rows).square().sum(1)
