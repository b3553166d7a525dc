"""Images a second of this project's training loop beside the loop that tutorials and published code have.

    python benchmarks/training_throughput.py

The plain loop: a dataset of PIL images, torchvision's RandomCrop with padding 4 and RandomHorizontalFlip, ToTensor and Normalize, a
shuffling DataLoader, the same network in torch's default layout, cross entropy, SGD with Nesterov momentum, learning rates by LambdaLR.
Ours: `Training` with pad_crop_flip. Both see 32 x 32 images of noise, in float32 with the fastest arithmetic, the same number of steps, in
turns in one process; with two threads the plain loop has its loader in the process (0 workers) and in two processes of its own (2).
Wall time, so the machine must be quiet. Results: results/training_throughput.json, with quartiles of the ratios of neighbouring turns.
"""

import json
import platform
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.audit_scale import processor  # noqa: E402
from scripts.lib.networks.architectures import build_network  # noqa: E402
from scripts.lib.networks.torchvision_ops import declare_missing_operators  # noqa: E402
from scripts.lib.training.loop import Training, parameter_groups  # noqa: E402
from scripts.lib.training.schedules import learning_rate_factor  # noqa: E402

RESULT = ROOT / "benchmarks/results/training_throughput.json"
NETWORKS = {"residual": [8, 32, 96], "resnet20": None}
IMAGES, BATCH, ROUNDS = 1280, 128, 7
SETTINGS = {
    "epochs": 1,
    "batch_size": BATCH,
    "learning_rate": 0.1,
    "warmup": 0.1,
    "momentum": 0.9,
    "weight_decay": 5e-4,
    "augmentation": "pad_crop_flip",
}


class Pictures(torch.utils.data.Dataset):
    """The images as torchvision's CIFAR10 gives them: a PIL image, transformed, and its label."""

    def __init__(self, images: np.ndarray, labels: np.ndarray, transform: Callable) -> None:
        self.images, self.labels, self.transform = images, labels, transform

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, position: int) -> tuple[torch.Tensor, int]:
        return self.transform(Image.fromarray(self.images[position])), int(self.labels[position])


def ours(name: str, images: np.ndarray, labels: np.ndarray) -> Callable[[], None]:
    """One epoch of this project's loop; everything that is done once a training is outside."""

    def epoch() -> None:
        pictures, classes = torch.from_numpy(images), torch.from_numpy(labels)
        network = {"name": name, "channels": NETWORKS[name]}
        training = Training(pictures, classes, 10, {"name": "dense", "method": "none"}, 0, network, SETTINGS, {})
        for _ in training.run():
            pass

    return epoch


def plain(name: str, images: np.ndarray, labels: np.ndarray, workers: int) -> Callable[[], None]:
    """One epoch of the plain loop."""
    declare_missing_operators()
    from torchvision import transforms

    half = (0.5, 0.5, 0.5)
    steps = [transforms.RandomCrop(32, padding=4), transforms.RandomHorizontalFlip(), transforms.ToTensor()]
    dataset = Pictures(images, labels, transforms.Compose([*steps, transforms.Normalize(half, half)]))

    def epoch() -> None:
        loader = torch.utils.data.DataLoader(dataset, BATCH, shuffle=True, num_workers=workers, drop_last=True)
        model = build_network(name, NETWORKS[name], 10).to(memory_format=torch.contiguous_format).train()
        groups = parameter_groups(model, SETTINGS["weight_decay"])
        optimizer = torch.optim.SGD(groups, lr=SETTINGS["learning_rate"], momentum=0.9, nesterov=True)
        count = len(images) // BATCH
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: learning_rate_factor(step, count, 0.1))
        for batch, targets in loader:
            optimizer.zero_grad()
            loss = torch.nn.functional.cross_entropy(model(batch), targets)
            loss.backward()
            optimizer.step()
            schedule.step()

    return epoch


def measure(name: str, threads: int, workers: int) -> dict:
    """Images a second of both loops and the quartiles of ours over the plain one's, which take turns."""
    torch.set_num_threads(threads)
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (IMAGES, 32, 32, 3), dtype=np.uint8)
    labels = random.integers(0, 10, IMAGES)
    loops = {"ours": ours(name, images, labels), "plain": plain(name, images, labels, workers)}
    taken: dict[str, list[float]] = {loop: [] for loop in loops}
    for turn in range(ROUNDS + 1):
        for loop in loops if turn % 2 else reversed(loops):
            begin = time.perf_counter()
            loops[loop]()
            if turn:  # the first warms up
                taken[loop].append(time.perf_counter() - begin)
    low, middle, high = statistics.quantiles(
        [other / own for own, other in zip(taken["ours"], taken["plain"], strict=True)], n=4
    )
    rates = {f"{loop}_images_per_second": round(IMAGES / statistics.median(each)) for loop, each in taken.items()}
    ratio = {"ratio": round(middle, 2), "ratio_quartiles": [round(low, 2), round(high, 2)], "rounds": ROUNDS}
    return {"network": name, "threads": threads, "loader_workers": workers} | rates | ratio


def main() -> None:
    """Measure all and write the results."""
    rows = []
    for name in NETWORKS:
        for threads, workers in ((1, 0), (2, 0), (2, 2)):
            rows.append(measure(name, threads, workers))
            print(rows[-1], flush=True)
    machine = {"processor": processor(), "python": platform.python_version(), "torch": torch.__version__}
    RESULT.write_text(json.dumps({"machine": machine, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
