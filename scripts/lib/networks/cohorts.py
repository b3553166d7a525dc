"""A cohort's models in one safetensors file: tensors named `{seed:03d}.{parameter}`, what they are in the metadata.

Of models that were trained elsewhere it has no tensors, but the metadata name the file of each, which stays where it is.
"""

import json
from dataclasses import asdict
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from scripts.lib.jobs.errors import InputError
from scripts.lib.jobs.files import replacing
from scripts.lib.networks.answers import Answer
from scripts.lib.networks.architectures import build_network
from scripts.lib.networks.checkpoints import Normalized, build_checkpoint_network, load_weights
from scripts.lib.networks.file_networks import read_network
from scripts.lib.networks.runners.runner import Reads
from scripts.lib.study.formats import brings_computation
from scripts.lib.study.sharded_weights import weights_sha256


def save_cohort(path: str | Path, models: dict[int, torch.nn.Module], description: dict) -> None:
    """Write the models of a cohort by seed; description must be JSON and say `network` and `classes`."""
    save_weights(path, {seed: model.state_dict() for seed, model in models.items()}, description)


def save_weights(path: str | Path, models: dict[int, dict[str, torch.Tensor]], description: dict) -> None:
    """The same of models that are here as their parameters by name."""
    tensors = {
        f"{seed:03d}.{name}": tensor.detach().cpu().contiguous()
        for seed, state in models.items()
        for name, tensor in state.items()
    }
    with replacing(path) as beside:
        save_file(tensors, beside, metadata={"lacuna": json.dumps(description, sort_keys=True)})


def read_cohort(path: str | Path) -> tuple[dict[int, dict[str, torch.Tensor]], dict]:
    """The parameters of a cohort's models by seed and name, and their description; InputError if the file is damaged."""
    try:
        with safe_open(path, framework="pt") as file:
            description = json.loads(file.metadata()["lacuna"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, KeyError, TypeError, OSError) as error:
        raise InputError(f"{path} cannot be read ({error}): delete it, and snakemake makes it again.") from None
    prefixes = {seed: f"{seed:03d}." for seed in description["seeds"]}
    states = {
        seed: {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
        for seed, prefix in prefixes.items()
    }
    return states, description


def load_cohort(path: str | Path) -> tuple[dict[int, torch.nn.Module], dict]:
    """The trained models of a cohort by seed, in evaluation mode, and their description; InputError if the file is damaged."""
    states, description = read_cohort(path)
    models = {}
    for seed, state in states.items():
        if "weights" in description:
            models[seed] = _brought(description, description["weights"][str(seed)]).eval()
            continue
        models[seed] = blank_network(description)
        models[seed].load_state_dict(state)
        models[seed].eval()
    return models, description


def blank_network(description: dict) -> torch.nn.Module:
    """The network of a cohort without its weights, built here or by others' code."""
    network = description["network"]
    if "checkpoints" not in network:
        return build_network(
            network["name"], network.get("channels"), len(description["classes"]), network.get("width", 1.0)
        )
    brought = build_checkpoint_network(
        network["checkpoints"],
        network["options"],
        network["mean"],
        network["std"],
        network["outputs"],
        len(network["mean"]),
    )
    brought.answer = _answer(network)
    return brought.to(memory_format=torch.channels_last)


def _answer(network: dict) -> Answer:
    """How a brought network's logits are read, as the description of its cohort has it."""
    columns = network["answer"]["columns"]
    return Answer(**network["answer"] | {"columns": None if columns is None else tuple(columns)})


def describe_network(network: Normalized, outputs: int, checkpoints: dict, reads: Reads | None = None) -> dict:
    """What a brought network is built from, and how its weights are found.

    checkpoints: what the study says of it. reads: of a file that brings its own computation, what it says.
    """
    return {
        "checkpoints": checkpoints["network"],
        "options": checkpoints.get("options", {}),
        "outputs": outputs,
        "mean": network.mean,
        "std": network.std,
        "answer": asdict(network.answer),
        "weights": {key: checkpoints[key] for key in ("weights_key", "prefix") if key in checkpoints},
        **({"file": reads.as_json()} if reads is not None else {}),
    }


def _brought(description: dict, weights: dict) -> Normalized:
    """A network of others with the weights of its file; InputError if that is not the one that was checked."""
    network = description["network"]
    if brings_computation({"network": network["checkpoints"]}):
        found, _ = read_network(
            weights["path"], network["checkpoints"], network["mean"], network["std"], len(network["mean"])
        )
        found.answer = _answer(network)
        found.to(memory_format=torch.channels_last)
    else:
        found = blank_network(description)
        load_weights(found.network, weights["path"], **network["weights"])
    if weights_sha256(weights["path"]) != weights["sha256"]:
        raise InputError(
            f"{weights['path']} has changed since it was checked: run again, and snakemake checks it anew."
        )
    return found
