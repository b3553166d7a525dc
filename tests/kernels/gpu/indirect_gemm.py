"""The GPU kernel's loop as it is usually written, with the column loaded where it is used: what compile-ahead must find fault with."""

from dataclasses import asdict

import triton
import triton.language as tl

from kernels.gpu.compile_ahead import Variant, compile_kernel, complaints, read


@triton.jit
def indirect_kernel(
    x_ptr, w_ptr, offset_ptr, y_ptr, tiles, x_pixel,
    BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr, HINT: tl.constexpr,
):  # fmt: skip
    p = tl.program_id(0) * BM + tl.arange(0, BM)
    n = tl.arange(0, BN)
    k = tl.arange(0, BK)
    x = x_ptr + p[:, None] * x_pixel * BK + k[None, :]
    w = w_ptr + n[None, :] * BK + k[:, None]
    acc = tl.zeros((BM, BN), dtype=tl.float32)
    for e in range(tiles):
        offset = tl.load(offset_ptr + e)  # an offset in elements
        if HINT:
            offset = tl.multiple_of(offset, BK)
        acc = tl.dot(tl.load(x + offset), tl.load(w + e * (BK * BN)), acc)
    tl.store(y_ptr + p[:, None] * BN + n[None, :], acc)


def found() -> dict[str, dict]:
    """What becomes of 128 x 64 x 64 tiles in float16 with 4 stages on sm_90, without and with a hint of alignment."""
    types = {"x_ptr": "*fp16", "w_ptr": "*fp16", "offset_ptr": "*i32", "y_ptr": "*fp32"}
    variant = Variant("fp16", 128, 64, 64, 1, 4, 4)
    result = {}
    for name, hint in (("plain", False), ("hint", True)):
        constants = {"BM": 128, "BN": 64, "BK": 64, "HINT": hint}
        code = read(compile_kernel(indirect_kernel, types, constants, set(), 90, 4, 4), 128, 64, 64)
        result[name] = {"code": asdict(code), "complaints": complaints(variant, code, 90)}
    return result
