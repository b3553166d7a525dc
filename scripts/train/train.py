"""Train one cohort: models of a level that differ only in their seed."""

import numpy as np
import pandas as pd
import torch

from scripts.lib.compression.smaller import sized
from scripts.lib.data.dataset import load_split
from scripts.lib.jobs.errors import InputError
from scripts.lib.jobs.files import replacing
from scripts.lib.jobs.job import logged
from scripts.lib.networks.arithmetic import set_arithmetic
from scripts.lib.networks.cohorts import save_weights
from scripts.lib.networks.device import prepare_device
from scripts.lib.study.cohorts import seeds_of
from scripts.lib.training.checkpoint import Checkpoint
from scripts.lib.training.cohort import train_cohort
from scripts.lib.training.loop import Training, as_tensors


def main(input, output, params, cohort: str, checkpoint_minutes: float) -> None:
    """Read the training split, write the cohort's models and what became of each of their epochs."""
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
    description = {
        "level": params.level,
        "seeds": list(seeds),
        "network": network,
        **({"size": size} if size else {}),
        "classes": data["classes"],
        "training": params.training,
        "pruning": dict(params.pruning),
        "data": data["sha256"]["train"],
        "torch": torch.__version__,
        "arithmetic": arithmetic,
    }
    checkpoint = Checkpoint(output.models, description | {"code": params.code}, checkpoint_minutes)

    def begin(seed: int) -> Training:
        return Training(
            images,
            labels,
            len(data["classes"]),
            params.level,
            seed,
            network,
            params.training,
            dict(params.pruning),
        )

    trained = train_cohort(begin, seeds, checkpoint)
    with replacing(output.epochs) as beside:
        pd.DataFrame(
            [
                {"level": params.level["name"], "seed": seed, **row}
                for seed, each in trained.items()
                for row in each.epochs
            ]
        ).to_csv(beside, index=False, lineterminator="\n")
    sparsity = {seed: each.sparsity for seed, each in trained.items()}
    save_weights(
        output.models, {seed: each.weights for seed, each in trained.items()}, description | {"sparsity": sparsity}
    )
    checkpoint.remove()


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(
            snakemake.input,  # noqa: F821
            snakemake.output,  # noqa: F821
            snakemake.params,  # noqa: F821
            snakemake.wildcards.cohort,  # noqa: F821
            # Not a param: how often a checkpoint is written changes no model, so nothing is to be trained again for it.
            snakemake.config["training"]["checkpoint_minutes"],  # noqa: F821
        )
