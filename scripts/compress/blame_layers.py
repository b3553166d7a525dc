"""Predict test images with each layer of a level compressed alone, and with each left uncompressed alone."""

import numpy as np
import torch

from scripts.lib.compression.cost import weight_bytes
from scripts.lib.compression.exchanging import ExchangedLayers, load_exchanged
from scripts.lib.compression.quantization import quantizable
from scripts.lib.data.dataset import load_manifest
from scripts.lib.data.sampled import SampledImages, sample_images
from scripts.lib.jobs.job import ImageProgress, logged
from scripts.lib.ledger.layer_votes import EVERY, UNCOMPRESSED, Experiment, experiments_of, save_layer_votes
from scripts.lib.networks.arithmetic import set_arithmetic
from scripts.lib.networks.device import prepare_device
from scripts.lib.networks.predicting import batch_of, predicted_classes
from scripts.lib.study.blamed_layers import how_of
from scripts.lib.study.cohorts import seeds_of


def votes_of(
    exchanged: ExchangedLayers,
    images: SampledImages,
    size: int,
    device: torch.device,
    progress: ImageProgress,
    what: str,
) -> dict[Experiment, np.ndarray]:
    """What a model predicts in every experiment, int16[n] each, `size` images at a time; what: names it in an error.

    All experiments take turns on a batch, so that images are read once a model and few of them are in memory.
    """
    experiments = experiments_of(exchanged.layers)
    found: dict[Experiment, list[np.ndarray]] = {name: [] for name in ((UNCOMPRESSED, EVERY), *experiments)}
    for batch in images.batches(size):
        shown = torch.from_numpy(batch).to(device)
        for name, parts in found.items():
            network = exchanged.with_compressed(experiments[name]) if name in experiments else exchanged.trained
            parts.append(predicted_classes(network, shown, f"{what}, {' '.join(name)},"))
            progress.advance(len(batch))
    return {name: np.concatenate(parts) for name, parts in found.items()}


def main(input, output, params, cohort: str) -> None:
    """Read the cohort's models before and after, and the images; write what is predicted in every experiment."""
    device = prepare_device(params.device)
    print(f"arithmetic {set_arithmetic(params.arithmetic)}")
    data = load_manifest(input.data)
    images = sample_images(input.images, input.examples, input.data, params.images, "audit.layers.images")
    size, level, models = batch_of(*data["image_size"]), params.level["name"], len(seeds_of(cohort))
    votes, sizes = {}, {}
    for seed, exchanged in load_exchanged(input.uncompressed, input.compressed, params.level, device):
        layers, network = exchanged.layers, exchanged.with_compressed([])
        if not votes:
            progress = ImageProgress(
                models * (1 + len(experiments_of(layers))) * len(images), f"{level}, {len(layers)} layers"
            )
            description = {"level": level, "how": how_of(params.level), "classes": data["classes"]}
            description |= {"layers": layers, "network": list(quantizable(network))}
        saved = exchanged.bytes_saved
        sizes[seed] = {"bytes": weight_bytes(network) - sum(saved.values()), "bytes_saved": saved}
        predicted = votes_of(exchanged, images, size, device, progress, f"{input.compressed}, seed {seed}")
        votes |= {(seed, name): top1 for name, top1 in predicted.items()}
    save_layer_votes(output.votes, images.examples.example, images.examples.label, votes, sizes, description)


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake.input, snakemake.output, snakemake.params, snakemake.wildcards.cohort)  # noqa: F821
