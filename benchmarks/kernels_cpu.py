"""Block-sparse layers and networks against the best dense path of torch, one thread: python benchmarks/kernels_cpu.py

Rounds are interleaved, times are medians of this thread's CPU time, and the rival is the fastest of torch's paths for each case:
F.linear and conv2d in channels-last memory, weights packed ahead for MKL and oneDNN, and for networks torch.compile with frozen
weights. "module" is what a user calls, copy into a halo buffer included; "in a plan" reads and writes buffers that are there.
Masks are random with equally many blocks in each block row; density is what whole blocks gave. Writes
benchmarks/results/kernels_cpu.json and prints it as Markdown.
"""

import argparse
import copy
import json
import platform
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch.nn import functional

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from kernels import cpu  # noqa: E402
from kernels.layers import BlockSparseConv2d, with_halo  # noqa: E402
from kernels.packed import pack, unpack  # noqa: E402
from kernels.plan import plan  # noqa: E402
from kernels.reference import relative_rms  # noqa: E402
from kernels.sparsify import explain, sparsify  # noqa: E402
from kernels.timing import compare  # noqa: E402
from scripts.lib.networks import plain  # noqa: E402
from tests.kernels.networks import Residual, drop_blocks, prune  # noqa: E402

BLOCKS = ((16, 16), (32, 32), (64, 16))
SPARSITIES = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95)


def times(calls: dict[str, Callable], rounds: int) -> dict[str, float]:
    """Median milliseconds of each call."""
    seconds = compare(list(calls.values()), rounds=rounds, seconds=0.02, clock=time.thread_time)
    return {name: 1e3 * value for name, value in zip(calls, seconds, strict=True)}


def row(case: str, block: tuple[int, int], sparsity: float, density: float, taken: dict[str, float]) -> dict:
    """One case: the best dense path, the sparse ones, and their gains."""
    dense = {name: value for name, value in taken.items() if name.startswith("dense")}
    best = min(dense, key=dense.get)
    gains = {name: dense[best] / value for name, value in taken.items() if name not in dense}
    return {
        "case": case, "block": f"{block[0]}x{block[1]}", "sparsity": sparsity, "density": density, "best dense": best,
        "milliseconds": taken, "gain": gains,
    }  # fmt: skip


def linear_cases(rounds: int):
    for size in (512, 1024, 2048):
        for m in (1, 64, 256):
            x, weight = torch.randn(m, size), torch.randn(size, size)
            calls = {"dense F.linear": lambda x=x, weight=weight: functional.linear(x, weight)}
            if torch.backends.mkl.is_available():
                packed = torch.ops.mkl._mkl_reorder_linear_weight(weight, m)
                calls["dense MKL packed"] = lambda x=x, weight=weight, packed=packed, m=m: torch.ops.mkl._mkl_linear(
                    x, packed, weight, None, m
                )
            if torch.backends.mkldnn.is_available():
                ahead = torch.ops.mkldnn._reorder_linear_weight(weight, m)
                calls["dense oneDNN packed"] = lambda x=x, ahead=ahead: torch.ops.mkldnn._linear_pointwise(
                    x, ahead, None, "none", [], ""
                )
            ready = {
                (block, sparsity): pack(drop_blocks(weight, *block, sparsity), *block)
                for block in BLOCKS
                for sparsity in SPARSITIES
            }
            for key, packed in ready.items():
                prepared = cpu.prepare(packed)
                y = torch.empty(1, 1, m, size)
                bound = prepared.bind(x[None, None], y)
                sparse = {
                    "module": lambda x=x, prepared=prepared: cpu.linear(x, prepared),
                    "in a plan": lambda bound=bound: bound(1),
                }
                assert relative_rms(cpu.linear(x, prepared), x.double() @ unpack(packed).double().T) < 1e-6
                yield row(f"linear {size}, M = {m}", *key, packed.density, times({**calls, **sparse}, rounds))


def conv_cases(rounds: int):
    for channels, size in ((64, 32), (128, 16), (256, 8)):
        for batch in (1, 8):
            x = torch.randn(batch, channels, size, size).contiguous(memory_format=torch.channels_last)
            weight = torch.randn(channels, channels, 3, 3)
            last = weight.contiguous(memory_format=torch.channels_last)
            calls = {"dense conv2d": lambda x=x, last=last: functional.conv2d(x, last, padding=1)}
            if torch.backends.mkldnn.is_available():
                one = (1, 1)
                ahead = torch.ops.mkldnn._reorder_convolution_weight(weight, one, one, one, 1, list(x.shape))
                calls["dense oneDNN packed"] = lambda x=x, ahead=ahead, one=one: (
                    torch.ops.mkldnn._convolution_pointwise(x, ahead, None, one, one, one, 1, "none", [], "")
                )
            halo = with_halo(x.permute(0, 2, 3, 1), (1, 1))
            for block in BLOCKS:
                for sparsity in SPARSITIES:
                    packed = pack(drop_blocks(weight, *block, sparsity), *block)
                    layer = BlockSparseConv2d(packed, padding=1).eval()
                    inside = torch.zeros_like(halo)[:, 1:-1, 1:-1]
                    bound = cpu.prepare(packed).bind(halo, inside)
                    sparse = {
                        "module": lambda x=x, layer=layer: layer(x),
                        "in a plan": lambda bound=bound: bound(1),
                    }
                    exact = functional.conv2d(x.double(), unpack(packed).double(), padding=1)
                    assert relative_rms(layer(x), exact) < 1e-6
                    taken = times({**calls, **sparse}, rounds)
                    yield row(f"conv 3x3 {channels} @ {size}, batch {batch}", block, sparsity, packed.density, taken)


def network_cases(rounds: int, with_compile: bool):
    for sparsity, block in (
        (0.7, (32, 32)),
        (0.8, (32, 32)),
        (0.9, (16, 16)),
        (0.9, (32, 32)),
        (0.9, (64, 16)),
        (0.95, (32, 32)),
    ):
        model = prune(Residual((64, 128, 256)), *block, sparsity)
        yield from _network("residual network 64/128/256", model, block, sparsity, (1, 16), rounds, with_compile)
    yield from _network(
        "network of the demo", prune(plain((5, 10, 20, 20), 10), 4, 4, 0.8), (4, 4), 0.8, (1, 64), rounds, with_compile
    )


def _network(case, model, block, sparsity, batches, rounds, with_compile):
    model = model.to(memory_format=torch.channels_last).requires_grad_(False)
    for batch in batches:
        x = torch.randn(batch, 3, 32, 32).contiguous(memory_format=torch.channels_last)
        calls = {"dense eager": lambda x=x: model(x)}
        if with_compile:
            torch._dynamo.reset()  # otherwise it gives up on the ninth network and runs it uncompiled
            compiled = torch.compile(copy.deepcopy(model))
            calls["dense compiled"] = lambda x=x, compiled=compiled: compiled(x)
        sparse, decisions = sparsify(model, block, x)
        planned = plan(model, batch, x.shape[1:], block)
        calls |= {"modules": lambda x=x, sparse=sparse: sparse(x), "in a plan": lambda x=x, planned=planned: planned(x)}
        exact = copy.deepcopy(model).double()(x.double())
        assert relative_rms(planned(x), exact) < 1e-6 and relative_rms(sparse(x), exact) < 1e-6
        kept = sum(choice.density * torch.Size(choice.shape).numel() for choice in planned.choices)
        density = kept / sum(torch.Size(choice.shape).numel() for choice in planned.choices)
        yield {
            **row(f"{case}, batch {batch}", block, sparsity, density, times(calls, rounds)),
            "sparsify": explain(decisions), "plan": planned.explain(),
        }  # fmt: skip


def break_even(rows: list[dict]) -> dict[str, float]:
    """For each case and block the least sparsity measured from which on the module is never slower than dense."""
    found = {}
    for case, block in dict.fromkeys(
        (one["case"], one["block"]) for one in rows if len(one["gain"]) and "module" in one["gain"]
    ):
        mine = sorted(
            (one for one in rows if (one["case"], one["block"]) == (case, block)), key=lambda one: one["sparsity"]
        )
        slower = [one["sparsity"] for one in mine if one["gain"]["module"] < 1]
        found[f"{case}, {block}"] = min(
            (one["sparsity"] for one in mine if not slower or one["sparsity"] > max(slower)), default=1.0
        )
    return found


def table(rows: list[dict]) -> str:
    lines = ["| case | block | density | ceiling | best dense | module | in a plan |", "|---|---|---|---|---|---|---|"]
    for one in rows:
        module = one["gain"].get("module", one["gain"].get("modules"))
        milliseconds = one["milliseconds"][one["best dense"]]
        lines.append(
            f"| {one['case']} | {one['block']} | {one['density']:.3f} | {1 / one['density']:.1f}x | "
            f"{milliseconds:.3f} ms ({one['best dense'].removeprefix('dense ')}) | {module:.2f}x | {one['gain']['in a plan']:.2f}x |"
        )
    return "\n".join(lines)


def machine() -> dict[str, str]:
    compiler = cpu.find_compiler()
    return {
        "processor": cpu._processor().split("\n")[-2].partition(":")[2].strip() or platform.processor(),
        "vector floats": str(cpu.library().widest() // 4), "compiler": " ".join(compiler), "torch": torch.__version__,
        "python": platform.python_version(), "threads": str(torch.get_num_threads()),
        "cpu capability": torch.backends.cpu.get_cpu_capability(),
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--no-compile", action="store_true", help="leave torch.compile out, which takes a minute")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results" / "kernels_cpu.json")
    arguments = parser.parse_args()
    if cpu.library() is None:
        sys.exit("there is no C++ compiler: this benchmark is about the C++ kernel.")
    torch.set_num_threads(1)
    torch.manual_seed(0)
    if not arguments.no_compile:
        import torch._inductor.config as inductor

        inductor.freezing = True
    rows = []
    with torch.inference_mode(arguments.no_compile), torch.no_grad():  # inductor freezes under no_grad
        for cases in (linear_cases, conv_cases, lambda rounds: network_cases(rounds, not arguments.no_compile)):
            mine = list(cases(arguments.rounds))
            print(table(mine), end="\n\n", flush=True)
            rows += mine
    even = break_even(rows)
    print("Never slower from this sparsity on:", json.dumps(even, indent=2))
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps({"machine": machine(), "break even": even, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
