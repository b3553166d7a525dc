"""Random calls of the GPU kernel, held against float64: `check` stops at the first that is wrong."""

import random
import sys
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

sys.path.insert(0, str(Path(__file__).parents[1]))

from kernels import reference as dense
from kernels.gpu.configs import Config
from kernels.packed import pack, unpack
from kernels.reference import relative_rms

# tf32 keeps 10 bits as float16 does. float8 on a GPU is added up in about 14 bits, in the interpreter in float32.
LIMIT = {"ieee": 1e-6, "tf32": 1e-3, "float16": 1e-3, "bfloat16": 5e-3, "int8": 1e-6, "float8_e4m3fn": 5e-3}


@dataclass(frozen=True)
class Case:
    """A random call of the kernel; shape is [N, K] for a linear layer, else [N, C, KH, KW]."""

    seed: int
    dtype: str
    precision: str
    shape: tuple[int, ...]
    bn: int
    bk: int
    density: float
    pixels: tuple[int, ...]  # rows of x, or batch, height and width without halo
    stride: int
    out_halo: int
    bias: bool
    residual: bool
    activation: str | None
    bm: int | None  # None: the config is chosen as users get it
    split: int


def random_case(seed: int, large: bool) -> Case:
    """Case number `seed`; large ones are for GPUs, the others small enough for the interpreter."""
    r = random.Random(seed)
    dtype = r.choice(["float32", "float16", "bfloat16", "int8", "float8_e4m3fn"])
    precision = r.choice(["ieee", "tf32"]) if dtype == "float32" else "tf32"
    bn, bk = r.choice(
        [(8, 16), (16, 16), (32, 32), (64, 16), (16, 8), (32, 16)] + ([(128, 16), (64, 64), (128, 64)] if large else [])
    )
    n = r.randint(1, 700 if large else 70)
    channels = bk * r.randint(1, 40 if large else 3)
    if r.random() < 0.5:
        shape, stride, out_halo = (n, channels), 1, 0
        pixels = (r.choice([1, 2, 15, 16, 17, 100, 1000, 5000] if large else [1, 2, 15, 16, 17, 40]),)
    else:
        size = r.choice([1, 3, 3, 5, 7] if large else [1, 2, 3])
        shape, stride, out_halo = (n, channels, size, size), r.choice([1, 1, 2, 3]), r.choice([0, 1, 2])
        pixels = (
            r.randint(1, 8 if large else 2),
            r.randint(size, 30 if large else 5),
            r.randint(size, 30 if large else 5),
        )
    return Case(
        seed, dtype, precision, shape, bn, bk, r.choice([0.0, 0.1, 0.3, 1.0]), pixels, stride, out_halo,
        r.random() < 0.5, r.random() < 0.5, r.choice([None, "relu", "gelu"]), r.choice([None, 16, 32, 64, 128]), r.choice([1, 1, 2, 5]),
    )  # fmt: skip


def balanced_mask(shape: tuple[int, ...], bn: int, bk: int, density: float, generator: torch.Generator) -> Tensor:
    """bool [rows, columns] with equally many random blocks in each block row."""
    rows, columns = -(-shape[0] // bn), torch.Size(shape[1:]).numel() // bk
    chosen = torch.rand(rows, columns, generator=generator).topk(round(density * columns), 1).indices
    return torch.zeros(rows, columns, dtype=torch.bool).scatter_(1, chosen, True)


def error_of(case: Case, device: str) -> float:
    """The kernel's relative RMS error against float64."""
    from kernels.gpu.triton_gemm import conv2d, linear, prepare

    generator = torch.Generator().manual_seed(case.seed)
    dtype = getattr(torch, case.dtype)
    kind = torch.float32 if dtype.itemsize == 1 else dtype

    def normal(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator)

    mask = balanced_mask(case.shape, case.bn, case.bk, case.density, generator)
    packed = pack(normal(*case.shape) / 8, case.bn, case.bk, mask=mask, dtype=dtype)
    n, channels = case.shape[:2]
    x = normal(*case.pixels, channels)
    x = ((x * 40).round().clamp(-127, 127) if dtype == torch.int8 else x).to(dtype).to(device)
    bias = normal(n).to(kind).to(device) if case.bias else None
    config = case.bm and Config(case.bm, warps=4, stages=2, split=case.split)
    options = {"activation": case.activation, "precision": case.precision, "config": config}
    weight, prepared = unpack(packed).to(device), prepare(packed, device=device)
    if len(case.shape) == 2:
        residual = normal(*case.pixels, n).to(kind).to(device) if case.residual else None
        y = linear(x, prepared, bias, residual, **options)
        return relative_rms(y, dense.linear(x, weight, bias, residual, case.activation))
    padding, o = case.shape[2] // 2, case.out_halo
    plain = dense.conv2d(x, weight, stride=case.stride, padding=padding)
    residual = normal(*plain.shape).to(kind).to(device) if case.residual else None
    reference = dense.conv2d(x, weight, bias, residual, case.activation, stride=case.stride, padding=padding)
    halo = functional.pad(x.float(), (0, 0) + (padding,) * 4).to(dtype)  # float8 cannot be padded
    y = conv2d(halo, prepared, case.stride, bias, residual, out_halo=o, **options)
    _, oh, ow, _ = plain.shape
    inside = torch.zeros_like(y)
    inside[:, o : o + oh, o : o + ow] = 1
    if (y * (1 - inside)).any():
        return float("inf")  # the halo was written
    return relative_rms(y[:, o : o + oh, o : o + ow], reference)


def limit_of(case: Case) -> float:
    return LIMIT[case.precision if case.dtype == "float32" else case.dtype]


def check(cases: int, device: str) -> dict[str, float]:
    """The largest error by dtype and precision. Stops with the case where one is beyond its limit."""
    worst: dict[str, float] = {}
    for seed in range(cases):
        case = random_case(seed, large=True)
        error = error_of(case, device)
        if not error <= limit_of(case):
            sys.exit(f"kernels_gpu: the error is {error:.2e}, more than {limit_of(case):.0e}, for {case}")
        name = f"{case.dtype} {case.precision}" if case.dtype == "float32" else case.dtype
        worst[name] = max(worst.get(name, 0.0), error)
    return worst
