"""How the logits of the study's classes are read from what a network gives: a tensor, an object with `logits`, probabilities, other classes."""

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import torch

from scripts.lib.jobs.errors import InputError
from scripts.lib.networks.weight_files import some

LOGITS = "logits"  # what transformers' and torchvision's outputs call them
TINY = torch.finfo(torch.float32).tiny
BYTES, COARSEST = 256, 0.01  # values that a quantized output may have, and their step
OFF = 0.05  # steps: rounding of multiples of a step
WHOLE = 1e-3  # how far the sum of probabilities may be from 1: half precision


@dataclass(frozen=True)
class Answer:
    """How to read what a network gives; by default it is a tensor of logits [N, C]."""

    entry: str | int | None = None  # which part of an object, a mapping or a tuple it is
    flat: bool = False  # whether it is [N, C, 1, 1]
    probabilities: bool = False  # whether a softmax was applied already
    columns: tuple[int, ...] | None = None  # the output of each of the study's classes

    def __call__(self, given: Any) -> torch.Tensor:
        """float[N, C], the logits of the study's classes up to a number that is the same for all of them."""
        return self.of_outputs(self.outputs(given))

    def of_outputs(self, outputs: torch.Tensor) -> torch.Tensor:
        """The logits of the study's classes from all that the network has, float[N, outputs]."""
        if self.probabilities:
            outputs = outputs.clamp_min(TINY).log()
        return outputs if self.columns is None else outputs[:, list(self.columns)]

    def outputs(self, given: Any) -> torch.Tensor:
        """float[N, outputs], as the network gives them."""
        if isinstance(self.entry, str):
            given = given[self.entry] if isinstance(given, Mapping) else getattr(given, self.entry)
        elif self.entry is not None:
            given = given[self.entry]
        return given.flatten(1) if self.flat else given


def answer_of(given: Any, name: str, images: int, outputs: int, columns: tuple[int, ...] | None) -> Answer:
    """How to read what a network gave for so many images; InputError unless one tensor in it has as many outputs as are expected.

    name: what the study calls the network. outputs: the study's classes, or those that the network's list of classes names.
    """
    entry, tensor = _tensor(given, name, images, outputs)
    if tensor.ndim < 2 or len(tensor) != images or tensor.shape[2:].numel() > 1:
        raise InputError(
            f"`{name}` gives a tensor {list(tensor.shape)} for {images} images: it must give logits [N, C]."
        )
    if not tensor.is_floating_point():
        raise InputError(f"`{name}` gives {tensor.dtype}: it must give logits, which are floating point numbers.")
    if tensor.shape[1] != outputs:
        raise InputError(
            f"`{name}` gives {tensor.shape[1]} logits and {_other_number(tensor.shape[1], outputs, columns)}."
        )
    return Answer(entry, tensor.ndim > 2, columns=columns)


def _other_number(found: int, outputs: int, columns: tuple[int, ...] | None) -> str:
    if columns is not None:
        return f"`classes` names {outputs}: name all of them, in the order of the network's outputs"
    if found == outputs + 1:
        return (
            f"the study has {outputs} classes: if one output is for none of them, as in networks with a background class, say which, "
            "`background: first` or `background: last`, or name all in `classes`"
        )
    if found == 1 and outputs == 2:
        return "the study has 2 classes: return both logits, [0, x], from a function of your own"
    return (
        f"the study has {outputs} classes: take images of the classes that it was trained for, or name its {found} classes in `classes`, "
        "and those of the study are taken from them"
    )


def _tensor(given: Any, name: str, images: int, outputs: int) -> tuple[str | int | None, torch.Tensor]:
    """The tensor of logits in what a network gave, and where it is."""
    if isinstance(given, torch.Tensor):
        return None, given
    named = given.get(LOGITS) if isinstance(given, Mapping) else getattr(given, LOGITS, None)
    if isinstance(named, torch.Tensor):
        return LOGITS, named
    parts = (
        dict(given) if isinstance(given, Mapping) else dict(enumerate(given)) if isinstance(given, tuple | list) else {}
    )
    fitting = [
        key
        for key, part in parts.items()
        if isinstance(part, torch.Tensor)
        and part.ndim >= 2
        and part.shape[:2] == (images, outputs)
        and part.shape[2:].numel() == 1
    ]
    if len(fitting) == 1:
        return fitting[0], parts[fitting[0]]
    held = some(
        f"{key!r}: {list(part.shape) if isinstance(part, torch.Tensor) else type(part).__name__}"
        for key, part in parts.items()
    )
    raise InputError(
        f"`{name}` gives a {type(given).__name__}{f' ({held})' if held else ''} for {images} images, in which {len(fitting)} tensors could be "
        f"logits [N, {outputs}]: it must give logits [N, C] alone, or as `{LOGITS}`."
    )


def are_probabilities(outputs: torch.Tensor) -> bool:
    """Whether outputs [N, C] are from 0 to 1 and add up to 1 for every image, as those of a softmax do and logits do not.

    Where they have few values, as those of a quantized network, each may be half a step off.
    """
    inside = bool(((outputs >= 0) & (outputs <= 1)).all())
    allowed = WHOLE + outputs.shape[1] * _step(outputs) / 2 if inside else 0.0
    return outputs.shape[1] > 1 and inside and bool(((outputs.double().sum(1) - 1).abs() <= allowed).all())


def _step(outputs: torch.Tensor) -> float:
    """The step that all outputs are multiples of, if there is one that is small and they have no more values than a byte has; else 0."""
    values = outputs.double().unique()
    if not 2 <= len(values) <= BYTES:
        return 0.0
    step = float(values.diff().min())
    multiples = values / step
    return step if step <= COARSEST and bool(((multiples - multiples.round()).abs() <= OFF).all()) else 0.0


def are_sigmoids(outputs: torch.Tensor) -> bool:
    """Whether outputs [N, C] are from 0 to 1 without adding up to 1, as those of a sigmoid for each class."""
    return bool(((outputs >= 0) & (outputs <= 1)).all()) and not are_probabilities(outputs)


def columns_of(classes: list[str], outputs: list[str], where: str) -> tuple[int, ...]:
    """The output of each of the study's classes; outputs: their names in the network's order. InputError if one is not there, or twice."""
    columns = []
    for name in classes:
        found = [index for index, each in enumerate(outputs) if each == name]
        if not found:
            near = get_close_matches(name, outputs, n=1)
            remedy = (
                f"did you mean {near[0]!r}?"
                if near
                else f"it has {some(map(repr, outputs))}; call classes as the study does."
            )
            raise InputError(f"{where} does not name the study's class {name!r}: {remedy}")
        if len(found) > 1:
            raise InputError(
                f"{where} names the class {name!r} {len(found)} times: give every output a name of its own."
            )
        columns.append(found[0])
    return tuple(columns)
