"""A few of the study's images are shown to a network of others, before anything is computed with it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import nn

from scripts.lib.data.dataset import Examples
from scripts.lib.jobs.errors import InputError
from scripts.lib.networks.answers import answer_of, are_probabilities, are_sigmoids
from scripts.lib.networks.architectures import normalized
from scripts.lib.networks.checkpoints import Normalized
from scripts.lib.networks.class_check import warn
from scripts.lib.networks.weight_files import one_line

IMAGES, CLASSES = 128, 32  # that are shown, and of so many classes at most
BATCH = 16  # images at a time
FEW = 4  # images that are asked about more than once
ONCE_MORE = 1e-5  # of the logits' spread: rounding between two equal questions
AMONG_OTHERS = 0.02  # rounding between batches, also where a network computes in bfloat16


def trial_positions(examples: Examples) -> np.ndarray:
    """Positions of up to IMAGES examples, int64, as many of each of up to CLASSES classes, which are spread over all of them."""
    labels = np.unique(examples.label)
    chosen = labels[np.unique(np.linspace(0, len(labels) - 1, min(CLASSES, len(labels))).round().astype(int))]
    each = examples.sample_per_class(max(1, IMAGES // len(chosen)))
    return each[np.isin(examples.label[each], chosen)]


def try_network(
    network: Normalized, name: str, images: np.ndarray, outputs: int, columns: tuple[int, ...] | None
) -> tuple[np.ndarray, list[str]]:
    """The logits of the study's classes for some images, float32[n, C], and what is to be said; finds `network.answer`, how they are read.

    name: what the study calls the network, which is in evaluation mode. images: uint8[n, H, W, 3]. outputs: how many it must have.
    columns: which of them stands for each of the study's classes, where they are not these. Raises InputError for what cannot be read or
    trusted: no logits, undefined numbers, answers that depend on other images or on chance.
    """
    shown = normalized(torch.from_numpy(images))
    with torch.inference_mode():
        few = shown[:FEW]
        answer = answer_of(_ask(network, name, few), name, len(few), outputs, columns)
        given = torch.cat([answer.outputs(_ask(network, name, batch)) for batch in shown.split(BATCH)]).float()
        undefined = ~torch.isfinite(given).all(dim=1)
        if undefined.any():
            raise InputError(
                f"`{name}` gives undefined numbers for {int(undefined.sum())} of {len(images)} images: do its weights and normalization fit?"
            )
        _check_repeatable(lambda batch: answer.outputs(_ask(network, name, batch)).float(), name, network, shown)
        notes = [] if answer.entry is None else [f"logits are {answer.entry!r} of what the network gives"]
        if are_probabilities(given):
            answer = replace(answer, probabilities=True)
            notes.append("the network gives probabilities, so no softmax is added")
        elif are_sigmoids(given):
            warn(
                f"`{name}`: all its outputs are from 0 to 1, as a sigmoid makes them, and are taken as logits: top-1 is right, probabilities are not."
            )
        if columns is not None and outputs > len(columns):
            notes.append(
                f"of its {outputs} classes the study's {len(columns)} are taken, with a softmax over these alone"
            )
        network.answer = answer
        return answer.of_outputs(given).numpy(), notes


def _check_repeatable(
    ask: Callable[[torch.Tensor], torch.Tensor], name: str, network: nn.Module, shown: torch.Tensor
) -> None:
    """Raise InputError if the answer for an image depends on chance or on the other images of its batch."""
    few = shown[:FEW]
    once = ask(few)
    spread = float((once - once.mean(dim=1, keepdim=True)).abs().max())
    largest = max(spread, float(once.abs().max()))
    apart = float((ask(few) - once).abs().max())
    if apart > ONCE_MORE * largest:
        raise InputError(
            f"`{name}` answers otherwise when it is asked twice (outputs up to {apart:.2g} apart, their spread is {spread:.2g}): something in it "
            "is random in evaluation mode, such as torch.nn.functional.dropout without `training=self.training`; switch it off."
        )
    alone = ask(few[:1])
    others = ask(torch.cat([shown[FEW : 2 * FEW].flip(0), few]))[-len(few) :]
    apart = max(float((alone - once[:1]).abs().max()), float((others - once).abs().max()))
    if apart > AMONG_OTHERS * largest:
        norms = (layer for layer in network.named_modules() if isinstance(layer[1], nn.modules.batchnorm._BatchNorm))
        blamed = next((layer for layer, norm in norms if norm.training or norm.running_mean is None), None)
        cause = (
            f"the batch norm {blamed.removeprefix('network.')} has no running statistics or"
            if blamed
            else "perhaps a batch norm"
        )
        raise InputError(
            f"the answer of `{name}` for an image depends on the other images of its batch (outputs up to {apart:.2g} apart, their spread is "
            f"{spread:.2g}): {cause} is in training mode; make it use running statistics in evaluation mode."
        )


def try_untrained(network: nn.Module, name: str, images: torch.Tensor, classes: int) -> None:
    """Raise InputError if a network that is to be trained cannot read the study's images, or gives anything but a logit for each class.

    images: uint8[N, H, W, 3], where the network is. Nothing is drawn at random, and the network's weights and statistics stay as they are.
    """
    with torch.inference_mode():
        given = _answer(network.eval(), name, normalized(images[:FEW]))
    if not isinstance(given, torch.Tensor) or given.shape != (len(images[:FEW]), classes):
        raise InputError(
            f"`{name}` does not give one logit for each of {classes} classes: choose another `network.name`."
        )


def _ask(network: Normalized, name: str, images: torch.Tensor) -> Any:
    return _answer(network.ask, name, images)


def _answer(ask: Callable[[torch.Tensor], Any], name: str, images: torch.Tensor) -> Any:
    try:
        return ask(images)
    except Exception as error:  # the network is others' code, and may raise anything
        height, width = images.shape[2:]
        raise InputError(
            f"`{name}` fails on {len(images)} images of {width} x {height} pixels ({type(error).__name__}: {one_line(error)}): prepare the "
            "study's images in the size that it reads."
        ) from None
