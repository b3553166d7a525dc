"""Train one cohort: models of a level that differ only in their seed."""

import numpy as np
import torch

from scripts.lib.compression.smaller import sized
from scripts.lib.data.dataset import load_split
from scripts.lib.jobs.errors import InputError
from scripts.lib.jobs.job import Progress, logged
from scripts.lib.networks.arithmetic import set_arithmetic
from scripts.lib.networks.cohorts import save_cohort
from scripts.lib.networks.device import prepare_device
from scripts.lib.study.cohorts import seeds_of
from scripts.lib.training.loop import as_tensors, train_model


def main(input, output, params, cohort: str) -> None:
    """Read the training split, write the cohort's models."""
    device, arithmetic = prepare_device(params.training["device"]), set_arithmetic(params.training["arithmetic"])
    print(f"arithmetic {arithmetic}")
    pictures, examples, data = load_split(input.images, input.examples, input.data, "train")
    absent = [name for label, name in enumerate(data["classes"]) if not np.any(examples.label == label)]
    if absent:
        raise InputError(f"{input.examples} has no training image of class {absent[0]}: add some, or remove the class.")
    images, labels = as_tensors(pictures, examples.label, device)
    network, size = sized(params.network, len(data["classes"]), tuple(pictures.shape[1:3]))
    if size:
        wanted = f", and {size['as']} keeps {size['wanted']:,}" if "as" in size else ""
        print(f"width {network['width']:.4g}: {size['reached']:,} {size['equal'].replace('_', '-')}{wanted}")
    seeds = seeds_of(cohort)
    progress = Progress(len(seeds), "model")
    models, sparsity = {}, {}
    for seed in seeds:
        models[seed], pruned = train_model(
            images,
            labels,
            len(data["classes"]),
            params.level,
            seed,
            network,
            params.training,
            dict(params.pruning),
        )
        zeros, weights = map(sum, zip(*pruned.values(), strict=True)) if pruned else (0, 0)
        sparsity[seed] = {name: layer[0] / layer[1] for name, layer in pruned.items()}
        sparsity[seed]["all"] = zeros / weights if pruned else 0.0
        reached = ", ".join(f"{name} {value:.1%}" for name, value in sparsity[seed].items())
        progress.step(f"{params.level['name']}, seed {seed}; sparsity of the pruned layers: {reached}")
    save_cohort(
        output.models,
        models,
        {
            "level": params.level,
            "seeds": list(seeds),
            "network": network,
            **({"size": size} if size else {}),
            "classes": data["classes"],
            "training": params.training,
            "pruning": dict(params.pruning),
            "sparsity": sparsity,
            "data": data["sha256"]["train"],
            "torch": torch.__version__,
            "arithmetic": arithmetic,
        },
    )


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake.input, snakemake.output, snakemake.params, snakemake.wildcards.cohort)  # noqa: F821
