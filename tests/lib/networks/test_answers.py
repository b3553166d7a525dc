"""What networks give, and the logits of the study's classes in it."""

from collections import OrderedDict, namedtuple
from dataclasses import dataclass

import pytest
import torch

from scripts.lib.jobs.errors import InputError
from scripts.lib.networks.answers import Answer, answer_of, are_probabilities, are_sigmoids, columns_of

LOGITS = torch.tensor([[1.0, 2.0, 3.0], [3.0, 2.0, 0.0]])
FEATURES = torch.ones(2, 7)
Named = namedtuple("Named", ["logits", "aux_logits"])


@dataclass
class Output:
    """As transformers gives them where they are no mappings."""

    logits: torch.Tensor
    hidden_states: tuple = ()


@pytest.mark.parametrize(
    "given, answer",
    [
        (LOGITS, Answer()),
        (LOGITS.half(), Answer()),
        (LOGITS[:, :, None, None], Answer(flat=True)),
        (Output(LOGITS), Answer(entry="logits")),
        (OrderedDict(loss=torch.ones(()), logits=LOGITS), Answer(entry="logits")),
        (Named(LOGITS, LOGITS + 1), Answer(entry="logits")),
        ({"out": LOGITS, "features": FEATURES}, Answer(entry="out")),
        ((FEATURES, LOGITS), Answer(entry=1)),
        ([LOGITS[:, :, None, None]], Answer(entry=0, flat=True)),
    ],
)
def test_logits_are_found(given, answer):
    found = answer_of(given, "it", 2, 3, None)
    assert found == answer and torch.equal(found(given).float(), LOGITS)


@pytest.mark.parametrize(
    "given, outputs, sentence",
    [
        (
            LOGITS,
            4,
            "`it` gives 3 logits and the study has 4 classes: take images of the classes that it was trained for, or name its 3 classes in `classes`",
        ),
        (LOGITS[:, :1], 2, "`it` gives 1 logits and the study has 2 classes: return both logits, [0, x]"),
        (torch.ones(2, 3, 4, 4), 3, "`it` gives a tensor [2, 3, 4, 4] for 2 images: it must give logits [N, C]."),
        (torch.ones(6), 3, "`it` gives a tensor [6] for 2 images"),
        (torch.ones(1, 3), 3, "`it` gives a tensor [1, 3] for 2 images"),
        (LOGITS.argmax(1, keepdim=True).expand(2, 3), 3, "`it` gives torch.int64: it must give logits"),
        (
            (LOGITS, LOGITS),
            3,
            "`it` gives a tuple (0: [2, 3], 1: [2, 3]) for 2 images, in which 2 tensors could be logits [N, 3]",
        ),
        ({"features": FEATURES}, 3, "`it` gives a dict ('features': [2, 7]) for 2 images, in which 0 tensors could be"),
        (3.0, 3, "`it` gives a float for 2 images, in which 0 tensors"),
    ],
)
def test_what_is_no_logits_is_named(given, outputs, sentence):
    with pytest.raises(InputError) as error:
        answer_of(given, "it", 2, outputs, None)
    assert sentence in str(error.value)


def test_probabilities_stay_what_they_are():
    given = torch.softmax(LOGITS, dim=1)
    assert are_probabilities(given) and are_probabilities(given.half()) and not are_probabilities(LOGITS)
    assert torch.allclose(torch.softmax(Answer(probabilities=True)(given), dim=1), given)
    never = torch.tensor([[0.0, 1.0]])
    assert torch.allclose(torch.softmax(Answer(probabilities=True)(never), dim=1), never)
    assert not are_probabilities(torch.ones(2, 1))  # one class: whatever it gives adds up to one
    sigmoids = torch.sigmoid(LOGITS)
    assert are_sigmoids(sigmoids) and not are_sigmoids(given) and not are_sigmoids(LOGITS)


@pytest.mark.parametrize("scale", [1 / 256, 0.0031])
def test_probabilities_in_steps_are_known_though_they_do_not_add_up_to_one(scale):
    exact = torch.softmax(torch.randn(64, 10, generator=torch.Generator().manual_seed(0)), dim=1)
    steps = (exact / scale).round().clamp(max=255) * scale
    assert float((steps.sum(1) - 1).abs().max()) > 2e-3
    assert are_probabilities(steps) and not are_sigmoids(steps)
    assert torch.allclose(torch.softmax(Answer(probabilities=True)(steps), dim=1), exact, atol=0.02)
    # Not so where they were not rounded, or where they add up to far more than rounding explains.
    assert not are_probabilities(exact * 1.01)
    sigmoids = (torch.sigmoid(torch.randn(64, 10, generator=torch.Generator().manual_seed(0))) / scale).round() * scale
    assert not are_probabilities(sigmoids.clamp(max=1))
    assert not are_probabilities(
        torch.tensor([[1.0, 0, 1, 0], [0, 0, 1, 0]])
    )  # yes and no, of which the step is no rounding


def test_the_study_s_classes_among_the_network_s():
    columns = columns_of(["dog", "ant"], ["ant", "bee", "dog"], "`classes`")
    assert columns == (2, 0)
    assert torch.equal(answer_of(LOGITS, "it", 2, 3, columns)(LOGITS), torch.tensor([[3.0, 1.0], [0.0, 3.0]]))
    with pytest.raises(InputError, match="gives 3 logits and `classes` names 4: name all of them, in the order"):
        answer_of(LOGITS, "it", 2, 4, columns)
    with pytest.raises(InputError, match="`classes` does not name the study's class 'bees': did you mean 'bee'"):
        columns_of(["bees"], ["ant", "bee"], "`classes`")
    with pytest.raises(InputError, match="the study's class 'x': it has 'ant', 'bee'; call classes as the study does"):
        columns_of(["x"], ["ant", "bee"], "`classes`")
    with pytest.raises(InputError, match="`classes` names the class 'ant' 2 times"):
        columns_of(["ant"], ["ant", "ant"], "`classes`")
