"""Check that a cohort's files of weights fit the network that the study names, and note which file is which model."""

import torch

from scripts.lib.checkpoints import build_checkpoint_network, check_output, load_weights, zeros_of
from scripts.lib.dataset import load_manifest
from scripts.lib.files import sha256
from scripts.lib.job import Progress, logged
from scripts.lib.models import save_cohort
from scripts.lib.population import seeds_of


def main(input, output, params, wildcards) -> None:
    """Read the weights, write the cohort's file: no tensors, but which file holds the weights of which seed."""
    torch.set_num_threads(1)
    data = load_manifest(input.data)
    given = params.checkpoints
    classes = len(data["classes"])
    network = build_checkpoint_network(
        given["network"], given.get("options", {}), given.get("mean"), given.get("std"), classes
    ).eval()
    seeds = seeds_of(wildcards.cohort)
    progress = Progress(len(seeds), "checkpoint")
    weights, sparsity = {}, {}
    for seed, path in zip(seeds, input.weights, strict=True):
        notes = load_weights(network.network, path)
        if not weights:
            check_output(network, given["network"], *data["image_size"], classes)
        weights[seed] = {"path": path, "sha256": sha256(path)}
        sparsity[seed] = {"all": zeros_of(network)}
        progress.step(
            f"seed {seed} is {path}, {sparsity[seed]['all']:.1%} zeros" + "".join(f"; {each}" for each in notes)
        )
    save_cohort(
        output.models,
        {},
        {
            "level": {"name": wildcards.level, "method": "none"},
            "seeds": list(seeds),
            "network": {"checkpoints": given["network"], "options": given.get("options", {})}
            | {"mean": network.mean, "std": network.std},
            "weights": weights,
            "classes": data["classes"],
            "sparsity": sparsity,
            "torch": torch.__version__,
        },
    )


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake.input, snakemake.output, snakemake.params, snakemake.wildcards)  # noqa: F821
