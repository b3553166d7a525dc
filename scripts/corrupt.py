"""Corrupt a fixed subset of the test images with one corruption, at all severities."""

import numpy as np

from scripts.lib.corruptions import corrupt
from scripts.lib.dataset import Examples, load_split, save_images, save_manifest
from scripts.lib.files import sha256
from scripts.lib.job import Progress, logged
from scripts.lib.variants import corrupted_subset, ids_digest


def corrupt_images(
    images: np.ndarray, examples: Examples, dataset: str, corruption: str, severities: list[int], **options
) -> np.ndarray:
    """All severities one after the other, each in the order of `examples`: uint8[S * N, H, W, 3] (CIFAR-10-C's layout).

    options: `constants`, `engine` and `stream` of scripts.lib.corruptions.corrupt.
    """
    progress = Progress(len(severities), "severity")
    ids = list(examples.example)
    variants = []
    for severity in severities:
        variants.append(corrupt(images, corruption, severity, dataset=dataset, example_ids=ids, **options))
        progress.step(f"{corruption} {severity}, {len(images)} images")
    return np.concatenate(variants)


def main(input, output, params, corruption: str) -> None:
    """Read the test split, write the corrupted images and the manifest that vouches for them."""
    images, examples, data = load_split(input.images, input.examples, input.data, "test")
    chosen = corrupted_subset(examples, params.examples_per_class)
    images, examples = images[chosen], examples.take(chosen)
    options = {"constants": params.constants, "engine": params.engine, "stream": params.stream}
    save_images(
        output.images, corrupt_images(images, examples, data["source"], corruption, params.severities, **options)
    )
    save_manifest(
        output.manifest,
        {
            "corruption": corruption,
            "severities": params.severities,
            **options,
            "dataset": data["source"],
            "examples_per_class": params.examples_per_class,
            "examples_sha256": ids_digest(examples),
            "images_sha256": sha256(output.images),
            "numpy": np.__version__,
        },
    )


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake.input, snakemake.output, snakemake.params, snakemake.wildcards.corruption)  # noqa: F821
