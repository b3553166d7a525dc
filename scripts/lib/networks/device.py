"""The device that a study names, and what makes a run on it repeatable."""

import os

import torch

from scripts.lib.jobs.errors import InputError


def prepare_device(name: str) -> torch.device:
    """`cpu` or `cuda`, set up so that the same seed gives the same bytes; InputError for a GPU that is not there.

    One thread: the number of threads changes the order of sums and so the trained weights, and jobs run side by side anyway.
    """
    torch.set_num_threads(1)
    if name == "cuda":
        if not torch.cuda.is_available():
            raise InputError(
                "config key `training.device` is cuda and torch finds no GPU here: write `cpu`, or run where there is one."
            )
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # or cuBLAS has no deterministic matrix product
        torch.use_deterministic_algorithms(
            True
        )  # for GPUs only: it imports a second of torch that one CPU thread can do without
    return torch.device(name)
