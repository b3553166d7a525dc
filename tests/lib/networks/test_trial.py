"""Networks that are brought are shown a few images: what cannot be trusted is said in one sentence."""

import numpy as np
import pytest
import torch
from torch import nn

from scripts.lib.data.dataset import Examples
from scripts.lib.jobs.errors import InputError
from scripts.lib.networks.architectures import normalized
from scripts.lib.networks.checkpoints import IMAGENET, Normalized
from scripts.lib.networks.predicting import probabilities
from scripts.lib.networks.trial import IMAGES, trial_positions, try_network, try_untrained

SHOWN = np.random.default_rng(0).integers(0, 256, (12, 8, 8, 3), dtype=np.uint8)


def tiny(norm=nn.Identity, end=nn.Identity, classes=3):
    torch.manual_seed(0)
    layers = nn.Conv2d(3, 4, 3), norm(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, classes), end()
    return Normalized(nn.Sequential(*layers), *IMAGENET).eval()


def ask(network, outputs=3, columns=None):
    return try_network(network, "it", SHOWN, outputs, columns)


class Always(nn.Module):
    """Calls a function of what it reads."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


def end(function):
    return lambda: Always(function)


def test_logits_are_those_of_the_network():
    network = tiny()
    logits, notes = ask(network)
    with torch.inference_mode():
        expected = network.network(
            (torch.from_numpy(SHOWN).permute(0, 3, 1, 2) / 255 - torch.tensor(IMAGENET[0])[:, None, None])
            / torch.tensor(IMAGENET[1])[:, None, None]
        )
    assert notes == [] and np.allclose(logits, expected, atol=1e-5)


def test_a_softmax_in_the_network_is_not_applied_twice(capsys):
    network, inside = tiny(), tiny(end=lambda: nn.Softmax(dim=1))
    ask(network)
    _, notes = ask(inside)
    assert notes == ["the network gives probabilities, so no softmax is added"]
    images = torch.from_numpy(SHOWN)
    assert np.allclose(probabilities(inside, images), probabilities(network, images), rtol=1e-5)
    assert (
        ask(tiny(end=nn.Sigmoid))[1] == []
        and "WARNING: `it`: all its outputs are from 0 to 1, as a sigmoid" in capsys.readouterr().out
    )


def test_objects_with_logits_are_read_and_classes_are_taken_from_more():
    images = torch.from_numpy(SHOWN)
    plain = tiny()
    expected = plain(normalized(images))
    network = tiny(end=end(lambda x: {"logits": x, "loss": None}))
    logits, notes = ask(network, columns=(2, 0))
    assert notes == [
        "logits are 'logits' of what the network gives",
        "of its 3 classes the study's 2 are taken, with a softmax over these alone",
    ]
    assert np.allclose(logits, expected[:, [2, 0]].detach(), atol=1e-6)
    assert torch.equal(network(normalized(images)), expected[:, [2, 0]])


@pytest.mark.parametrize(
    "network, sentence",
    [
        (
            tiny(end=end(lambda x: nn.functional.dropout(x, 0.1, training=True))),
            "`it` answers otherwise when it is asked twice (outputs up to",
        ),
        (tiny(end=end(lambda x: x + 1e-3 * torch.rand_like(x))), "`it` answers otherwise when it is asked twice"),
        (
            tiny(norm=lambda: nn.BatchNorm2d(4, track_running_stats=False)),
            "the answer of `it` for an image depends on the other images of its batch",
        ),
        (
            tiny(norm=lambda: nn.BatchNorm2d(4, track_running_stats=False)),
            "the batch norm 1 has no running statistics or is in training mode",
        ),
        (tiny(end=end(lambda x: x - x.mean(0))), "depends on the other images of its batch"),
        (tiny(end=end(lambda x: x / 0)), "`it` gives undefined numbers for 12 of 12 images"),
        (tiny(classes=4), "gives 4 logits and the study has 3 classes"),
        (Normalized(nn.Conv2d(3, 3, 1), *IMAGENET), "gives a tensor [4, 3, 8, 8] for 4 images"),
        (
            Normalized(nn.Sequential(nn.Flatten(), nn.Linear(5, 3)), *IMAGENET),
            "`it` fails on 4 images of 8 x 8 pixels (RuntimeError: ",
        ),
    ],
)
def test_what_cannot_be_trusted(network, sentence):
    with pytest.raises(InputError) as error:
        ask(network)
    assert sentence in str(error.value)


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_studies_of_few_images(count):
    assert try_network(tiny(), "it", SHOWN[:count], 3, None)[0].shape == (count, 3)


def test_arithmetic_of_fewer_bits_is_no_dependence():
    network = tiny(end=end(lambda x: (x.bfloat16() * 3).float()))
    assert ask(network)[1] == []


def examples(labels):
    ids = np.array([f"{index:05d}.png" for index in range(len(labels))])
    return Examples(ids, np.asarray(labels), ids, np.asarray(labels), np.asarray(labels), ids)


def test_few_images_of_classes_from_everywhere():
    known = examples(np.repeat(np.arange(1000), 5))
    positions = trial_positions(known)
    labels, counts = np.unique(known.label[positions], return_counts=True)
    assert len(positions) == IMAGES and set(counts) == {4} and labels[0] == 0 and labels[-1] == 999
    assert set(np.diff(labels)) == {32, 33}
    assert len(trial_positions(examples([0, 1, 1]))) == 3
    again = trial_positions(examples(np.repeat(np.arange(10), 50)))
    assert len(again) == 120 and len(set(again.tolist())) == 120


def test_a_network_of_others_that_is_to_be_trained_is_shown_a_few_images_first():
    """Neither its batch norms nor the random streams notice."""
    images, network = torch.from_numpy(SHOWN), tiny(lambda: nn.BatchNorm2d(4)).network
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    stream = torch.get_rng_state()
    try_untrained(network, "it", images, 3)
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())
    assert torch.equal(torch.get_rng_state(), stream)
    with pytest.raises(InputError, match=r"^`it` does not give one logit for each of 4 classes: choose another"):
        try_untrained(network, "it", images, 4)
    with pytest.raises(InputError, match=r"`it` fails on 4 images of 8 x 8 pixels .*: prepare the study's images"):
        try_untrained(nn.Sequential(nn.Conv2d(3, 4, 9)), "it", images, 3)
