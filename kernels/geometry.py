"""Sizes of convolutions, and the check that buffers fit them, shared by all kernels."""

import torch
from torch import Tensor

Pair = tuple[int, int]


def check_steps(stride: Pair, dilation: Pair = (1, 1), padding: Pair = (0, 0)) -> None:
    """ValueError unless stride and dilation are at least 1 and padding at least 0."""
    if min(stride) > 0 and min(dilation) > 0 and min(padding) >= 0:
        return
    for name, steps, least in (("stride", stride, 1), ("dilation", dilation, 1), ("padding", padding, 0)):
        if min(steps) < least:
            raise ValueError(f"{name} is {steps} and must be at least {least}.")


def output_size(size: Pair, kernel_size: Pair, stride: Pair = (1, 1), dilation: Pair = (1, 1)) -> Pair:
    """Height and width of a convolution's output for an input whose halo is part of `size`; ValueError if nothing is left."""
    check_steps(stride, dilation)
    height = (size[0] - dilation[0] * (kernel_size[0] - 1) - 1) // stride[0] + 1
    width = (size[1] - dilation[1] * (kernel_size[1] - 1) - 1) // stride[1] + 1
    if height < 1 or width < 1:
        raise ValueError(
            f"an input of {size[0]} x {size[1]}, halo included, is too small for a {kernel_size[0]} x {kernel_size[1]} kernel."
        )
    return height, width


def check_buffers(
    shape: tuple[int, ...], x: Tensor, y: Tensor, residual: Tensor | None, stride: Pair, dilation: Pair
) -> None:
    """ValueError unless float32 x [B, H, W, C], y and residual [B, OH, OW, N] fit a weight of `shape` and have channels side by side."""
    if x.dim() != 4 or x.shape[3] != shape[1]:
        raise ValueError(f"x must be [B, H, W, {shape[1]}], as the weight reads it, not {list(x.shape)}.")
    size = output_size((x.shape[1], x.shape[2]), (*shape[2:], 1, 1)[:2], stride, dilation)
    expected = (x.shape[0], *size, shape[0])
    for name, tensor in (("x", x), ("y", y), ("residual", residual)):
        if tensor is None:
            continue
        if tensor.dtype != torch.float32 or tensor.device != x.device:
            raise ValueError(
                f"{name} must be float32 on {x.device}, not {tensor.dtype} on {tensor.device}: convert it first."
            )
        if name != "x" and tuple(tensor.shape) != expected:
            raise ValueError(f"{name} must be {list(expected)}, not {list(tensor.shape)}.")
        if tensor.stride(3) != 1 and tensor.shape[3] > 1:
            raise ValueError(f"the channels of {name} must be neighbours in memory: call contiguous() on it.")
