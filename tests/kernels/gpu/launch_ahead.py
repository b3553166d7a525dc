"""The launchers' own calls, compiled by Triton's just-in-time path for an H100 that is not there; everything but the launch itself.

Triton sees the very arguments that it would on a GPU, with their alignment. Importing this puts stand-ins into kernels.gpu.triton_gemm.
"""

from dataclasses import asdict
from types import SimpleNamespace

import torch
import triton
from triton.backends.compiler import GPUTarget

from kernels.gpu import triton_gemm
from kernels.gpu.compile_ahead import read
from kernels.gpu.configs import Config
from kernels.packed import pack

triton.runtime.driver.set_active(
    SimpleNamespace(
        get_current_target=lambda: GPUTarget("cuda", 90, 32),
        get_current_device=lambda: 0,
        get_current_stream=lambda device: 0,
    )
)


class Compiled:
    """Stands in for a kernel: kernel[grid](...) compiles, notes what came of it, and launches nothing."""

    def __init__(self, kernel):
        self.kernel, self.last = kernel, None

    def __getitem__(self, grid):
        def compile_only(*arguments, **options):
            self.last = self.kernel.warmup(*arguments, grid=grid, **options)
            self.options = options

        return compile_only


def code(call, *arguments, **options):
    call(*arguments, **options)
    compiled, used = gemm.last, gemm.options
    return asdict(read(compiled, used["BM"], used["BN"], used["BK"])) | {
        "stages": used["num_stages"],
        "nan": compiled.asm["ptx"].count("max.NaN.f32"),
    }


def weight(shape, bn, dtype=torch.float16):
    mask = torch.arange(-(-shape[0] // bn) * torch.Size(shape[1:]).numel() // 16).view(-(-shape[0] // bn), -1) % 3 == 0
    return triton_gemm.prepare(pack(torch.randn(shape), bn, 16, mask=mask, dtype=dtype), device="cpu")


gemm = triton_gemm.gemm_kernel = Compiled(triton_gemm.gemm_kernel)
total = triton_gemm.sum_kernel = Compiled(triton_gemm.sum_kernel)
half = torch.float16
filters, image = weight((320, 160, 3, 3), 64), torch.zeros(128, 18, 18, 160, dtype=half)
out, bias = torch.zeros(128, 18, 18, 320, dtype=half), torch.zeros(320, dtype=half)
inside, follow = out[:, 1:-1, 1:-1], triton_gemm.Next(bias, bias, torch.zeros_like(out), 1)
tall = weight((1024, 1024), 128)
FOUND = {
    "conv": code(triton_gemm.conv2d, image, filters, 1, bias, inside, "relu", out=out, out_halo=1),
    "conv, next": code(triton_gemm.conv2d, image, filters, residual=inside, out=out, out_halo=1, next=follow),
    "conv of one image": code(triton_gemm.conv2d, image[:1], filters, 2),
    "conv of uneven channels": code(
        triton_gemm.conv2d, torch.zeros(64, 34, 34, 48, dtype=half), weight((100, 48, 3, 3), 32)
    ),
    "linear": code(triton_gemm.linear, torch.zeros(8192, 1024, dtype=half), tall, activation="gelu"),
    "linear of one row": code(triton_gemm.linear, torch.zeros(1, 1024, dtype=half), tall, config=Config(16, 4, 4, 8)),
    "linear in int8": code(
        triton_gemm.linear, torch.zeros(8192, 1024, dtype=torch.int8), weight((1024, 1024), 64, torch.int8), x_scale=0.5
    ),
    "linear in float8": code(
        triton_gemm.linear,
        torch.zeros(8192, 1024).to(torch.float8_e4m3fn),
        weight((1024, 1024), 64, torch.float8_e4m3fn),
    ),
    "linear in float32": code(triton_gemm.linear, torch.zeros(8192, 1024), weight((1024, 1024), 64, torch.float32)),
}
assert total.last is not None
