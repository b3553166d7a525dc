"""Tests of the GPU kernel in Triton's interpreter. tests/kernels/gpu/test_triton_interpreter.py runs them in a process of their own:
TRITON_INTERPRET is read when a kernel is defined, and other tests need the kernel as it is."""

import os

if os.environ.get("TRITON_INTERPRET") == "1":
    import numpy as np
    import triton.language as tl
    from triton.runtime.interpreter import InterpreterBuilder, TensorHandle

    # The interpreter multiplies the raw 16-bit patterns of bfloat16 (triton-lang/triton#11584), so they are widened first.
    dot = InterpreterBuilder.create_dot

    def widened(handle: TensorHandle) -> TensorHandle:
        if handle.dtype.scalar != tl.bfloat16:
            return handle
        return TensorHandle((handle.data.astype(np.uint32) << 16).view(np.float32), tl.float32)

    InterpreterBuilder.create_dot = lambda self, a, b, *rest: dot(self, widened(a), widened(b), *rest)
else:
    collect_ignore_glob = ["test_*.py"]
