"""A packed weight as its device's kernel reads it: laid out at the first call, and anew when the weight is not what it was."""

import weakref

import torch
from torch import Tensor

from kernels.cpu import block_sparse as cpu
from kernels.packed import Packed, dequantized


def on_gpu(tensor: Tensor) -> bool:
    """Whether the GPU's kernel reads it; a function, so that tests can give the CPU's tensors to Triton's interpreter."""
    return tensor.is_cuda


class Layout:
    """What cpu.prepare or triton_gemm.prepare made, and from which values, scale and bias.

    It notices when one of these is another tensor, or was changed in place. Torch counts no changes of tensors that were made under
    inference_mode, and none that are made through `.data`.
    """

    def __init__(self) -> None:
        self._values: weakref.ref | type = type(
            None
        )  # called, it gives the values if they live; torch_ops.py must not keep them
        self._scale: Tensor | None = None
        self._bias: Tensor | None = None
        self._versions: tuple[int, ...] | None = None
        self._made: dict = {}

    def of(
        self,
        values: Tensor,
        column: Tensor,
        first: Tensor,
        order: Tensor,
        scale: Tensor | None,
        bias: Tensor | None,
        shape: tuple[int, ...],
        dtype: torch.dtype,
    ):
        """The layout of a Packed weight and, on the CPU, its bias. dtype: of the GPU's inputs, for which weights with a scale are laid
        out; the CPU's kernels compute in float32 whatever they are."""
        try:
            versions = (values._version, 0 if bias is None else bias._version, 0 if scale is None else scale._version)
        except RuntimeError:  # a tensor that was made under inference_mode
            versions = None
        same = values is self._values() and bias is self._bias and scale is self._scale
        if not same or versions != self._versions:
            self._made = {}  # first: another thread that sees the new tensors below must not find what was made of the old ones
            self._values, self._scale, self._bias, self._versions = weakref.ref(values), scale, bias, versions
        key = dtype if scale is not None and on_gpu(values) else None
        made = self._made.get(key)
        if made is None:
            packed = Packed(values, column, first, order, shape, scale)
            made = self._made[key] = _for_gpu(packed, key) if on_gpu(values) else cpu.prepare(packed, bias)
        return made


def _for_gpu(packed: Packed, dtype: torch.dtype | None):
    from kernels.gpu import triton_gemm  # triton is imported where there is a GPU only

    return triton_gemm.prepare(packed if dtype is None else dequantized(packed, dtype), device=packed.device)
