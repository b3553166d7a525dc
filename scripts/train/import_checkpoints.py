"""Check that a cohort's files of weights fit the network that the study names, and note which file is which model."""

import math

import numpy as np
import torch

from scripts.lib.data.dataset import Examples, load_manifest, load_split, pixels_digest
from scripts.lib.data.split import read_class_names
from scripts.lib.jobs.errors import InputError
from scripts.lib.jobs.job import Progress, logged
from scripts.lib.networks.answers import columns_of
from scripts.lib.networks.checkpoints import IMAGENET, Normalized, build_checkpoint_network, load_weights
from scripts.lib.networks.class_check import check_class_order, warn
from scripts.lib.networks.cohorts import describe_network, save_cohort
from scripts.lib.networks.file_networks import background_of, check_size, read_network, zeros_or_unknown
from scripts.lib.networks.runners.runner import Reads
from scripts.lib.networks.trial import trial_positions, try_network
from scripts.lib.study.cohorts import seeds_of
from scripts.lib.study.factories import ZOOS, parts_of
from scripts.lib.study.formats import brings_computation
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


def outputs_of(given: dict, names: list[str], level: str, background: str | None) -> tuple[int, tuple[int, ...] | None]:
    """How many outputs a network must have, and which of them stand for the study's classes if not all do in their order.

    given: what the study says of the level's networks. names: of the study's classes. background: `first` or `last` for an output for none of them.
    """
    own = given.get("classes")
    if own is not None:
        outputs = read_class_names(own) if isinstance(own, str) else own
        return len(outputs), columns_of(names, outputs, f"`classes` of the level {level}")
    if background is None:
        return len(names), None
    first = 1 if background == "first" else 0
    return len(names) + 1, tuple(range(first, first + len(names)))


def read_checkpoint(path: str, given: dict, size: tuple[int, int]) -> tuple[Normalized, Reads, list[str]]:
    """A network of a file that brings its own computation, what the file says, and what is to be said in the log."""
    network, reads = read_network(
        path, given["network"], given.get("mean"), given.get("std"), given.get("channels"), unless_said(given)
    )
    check_size(path, reads, size)
    said = "as the study says" if "mean" in given else "as the file says"
    if "mean" not in given and reads.mean is None:
        said = "ImageNet's, because nobody says it"
    return network, reads, [*reads.sentences(), f"normalized by mean {network.mean} and std {network.std}, {said}"]


def unless_said(given: dict) -> tuple[list[float], list[float]] | None:
    """Mean and std where neither a study nor a file says them, if the study says that there are such."""
    return IMAGENET if "unless_said" in given else None


def _check_alike(path: str, network: dict, first: str, other: dict) -> None:
    """Raise InputError if two networks of a level are not asked in the same way."""
    key = next((key for key in network if network[key] != other[key]), None)
    if key is not None:
        raise InputError(
            f"{path} has `{key}` {network[key]} and {first} {other[key]}: a level's networks must be of one kind."
        )


def main(input, output, params, wildcards) -> None:
    """Read the weights, show each network a few images, write the cohort's file: no tensors, but which file holds the weights of which seed."""
    torch.set_num_threads(1)
    data = load_manifest(input.data)
    names, given = data["classes"], params.checkpoints
    of_files, reads, background = brings_computation(given), None, given.get("background")
    outputs, columns = outputs_of(given, names, wildcards.level, background)
    if not of_files:
        of_zoo = parts_of(given["network"])[0] in ZOOS  # which says it itself
        own = (None if of_zoo else unless_said(given)) or (None, None)
        network = build_checkpoint_network(
            given["network"],
            given.get("options", {}),
            given.get("mean", own[0]),
            given.get("std", own[1]),
            outputs,
            given.get("channels"),
        ).eval()
    images, examples = trial_images(input)
    seeds = seeds_of(wildcards.cohort)
    progress = Progress(len(seeds), "checkpoint")
    weights, sparsity, described = {}, {}, {}
    for seed, path in zip(seeds, input.weights, strict=True):
        if of_files:
            network, reads, notes = read_checkpoint(path, given, data["image_size"])
            if background is None and "classes" not in given:
                background = background_of(reads, len(names))
                outputs, columns = outputs_of(given, names, wildcards.level, background)
        else:
            notes = load_weights(network.network, path, given.get("weights_key"), given.get("prefix", ""))
        logits, said = try_network(network, path if of_files else given["network"], images, outputs, columns)
        if background is not None:
            said.append(f"the {background} of its {outputs} outputs is for none of the classes and is left out")
        described[path] = describe_network(network, outputs, given, reads)
        _check_alike(path, described[path], input.weights[0], described[input.weights[0]])
        warning = check_class_order(
            f"{wildcards.level}, {path}",
            wildcards.level,
            logits.argmax(1),
            examples.label,
            names,
            REORDER,
            "classes" in given,
        )
        if warning is not None:
            warn(warning)
        weights[seed] = {"path": path, "sha256": weights_sha256(path)}
        zeros = zeros_or_unknown(network)
        sparsity[seed] = {"all": zeros}
        counted = "zeros not counted" if math.isnan(zeros) else f"{zeros:.1%} zeros"
        progress.step(f"seed {seed} is {path}, {counted}" + "".join(f"; {each}" for each in notes + said))
    save_cohort(
        output.models,
        {},
        {
            "level": {"name": wildcards.level, "method": "none"},
            "seeds": list(seeds),
            "network": described[input.weights[0]],
            "weights": weights,
            "classes": names,
            "sparsity": sparsity,
            "torch": torch.__version__,
        },
    )


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake.input, snakemake.output, snakemake.params, snakemake.wildcards)  # noqa: F821
