"""features.parquet: what the first dense model sees in each test image."""

import numpy as np
import torch

from scripts.lib.compression.quantized_models import load_networks
from scripts.lib.data.dataset import load_split
from scripts.lib.data.feature_file import Features, save_features
from scripts.lib.jobs.errors import InputError
from scripts.lib.jobs.job import ImageProgress, logged
from scripts.lib.networks.arithmetic import set_arithmetic
from scripts.lib.networks.device import prepare_device
from scripts.lib.networks.features import features_of, head_of
from scripts.lib.networks.predicting import batch_of

TRIED = 2  # images that show where the last layer is


def main(input, output, params) -> None:
    """Read the first dense model and the test images, write features.parquet."""
    device = prepare_device(params.device)
    set_arithmetic(params.arithmetic)
    models, description = load_networks(input.models)
    seed = min(models)
    model = models[seed].to(device)
    images, examples, data = load_split(input.images, input.examples, input.data, "test", mapped=True)
    outputs = description["network"].get("outputs", len(description["classes"]))

    def batch(first: int, size: int) -> torch.Tensor:
        return torch.from_numpy(np.array(images[first : first + size])).to(device)

    head = head_of(model, batch(0, TRIED), outputs)
    what = f"what the last layer `{head}` of the dense model {seed} reads"
    if head is None:
        what = f"the log-probabilities of the dense model {seed}, whose last layer is no linear one that can be looked into"
    size = batch_of(*data["image_size"])
    progress = ImageProgress(len(images), "features")
    parts = []
    for first in range(0, len(images), size):
        parts.append(features_of(model, head, batch(first, size)))
        progress.advance(len(parts[-1]))
    values = np.concatenate(parts)
    if not np.isfinite(values).all():
        raise InputError(
            f"{input.models}: the dense model {seed} has undefined features: set `slices.clusters: 0`, or train it anew."
        )
    print(f"features: {what}; {values.shape[1]} numbers an image")
    save_features(output.features, Features(examples.example, values, what))


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake.input, snakemake.output, snakemake.params)  # noqa: F821
