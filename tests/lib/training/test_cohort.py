"""A cohort's job that is stopped at any moment and started again ends with the same bytes, and never goes on from anything else."""

import os
import signal

import pytest
import torch

from scripts.lib.jobs.errors import InputError
from scripts.lib.networks.device import prepare_device
from scripts.lib.training.checkpoint import Checkpoint, Stopped
from scripts.lib.training.cohort import train_cohort
from scripts.lib.training.loop import Training

SEEDS = [3, 4, 5]
SETTINGS = {
    "epochs": 2,
    "batch_size": 16,
    "learning_rate": 0.1,
    "warmup": 0.2,
    "momentum": 0.9,
    "weight_decay": 5e-4,
    "augmentation": "pad_crop_flip",
}
LEVEL = {"name": "m", "method": "magnitude", "sparsity": 0.5}
PRUNING = {"begin": 0.2, "end": 0.8, "every": 1, "layers": "convolutions"}
STEPS = 4  # an epoch
ALL = len(SEEDS) * 2 * STEPS


@pytest.fixture
def signals():
    """Signals as they were before."""
    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1)
    before = {number: signal.getsignal(number) for number in numbers}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


class Interrupted(Training):
    """Sends a signal to this process after so many steps of the job."""

    left, number = 0, signal.SIGTERM

    def run(self):
        for step in super().run():
            Interrupted.left -= 1
            if Interrupted.left == 0:
                os.kill(os.getpid(), self.number)
            yield step


def job(folder, kind=Training, minutes=60.0, made_from="this"):
    """What the script of the rule does; the bytes of each model and its epochs."""
    prepare_device("cpu")
    random = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (STEPS * 16, 16, 16, 3), generator=random, dtype=torch.uint8)
    labels = torch.arange(len(images)) % 4

    def begin(seed):
        return kind(images, labels, 4, LEVEL, seed, {"name": "plain", "channels": [4, 8]}, SETTINGS, PRUNING)

    checkpoint = Checkpoint(folder / "003-005.safetensors", {"settings": made_from}, minutes)
    done = train_cohort(begin, SEEDS, checkpoint)
    result = {
        seed: ([tensor.numpy().tobytes() for tensor in each.weights.values()], each.sparsity, each.epochs)
        for seed, each in done.items()
    }
    return result, checkpoint


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1)}
    result, _ = job(tmp_path_factory.mktemp("undisturbed"))
    for number, handler in before.items():
        signal.signal(number, handler)
    return result


@pytest.mark.parametrize("step", [1, 3, 4, 7, 8, 9, 15, 16, 17, 23])
def test_a_job_that_is_told_to_stop_goes_on_where_it_was(step, tmp_path, undisturbed, signals, capsys):
    Interrupted.left, Interrupted.number = step, signal.SIGTERM
    with pytest.raises(Stopped) as stopped:
        job(tmp_path, Interrupted)
    assert stopped.value.code == 128 + signal.SIGTERM
    assert "003-005.checkpoint: run again, and it goes on." in capsys.readouterr().out
    Interrupted.left = 0
    result, checkpoint = job(tmp_path, Interrupted)
    assert Interrupted.left == step - ALL if step % 8 else Interrupted.left <= step - ALL  # not one step twice
    assert result == undisturbed
    checkpoint.remove()
    assert not list(tmp_path.iterdir())


def test_sigusr1_saves_and_goes_on(tmp_path, undisturbed, signals):
    Interrupted.left, Interrupted.number = 11, signal.SIGUSR1
    result, checkpoint = job(tmp_path, Interrupted)
    assert result == undisturbed and checkpoint.path.is_file()
    assert checkpoint.load()["under_way"]["seed"] == 4


def test_a_job_that_is_killed_goes_on_from_its_last_checkpoint(tmp_path, undisturbed, signals):
    class Killed(Training):
        def run(self):
            for step in super().run():
                if (self.seed, step) == (4, 5):
                    raise MemoryError
                yield step

    with pytest.raises(MemoryError):
        job(tmp_path, Killed, minutes=1e-9)  # a checkpoint after each step
    assert (
        Checkpoint(tmp_path / "003-005.safetensors", {"settings": "this"}, 1).load()["under_way"]["state"]["step"] == 4
    )
    assert job(tmp_path)[0] == undisturbed


def test_nothing_goes_on_from_other_settings(tmp_path, undisturbed, signals, capsys):
    Interrupted.left, Interrupted.number = 11, signal.SIGTERM
    with pytest.raises(Stopped):
        job(tmp_path, Interrupted, made_from="that")
    assert job(tmp_path)[0] == undisturbed
    assert "is of a training with another settings, so training begins anew" in capsys.readouterr().out


@pytest.mark.parametrize("damage", [lambda data: data[: len(data) // 2], lambda data: b"", lambda data: b"x" * 100])
def test_a_damaged_checkpoint_is_said_and_not_used(damage, tmp_path, undisturbed, signals, capsys):
    path = tmp_path / "003-005.checkpoint"
    Interrupted.left, Interrupted.number = 9, signal.SIGTERM
    with pytest.raises(Stopped):
        job(tmp_path, Interrupted)
    path.write_bytes(damage(path.read_bytes()))
    assert job(tmp_path)[0] == undisturbed
    assert "003-005.checkpoint cannot be read" in capsys.readouterr().out


def test_too_little_memory_of_a_gpu_is_one_sentence(tmp_path, signals):
    class Large(Training):
        def run(self):
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB.")
            yield

    with pytest.raises(
        InputError,
        match=r"level m, seed 3: the memory of the GPU is too small for batches of 16 images in 1 parts: raise",
    ):
        job(tmp_path, Large)


def test_a_full_disk_is_one_sentence(tmp_path, signals, monkeypatch):
    def full(*arguments, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(torch, "save", full)
    Interrupted.left, Interrupted.number = 2, signal.SIGTERM
    with pytest.raises(
        InputError, match=r"003-005\.checkpoint cannot be written \(No space left on device\): make room"
    ):
        job(tmp_path, Interrupted)
    assert not (tmp_path / "003-005.checkpoint").exists()
