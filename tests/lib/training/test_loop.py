"""Training: the same bytes for the same seed, other ones for another, and an error for what diverges."""

import copy
import io

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from scripts.lib.compression.pruning import Mask
from scripts.lib.compression.schedules import Gradual
from scripts.lib.jobs.errors import InputError
from scripts.lib.networks.architectures import build_network, normalized
from scripts.lib.networks.device import prepare_device
from scripts.lib.training.loop import Training, parameter_groups, train_model
from scripts.lib.training.schedules import learning_rate_factor

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

    def cross_entropy(logits, labels, **options):
        batches.append(labels.tolist())
        return getattr(original, "original", original)(logits, labels, **options)

    cross_entropy.original = getattr(original, "original", original)
    return cross_entropy


def begun(level=DENSE, seed=0, network=NETWORK, **changes):
    """A training that has taken no step yet."""
    prepare_device("cpu")
    random = torch.Generator().manual_seed(0)
    labels = torch.arange(64) % 4
    images = torch.randint(0, 256, (64, 32, 32, 3), generator=random, dtype=torch.uint8)
    return Training(images, labels, 4, level, seed, network, TRAINING | changes, PRUNING)


def weights_of(training):
    """The tensors of the network as it is, copied."""
    return {name: tensor.clone() for name, tensor in training.model.state_dict().items()}


def trained(training, steps=None):
    """The same training after so many more steps, or at its end."""
    for done, _ in enumerate(training.run(), 1):
        if done == steps:
            break
    return training


def test_a_step_is_sgd_with_nesterov_momentum_on_the_smoothed_loss():
    # Against torch's formulas written out: v = m v + g, w = w - r (g + m v), g with weight decay, the target 0.9 + 0.1 / 4.
    training = begun(label_smoothing=0.1, epochs=1)
    before = copy.deepcopy(training.model).train()
    order = training._order()[:16]
    trained(training, 1)
    log = before(normalized(training.pictures.images[order])).log_softmax(1)
    target = torch.full((16, 4), 0.1 / 4).scatter_(1, training.labels[order][:, None], 0.9 + 0.1 / 4)
    (-(target * log).sum(1).mean()).backward()
    rate = 0.1 * learning_rate_factor(0, 4, 0.2)
    for old, new in zip(before.parameters(), training.model.parameters(), strict=True):
        gradient = old.grad + (5e-4 * old.detach() if old.ndim > 1 else 0)
        torch.testing.assert_close(new, old.detach() - rate * 1.9 * gradient, rtol=1e-4, atol=1e-6)


def test_a_batch_in_parts_is_the_batch():
    # Without batch norm, which sees the parts: the sum of the parts' gradients is the gradient, 5 + 5 + 6 images.
    def run(parts):
        training = begun(accumulation=parts)
        for module in training.model.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.eval()
        training.model.train = lambda mode=True: training.model
        return weights_of(trained(training))

    whole, parts = run(1), run(3)
    assert not same(whole, weights_of(begun()))
    for name in whole:
        torch.testing.assert_close(parts[name], whole[name], rtol=1e-3, atol=1e-5)


def test_so_many_steps_and_no_more():
    assert begun(epochs=2).steps == 8
    training = trained(begun(epochs=2, steps=6))
    assert training.step == 6 and [each["steps"] for each in training.epochs] == [4, 6]


def test_the_moving_average_by_hand():
    training = begun(moving_average=0.5)
    expected = weights_of(training)
    for done in training.run():
        decay = min(0.5, done / (9 + done))
        for name, tensor in training.model.state_dict().items():
            if tensor.is_floating_point():
                expected[name] = decay * expected[name] + (1 - decay) * tensor
    model, _ = training.finish()
    for name, tensor in model.state_dict().items():
        if tensor.is_floating_point():
            torch.testing.assert_close(tensor, expected[name], rtol=1e-4, atol=1e-6)


def test_what_is_pruned_stays_pruned_in_the_average():
    level = {"name": "m", "method": "magnitude", "sparsity": 0.9}
    model, reached = trained(begun(level, moving_average=0.9)).finish()
    assert int((model.state_dict()["3.weight"] == 0).sum()) == reached["3"][0] == round(0.9 * 288)


def test_bfloat16_computes_in_bfloat16_and_keeps_float32():
    training = begun(precision="bfloat16")
    seen = []
    training.model[-1].register_forward_hook(lambda layer, inputs, output: seen.append(output.dtype))
    trained(training)
    assert set(seen) == {torch.bfloat16} and len(seen) == 8
    assert all(tensor.dtype != torch.bfloat16 for tensor in training.model.state_dict().values())
    assert training.epochs[-1]["loss"] == pytest.approx(trained(begun()).epochs[-1]["loss"], rel=0.1)


LEVELS = [
    DENSE,
    {"name": "m", "method": "magnitude", "sparsity": 0.9},
    {"name": "b", "method": "block", "sparsity": 0.5, "block": [4, 4]},
    {"name": "r", "method": "prune", "sparsity": 0.5, "score": "random", "schedule": "from_start"},
    {"name": "g", "method": "prune", "sparsity": 0.5, "score": "gradient_times_weight"},
]


@given(
    stops=st.lists(st.integers(1, 7), min_size=1, max_size=2, unique=True).map(sorted),
    level=st.sampled_from(LEVELS),
    augmentation=st.sampled_from(["none", "pad_crop_flip", "random_resized_crop"]),
    average=st.sampled_from([0, 0.9]),
)
@settings(max_examples=12, deadline=None)
def test_a_training_that_is_stopped_ends_with_the_same_bytes(stops, level, augmentation, average):
    changes = {"augmentation": augmentation, "moving_average": average}
    undisturbed = trained(begun(level, **changes))
    training, step = begun(level, **changes), 0
    for stop in stops:
        trained(training, stop - step)
        step = training.step
        written = io.BytesIO()
        torch.save(training.state_dict(), written)
        torch.manual_seed(stop)  # another job begins otherwise
        training = begun(level, **changes)
        written.seek(0)
        training.load_state_dict(torch.load(written, weights_only=True))
    trained(training)
    assert training.epochs == undisturbed.epochs
    assert training.finish()[1] == undisturbed.finish()[1]
    assert same(training.model.state_dict(), undisturbed.model.state_dict())


def test_dropout_goes_on_where_it_was():
    network = {"name": "torchvision:mobilenet_v3_small"}
    undisturbed = trained(begun(network=network, epochs=1))
    first = trained(begun(network=network, epochs=1), 2)
    state = copy.deepcopy(first.state_dict())
    second = begun(network=network, epochs=1)
    second.load_state_dict(state)
    assert same(trained(second).model.state_dict(), undisturbed.model.state_dict())
