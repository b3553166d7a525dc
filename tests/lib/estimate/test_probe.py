"""What the probe times is what the study will do: so many steps, images and kinds of work, whatever the clock says."""

import pytest
import torch

from scripts.lib.estimate import probe
from scripts.lib.training.loop import Training

TRAINING = {"epochs": 3, "batch_size": 16, "learning_rate": 0.1, "warmup": 0, "momentum": 0.9, "weight_decay": 0}
PRUNING = {"begin": 0.2, "end": 0.8, "every": 1, "layers": "convolutions"}
LEVEL = {"name": "m", "method": "magnitude", "sparsity": 0.5}


@pytest.fixture
def clock(monkeypatch):
    """A clock that goes on by a second whenever it is read."""
    ticks = iter(range(10_000))
    monkeypatch.setattr(probe.time, "perf_counter", lambda: float(next(ticks)))


def test_a_training_is_its_steps(clock, monkeypatch):
    taken = []
    original = Training._train
    monkeypatch.setattr(
        Training, "_train", lambda self, *arguments: (taken.append(self.step), original(self, *arguments))[1]
    )
    network = {"name": "plain", "channels": [4, 8]}
    found, model = probe.training_seconds(
        50, (16, 16), 4, LEVEL, network, TRAINING, PRUNING, torch.device("cpu"), seconds=5
    )
    # 50 images are 3 batches of 16; three epochs are 9 steps of a second each. Pruning begins after step 2.
    assert (found.value, found.low, found.high, found.repeats) == (9.0, 9.0, 9.0, 5)
    assert taken == [0, 2, *[3] * 5] and not model.training


def test_steps_of_a_study():
    assert probe.steps_of(50, TRAINING) == 9
    assert probe.steps_of(50, TRAINING | {"steps": 7}) == 7
    assert probe.steps_of(10, TRAINING) == 3  # a batch of all images


def test_predictions_and_corruptions_are_by_image(clock):
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * 8 * 8, 4)).eval()
    found = probe.prediction_seconds(model, (8, 8), torch.device("cpu"), seconds=0)
    assert found.value * probe.batch_of(8, 8) == pytest.approx(1.0) and found.repeats == probe.FEWEST
    made = []
    found = probe.corruption_seconds("contrast", [1, 3], (32, 32), {"stream": "exact", "engine": "lacuna"}, made.append)
    assert found.value == 1 / 4 and len(made) == 3 * 2 * 4  # once to warm up and twice; two severities of four images


def test_made_images_are_the_same_each_time():
    assert (probe.made_images(3, (4, 5)) == probe.made_images(3, (4, 5))).all()
