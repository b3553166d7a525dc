"""A few steps, batches and images of a study, timed: made images of its size stand in for its own, since time does not depend on what they show.

Corruptions are the exception, of which some draw more for some images; theirs is the time for noise.
"""

import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np
import torch
from torch import nn

from scripts.lib.compression.calibration import calibrate
from scripts.lib.compression.quantization import quantize_network
from scripts.lib.corruptions import corrupt
from scripts.lib.estimate.adding import PROBED, Seconds, seen
from scripts.lib.jobs.project import ROOT
from scripts.lib.networks.architectures import normalized
from scripts.lib.networks.predicting import batch_of, probabilities
from scripts.lib.training.loop import Training

FEWEST, MOST = 2, 20  # repeats of what is timed, however long or short it takes


def made_images(count: int, size: tuple[int, int]) -> np.ndarray:
    """uint8[count, H, W, 3]: noise, the same each time."""
    return np.random.default_rng(0).integers(0, 256, (count, *size, 3), dtype=np.uint8)


def repeated(action: Callable[[], object], seconds: float) -> list[float]:
    """How long an action takes, in seconds, again and again until so many have passed: FEWEST times at least, MOST at most."""
    times: list[float] = []
    while len(times) < FEWEST or (len(times) < MOST and sum(times) < seconds):
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    return times


def start_seconds() -> Seconds:
    """Until a process has imported what a job needs that trains."""
    command = [sys.executable, "-c", "import scripts.lib.training.cohort"]
    return seen(repeated(lambda: subprocess.run(command, cwd=ROOT, check=True), 0), PROBED)


def steps_of(images: int, training: dict) -> int:
    """The optimizer steps of a model that learns from so many images; training: the study's section."""
    return training.get("steps") or images // min(training["batch_size"], images) * training["epochs"]


def training_seconds(
    images: int,
    size: tuple[int, int],
    classes: int,
    level: dict,
    network: dict,
    training: dict,
    pruning: dict,
    device: torch.device,
    seconds: float,
) -> tuple[Seconds, nn.Module]:
    """One model of a level from the first step to the last, and the network, in evaluation mode.

    images: how many the study trains on. Steps are timed from where pruning begins, with masks; the first two are not, because libraries
    prepare themselves in them. Updates of masks between are not timed either. The learning rate is 0, so noise cannot make a loss overflow.
    """
    steps = steps_of(images, training)
    batch = min(training["batch_size"], images)
    pixels = torch.from_numpy(made_images(batch, size)).to(device)
    labels = torch.arange(batch, device=device) % classes
    settings = training | {"steps": steps, "learning_rate": 0.0}
    probed = Training(pixels, labels, classes, level, 0, network, settings, pruning)
    first = min(round(steps * pruning.get("begin", 0)), steps - 1)
    next(probed.run())
    probed.step = first
    going = probed.run()
    next(going)

    def a_step() -> None:
        probed.step = min(first + 1, steps - 1)  # one and the same, however few there are
        next(going)

    return seen(repeated(a_step, seconds), PROBED).times(steps), probed.model.eval()


def prediction_seconds(model: nn.Module, size: tuple[int, int], device: torch.device, seconds: float) -> Seconds:
    """One image, in a batch as they are predicted; the network is computed dense."""
    batch = batch_of(*size)
    images = torch.from_numpy(made_images(batch, size)).to(device)
    probabilities(model, images)  # libraries prepare themselves
    return seen(repeated(lambda: probabilities(model, images), seconds), PROBED).times(1 / batch)


def quantized(model: nn.Module, method: str, quantization: dict, size: tuple[int, int]) -> tuple[Seconds, nn.Module]:
    """One model, quantized on the CPU as the rule does it with made images, and what became of it."""
    settings = dict(quantization)
    calibration = dict(settings.pop("calibration", {}))
    count, _ = calibration.pop("images", 0), calibration.pop("sample", None)
    model = model.cpu()
    start = time.perf_counter()
    images = normalized(torch.from_numpy(made_images(count, size))) if count else None
    ranges = calibrate(model, images, **calibration) if images is not None else {}
    made = quantize_network(model, method, ranges, **settings)
    return seen([time.perf_counter() - start], PROBED), made


def corruption_seconds(
    corruption: str,
    severities: list[int],
    size: tuple[int, int],
    options: dict,
    after: Callable[[np.ndarray], object] = len,
    count: int = 4,
) -> Seconds:
    """One image at all severities, and `after`, what is done with each image that is made. options: `stream` and `engine`."""
    images, ids = made_images(count, size), [str(number) for number in range(count)]

    def all_severities() -> None:
        for severity in severities:
            for image in corrupt(images, corruption, severity, dataset="probe", example_ids=ids, **options):
                after(image)

    all_severities()  # compiled, or read from where numba keeps it
    return seen(repeated(all_severities, 0), PROBED).times(1 / count)
