"""Pruning a network while it trains: score, distribution, structure and schedule, combined freely.

The paper's is by magnitude, uniform, unstructured and gradual: Zhu & Gupta 2017, arXiv 1710.01878, as its released code applies it. A mask
multiplies the weight in the forward pass and the weight behind it is kept, so a weight that was masked may return at a later update, when
others have become smaller.
"""

from collections.abc import Mapping

import numpy as np
import torch
from torch import nn
from torch.nn.utils import parametrize

from scripts.lib.compression.distributions import DISTRIBUTIONS, Distribution, Units
from scripts.lib.compression.grouping import group_channels
from scripts.lib.compression.renumbering import columns_in_order, hidden_channels, renumber
from scripts.lib.compression.schedules import BEFORE, SCHEDULES, Schedule
from scripts.lib.compression.scores import SCORES, Score
from scripts.lib.compression.structures import STRUCTURES, Structure, mask_of
from scripts.lib.jobs.errors import InputError
from scripts.lib.study.pruned_levels import choices_of, prunes


class Mask(nn.Module):
    """Multiplies a weight by a mask of zeros and ones; a parametrization of `weight`."""

    def __init__(self, weight: torch.Tensor) -> None:
        super().__init__()
        self.register_buffer("mask", torch.ones_like(weight))

    def forward(self, weight: torch.Tensor) -> torch.Tensor:
        return weight * self.mask

    def set(self, mask: torch.Tensor) -> None:
        """Take a new mask; ValueError for another shape or anything but zeros and ones."""
        if mask.shape != self.mask.shape or not bool(((mask == 0) | (mask == 1)).all()):
            raise ValueError("a mask must have its weight's shape and hold zeros and ones only.")
        self.mask.copy_(mask)


def channel_energy(values: torch.Tensor, columns: int) -> np.ndarray:
    """float64 [out, taps x block columns]: the mean square of each output channel's values in blocks of `columns` input channels.

    What blocks are ranked by is the mean of these over the channels of a block row.
    """
    outputs, inputs = values.shape[:2]
    taps = values.detach().double().reshape(outputs, inputs, -1).permute(0, 2, 1)  # [out, tap, in]
    squares = nn.functional.pad(taps.square(), (0, -inputs % columns)).unflatten(2, (-1, columns)).sum(3)
    sizes = torch.tensor([min(columns, inputs - begin) for begin in range(0, inputs, columns)], device=values.device)
    return (squares / sizes).flatten(1).cpu().numpy()


def prunable(model: nn.Module, layers: str) -> dict[str, nn.Module]:
    """The layers to prune, by name, in the order of the network: `convolutions` (the paper's rule) or `convolutions_but_first`.

    Raises ValueError if there are none.
    """
    convolutions = {name: module for name, module in model.named_modules() if isinstance(module, nn.Conv2d)}
    chosen = convolutions if layers == "convolutions" else dict(list(convolutions.items())[1:])
    if not chosen:
        raise ValueError(f"pruning.layers `{layers}` selects no layer of this network: choose `convolutions`.")
    return chosen


class Pruner:
    """Prunes the layers of a network while it trains.

    Call `before_training`, then in each step `before_step` between the backward pass and the optimizer, with the step's gradients in `.grad`
    as they are (not scaled), and `after_step` behind the optimizer; at the end `finish`. Masks are buffers of the network and travel with
    its state, everything else is in `state_dict`.

    permutation: `none` or, with blocks, `output_channels`: at the first update the output channels that only other layers read
    (scripts/lib/compression/renumbering.py) are grouped into block rows so that the most is kept (scripts/lib/compression/grouping.py).
    Masks follow the groups from then on, and `finish` renumbers the channels, which changes nothing that the network computes: block rows
    are then neighbouring channels, as kernels read them. Raises ValueError for networks in which channels cannot be followed.
    """

    def __init__(
        self,
        model: nn.Module,
        layers: Mapping[str, nn.Module],
        score: Score,
        distribution: Distribution,
        structure: Structure,
        schedule: Schedule,
        permutation: str = "none",
    ) -> None:
        self.model, self.layers = model, dict(layers)
        self.score, self.distribution, self.structure, self.schedule = score, distribution, structure, schedule
        self.hidden = hidden_channels(model) if permutation == "output_channels" else {}
        self.orders: dict[str, torch.Tensor] | None = None  # of output channels, from the first update on
        for layer in self.layers.values():
            parametrize.register_parametrization(layer, "weight", Mask(layer.weight))

    @property
    def weights(self) -> dict[str, torch.Tensor]:
        """The weights behind the masks, by layer."""
        return {name: layer.parametrizations.weight.original for name, layer in self.layers.items()}

    def before_training(self) -> None:
        """Set masks that are there before the first step."""
        self.after_step(BEFORE)

    def before_step(self, step: int) -> None:
        """Take note of the gradients, if the score needs them for the next update."""
        if self.score.needs_gradients and self.schedule.watches(step):
            self.score.watch(self.weights)

    @torch.no_grad()
    def after_step(self, step: int) -> None:
        """Update the masks if the schedule says so."""
        if not self.schedule.updates_at(step):
            return
        values = {name: self.score.values(name, weight, self.structure) for name, weight in self.weights.items()}
        if self.orders is None:
            self.orders = self._group(values)
        units = {name: self._units(name, value) for name, value in values.items()}
        sparsities = self.distribution.sparsities(self.schedule.fraction(step), units)
        for name, layer in self.layers.items():
            scores, shape = units[name].scores, values[name].shape
            mask = mask_of(self.structure, scores, sparsities[name], shape, self._least(scores))
            rows, columns = self._orders_of(name)
            mask = mask if rows is None else mask[rows.argsort()]
            mask = mask if columns is None else columns_in_order(mask, columns.argsort())
            layer.parametrizations.weight[0].set(mask)
        self.score.updated()

    def _units(self, name: str, values: torch.Tensor) -> Units:
        """The units of a layer whose channels are in their groups' order; what is gone for good, or only fills a group, has score -inf."""
        mask = self.layers[name].parametrizations.weight[0].mask
        scores = self.structure.scores(self._ordered(name, values))
        sizes = self.structure.sizes(values.shape).to(values.device)
        gone = sizes == 0
        if not self.score.returns:
            gone = gone | (self.structure.scores(self._ordered(name, mask)) == 0)
        return Units(scores.masked_fill(gone, -torch.inf), sizes)

    def _least(self, scores: torch.Tensor) -> int:
        """How many units of each group are gone for good."""
        return 0 if self.score.returns else int((scores == -torch.inf).sum(1).min())

    def _ordered(self, name: str, values: torch.Tensor) -> torch.Tensor:
        """Values of a layer's weight with its output and input channels in their groups' order."""
        rows, columns = self._orders_of(name)
        values = values if columns is None else columns_in_order(values, columns)
        return values if rows is None else values[rows]

    def _orders_of(self, name: str) -> tuple[torch.Tensor | None, torch.Tensor | None]:
        """The orders of a layer's output and input channels; None where they stay."""
        reads = next((order for before, order in self.orders.items() if name in self.hidden[before].readers), None)
        return self.orders.get(name), reads

    def _group(self, values: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """An order for each layer whose channels are hidden, in the order of the network: a layer's blocks lie in grouped inputs."""
        self.orders = {}
        chosen = [name for name in self.hidden if name in self.layers]
        if not chosen:
            return self.orders
        final = self.distribution.sparsities(1.0, {name: self._units(name, value) for name, value in values.items()})
        for name in chosen:
            columns = self._orders_of(name)[1]
            value = values[name] if columns is None else columns_in_order(values[name], columns)
            energy = channel_energy(value, self.structure.columns)
            kept = max(1, energy.shape[1] - round(final[name] * energy.shape[1]))
            self.orders[name] = torch.from_numpy(group_channels(energy, self.structure.rows, kept)).to(value.device)
        return self.orders

    def finish(self) -> dict[str, tuple[int, int]]:
        """Put the masked weights in the place of the parametrized ones; returns (zeros, weights) of each pruned layer."""
        reached = {}
        for name, layer in self.layers.items():
            mask = layer.parametrizations.weight[0].mask
            reached[name] = (int((mask == 0).sum()), mask.numel())
            parametrize.remove_parametrizations(layer, "weight", leave_parametrized=True)
        renumber(self.model, self.orders or {}, self.hidden)
        return reached

    def state_dict(self) -> dict[str, torch.Tensor]:
        """What a training that stops here must know besides the network's state to go on as if it had not stopped."""
        orders = {f"orders.{name}": order for name, order in (self.orders or {}).items()}
        score = {f"score.{name}": value for name, value in self.score.state_dict().items()}
        return orders | score | {"grouped": torch.tensor(self.orders is not None)}

    def load_state_dict(self, state: Mapping[str, torch.Tensor]) -> None:
        """Go on from what `state_dict` gave, beside the network's own state."""
        device = next(self.model.parameters()).device
        orders = {
            name.removeprefix("orders."): value.to(device)
            for name, value in state.items()
            if name.startswith("orders.")
        }
        self.orders = orders if bool(state["grouped"]) else None
        score = {
            name.removeprefix("score."): value.to(device) for name, value in state.items() if name.startswith("score.")
        }
        self.score.load_state_dict(score)


def pruner_for(
    model: nn.Module, level: dict, seed: int, steps: int, pruning: dict, size: tuple[int, int]
) -> Pruner | None:
    """What prunes the network of a level and seed while it trains; None for levels that do not prune.

    steps: of the whole training. pruning: the study's section, as far as the level reads it. size: height and width of the images.
    Raises InputError if the training is too short for the schedule, or the network cannot be pruned so.
    """
    if not prunes(level):
        return None
    choices = choices_of(level, pruning.get("allocation", "uniform"))
    try:
        layers = prunable(model, pruning["layers"])
        score = SCORES[choices["score"]](level["name"], seed)
        return Pruner(
            model,
            layers,
            score,
            DISTRIBUTIONS[choices["distribution"]](model, layers, choices, size),
            STRUCTURES[choices["structure"]](choices),
            SCHEDULES[choices["schedule"]](steps, pruning, score.needs_gradients),
            pruning.get("permutation", "none") if choices["structure"] == "block" else "none",
        )
    except ValueError as error:
        raise InputError(f"level {level['name']}: {error}") from None
