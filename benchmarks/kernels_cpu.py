"""How fast block-sparse inference is on the CPU: our kernels beside the best of torch's dense paths, in one run, on one thread.

    python benchmarks/kernels_cpu.py [--rounds 7]

The rivals are torch's eager layers (channels-last, batch norms folded) and torch.compile with frozen weights, which lays them out
beforehand; the ratio is against the faster of the two. Times are CPU time of the one thread, medians of rounds in which all take
turns. Weights are random and have the same number of random blocks in each block row; density is what whole blocks make of the
sparsity that was asked for.

Writes benchmarks/results/kernels_cpu.json and the tables of docs/kernels.md.
"""

import argparse
import copy
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks"), str(ROOT / "tests" / "kernels")]

from corruptions import THREADS, machine, write_between  # noqa: E402
from networks import Residual, drop_blocks, prune  # noqa: E402

from kernels.cpu import block_sparse as cpu  # noqa: E402
from kernels.cpu.plan import plan  # noqa: E402
from kernels.folding import fold_batchnorm  # noqa: E402
from kernels.packed import pack  # noqa: E402
from kernels.reference import relative_rms  # noqa: E402
from kernels.sparsify import explain, sparsify  # noqa: E402
from kernels.timing import compare  # noqa: E402
from scripts.lib.compression.structures import Blocks, mask_of  # noqa: E402
from scripts.lib.networks.architectures import build_network  # noqa: E402

RESULTS = ROOT / "benchmarks" / "results"
PAGE = ROOT / "docs" / "kernels.md"
BLOCKS = ((16, 16), (32, 32), (64, 16))
SPARSITIES = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
LINEAR = [(size, rows) for size in (512, 1024, 2048) for rows in (64, 256)]
CONVOLUTIONS = [(64, 32), (128, 16), (256, 8)]  # channels and side, 8 images


def frozen(module: nn.Module, x: torch.Tensor) -> Callable[[], object]:
    """The module as torch.compile makes it for this input."""
    import torch._inductor.config

    torch._inductor.config.freezing = True
    torch._dynamo.reset()
    compiled = torch.compile(copy.deepcopy(module).eval())
    compiled(x)
    return lambda: compiled(x)


def race(dense: nn.Module, ours: dict[str, Callable], x: torch.Tensor, rounds: int) -> dict:
    """Milliseconds of the dense rivals and of each of ours, and how many times faster than the best rival each is."""
    calls = {"eager": lambda: dense(x), "compiled": frozen(dense, x), **ours}
    seconds = dict(zip(calls, compare(list(calls.values()), rounds, 0.02, clock=time.thread_time), strict=True))
    best = min(seconds["eager"], seconds["compiled"])
    return {
        "eager_ms": 1000 * seconds["eager"],
        "compiled_ms": 1000 * seconds["compiled"],
        **{f"{name}_ms": 1000 * seconds[name] for name in ours},
        **{f"{name}_times_faster": best / seconds[name] for name in ours},
    }


def checked(y: torch.Tensor, reference: torch.Tensor) -> None:
    """Stop if a result is wrong: fast is easy then."""
    error = relative_rms(y, reference)
    if error > 1e-6:
        raise SystemExit(f"relative RMS {error:.1e} against the dense layer: the kernel is wrong.")


def linear_rows(rounds: int) -> list[dict]:
    rows = []
    for size, count in LINEAR:
        x = torch.randn(count, size)
        for block in BLOCKS:
            for sparsity in SPARSITIES:
                layer = nn.Linear(size, size)
                layer.weight.data = drop_blocks(layer.weight.data, *block, sparsity)
                packed = pack(layer.weight, *block)
                weight = cpu.prepare(packed, layer.bias)
                checked(
                    cpu.linear(x, weight), nn.functional.linear(x.double(), layer.weight.double(), layer.bias.double())
                )
                row = {
                    "layer": f"linear {size}, {count} rows",
                    "block": block,
                    "sparsity": sparsity,
                    "density": packed.density,
                }
                rows.append(row | race(layer, {"ours": lambda x=x, w=weight: cpu.linear(x, w)}, x, rounds))
        print(rows[-1]["layer"], flush=True)
    return rows


def convolution_rows(rounds: int) -> list[dict]:
    rows = []
    for channels, side in CONVOLUTIONS:
        x = torch.randn(8, channels, side, side).to(memory_format=torch.channels_last)
        halo = nn.functional.pad(x, (1, 1, 1, 1)).permute(0, 2, 3, 1).contiguous()
        y = torch.empty(8, side, side, channels)
        for block in BLOCKS:
            for sparsity in SPARSITIES:
                layer = nn.Conv2d(channels, channels, 3, padding=1).to(memory_format=torch.channels_last)
                layer.weight.data = drop_blocks(layer.weight.data, *block, sparsity)
                packed = pack(layer.weight, *block)
                weight = cpu.prepare(packed, layer.bias)
                call = weight.bind(halo, y)
                call(1)
                checked(y.permute(0, 3, 1, 2), copy.deepcopy(layer).double()(x.double()))
                row = {"layer": f"conv 3x3, {channels} channels, {side}x{side}, 8 images", "block": block}
                row |= {"sparsity": sparsity, "density": packed.density}
                rows.append(row | race(layer, {"ours": lambda call=call: call(1)}, x, rounds))
        print(rows[-1]["layer"], flush=True)
    return rows


def network_rows(rounds: int) -> list[dict]:
    """A residual network of CIFAR's size, its stem and head dense, as a plan and as modules."""
    rows = []
    for batch in (1, 16):
        for block in BLOCKS:
            for sparsity in (0.7, 0.9, 0.95):
                torch.manual_seed(0)
                network = prune(Residual((64, 128, 256)), *block, sparsity)
                dense = fold_batchnorm(network).to(memory_format=torch.channels_last)
                x = torch.randn(batch, 3, 32, 32).to(memory_format=torch.channels_last)
                modules, decisions = sparsify(network, block, x, decide="measured")
                ready = plan(network, batch, (3, 32, 32), block)
                checked(ready(x), copy.deepcopy(network).double()(x.double()))
                ours = {"modules": lambda m=modules, x=x: m(x), "plan": lambda p=ready, x=x: p(x)}
                weights = sum(torch.tensor(one.shape).prod().item() * one.density for one in decisions)
                total = sum(torch.tensor(one.shape).prod().item() for one in decisions)
                row = {"layer": f"residual network 64/128/256, batch {batch}", "block": block, "sparsity": sparsity}
                rows.append(row | {"density": weights / total} | race(dense, ours, x, rounds))
        print(rows[-1]["layer"], flush=True)
    return rows


def tiny_rows(rounds: int) -> list[dict]:
    """The demo's network, whose layers become sparse only where that pays for the batch."""
    rows = []
    for batch in (1, 256):
        torch.manual_seed(0)
        network = build_network("plain", [5, 10, 20, 20], 10).eval()
        for layer in list(network)[3:-1]:
            if isinstance(layer, nn.Conv2d):
                weight = layer.weight.data
                weight *= mask_of(Blocks(5, 5), Blocks(5, 5).scores(weight), 0.8, weight.shape)
        x = torch.randn(batch, 3, 32, 32).to(memory_format=torch.channels_last)
        sparse, decisions = sparsify(network, (5, 5), x, decide="measured")
        print(explain(decisions), flush=True)
        row = {"layer": f"the demo's network, batch {batch}", "block": (5, 5), "sparsity": 0.8, "density": None}
        row |= {"sparse_layers": sum(one.sparse for one in decisions)}
        rows.append(row | race(fold_batchnorm(network), {"ours": lambda m=sparse, x=x: m(x)}, x, rounds))
    return rows


def break_even(rows: list[dict]) -> dict[str, float | None]:
    """By layer and block the least sparsity from which on ours is never slower; None if that is none of those measured."""
    found = {}
    for row in rows:
        key = f"{row['layer']}, {row['block'][0]}x{row['block'][1]}"
        series = [other for other in rows if (other["layer"], other["block"]) == (row["layer"], row["block"])]
        slower = [other["sparsity"] for other in series if other["ours_times_faster"] < 1]
        faster = [other["sparsity"] for other in series if not slower or other["sparsity"] > max(slower)]
        found[key] = min(faster) if faster else None
    return found


def layer_table(rows: list[dict]) -> str:
    lines = ["| layer | block | " + " | ".join(f"{sparsity:.0%}" for sparsity in SPARSITIES) + " |"]
    lines.append("|---|---|" + "--:|" * len(SPARSITIES))
    for layer in dict.fromkeys(row["layer"] for row in rows):
        for block in BLOCKS:
            gains = [row["ours_times_faster"] for row in rows if (row["layer"], row["block"]) == (layer, block)]
            lines.append(f"| {layer} | {block[0]}x{block[1]} | " + " | ".join(f"{gain:.1f}" for gain in gains) + " |")
    return "\n".join(lines)


def network_table(networks: list[dict], tiny: list[dict]) -> str:
    lines = [
        "| network | block | sparsity | eager, ms | compiled, ms | modules | plan |",
        "|---|---|--:|--:|--:|--:|--:|",
    ]
    for row in networks:
        times = f"{row['eager_ms']:.2f} | {row['compiled_ms']:.2f}"
        gains = f"{row['modules_times_faster']:.1f} | {row['plan_times_faster']:.1f}"
        lines.append(
            f"| {row['layer']} | {row['block'][0]}x{row['block'][1]} | {row['sparsity']:.0%} | {times} | {gains} |"
        )
    for row in tiny:
        times = f"{row['eager_ms']:.3f} | {row['compiled_ms']:.3f}"
        name = f"{row['layer']} ({row['sparse_layers']} of 5 layers sparse)"
        lines.append(f"| {name} | 5x5 | 80% | {times} | {row['ours_times_faster']:.2f} | – |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    if any(os.environ.get(variable) != "1" for variable in THREADS):
        os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | dict.fromkeys(THREADS, "1"))
    torch.set_num_threads(1)
    torch.manual_seed(0)
    with torch.inference_mode():
        linear, convolutions = linear_rows(options.rounds), convolution_rows(options.rounds)
        networks, tiny = network_rows(options.rounds), tiny_rows(options.rounds)
    about = machine() | {"torch": torch.__version__, "vectors": cpu.library().widest() // 4 if cpu.library() else None}
    result = {"machine": about, "rounds": options.rounds, "break_even": break_even(linear + convolutions)}
    result |= {"linear": linear, "convolutions": convolutions, "networks": networks, "tiny": tiny}
    (RESULTS / "kernels_cpu.json").write_text(json.dumps(result, indent=1) + "\n")
    where = f"One thread of {about['processor']}, torch {about['torch']}, {options.rounds} rounds."
    page = PAGE.read_text(encoding="utf-8")
    page = write_between(page, "layers", f"{layer_table(linear + convolutions)}\n\n{where}")
    page = write_between(page, "networks", f"{network_table(networks, tiny)}\n\n{where}")
    PAGE.write_text(page, encoding="utf-8")
    print(
        layer_table(linear + convolutions),
        network_table(networks, tiny),
        json.dumps(result["break_even"], indent=1),
        sep="\n",
    )


if __name__ == "__main__":
    main()
