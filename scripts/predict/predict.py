"""Predict one suite with the models of one cohort, and write the ledger."""

import hashlib
import json

import numpy as np
import torch

from scripts.lib.compression.packing import kernel_in_use, load_packed_networks
from scripts.lib.compression.quantized_models import load_networks
from scripts.lib.corrupted.layouts import Variant, load_variants
from scripts.lib.corrupted.natural import Shown, load_natural
from scripts.lib.corrupted.subset import load_chosen
from scripts.lib.data.dataset import load_examples, load_images, load_manifest, load_split
from scripts.lib.jobs.errors import InputError
from scripts.lib.jobs.files import sha256
from scripts.lib.jobs.job import ImageProgress, logged
from scripts.lib.ledger.predictions import block, recipe_of, save_ledger
from scripts.lib.networks.arithmetic import set_arithmetic
from scripts.lib.networks.device import prepare_device
from scripts.lib.networks.predicting import batch_of, probabilities


def load_suite(input, data: dict, suite: str) -> list[Shown]:
    """What a suite shows."""
    if suite == "clean":
        images, examples, _ = load_split(input.images, input.examples, input.data, "test")
        return [Shown(Variant("clean", 0, images), examples)]
    everything = load_examples(input.examples, "test", data["sha256"]["examples"])
    if suite == "natural":
        *images, tested = input.images
        study = load_images(tested, data["sha256"]["test"], mapped=True), everything
        return load_natural(images, input.variants, input.chosen, data, study)
    chosen = load_chosen(input.chosen)
    examples = everything.take(chosen.positions_in(everything))
    return [
        Shown(variant, examples)
        for variant in load_variants(input.images, input.variants, chosen, sha256(input.chosen))
    ]


def study_digest(training: dict, data: dict) -> str:
    """SHA-256 of what the predictions depend on besides the seeds: the data and the recipe."""
    return hashlib.sha256(json.dumps([recipe_of(training), data], sort_keys=True).encode()).hexdigest()


def main(input, output, params, wildcards) -> None:
    """Read models and images, write the ledger."""
    device, arithmetic = prepare_device(params.device), set_arithmetic(params.arithmetic)
    print(f"arithmetic {arithmetic}")
    models, description = load_networks(input.models)
    data = load_manifest(input.data)
    if "data" in description and description["data"] != data["sha256"].get("train"):
        raise InputError(
            f"{input.models} was trained on other images than {input.data} describes: delete it, and snakemake trains again."
        )
    suite = load_suite(input, data, wildcards.suite)
    if input.packed:
        models = load_packed_networks(models, input.packed)
        print(f"block-sparse layers run as {kernel_in_use(device)}")
    models = {seed: model.to(device) for seed, model in models.items()}
    images_to_predict = len(models) * sum(len(shown.examples) for shown in suite)
    progress = ImageProgress(images_to_predict, f"{wildcards.level}, {wildcards.suite}")
    blocks = []
    for shown in suite:
        variant, examples = shown.variant, shown.examples
        # The models take turns on a batch, so that images are read once and few of them are in memory.
        predicted: dict[int, list[np.ndarray]] = {seed: [] for seed in models}
        for images in variant.batches(batch_of(*data["image_size"])):
            batch = torch.from_numpy(np.array(images)).to(device)
            for seed, model in models.items():
                predicted[seed].append(probabilities(model, batch, shown.among))
                progress.advance(len(images))
        for seed, parts in predicted.items():
            values = np.concatenate(parts)
            if not np.isfinite(values).all():
                raise InputError(
                    f"{input.models}: seed {seed} predicts undefined numbers for {variant.corruption} {variant.severity}: train it anew."
                )
            blocks.append(block(examples.example, examples.label, seed, variant.corruption, variant.severity, values))
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
            "arithmetic": arithmetic,
        },
    )


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake.input, snakemake.output, snakemake.params, snakemake.wildcards)  # noqa: F821
