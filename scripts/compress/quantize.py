"""Quantize a cohort's trained models: the same seeds, their weights in fewer bits."""

import numpy as np
import torch

from scripts.lib.compression.quantization import calibrate, quantize_network
from scripts.lib.data.dataset import load_manifest, load_split, pixels_digest
from scripts.lib.data.shards import EVALUATION, load_shards
from scripts.lib.jobs.errors import InputError
from scripts.lib.jobs.job import Progress, logged
from scripts.lib.networks.architectures import normalized
from scripts.lib.networks.arithmetic import set_arithmetic
from scripts.lib.networks.cohorts import load_cohort, save_cohort
from scripts.lib.study.levels import checkpoints_of


def calibration_images(input, count: int, trained_on: str | None) -> np.ndarray:
    """The first images of the training split, of shards as they are prepared for tests, uint8 [count, H, W, 3]; InputError if there are fewer or the models saw others."""
    data = load_manifest(input.data)
    if trained_on is not None and trained_on != data["sha256"]["train"]:  # None: trained elsewhere
        raise InputError(
            f"{input.models} was trained on other images than {input.data} describes: delete it, and snakemake trains again."
        )
    if "shards" in data:
        shards, _, _ = load_shards(input.images, input.examples, input.data)
        _check_enough(count, len(shards), f"the folder of {input.images[0]}")
        boxes = EVALUATION[data["options"]["preparation"]](shards.sizes[:count])
        return shards.batch(np.arange(count), boxes, data["image_size"][0])
    images, examples, _ = load_split(input.images, input.examples, input.data, "train", mapped=True)
    _check_enough(count, len(images), input.images)
    chosen = np.array(images[:count])
    if any(pixels_digest(image) != known for image, known in zip(chosen, examples.pixels, strict=False)):
        raise InputError(
            f"{input.images} is not the file that {input.examples} describes: delete it, and snakemake makes it again."
        )
    return chosen


def _check_enough(count: int, images: int, path: str) -> None:
    if images < count:
        raise InputError(
            f"config key `quantization.calibration.images` is {count} and {path} holds {images} images: ask for fewer."
        )


def main(input, output, params) -> None:
    """Read the cohort's models and, for fixed-point int8, the first training images; write the quantized models."""
    torch.set_num_threads(1)
    set_arithmetic(params.arithmetic)
    models, description = load_cohort(input.models)
    method, calibration = params.level["method"], dict(params.calibration)
    images = None
    if calibration:
        images = normalized(torch.from_numpy(calibration_images(input, calibration["images"], description.get("data"))))
    progress = Progress(len(models), "model")
    networks = {}
    for seed, model in models.items():
        try:
            ranges = {} if images is None else calibrate(model, images)
            networks[seed] = quantize_network(model, method, ranges)
        except ValueError as error:
            raise InputError(
                f"{input.models}, seed {seed}, cannot be quantized as {method}: {error}; choose another method for {params.level['name']}."
            ) from None
        floats = [name for name, value in networks[seed].named_parameters()]
        left = f"; in float32 stay {', '.join(floats)}" if floats else ""
        progress.step(f"{params.level['name']}, seed {seed}: {method}{left}")
    quantization = {"method": method, "of": checkpoints_of(params.level), "calibration": calibration}
    save_cohort(output.models, networks, description | {"level": params.level, "quantization": quantization})


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake.input, snakemake.output, snakemake.params)  # noqa: F821
