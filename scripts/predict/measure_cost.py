"""cost.csv: how long each level's networks take on this machine, beside the dense network in torch, and what they weigh.

The numbers are of the machine and the moment, unlike those of all other tables: the networks of all levels take turns in one
process that has the machine to itself.
"""

import math
import platform

import numpy as np
import pandas as pd
import torch

from kernels.folding import fold_batchnorm
from kernels.sparsify import explain, sparsify
from kernels.timing import interleaved
from scripts.lib.audit.intervals import UNDEFINED, median
from scripts.lib.compression.cost import SPARSE, multiply_adds, peak_bytes, weight_bytes
from scripts.lib.compression.quantization import Int8Layer
from scripts.lib.compression.quantized_models import load_networks
from scripts.lib.data.dataset import load_manifest
from scripts.lib.jobs.job import Progress, logged
from scripts.lib.networks.device import prepare_device
from scripts.lib.networks.file_networks import is_file_network
from scripts.lib.study.levels import is_quantized
from scripts.lib.study.pruned_levels import has_blocks
from scripts.lib.tables.table import save_table, with_interval

LEAST_SECONDS = 0.02  # how long a network is repeated in a round
COUNTS = ("multiply_adds", "kept_multiply_adds")
MEASURED, SIMULATED = "measured", "not timed: int8 arithmetic is simulated"  # what `timing` says


def compiled(network: torch.nn.Module, device: torch.device) -> torch.nn.Module:
    """The dense network as torch.compile makes it for inference."""
    import torch._inductor.config

    torch._inductor.config.freezing = True  # weights become constants, laid out once
    return torch.compile(network, mode="max-autotune" if device.type == "cuda" else None)


def speedups(rivals: dict[str, np.ndarray], level: np.ndarray, significance: float) -> dict[str, float]:
    """How many times faster a level is than each dense rival and than the best of them, from the seconds of the same rounds."""
    columns = {}
    for name in ("eager", "compiled"):
        estimate = median(rivals[name] / level, significance) if name in rivals else UNDEFINED
        columns |= with_interval(f"speedup_{name}", estimate)
    best = min(rivals, key=lambda name: np.median(rivals[name]))
    return {"best_dense": best, **with_interval("speedup", median(rivals[best] / level, significance)), **columns}


def is_simulated(network: torch.nn.Module) -> bool:
    """Whether a network computes what integer arithmetic would, by other means."""
    return any(isinstance(module, Int8Layer) for module in network.modules())


def measure(
    networks: dict[str, torch.nn.Module], dense: dict[str, torch.nn.Module], example: torch.Tensor, params
) -> list[dict]:
    """One row a level for one batch size. networks: by level; dense: the rivals, `eager` and perhaps `compiled`.

    A network whose arithmetic is simulated has no time and no peak of memory, because those of the simulation say nothing.
    """
    device = example.device
    everything = {("rival", name): network for name, network in dense.items()}
    everything |= {("level", name): network for name, network in networks.items() if not is_simulated(network)}
    with torch.inference_mode():
        calls = [lambda network=network: network(example) for network in everything.values()]
        rounds = np.array(interleaved(calls, params.cost["rounds"], LEAST_SECONDS, device))
    seconds = dict(zip(everything, rounds, strict=True))
    rows = []
    for level, network in networks.items():
        own = seconds.get(("level", level), np.full(params.cost["rounds"], np.nan))
        all_multiplications, kept = multiply_adds(network, example)
        on_cpu = device.type == "cpu" or is_file_network(network)  # runtimes of files compute on the CPU
        latency = median(own * 1000, params.significance)
        sparse = sum(isinstance(module, SPARSE) for module in network.modules())
        with torch.inference_mode():
            peak = math.nan if is_simulated(network) else peak_bytes(lambda network=network: network(example), device)
        rows.append(
            {
                "level": level,
                "batch_size": len(example),
                "device": platform.machine() if on_cpu else torch.cuda.get_device_name(),
                "threads": torch.get_num_threads(),
                "block_sparse_layers": sparse,
                "timing": SIMULATED if is_simulated(network) else MEASURED,
                "rounds": params.cost["rounds"],
                "significance": params.significance,
                **with_interval("latency_ms", latency),
                "images_per_second": len(example) / latency.value * 1000,
                **speedups({name: seconds["rival", name] for name in dense}, own, params.significance),
                "ceiling": all_multiplications / kept,
                "multiply_adds": all_multiplications // len(example),
                "kept_multiply_adds": kept // len(example),
                "weight_bytes": weight_bytes(network),
                "peak_bytes": peak,
            }
        )
    return rows


def deployed(
    models: dict[str, torch.nn.Module], levels: dict[str, dict], example: torch.Tensor, least_gain: float
) -> dict[str, torch.nn.Module]:
    """Each level's network as one would use it for this batch size: batch norms folded, quantized, block-sparse where a measurement says it pays."""
    networks = {}
    for level, model in models.items():
        if is_quantized(levels[level]) or is_file_network(model):
            networks[level] = model
        elif has_blocks(levels[level]):
            networks[level], decisions = sparsify(model, tuple(levels[level]["block"]), example, least_gain, "measured")
            print(f"{level}, batches of {len(example)}:\n{explain(decisions)}")
        else:
            networks[level] = fold_batchnorm(model)
    return networks


def main(input, output, params) -> None:
    """Read one model of each level, write cost.csv."""
    device = prepare_device(params.device)
    height, width = load_manifest(input.data)["image_size"]
    models = {
        level: next(iter(load_networks(path)[0].values())).to(device)
        for level, path in zip(params.levels, input.models, strict=True)
    }
    progress = Progress(len(params.cost["batch_sizes"]), "batch size")
    rows = []
    for batch_size in params.cost["batch_sizes"]:
        example = torch.zeros(batch_size, 3, height, width, device=device).to(memory_format=torch.channels_last)
        networks = deployed(models, params.levels, example, params.least_gain)
        dense = {"eager": networks["dense"]}
        if params.cost["compile"] and not is_file_network(networks["dense"]):
            dense["compiled"] = compiled(networks["dense"], device)
        rows += measure(networks, dense, example, params)
        progress.step(str(batch_size))
    table = pd.DataFrame(rows).astype(dict.fromkeys(COUNTS, "Int64"))  # whole numbers, or NaN where they are not known
    save_table(output.table, table)
    for row in table.itertuples():
        gain = f"{row.latency_ms:.3f} ms, {row.speedup:.2f} x dense {row.best_dense}"
        print(f"{row.level}, batch {row.batch_size}: {gain if row.timing == MEASURED else row.timing}")


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake.input, snakemake.output, snakemake.params)  # noqa: F821
