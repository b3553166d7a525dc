"""Which test images are corrupted, and how a file of corrupted images says that it belongs to them."""

import hashlib

import numpy as np

from scripts.lib.dataset import Examples, load_images, load_manifest
from scripts.lib.errors import InputError


def corrupted_subset(examples: Examples, per_class: int) -> np.ndarray:
    """Positions of `per_class` examples of each class, chosen by their ids; InputError if a class has fewer."""
    labels, counts = np.unique(examples.label, return_counts=True)
    if counts.min() < per_class:
        raise InputError(
            f"config key `corruptions.examples_per_class` is {per_class} and class {labels[counts.argmin()]} has {counts.min()} "
            "test images: lower it."
        )
    return examples.sample_per_class(per_class)


def ids_digest(examples: Examples) -> str:
    """SHA-256 of the example ids in their order: equal where the order of the examples is."""
    return hashlib.sha256("\n".join(examples.example).encode()).hexdigest()


def load_corrupted(
    images: str, manifest: str, examples: Examples
) -> tuple[dict[tuple[str, int], np.ndarray], Examples]:
    """The corrupted images uint8[N, H, W, 3] by (corruption, severity), and the N examples that they are variants of.

    Raises InputError unless the file is the one its manifest describes, made from these examples in this order.
    """
    made = load_manifest(manifest)
    chosen = examples.take(corrupted_subset(examples, made["examples_per_class"]))
    if made["examples_sha256"] != ids_digest(chosen):
        raise InputError(
            f"{images} was made from other examples, or in another order: delete it, and snakemake makes it again."
        )
    stacked = load_images(images, made["images_sha256"])
    severities = made["severities"]
    if len(stacked) != len(severities) * len(chosen):
        raise InputError(
            f"{images} holds {len(stacked)} images instead of {len(severities)} x {len(chosen)}: delete it, and snakemake makes it again."
        )
    parts = np.split(stacked, len(severities))
    return {(made["corruption"], severity): part for severity, part in zip(severities, parts, strict=True)}, chosen
