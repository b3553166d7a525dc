"""What test_processes.py has two processes do, and compares with one."""

import sys
from pathlib import Path

import torch

from scripts.lib.networks.device import prepare_device
from scripts.lib.training.checkpoint import Checkpoint, Stopped
from scripts.lib.training.cohort import train_cohort
from scripts.lib.training.launching import take_part
from scripts.lib.training.loop import Training
from scripts.lib.training.processes import ALONE

SETTINGS = {"epochs": 1, "batch_size": 15, "learning_rate": 0.1, "warmup": 0.2, "momentum": 0.9, "weight_decay": 5e-4}
PRUNING = {"begin": 0.2, "end": 0.8, "every": 1, "layers": "convolutions"}
DENSE = {"name": "dense", "method": "none"}
BY_GRADIENT = {"name": "g", "method": "prune", "sparsity": 0.5, "score": "gradient_times_weight"}
LIKE_ONE = {  # level and settings, of which accumulation is of one process
    "whole": (DENSE, {"accumulation": 1}),
    "in parts": (DENSE, {"accumulation": 2, "label_smoothing": 0.1}),
    "in four parts": (DENSE, {"accumulation": 4, "moving_average": 0.9, "augmentation": "pad_crop_flip"}),
}
PRUNED = BY_GRADIENT, {"precision": "bfloat16", "moving_average": 0.9, "augmentation": "pad_crop_flip"}


def begun(level, settings, processes=ALONE, batch_norm=True, seed=0):
    """A training of five steps on 76 images that has taken none."""
    prepare_device("cpu")
    random = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (76, 16, 16, 3), generator=random, dtype=torch.uint8)
    labels = torch.arange(len(images)) % 4
    network = {"name": "plain", "channels": [4, 8]}
    training = Training(images, labels, 4, level, seed, network, SETTINGS | settings, PRUNING, processes)
    if not batch_norm:  # it does not look at the batch
        training.model.eval()
        training.model.train = lambda mode=True: training.model
    return training


def trained(training):
    """The weights in the end, and the losses of epochs."""
    list(training.run())
    model, _ = training.finish()
    return {name: tensor.clone() for name, tensor in model.state_dict().items()} | {
        "loss": torch.tensor([each["loss"] for each in training.epochs])
    }


def both(job, processes):
    """In each of two processes: train, and stop and go on as the job is told to."""
    results = {}
    for name, (level, settings) in LIKE_ONE.items():
        share = settings | {"accumulation": max(1, settings["accumulation"] // 2)}
        results[name] = trained(begun(level, share, processes, batch_norm=name != "whole"))

    def cohort(name):
        done = train_cohort(
            lambda seed: begun(*PRUNED, processes, seed=seed),
            [0, 1],
            Checkpoint(Path(job["folder"], name), {"settings": "these"}, 60, processes),
        )
        return {f"{seed} {tensor}": value for seed, each in done.items() for tensor, value in each.weights.items()}

    try:
        cohort("stopped")
    except Stopped as stopped:
        results["code"] = stopped.code
    results["gone on"] = cohort("stopped")
    results["undisturbed"] = cohort("undisturbed")
    torch.save(results, Path(job["folder"], f"{processes.rank}.pt"))
    raise Stopped(results["code"])


if __name__ == "__main__":
    take_part(sys.argv[1], both)
