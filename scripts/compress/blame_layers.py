"""Predict test images with each layer of a level compressed alone, and with each left uncompressed alone."""

import numpy as np
import torch

from scripts.lib.compression.cost import weight_bytes
from scripts.lib.compression.exchanging import load_exchanged
from scripts.lib.compression.quantization import quantizable
from scripts.lib.data.dataset import load_manifest
from scripts.lib.data.sampled import sample_images
from scripts.lib.jobs.errors import InputError
from scripts.lib.jobs.job import ImageProgress, logged
from scripts.lib.ledger.layer_votes import EVERY, UNCOMPRESSED, Experiment, experiments_of, save_layer_votes
from scripts.lib.networks.arithmetic import set_arithmetic
from scripts.lib.networks.device import prepare_device
from scripts.lib.networks.predicting import batch_of, predicted_classes
from scripts.lib.study.blamed_layers import how_of
from scripts.lib.study.cohorts import seeds_of


def main(input, output, params, cohort: str) -> None:
    """Read the cohort's models before and after, and the images; write what is predicted in every experiment."""
    device = prepare_device(params.device)
    print(f"arithmetic {set_arithmetic(params.arithmetic)}")
    data = load_manifest(input.data)
    images = sample_images(input.images, input.examples, input.data, params.images, "audit.layers.images")
    size = batch_of(*data["image_size"])
    votes: dict[tuple[int, Experiment], np.ndarray] = {}
    sizes: dict[int, dict] = {}
    description: dict = {}
    progress = None
    for seed, exchanged in load_exchanged(input.uncompressed, input.compressed, params.level, device):
        if not exchanged.layers:
            raise InputError(
                f"{input.compressed} has no compressed layer: remove {params.level['name']} from `audit.layers.levels`."
            )
        experiments = experiments_of(exchanged.layers)
        if progress is None:
            total = len(images) * (1 + len(experiments)) * len(seeds_of(cohort))
            progress = ImageProgress(total, f"{params.level['name']}, {len(exchanged.layers)} layers")
        parts: dict[Experiment, list[np.ndarray]] = {name: [] for name in ((UNCOMPRESSED, EVERY), *experiments)}
        # All experiments take turns on a batch, so that images are read once a model.
        for batch in images.batches(size):
            shown = torch.from_numpy(batch).to(device)
            for name, found in parts.items():
                network = exchanged.with_compressed(experiments[name]) if name in experiments else exchanged.trained
                try:
                    found.append(predicted_classes(network, shown))
                except ValueError as error:
                    raise InputError(
                        f"{input.compressed}, seed {seed}, {' '.join(name)}: {error}: make it anew."
                    ) from None
                progress.advance(len(batch))
        votes |= {(seed, name): np.concatenate(found) for name, found in parts.items()}
        description = {
            "level": params.level["name"],
            "how": how_of(params.level),
            "classes": data["classes"],
            "layers": exchanged.layers,
            "network": list(quantizable(exchanged.with_compressed([]))),
        }
        whole = weight_bytes(exchanged.with_compressed([]))
        sizes[seed] = {"bytes": whole - sum(exchanged.bytes_saved.values()), "bytes_saved": exchanged.bytes_saved}
    save_layer_votes(output.votes, images.examples.example, images.examples.label, votes, sizes, description)


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake.input, snakemake.output, snakemake.params, snakemake.wildcards.cohort)  # noqa: F821
