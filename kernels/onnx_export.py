"""What becomes of block-sparse operators in an ONNX file: dense products of weights that the file keeps packed.

ONNX has no block-sparse product. torch.onnx.export looks for a decomposition of each operator that it does not know, and finds these:
the packed blocks are scattered into a dense weight, which a runtime does once, when it folds constants.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch._decomp import register_decomposition
from torch.nn import functional

from kernels import torch_ops  # noqa: F401  defines the operators


def dense_weight(values: Tensor, column: Tensor, first: Tensor, scale: Tensor | None, shape: Sequence[int]) -> Tensor:
    """packed.unpack in float32, without anything whose size depends on what the tensors hold, so that it can be exported."""
    tiles, bn, bk = values.shape
    rows, columns = first.shape[0] - 1, math.prod(shape[1:]) // bk
    row = (torch.arange(tiles, device=first.device)[:, None] >= first[None, 1:]).sum(1)
    blocks = values.new_zeros(rows * columns, bn, bk, dtype=torch.float32)
    blocks = blocks.index_put((row * columns + column[:-1].long(),), values.float())
    matrix = blocks.view(rows, columns, bn, bk).transpose(1, 2).reshape(rows * bn, columns * bk)[: shape[0]]
    matrix = matrix if scale is None else matrix * scale[:, None]
    return matrix if len(shape) == 2 else matrix.view(shape[0], *shape[2:], shape[1]).permute(0, 3, 1, 2)


def _finish(y: Tensor, residual: Tensor | None, activation: str | None, dtype: torch.dtype) -> Tensor:
    y = y if residual is None else y + residual.float()
    return (y if activation is None else getattr(functional, activation)(y)).to(dtype)


@register_decomposition(torch.ops.lacuna.block_sparse_linear.default)
def linear(x, values, column, first, order, scale, bias, residual, shape, activation):
    """The operator of `torch_ops` in operators that ONNX has, its weight dense; arguments as there."""
    weight, bias = dense_weight(values, column, first, scale, shape), None if bias is None else bias.float()
    return _finish(functional.linear(x.float(), weight, bias), residual, activation, x.dtype)


@register_decomposition(torch.ops.lacuna.block_sparse_conv2d.default)
def conv2d(x, values, column, first, order, scale, bias, residual, shape, stride, padding, dilation, activation):
    """The operator of `torch_ops` in operators that ONNX has, its weight dense; arguments as there."""
    weight, bias = dense_weight(values, column, first, scale, shape), None if bias is None else bias.float()
    y = functional.conv2d(x.float(), weight, bias, stride, padding, dilation)
    return _finish(y, residual, activation, x.dtype)
