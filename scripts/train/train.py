"""Train one cohort: models of a level that differ only in their seed."""

import csv
import sys
from types import SimpleNamespace

import numpy as np
import torch

from scripts.lib.compression.smaller import sized
from scripts.lib.data.dataset import Examples, load_manifest, load_split
from scripts.lib.data.shards import EVALUATION, load_shards
from scripts.lib.jobs.errors import InputError
from scripts.lib.jobs.files import replacing
from scripts.lib.jobs.job import logged
from scripts.lib.networks.arithmetic import set_arithmetic
from scripts.lib.networks.cohorts import save_weights
from scripts.lib.networks.device import prepare_device
from scripts.lib.study.cohorts import seeds_of
from scripts.lib.training.checkpoint import Checkpoint
from scripts.lib.training.cohort import train_cohort
from scripts.lib.training.launching import launch, take_part
from scripts.lib.training.loop import Training
from scripts.lib.training.pictures import Pictures, PicturesInMemory, PicturesInShards
from scripts.lib.training.processes import ALONE, Processes


def read_pictures(input, threads: int, device: torch.device) -> tuple[Pictures, Examples, dict]:
    """The training images, from memory or from shards, their examples and the manifest."""
    if "shards" not in load_manifest(input.data):
        images, examples, data = load_split(input.images, input.examples, input.data, "train")
        return PicturesInMemory(torch.from_numpy(images).to(device)), examples, data
    shards, examples, data = load_shards(input.images, input.examples, input.data)
    boxes = EVALUATION[data["options"]["preparation"]](shards.sizes)
    return PicturesInShards(shards, boxes, data["image_size"][0], threads, device), examples, data


def main(input, output, params, cohort: str, checkpoint_minutes: float, threads: int = 1) -> None:
    """Train the cohort here, or in as many processes as the study says; threads: that decode pictures, of all processes."""
    processes = params.training["processes"]
    if processes == 1:
        train(input, output, params, cohort, checkpoint_minutes, threads)
        return
    job = {
        "input": dict(input.items()),
        "output": dict(output.items()),
        "params": dict(params.items()),
        "cohort": cohort,
        "checkpoint_minutes": checkpoint_minutes,
        "threads": max(1, threads // processes),
    }
    launch("scripts.train.train", job, processes, params.training["device"])


def train_together(job: dict, processes: Processes) -> None:
    """Train in one of several processes; job: as `main` describes it."""
    files = {name: SimpleNamespace(**job.pop(name)) for name in ("input", "output", "params")}
    train(**files, **job, processes=processes)


def train(
    input, output, params, cohort: str, checkpoint_minutes: float, threads: int, processes: Processes = ALONE
) -> None:
    """Read the training split, write the cohort's models and what became of each of their epochs; threads: of this process."""
    device, arithmetic = prepare_device(params.training["device"]), set_arithmetic(params.training["arithmetic"])
    print(f"arithmetic {arithmetic}")
    pictures, examples, data = read_pictures(input, threads, device)
    absent = [name for label, name in enumerate(data["classes"]) if not np.any(examples.label == label)]
    if absent:
        raise InputError(f"{input.examples} has no training image of class {absent[0]}: add some, or remove the class.")
    labels = torch.from_numpy(examples.label.astype(np.int64)).to(device)
    network, size = sized(params.network, len(data["classes"]), tuple(data["image_size"]))
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
    checkpoint = Checkpoint(output.models, description | {"code": params.code}, checkpoint_minutes, processes)

    def begin(seed: int) -> Training:
        return Training(
            pictures,
            labels,
            len(data["classes"]),
            params.level,
            seed,
            network,
            params.training,
            dict(params.pruning),
            processes,
        )

    trained = train_cohort(begin, seeds, checkpoint)
    if processes.rank > 0:  # the first process writes
        return
    rows = [
        {"level": params.level["name"], "seed": seed, **row} for seed, each in trained.items() for row in each.epochs
    ]
    with replacing(output.epochs) as beside, beside.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    sparsity = {seed: each.sparsity for seed, each in trained.items()}
    save_weights(
        output.models, {seed: each.weights for seed, each in trained.items()}, description | {"sparsity": sparsity}
    )
    checkpoint.remove()


# Snakemake gives a script no arguments; `launch` gives one to each process that takes part.
if __name__ == "__main__" and len(sys.argv) > 1:
    take_part(sys.argv[1], train_together)
elif __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(
            snakemake.input,  # noqa: F821
            snakemake.output,  # noqa: F821
            snakemake.params,  # noqa: F821
            snakemake.wildcards.cohort,  # noqa: F821
            # Not a param: how often a checkpoint is written changes no model, so nothing is to be trained again for it.
            snakemake.config["training"]["checkpoint_minutes"],  # noqa: F821
            snakemake.threads,  # noqa: F821
        )
