"""Measure which configs are fastest on this GPU and write them to kernels/gpu/configs.json.

    python -m kernels.gpu.tune [--dtype float16] [--block 64x16 ...] [--density 0.1 ...] [--pixels 64 8192 ...] [--size 1024]

What is tuned is a linear layer of --size inputs and outputs; a convolution with as many pixels takes the same config. Each
candidate is compiled first and left out if it spills registers or needs more shared memory than there is.
"""

import argparse
import functools
import itertools
import json
import sys
from dataclasses import asdict

import torch

from kernels.gpu.configs import FILE, Config, key
from kernels.gpu.timing import gpu_seconds, machine
from kernels.packed import Packed, pack

DTYPES = {"float32": "fp32", "float16": "fp16", "bfloat16": "bf16", "int8": "i8", "float8_e4m3fn": "fp8e4nv"}


def candidates(pixels: int) -> list[Config]:
    """About twelve configs: large tiles where there are pixels for them, slices of the tiles where there are few."""
    if pixels < 64:
        return [Config(bm, 4, stages, split) for bm in (16, 32) for stages in (3, 4, 6) for split in (1, 4, 16)]
    tiles = [(64, 4), (128, 4), (128, 8), (256, 8)]
    found = [Config(bm, warps, stages) for (bm, warps), stages in itertools.product(tiles, (3, 4, 6))]
    return found + [Config(64, 4, 4, split) for split in (2, 8) if pixels <= 1024]


def groups(bk: int, size: int) -> list[int]:
    """How many tiles of bk columns could make one dot of 64 to 128 bytes; at least what the GPU's dot needs."""
    least = max(1, (32 if size == 1 else 16) // bk)
    return sorted({max(least, depth // (bk * size)) for depth in (64, 128)})


def balanced(n: int, k: int, bn: int, bk: int, density: float, dtype: torch.dtype) -> Packed:
    """A random weight [n, k] with equally many random blocks in each block row."""
    chance = torch.rand(-(-n // bn), k // bk)
    keep = max(1, round(density * chance.shape[1]))
    mask = torch.zeros_like(chance, dtype=torch.bool).scatter_(1, chance.topk(keep, 1).indices, True)
    return pack(torch.randn(n, k) / k**0.5, bn, bk, mask=mask, dtype=dtype)


@functools.cache
def fits(config: Config, dtype: torch.dtype, bn: int, bk: int, group: int) -> bool:
    """Whether the compiled kernel keeps its registers and its shared memory within this GPU's."""
    from kernels.gpu.compile_ahead import Variant, compile_variant

    about = torch.cuda.get_device_properties(0)
    variant = Variant(
        DTYPES[str(dtype).removeprefix("torch.")],
        config.bm,
        bn,
        bk,
        group,
        config.warps,
        config.stages,
        split=config.split,
    )
    code = compile_variant(variant, about.major * 10 + about.minor)
    return not code.spills and code.shared <= about.shared_memory_per_block_optin


def tune(gpu: str, dtype: torch.dtype, bn: int, bk: int, density: float, pixels: int, size: int) -> dict[str, dict]:
    """The fastest config for each group, by key, with its microseconds."""
    from kernels.gpu.triton_gemm import linear, prepare

    packed = balanced(size, size, bn, bk, density, dtype)
    x = torch.randn(pixels, size, device="cuda")
    x = (x * 40).clamp(-127, 127).to(dtype) if dtype == torch.int8 else x.to(dtype)
    best = {}
    for group in groups(bk, dtype.itemsize):
        weight, times = prepare(packed, group), {}
        for config in candidates(pixels):
            if fits(config, dtype, bn, bk, group):
                # Warm: in a network the layer before has just written x.
                times[config] = gpu_seconds(lambda w=weight, c=config: linear(x, w, config=c), cold=False)
        if not times:
            continue  # no candidate fits these blocks
        config = min(times, key=times.get)
        best[key(gpu, dtype, bn, bk, group, pixels, packed.density)] = {
            **asdict(config),
            "us": round(times[config] * 1e6, 2),
        }
    return best


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dtype", nargs="+", default=["float16"], choices=DTYPES)
    parser.add_argument("--block", nargs="+", default=["32x32", "64x16", "128x16"], help="bn x bk")
    parser.add_argument("--density", nargs="+", type=float, default=[0.05, 0.1, 0.2, 0.3])
    parser.add_argument("--pixels", nargs="+", type=int, default=[16, 1024, 16384, 65536, 262144])
    parser.add_argument("--size", type=int, default=1024, help="inputs and outputs of the layer")
    arguments = parser.parse_args()
    try:
        about = machine()
    except ValueError as error:
        sys.exit(f"tune: {error}")
    contents = json.loads(FILE.read_text())
    for name, block, density, pixels in itertools.product(
        arguments.dtype, arguments.block, arguments.density, arguments.pixels
    ):
        bn, bk = map(int, block.split("x"))
        found = tune(about["gpu"], getattr(torch, name), bn, bk, density, pixels, arguments.size)
        for entry, config in found.items():
            print(entry, config, flush=True)
        contents["configs"] |= found
        contents["machines"][about["gpu"]] = about
        contents["note"] = (
            "Written by kernels/gpu/tune.py; us are microseconds of a linear layer with as many inputs as outputs."
        )
        FILE.write_text(json.dumps(contents, indent=1) + "\n")  # after each case: an interrupted run keeps what it has


if __name__ == "__main__":
    main()
