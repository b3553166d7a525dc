"""Check that a cohort's files of weights fit the network that the study names, and note which file is which model."""

import numpy as np
import torch

from scripts.lib.data.dataset import Examples, load_manifest, load_split, pixels_digest
from scripts.lib.data.split import read_class_names
from scripts.lib.jobs.errors import InputError
from scripts.lib.jobs.job import Progress, logged
from scripts.lib.networks.answers import columns_of
from scripts.lib.networks.checkpoints import build_checkpoint_network, load_weights, zeros_of
from scripts.lib.networks.class_check import check_class_order, warn
from scripts.lib.networks.cohorts import describe_network, save_cohort
from scripts.lib.networks.trial import trial_positions, try_network
from scripts.lib.study.cohorts import seeds_of
from scripts.lib.study.sharded_weights import weights_sha256

REORDER = "give the level's `checkpoints` the key `classes`, a text file with one class name a line in the order of the network's outputs"


def trial_images(input) -> tuple[np.ndarray, Examples]:
    """A few test images, uint8[n, H, W, 3], and what is known of them."""
    images, examples, _ = load_split(input.images, input.examples, input.data, "test", mapped=True)
    positions = trial_positions(examples)
    chosen, shown = examples.take(positions), np.array(images[positions])
    if any(pixels_digest(image) != known for image, known in zip(shown, chosen.pixels, strict=True)):
        raise InputError(
            f"{input.images} is not the file that {input.examples} describes: delete it, and snakemake makes it again."
        )
    return shown, chosen


def main(input, output, params, wildcards) -> None:
    """Read the weights, show each network a few images, write the cohort's file: no tensors, but which file holds the weights of which seed."""
    torch.set_num_threads(1)
    data = load_manifest(input.data)
    names, given = data["classes"], params.checkpoints
    own = given.get("classes")
    outputs = names if own is None else read_class_names(own) if isinstance(own, str) else own
    columns = None if own is None else columns_of(names, outputs, f"`classes` of the level {wildcards.level}")
    network = build_checkpoint_network(
        given["network"],
        given.get("options", {}),
        given.get("mean"),
        given.get("std"),
        len(outputs),
        given.get("channels"),
    ).eval()
    images, examples = trial_images(input)
    seeds = seeds_of(wildcards.cohort)
    progress = Progress(len(seeds), "checkpoint")
    weights, sparsity, answers = {}, {}, {}
    for seed, path in zip(seeds, input.weights, strict=True):
        notes = load_weights(network.network, path, given.get("weights_key"), given.get("prefix", ""))
        logits, said = try_network(network, given["network"], images, len(outputs), columns)
        answers[path] = network.answer
        if network.answer != answers[input.weights[0]]:
            raise InputError(
                f"{path} gives {network.answer} and {input.weights[0]} {answers[input.weights[0]]}: a level's networks must be of one kind."
            )
        warning = check_class_order(
            f"{wildcards.level}, {path}",
            wildcards.level,
            logits.argmax(1),
            examples.label,
            names,
            REORDER,
            own is not None,
        )
        if warning is not None:
            warn(warning)
        weights[seed] = {"path": path, "sha256": weights_sha256(path)}
        sparsity[seed] = {"all": zeros_of(network)}
        progress.step(
            f"seed {seed} is {path}, {sparsity[seed]['all']:.1%} zeros" + "".join(f"; {each}" for each in notes + said)
        )
    save_cohort(
        output.models,
        {},
        {
            "level": {"name": wildcards.level, "method": "none"},
            "seeds": list(seeds),
            "network": describe_network(network, len(outputs), given),
            "weights": weights,
            "classes": names,
            "sparsity": sparsity,
            "torch": torch.__version__,
        },
    )


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake.input, snakemake.output, snakemake.params, snakemake.wildcards)  # noqa: F821
