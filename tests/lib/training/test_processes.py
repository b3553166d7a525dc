"""Two processes train what one does, stop when they are told to, and say in one sentence what went wrong."""

import os
import signal
import subprocess
from pathlib import Path

import pytest
import torch
from two_processes import DENSE, LIKE_ONE, begun, trained

from scripts.lib.jobs.errors import InputError
from scripts.lib.jobs.job import logged
from scripts.lib.training.checkpoint import Stopped
from scripts.lib.training.launching import launch
from scripts.lib.training.processes import Alone


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """What two processes had in the end, of a job that was told to stop before they began; the folder, and the code of their end."""
    folder = tmp_path_factory.mktemp("two")
    run = subprocess.run

    def told_to_stop(*arguments, **options):
        os.kill(os.getpid(), signal.SIGTERM)
        return run(*arguments, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(subprocess, "run", told_to_stop)
        patch.setenv("PYTHONPATH", str(Path(__file__).parent))
        before = signal.getsignal(signal.SIGTERM)
        with pytest.raises(Stopped) as stopped, logged(folder / "log"):
            launch("two_processes", {"folder": str(folder)}, 2, "cpu")
        assert signal.getsignal(signal.SIGTERM) == before
    results = [torch.load(folder / f"{rank}.pt", weights_only=True) for rank in (0, 1)]
    return results, folder, stopped.value.code


@pytest.mark.parametrize("case", LIKE_ONE)
def test_two_processes_train_what_one_does(two, case):
    level, settings = LIKE_ONE[case]
    one = trained(begun(level, settings, batch_norm=case != "whole"))
    start = begun(level, settings).model.state_dict()
    for name, weight in two[0][0][case].items():
        # Sums of a few thousand float32 are rounded otherwise, by 2^-24 each, and five steps carry that on.
        if "running" not in name and "num_batches" not in name:  # running statistics are of the first process's parts
            torch.testing.assert_close(weight, one[name], rtol=1e-3, atol=1e-5)
            assert name == "loss" or not torch.allclose(weight, start[name], rtol=1e-3, atol=1e-5)


def test_all_processes_have_the_same_bytes_and_masks(two):
    first, second = two[0]
    for name in (*LIKE_ONE, "gone on", "undisturbed"):
        assert first[name].keys() == second[name].keys()
        assert all(torch.equal(value, second[name][tensor]) for tensor, value in first[name].items()), name
    weights = [first["undisturbed"][f"{seed} {layer}.weight"] for seed in (0, 1) for layer in (0, 3)]
    assert all(int((weight == 0).sum()) == weight.numel() // 2 for weight in weights)


def test_a_job_of_two_processes_stops_and_goes_on_where_it_was(two):
    (first, second), folder, code = two
    assert first["code"] == second["code"] == code == 128 + signal.SIGTERM
    log = (folder / "log").read_text()
    assert "stopped by SIGTERM" in log and log.count("seed 0 goes on after step 1 of 5") == 1
    assert all(torch.equal(value, first["undisturbed"][name]) for name, value in first["gone on"].items())


class Rank(Alone):
    """One of three processes, of whom nobody listens to the others."""

    count = 3

    def __init__(self, rank):
        self.rank = rank


def test_processes_share_a_batch_and_draw_other_numbers():
    trainings = [begun(DENSE, {"accumulation": 2}, Rank(rank)) for rank in range(3)]
    whole = begun(DENSE, {})
    order = whole._order()
    [first, *_] = whole._batches(order, 0)
    parts = [part for training in trainings for part in training._batches(order, 0)[0]]
    assert [len(part) for part in parts] == [3, 3, 3, 2, 2, 2] and torch.equal(torch.cat(parts), first[0])
    seeds = set()
    for training in trainings:
        for _ in training.run():
            seeds.add(torch.initial_seed())
    assert len(seeds) == 3 * 5


def test_more_processes_than_gpus_are_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(InputError, match=r"`training.processes` is 2 and torch finds 1 GPUs here: write a smaller"):
        launch("nothing", {}, 2, "cuda")
