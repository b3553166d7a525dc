"""Training: the same bytes for the same seed, other ones for another, and an error for what diverges."""

import pytest
import torch

from scripts.lib.compression.pruning import Mask
from scripts.lib.compression.schedules import Gradual
from scripts.lib.jobs.errors import InputError
from scripts.lib.networks.architectures import build_network, normalized
from scripts.lib.networks.device import prepare_device
from scripts.lib.training.loop import learning_rate_factor, parameter_groups, train_model

TRAINING = {
    "device": "cpu",
    "epochs": 2,
    "batch_size": 16,
    "learning_rate": 0.1,
    "warmup": 0.2,
    "momentum": 0.9,
    "weight_decay": 5e-4,
}
PRUNING = {"begin": 0.2, "end": 0.8, "every": 1, "layers": "convolutions_but_first"}
NETWORK = {"name": "plain", "channels": [4, 8]}
DENSE = {"name": "dense", "method": "none"}


def train(level=DENSE, seed=0, **changes):
    prepare_device("cpu")
    random = torch.Generator().manual_seed(0)
    labels = torch.arange(64) % 4
    images = (torch.randint(0, 60, (64, 32, 32, 3), generator=random) + 40 * labels[:, None, None, None]).to(
        torch.uint8
    )
    model, sparsity = train_model(images, labels, 4, level, seed, NETWORK, TRAINING | changes, PRUNING)
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}, sparsity


def same(first, second):
    return all(torch.equal(first[name], second[name]) for name in first)


def test_a_seed_decides_every_byte():
    assert same(train()[0], train()[0])
    assert not same(train()[0], train(seed=1)[0])


def test_populations_never_share_a_seed():
    control = {"name": "control", "method": "none"}
    assert not same(train()[0], train(level=control)[0])


def test_the_global_stream_does_not_matter():
    torch.manual_seed(1)
    first = train()[0]
    torch.manual_seed(2)
    assert same(first, train()[0])


@pytest.mark.parametrize(
    "level, expected",
    [
        ({"name": "m", "method": "magnitude", "sparsity": 0.9}, 1 - 29 / 288),
        ({"name": "b", "method": "block", "sparsity": 0.5, "block": [4, 4]}, 4 / 9),
        ({"name": "g", "method": "prune", "score": "gradient_times_weight", "sparsity": 0.9}, 1 - 29 / 288),
        ({"name": "r", "method": "prune", "score": "random", "sparsity": 0.9, "schedule": "from_start"}, 1 - 29 / 288),
        ({"name": "2", "method": "prune", "structure": "n_of_m", "n": 1, "m": 4, "schedule": "one_shot"}, 3 / 4),
    ],
)
def test_a_pruned_layer_ends_at_its_sparsity(level, expected):
    weights, sparsity = train(level)
    assert sparsity == {"3": (round(expected * 288), 288)}
    assert int((weights["3.weight"] == 0).sum()) == round(expected * 288)
    assert not (weights["0.weight"] == 0).any()


def test_a_loss_that_is_not_finite_stops_with_a_sentence():
    with pytest.raises(
        InputError, match=r"level dense, seed 0: the loss is not finite in epoch 1 of 2: lower training.learning_rate"
    ):
        train(learning_rate=1e30)


def test_learning_rate_by_hand():
    # 20 steps, 4 of warm-up: 1/4, 2/4, 3/4, 1, then down from (20 - 4) / 16.
    factors = [learning_rate_factor(step, 20, 0.2) for step in range(20)]
    assert factors[:5] == [0.25, 0.5, 0.75, 1.0, 1.0]
    assert factors[12] == 0.5 and factors[19] == 1 / 16
    assert learning_rate_factor(0, 20, 0.0) == 1.0


def test_weight_decay_spares_batch_norm_and_biases():
    model = build_network("plain", [4], 2)
    decayed, spared = parameter_groups(model, 0.1)
    assert {tuple(p.shape) for p in decayed["params"]} == {(4, 3, 3, 3), (2, 4)} and decayed["weight_decay"] == 0.1
    assert all(p.ndim == 1 for p in spared["params"]) and spared["weight_decay"] == 0
    assert len(decayed["params"]) + len(spared["params"]) == len(list(model.parameters()))


def test_pixels_become_minus_one_to_one():
    pixels = torch.tensor([0, 255], dtype=torch.uint8).reshape(1, 1, 2, 1).expand(1, 1, 2, 3)
    assert normalized(pixels).flatten().tolist() == [-1, 1] * 3


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_a_gpu_that_is_not_there_is_refused():
    with pytest.raises(InputError, match="write `cpu`"):
        prepare_device("cuda")


def test_the_optimizer_is_driven_as_the_study_says(monkeypatch):
    used = []

    class Spy(torch.optim.SGD):
        def step(self, *arguments):
            used.append(
                [
                    (group["lr"], group["momentum"], group["nesterov"], group["weight_decay"])
                    for group in self.param_groups
                ]
            )
            return super().step(*arguments)

    monkeypatch.setattr(torch.optim, "SGD", Spy)
    train()
    factors = [learning_rate_factor(step, 8, 0.2) for step in range(8)]  # 64 images, batches of 16, 2 epochs
    assert [groups[0] for groups in used] == [(0.1 * factor, 0.9, True, 5e-4) for factor in factors]
    assert [groups[1][3] for groups in used] == [0.0] * 8


def test_pruning_is_gradual(monkeypatch):
    zeros = []
    original = Mask.set
    monkeypatch.setattr(Mask, "set", lambda self, mask: (original(self, mask), zeros.append(int((mask == 0).sum())))[0])
    train({"name": "m", "method": "magnitude", "sparsity": 0.9}, epochs=5)
    schedule = Gradual(begin=4, end=16, every=1)  # 20 steps from 0.2 to 0.8
    assert zeros == [round(0.9 * schedule.fraction(step) * 288) for step in range(4, 17)]


def test_each_seed_has_an_order_of_its_own(monkeypatch):
    seen = {}
    for name in ("dense", "control"):
        for seed in (0, 1):
            batches = []
            monkeypatch.setattr(torch.nn.functional, "cross_entropy", record(batches))
            train({"name": name, "method": "none"}, seed)
            assert len(batches) == 8
            seen[name, seed] = [label for batch in batches for label in batch]
    assert len({tuple(order) for order in seen.values()}) == 4


def record(batches):
    """Cross entropy that also notes the labels of each batch."""
    original = torch.nn.functional.cross_entropy

    def cross_entropy(logits, labels):
        batches.append(labels.tolist())
        return getattr(original, "original", original)(logits, labels)

    cross_entropy.original = getattr(original, "original", original)
    return cross_entropy
