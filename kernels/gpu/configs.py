"""Which tile, warps and stages the GPU kernel runs with: what the tuner measured (configs.json), else a rule.

configs.json is written by kernels/gpu/tune.py on a machine with a GPU. A key is
gpu / dtype / bn x bk / group / log2 of the pixels / density in twentieths; what was not measured is left to the rule.
"""

import functools
import json
import math
from dataclasses import dataclass
from pathlib import Path

import torch

FILE = Path(__file__).with_name("configs.json")


@dataclass(frozen=True)
class Config:
    """How the GPU kernel is launched for one weight."""

    bm: int  # pixels of one program
    warps: int
    stages: int  # tiles in flight
    split: int = 1  # programs that share the tiles of a block row


def key(gpu: str, dtype: torch.dtype, bn: int, bk: int, group: int, pixels: int, density: float) -> str:
    """The name of a measured case: sizes to the nearest power of two, density to the next twentieth."""
    bucket = min(20, math.ceil(density * 20 - 1e-9))
    return f"{gpu}/{str(dtype).removeprefix('torch.')}/{bn}x{bk}/{group}/{round(math.log2(max(1, pixels)))}/{bucket / 20:g}"


@functools.cache
def _measured(file: Path) -> dict[str, Config]:
    entries = json.loads(file.read_text())["configs"] if file.exists() else {}
    return {name: Config(e["bm"], e["warps"], e["stages"], e["split"]) for name, e in entries.items()}


@functools.cache
def _machine(device: torch.device) -> tuple[str, int, int]:
    """Name, processors and bytes of shared memory a program may have; those of an H100 where there is no GPU (the interpreter)."""
    if device.type != "cuda":
        return "none", 132, 232448
    about = torch.cuda.get_device_properties(device)
    return about.name, about.multi_processor_count, about.shared_memory_per_block_optin


def choose(
    device: torch.device,
    dtype: torch.dtype,
    bn: int,
    bk: int,
    group: int,
    rows: int,
    pixels: int,
    groups: int,
    density: float,
) -> Config:
    """The measured config of this case, or the rule's. rows: block rows; groups: dots of all block rows together."""
    gpu, processors, memory = _machine(device)
    found = _measured(FILE).get(key(gpu, dtype, bn, bk, group, pixels, density))
    return found or rule(dtype.itemsize, bn, bk * group, rows, pixels, groups, processors, memory)


def rule(size: int, bn: int, depth: int, rows: int, pixels: int, groups: int, processors: int, memory: int) -> Config:
    """Not tuned: large tiles while they fill the GPU twice, four stages while they fit, slices where pixels are few.

    size: bytes of an element; depth: K of one dot; memory: bytes of shared memory; others as for choose.
    """
    bm, widest = 16, min(128, 16384 // bn)  # 128 x 256 spills
    while bm < widest and bm < pixels and (bm < 64 or rows * math.ceil(pixels / (2 * bm)) >= 2 * processors):
        bm *= 2
    # Registers of 128 x 64 with 4 warps: 154 in float16, 240 in float32 (104 with 8 warps).
    warps = 8 if bm * bn * size > 128 * 64 * 2 and bm >= 64 else 4
    stages = max(1, min(4, memory // ((bm + bn) * depth * size)))
    programs, mean = rows * math.ceil(pixels / bm), groups / max(1, rows)
    split = 1
    while pixels <= 256 and programs * split < 2 * processors and mean / (2 * split) >= 4:
        split *= 2
    return Config(bm, warps, stages, split)


def choose_group(tiles: list[int], bk: int, size: int) -> int:
    """How many tiles make one dot: 128 bytes deep, less where padding would add more than an eighth.

    tiles: kept tiles of each block row; bk: columns of a tile; size: bytes of an element.
    """
    least = max(1, (32 if size == 1 else 16) // bk)
    group = max(least, 128 // (bk * size))
    while group > least and sum(-count % group for count in tiles) * 8 > sum(tiles):
        group //= 2
    return group
