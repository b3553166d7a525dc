"""Predict one suite with the models of one cohort, and write the ledger."""

import hashlib
import json

import numpy as np
import torch

from scripts.lib.dataset import Examples, load_examples, load_manifest, load_split
from scripts.lib.device import prepare_device
from scripts.lib.errors import InputError
from scripts.lib.files import sha256
from scripts.lib.job import Progress, logged
from scripts.lib.ledger import block, recipe_of, save_ledger
from scripts.lib.models import load_cohort
from scripts.lib.networks import normalized
from scripts.lib.variants import load_corrupted

BATCH = 500


def probabilities(model: torch.nn.Module, images: torch.Tensor) -> np.ndarray:
    """Softmax probabilities float32[N, C] for uint8 images [N, H, W, 3]."""
    with torch.inference_mode():
        parts = [torch.softmax(model(normalized(batch)).float(), dim=1).cpu() for batch in images.split(BATCH)]
    return torch.cat(parts).numpy()


def load_suite(input, data: dict, suite: str) -> tuple[dict[tuple[str, int], np.ndarray], Examples]:
    """The images of every variant of a suite by (corruption, severity), and the examples that they all show."""
    if suite == "clean":
        images, examples, _ = load_split(input.images, input.examples, input.data, "test")
        return {("clean", 0): images}, examples
    everything = load_examples(input.examples, "test", data["sha256"]["examples"])
    variants = {}
    for images, manifest in zip(input.images, input.variants, strict=True):
        part, examples = load_corrupted(images, manifest, everything)
        variants |= part
    return variants, examples


def study_digest(training: dict, data: dict) -> str:
    """SHA-256 of what the predictions depend on besides the seeds: the data and the recipe."""
    return hashlib.sha256(json.dumps([recipe_of(training), data], sort_keys=True).encode()).hexdigest()


def main(input, output, params, wildcards) -> None:
    """Read models and images, write the ledger."""
    device = prepare_device(params.device)
    models, description = load_cohort(input.models)
    data = load_manifest(input.data)
    if description["data"] != data["sha256"]["train"]:
        raise InputError(
            f"{input.models} was trained on other images than {input.data} describes: delete it, and snakemake trains again."
        )
    variants, examples = load_suite(input, data, wildcards.suite)
    tensors = {variant: torch.from_numpy(images).to(device) for variant, images in variants.items()}
    progress = Progress(len(models), "model")
    blocks = []
    for seed, model in models.items():
        model = model.to(device)
        for (corruption, severity), images in tensors.items():
            predicted = probabilities(model, images)
            if not np.isfinite(predicted).all():
                raise InputError(
                    f"{input.models}: seed {seed} predicts undefined numbers for {corruption} {severity}: train it anew."
                )
            blocks.append(block(examples.example, examples.label, seed, corruption, severity, predicted))
        progress.step(f"{wildcards.level}, seed {seed}, {len(tensors)} variants of {len(examples)} examples")
    save_ledger(
        output.ledger,
        blocks,
        {
            "level": wildcards.level,
            "suite": wildcards.suite,
            "training": description,
            "study_digest": study_digest(description, data),
            "models_sha256": sha256(input.models),
            "test_sha256": data["sha256"]["test"],
            "classes": data["classes"],
            "torch": torch.__version__,
        },
    )


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake.input, snakemake.output, snakemake.params, snakemake.wildcards)  # noqa: F821
