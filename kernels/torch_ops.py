"""Block-sparse layers as operators of torch: `torch.ops.lacuna.block_sparse_linear` and `block_sparse_conv2d`.

Layers call their kernels directly, past torch, which costs least. Whatever records a network (torch.compile, torch.export,
torch.jit.trace, torch.fx) or transforms it (torch.func.vmap) gets these operators instead: with fake implementations, which say
shape and strides without computing, a rule for vmap, and a refusal of gradients. They take the packed weight as it is and lay it
out at the first call. A program that was saved needs `import kernels.torch_ops` where it is loaded.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.utils.weak import WeakTensorKeyDictionary

from kernels.cpu import block_sparse as cpu
from kernels.geometry import output_size
from kernels.layout import Layout, on_gpu

HALF = (torch.float16, torch.bfloat16)
_LAYOUTS = WeakTensorKeyDictionary()  # of a packed weight's values, as long as these live


def run_linear(x: Tensor, prepared, bias: Tensor | None, residual: Tensor | None, activation: str | None) -> Tensor:
    """act(x @ weight.T + bias + residual), x: [..., K]; prepared: the weight's Layout, on the CPU with its bias."""
    if on_gpu(x):
        from kernels.gpu import triton_gemm  # triton is imported where there is a GPU only

        residual = None if residual is None else residual.contiguous()
        return triton_gemm.linear(x.contiguous(), prepared, bias, residual, activation)
    if x.dtype in HALF:
        residual = None if residual is None else residual.float()
        return cpu.linear(x.float(), prepared, residual, activation).to(x.dtype)
    return cpu.linear(x, prepared, residual, activation)


def run_conv2d(
    x: Tensor, prepared, bias: Tensor | None, residual: Tensor | None, stride, padding, dilation, activation: str | None
) -> Tensor:
    """act(conv2d(x, weight) + bias + residual), x: [B, C, H, W] in any memory order; the result is in channels-last order."""
    _check_images(x, prepared.shape)
    if x.dtype in HALF and not on_gpu(x):
        residual = None if residual is None else residual.float()
        return run_conv2d(x.float(), prepared, bias, residual, stride, padding, dilation, activation).to(x.dtype)
    halo = with_halo(x.permute(0, 2, 3, 1), padding)
    residual = None if residual is None else residual.permute(0, 2, 3, 1)
    if on_gpu(x):
        from kernels.gpu import triton_gemm

        residual = None if residual is None else residual.contiguous()
        y = triton_gemm.conv2d(halo, prepared, stride, bias, residual, activation, dilation=dilation)
    else:
        y = cpu.conv2d(halo, prepared, stride, dilation, residual, activation)
    return y.permute(0, 3, 1, 2)


def with_halo(x: Tensor, padding: tuple[int, int]) -> Tensor:
    """[B, H, W, C] -> contiguous [B, H + 2 padding, W + 2 padding, C] with zeros around it; x itself if it is that already."""
    above, left = padding
    if not (above or left):
        return x.contiguous()
    batch, height, width, channels = x.shape
    halo = x.new_zeros(batch, height + 2 * above, width + 2 * left, channels)
    halo[:, above : above + height, left : left + width].copy_(x)
    return halo


def _check_images(x: Tensor, shape: Sequence[int]) -> None:
    if x.dim() != 4 or x.shape[1] != shape[1]:
        raise ValueError(f"x must be [B, {shape[1]}, H, W], not {list(x.shape)}.")


def _layout(values: Tensor) -> Layout:
    if values not in _LAYOUTS:
        _LAYOUTS[values] = Layout()
    return _LAYOUTS[values]


@torch.library.custom_op("lacuna::block_sparse_linear", mutates_args=())
def block_sparse_linear(
    x: Tensor,
    values: Tensor,
    column: Tensor,
    first: Tensor,
    order: Tensor,
    scale: Tensor | None,
    bias: Tensor | None,
    residual: Tensor | None,
    shape: Sequence[int],
    activation: str | None,
) -> Tensor:
    """act(x @ weight.T + bias + residual), inference only. x: [..., K]; values ... scale: a Packed of a weight of `shape` [N, K]."""
    prepared = _layout(values).of(values, column, first, order, scale, bias, tuple(shape), x.dtype)
    return run_linear(x, prepared, bias, residual, activation)


@torch.library.custom_op("lacuna::block_sparse_conv2d", mutates_args=())
def block_sparse_conv2d(
    x: Tensor,
    values: Tensor,
    column: Tensor,
    first: Tensor,
    order: Tensor,
    scale: Tensor | None,
    bias: Tensor | None,
    residual: Tensor | None,
    shape: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    activation: str | None,
) -> Tensor:
    """act(conv2d(x, weight) + bias + residual), inference only. x: [B, C, H, W]; values ... scale: a Packed of [N, C, KH, KW].

    Returns [B, N, OH, OW] in channels-last order.
    """
    prepared = _layout(values).of(values, column, first, order, scale, bias, tuple(shape), x.dtype)
    steps = [tuple(pair) for pair in (stride, padding, dilation)]
    return run_conv2d(x, prepared, bias, residual, *steps, activation)


@block_sparse_linear.register_fake
def _(x, values, column, first, order, scale, bias, residual, shape, activation):
    if x.dim() < 1 or x.shape[-1] != shape[1]:
        raise ValueError(f"x must be [..., {shape[1]}], not {list(x.shape)}.")
    return x.new_empty(*x.shape[:-1], shape[0])


@block_sparse_conv2d.register_fake
def _(x, values, column, first, order, scale, bias, residual, shape, stride, padding, dilation, activation):
    _check_images(x, shape)
    padded = (x.shape[2] + 2 * padding[0], x.shape[3] + 2 * padding[1])
    return x.new_empty(x.shape[0], *output_size(padded, shape[2:], stride, dilation), shape[0]).permute(0, 3, 1, 2)


def _refuse(*_, **__) -> None:
    raise ValueError("block-sparse operators have no gradient: call them under torch.inference_mode().")


def _mapped(name: str, info, in_dims, arguments) -> tuple[Tensor, Tensor | None]:
    """x and residual with the dimension that is mapped over in front."""
    if any(dim is not None for dim in in_dims[1:7]):
        raise ValueError(f"{name} cannot be mapped over weights, only over inputs: call it for each weight.")

    def front(tensor: Tensor | None, dim: int | None) -> Tensor | None:
        if tensor is None:
            return None
        return tensor.movedim(dim, 0) if dim is not None else tensor.expand(info.batch_size, *tensor.shape)

    return front(arguments[0], in_dims[0]), front(arguments[7], in_dims[7])


@block_sparse_linear.register_vmap
def _(info, in_dims, *arguments):
    x, residual = _mapped("block_sparse_linear", info, in_dims, arguments)
    return block_sparse_linear(x, *arguments[1:7], residual, *arguments[8:]), 0


@block_sparse_conv2d.register_vmap
def _(info, in_dims, *arguments):
    x, residual = _mapped("block_sparse_conv2d", info, in_dims, arguments)
    residual = None if residual is None else residual.flatten(0, 1)
    y = block_sparse_conv2d(x.flatten(0, 1), *arguments[1:7], residual, *arguments[8:])
    return y.unflatten(0, (info.batch_size, -1)), 0


for operator in (block_sparse_linear, block_sparse_conv2d):
    operator.register_autograd(_refuse, setup_context=_refuse)
