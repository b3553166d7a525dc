"""Quantize a cohort's trained models: the same seeds, their weights in fewer bits."""

from collections.abc import Callable

import numpy as np
import torch

from scripts.lib.compression.calibration import calibrate
from scripts.lib.compression.quantization import quantize_network
from scripts.lib.data.dataset import load_manifest, load_split, pixels_digest
from scripts.lib.data.shards import EVALUATION, load_shards
from scripts.lib.jobs.errors import InputError
from scripts.lib.jobs.job import Progress, logged
from scripts.lib.jobs.streams import generator
from scripts.lib.networks.architectures import normalized
from scripts.lib.networks.arithmetic import set_arithmetic
from scripts.lib.networks.cohorts import load_cohort, save_cohort
from scripts.lib.study.levels import checkpoints_of


def calibration_images(input, count: int, sample: str, trained_on: str | None) -> Callable[[int], torch.Tensor]:
    """A function of a model's seed that reads the training images it is calibrated on, as networks read them, float32 [count, 3, H, W].

    Those of shards are as they are prepared for tests. Raises InputError if there are fewer or the models saw others.
    """
    data = load_manifest(input.data)
    if trained_on is not None and trained_on != data["sha256"]["train"]:  # None: trained elsewhere
        raise InputError(
            f"{input.models} was trained on other images than {input.data} describes: delete it, and snakemake trains again."
        )
    if "shards" in data:
        shards, _, _ = load_shards(input.images, input.examples, input.data)
        images, path = len(shards), f"the folder of {input.images[0]}"

        def take(positions: np.ndarray) -> np.ndarray:
            boxes = EVALUATION[data["options"]["preparation"]](shards.sizes[positions])
            return shards.batch(positions, boxes, data["image_size"][0])
    else:
        pictures, examples, _ = load_split(input.images, input.examples, input.data, "train", mapped=True)
        images, path = len(pictures), input.images

        def take(positions: np.ndarray) -> np.ndarray:
            found = np.array(pictures[positions])
            if any(
                pixels_digest(image) != known for image, known in zip(found, examples.pixels[positions], strict=True)
            ):
                raise InputError(
                    f"{input.images} is not the file that {input.examples} describes: delete it, and snakemake makes it again."
                )
            return found

    if images < count:
        raise InputError(
            f"config key `quantization.calibration.images` is {count} and {path} holds {images} images: ask for fewer."
        )
    return lambda seed: normalized(torch.from_numpy(take(chosen(images, count, sample, data["name"], seed))))


def chosen(images: int, count: int, sample: str, name: str, seed: int) -> np.ndarray:
    """The positions of the images that a model is calibrated on, int64 [count], ascending.

    A random sample is a model's own, so that its luck is part of what tells the models of a level apart; it is the same at all levels that
    quantize the model, and a smaller one is part of a larger one.
    """
    if sample == "first":
        return np.arange(count)
    return np.sort(generator("calibration", name, seed).permutation(images)[:count])


def main(input, output, params) -> None:
    """Read the cohort's models and, for fixed-point int8, training images; write the quantized models."""
    torch.set_num_threads(1)
    set_arithmetic(params.arithmetic)
    models, description = load_cohort(input.models)
    method, settings = params.level["method"], dict(params.quantization)
    calibration = dict(settings.pop("calibration", {}))
    if calibration:
        count, sample = calibration.pop("images"), calibration.pop("sample")
        read = calibration_images(input, count, sample, description.get("data"))
    progress = Progress(len(models), "model")
    networks = {}
    for seed, model in models.items():
        try:
            ranges = calibrate(model, read(seed), **calibration) if calibration else {}
            networks[seed] = quantize_network(model, method, ranges, **settings)
        except ValueError as error:
            raise InputError(
                f"{input.models}, seed {seed}, cannot be quantized as {method}: {error}; choose another method, or other layers to exempt, "
                f"for {params.level['name']}."
            ) from None
        floats = [name for name, value in networks[seed].named_parameters()]
        left = f"; in float32 stay {', '.join(floats)}" if floats else ""
        progress.step(f"{params.level['name']}, seed {seed}: {method}{left}")
    quantization = {"method": method, "of": checkpoints_of(params.level), **params.quantization}
    save_cohort(output.models, networks, description | {"level": params.level, "quantization": quantization})


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake.input, snakemake.output, snakemake.params)  # noqa: F821
