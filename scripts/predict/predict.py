"""Predict one suite with the models of one cohort, and write the ledger."""

import hashlib
import json
from collections.abc import Iterator

import numpy as np
import torch

from scripts.lib.compression.packing import kernel_in_use, load_packed_networks
from scripts.lib.compression.quantized_models import load_networks
from scripts.lib.corrupted.layouts import Variant, load_variants
from scripts.lib.corrupted.natural import Shown, load_natural
from scripts.lib.corrupted.shard_lists import read_shard_lists
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
    files, manifests = (input.images, input.variants) if input.variants else read_shard_lists(input.images)
    examples = everything.take(chosen.positions_in(everything))
    return [Shown(variant, examples) for variant in load_variants(files, manifests, chosen, sha256(input.chosen))]


def study_digest(training: dict, data: dict) -> str:
    """SHA-256 of what the predictions depend on besides the seeds: the data and the recipe."""
    return hashlib.sha256(json.dumps([recipe_of(training), data], sort_keys=True).encode()).hexdigest()


def predicted(
    models: dict[int, torch.nn.Module],
    shown: Shown,
    batch: int,
    device: torch.device,
    progress: ImageProgress,
    path: str,
) -> Iterator[tuple[int, np.ndarray]]:
    """(seed, probabilities float32[N, C]) of each model, which is forgotten when the next one is asked for; path: their file."""
    # The models take turns on a batch, so that images are read once and few of them are in memory.
    parts: dict[int, list[np.ndarray]] = {seed: [] for seed in models}
    for images in shown.variant.batches(batch):
        on_device = torch.from_numpy(np.array(images)).to(device)
        for seed, model in models.items():
            parts[seed].append(probabilities(model, on_device, shown.among))
            progress.advance(len(images))
    for seed in models:
        values = np.concatenate(parts.pop(seed))
        if not np.isfinite(values).all():
            raise InputError(
                f"{path}: seed {seed} predicts undefined numbers for {shown.variant.corruption} {shown.variant.severity}: train it anew."
            )
        yield seed, values


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
    batch = batch_of(*data["image_size"])
    blocks = (
        block(
            shown.examples.example,
            shown.examples.label,
            seed,
            shown.variant.corruption,
            shown.variant.severity,
            values,
            params.keep,
        )
        for shown in suite
        for seed, values in predicted(models, shown, batch, device, progress, input.models)
    )
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
