"""The processes that train one model together, each with its parts of every batch.

They add up their gradients themselves, and torch's DistributedDataParallel is not asked to: it sums in buckets that it rearranges after the
first step of a job, so with three processes a job that goes on from a checkpoint would round other sums than one that was never stopped.
"""

import os
import select
import signal
import sys
from collections.abc import Sequence
from typing import Protocol

import torch
from torch import distributed


class Processes(Protocol):
    """This process among those that train a model. All must call the same methods in the same order: each call waits for the others."""

    rank: int  # of this process, from 0
    count: int

    def add_up(self, tensors: Sequence[torch.Tensor]) -> None:
        """Replace the tensors, float32 of any shapes on the device to train on, by their sums over all processes."""

    def take_first(self, tensors: Sequence[torch.Tensor]) -> None:
        """Replace the tensors, float32 of any shapes on the device to train on, by the first process's."""

    def agreed(self, number: int) -> int:
        """The first process's number."""

    def signalled(self) -> int | None:
        """A signal that the job got and has not passed on before. Waits for nobody."""


class Alone:
    """One process: nobody to add to or to agree with, and signals reach it themselves."""

    rank, count = 0, 1

    def add_up(self, tensors: Sequence[torch.Tensor]) -> None:
        """The sums are the tensors."""

    def take_first(self, tensors: Sequence[torch.Tensor]) -> None:
        """They are the first's."""

    def agreed(self, number: int) -> int:
        """The number."""
        return number

    def signalled(self) -> int | None:
        """None: handlers of signals hear them."""
        return None


ALONE = Alone()


class Together:
    """One of the processes that torchrun started; make it in each of them. Tensors on GPUs travel by NCCL, others by gloo."""

    def __init__(self, device: str) -> None:
        """device: to train on, `cpu` or `cuda`, of which each process takes another one."""
        if device == "cuda":
            torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
        distributed.init_process_group("cpu:gloo,cuda:nccl" if device == "cuda" else "gloo")
        self.rank, self.count = distributed.get_rank(), distributed.get_world_size()

    def add_up(self, tensors: Sequence[torch.Tensor]) -> None:
        """As `Processes.add_up`: one sum over all tensors, end to end."""
        flat = _end_to_end(tensors)
        distributed.all_reduce(flat)
        _take_apart(flat, tensors)

    def take_first(self, tensors: Sequence[torch.Tensor]) -> None:
        """As `Processes.take_first`."""
        if tensors:
            flat = _end_to_end(tensors)
            distributed.broadcast(flat, src=0)
            _take_apart(flat, tensors)

    def agreed(self, number: int) -> int:
        """As `Processes.agreed`; on the CPU, so that no GPU is waited for."""
        told = torch.tensor(number)
        distributed.broadcast(told, src=0)
        return int(told)

    def signalled(self) -> int | None:
        """As `Processes.signalled`: the first process reads numbers of signals from its standard input (launching.py).

        An end of the input is the end of the job that started the processes, and means SIGTERM.
        """
        if self.rank > 0 or not select.select([sys.stdin], [], [], 0)[0]:
            return None
        return (sys.stdin.buffer.raw.read(1) or bytes([signal.SIGTERM]))[0]


def _end_to_end(tensors: Sequence[torch.Tensor]) -> torch.Tensor:
    return torch.cat([tensor.reshape(-1) for tensor in tensors])


@torch.no_grad()
def _take_apart(flat: torch.Tensor, tensors: Sequence[torch.Tensor]) -> None:
    for tensor, part in zip(tensors, flat.split([tensor.numel() for tensor in tensors]), strict=True):
        tensor.copy_(part.view(tensor.shape))
