"""The check that buffers fit a convolution, shared by all kernels."""

import torch
from torch import Tensor

from kernels.geometry import Pair, output_size


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
