"""Make the Triton interpreter multiply bfloat16 correctly: triton 3.7.1 multiplies the raw 16-bit patterns (triton issue 11584)."""

import numpy as np
import triton.language as tl
from triton.runtime.interpreter import InterpreterBuilder, TensorHandle

_dot = InterpreterBuilder.create_dot


def _widened(handle: TensorHandle) -> TensorHandle:
    if handle.dtype.scalar != tl.bfloat16:
        return handle
    return TensorHandle((handle.data.astype(np.uint32) << 16).view(np.float32), tl.float32)


def _create_dot(self, a, b, *rest):
    return _dot(self, _widened(a), _widened(b), *rest)


InterpreterBuilder.create_dot = _create_dot
