"""Gradual magnitude pruning (Zhu & Gupta 2017, arXiv 1710.01878), as the paper's released code applies it.

Sparsity rises with a cubic schedule while the network trains. Each tensor is pruned to the same sparsity by the magnitude of its
own weights, unless blocks are to be dealt out by the time that they save. A mask multiplies the weight in the forward pass and the
weight behind it is kept, so a weight that was masked may return at a later update, when others have become smaller.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.nn.utils import parametrize

from kernels.cost import expected_seconds
from scripts.lib.compression.allocation import allocate
from scripts.lib.compression.grouping import group_channels
from scripts.lib.compression.renumbering import columns_in_order, hidden_channels, renumber

BATCH = 500  # images for which time is modelled: as many as are predicted at once


@dataclass(frozen=True)
class Schedule:
    """When masks are updated. Steps are optimizer steps, counted from 0."""

    begin: int
    end: int
    every: int

    def sparsity(self, step: int, final: float) -> float:
        """s(t) = s_f (1 - (1 - (t - t0) / (t1 - t0))^3) between begin and end, from 0."""
        progress = min(max((step - self.begin) / (self.end - self.begin), 0.0), 1.0)
        return final * (1 - (1 - progress) ** 3)

    def updates_at(self, step: int) -> bool:
        """Whether masks are updated after this step: every `every` steps from begin, and at the end itself."""
        return self.begin <= step <= self.end and ((step - self.begin) % self.every == 0 or step == self.end)


def schedule_from_fractions(steps: int, begin: float, end: float, every: int) -> Schedule:
    """The schedule for a training of `steps` steps; begin and end are fractions of it. Raises ValueError if it has no room."""
    first, last = round(begin * steps), min(round(end * steps), steps - 1)
    if first >= last:
        raise ValueError(
            f"pruning from step {first} to step {last} of {steps} has no room: train longer, or move pruning.begin and pruning.end apart."
        )
    return Schedule(first, last, every)


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


def magnitude_mask(weight: torch.Tensor, sparsity: float) -> torch.Tensor:
    """Zeros for the round(sparsity * n) smallest absolute values of the tensor, ones elsewhere; of equal ones the first go first."""
    pruned = round(sparsity * weight.numel())
    smallest = weight.detach().abs().flatten().argsort(stable=True)[:pruned]
    mask = torch.ones(weight.numel(), dtype=weight.dtype, device=weight.device)
    mask[smallest] = 0
    return mask.reshape(weight.shape)


def block_mask(weight: torch.Tensor, sparsity: float, block: tuple[int, int]) -> torch.Tensor:
    """Zeros for the same number of blocks in each block row, those of the smallest root mean square; ones elsewhere.

    weight: [out, in, *kernel]. A block is `block` = (output channels, input channels) of one tap, the tile that a block-sparse
    matrix product skips; block rows run over all taps. Blocks at ragged edges are judged by the weights that they really have.
    Equal counts in each block row keep the rows' work equal and no output without input.
    """
    rows, columns = block
    outputs, inputs = weight.shape[:2]
    taps = weight.detach().reshape(outputs, inputs, -1).permute(0, 2, 1)  # [out, tap, in]
    padded = nn.functional.pad(taps, (0, -inputs % columns, 0, 0, 0, -outputs % rows))
    tiles = padded.reshape(padded.shape[0] // rows, rows, padded.shape[1], padded.shape[2] // columns, columns)
    entries = nn.functional.pad(torch.ones_like(taps), (0, -inputs % columns, 0, 0, 0, -outputs % rows)).reshape(
        tiles.shape
    )
    score = (tiles.square().sum((1, 4)) / entries.sum((1, 4))).flatten(1)  # [block row, tap x block column]
    pruned = round(sparsity * score.shape[1])
    keep = torch.ones_like(score)
    keep.scatter_(1, score.argsort(dim=1, stable=True)[:, :pruned], 0)
    keep = keep.reshape(tiles.shape[0], 1, tiles.shape[2], tiles.shape[3], 1).expand(tiles.shape).reshape(padded.shape)
    return keep[:outputs, :, :inputs].permute(0, 2, 1).reshape(weight.shape)


# Method -> the mask of a tensor by itself, from its weights and a sparsity. `block` is no such mask: it also follows channels.
MASKS: dict[str, Callable[[torch.Tensor, float], torch.Tensor]] = {"magnitude": magnitude_mask}


def channel_energy(weight: torch.Tensor, columns: int) -> np.ndarray:
    """float64 [out, taps x block columns]: the mean square of each output channel's weights in blocks of `columns` input channels.

    What block_mask ranks is the mean of these over the channels of a block row.
    """
    outputs, inputs = weight.shape[:2]
    taps = weight.detach().double().reshape(outputs, inputs, -1).permute(0, 2, 1)  # [out, tap, in]
    squares = nn.functional.pad(taps.square(), (0, -inputs % columns)).unflatten(2, (-1, columns)).sum(3)
    sizes = torch.tensor([min(columns, inputs - begin) for begin in range(0, inputs, columns)], device=weight.device)
    return (squares / sizes).flatten(1).cpu().numpy()


def sparsities_by_time(
    model: nn.Module, layers: Mapping[str, nn.Conv2d], block: tuple[int, int], sparsity: float, size: tuple[int, int]
) -> dict[str, float]:
    """The final sparsity of each layer: as many weights pruned altogether, dealt out so that the network is fastest (scripts/lib/compression/allocation.py).

    Time is that of kernels/cost.py for BATCH images of size (height, width); where blocks do not pay, or do not fit, that of a dense
    layer.
    """
    seen: dict[str, tuple[int, ...]] = {}
    hooks = [
        layer.register_forward_pre_hook(
            lambda _, inputs, name=name: seen.setdefault(name, tuple(inputs[0].shape)) and None
        )
        for name, layer in layers.items()
    ]
    training = model.training
    model.eval()
    with torch.no_grad():
        model(next(model.parameters()).new_zeros(1, 3, *size))
    model.train(training)
    for hook in hooks:
        hook.remove()

    def seconds(name: str, layer: nn.Conv2d):
        shape = (BATCH, *seen[name][1:])
        dense = expected_seconds(layer, block, None, shape)
        if layer.groups != 1 or layer.in_channels % block[1]:
            return lambda density: dense
        return lambda density: min(dense, expected_seconds(layer, block, density, shape))

    unused = [name for name in layers if name not in seen]
    if unused:
        raise ValueError(
            f"no image reaches the layer `{unused[0]}`, so no time can be modelled for it: write pruning.allocation: uniform."
        )
    times = [seconds(name, layer) for name, layer in layers.items()]
    densities = allocate([layer.weight.numel() for layer in layers.values()], times, 1 - sparsity)
    return {name: 1 - density for name, density in zip(layers, densities, strict=True)}


def prunable(model: nn.Module, layers: str) -> dict[str, nn.Module]:
    """The layers to prune, by name, in the order of the network: `convolutions` (the paper's rule) or `convolutions_but_first`."""
    convolutions = {name: module for name, module in model.named_modules() if isinstance(module, nn.Conv2d)}
    if layers == "convolutions":
        return convolutions
    return dict(list(convolutions.items())[1:])


class GradualPruning:
    """Prunes a network while it trains: call `after_step` after each optimizer step and `finish` at the end.

    sparsity: of all pruned weights together at the end. allocation: `uniform`, each layer to the same sparsity, or, with blocks,
    `time_saved` (sparsities_by_time for images of `size`). permutation: `none` or, with blocks, `output_channels`: at the first
    update the output channels that only other layers read (scripts/lib/compression/renumbering.py) are grouped into block rows so that the most
    magnitude is kept (scripts/lib/compression/grouping.py). Masks follow the groups from then on, and `finish` renumbers the channels, which changes
    nothing that the network computes: block rows are then neighbouring channels, as kernels read them.
    Raises ValueError if no layer is selected, and for networks in which channels cannot be followed.
    """

    def __init__(
        self,
        model: nn.Module,
        schedule: Schedule,
        method: str,
        sparsity: float,
        layers: str,
        block=None,
        allocation: str = "uniform",
        permutation: str = "none",
        size: tuple[int, int] | None = None,
    ) -> None:
        self.model, self.schedule, self.method, self.block = model, schedule, method, block
        self.layers = prunable(model, layers)
        if not self.layers:
            raise ValueError(f"pruning.layers `{layers}` selects no layer of this network: choose `convolutions`.")
        self.final = dict.fromkeys(self.layers, sparsity)
        if method == "block" and allocation == "time_saved":
            self.final = sparsities_by_time(model, self.layers, block, sparsity, size)
        self.hidden = hidden_channels(model) if method == "block" and permutation == "output_channels" else {}
        self.orders: dict[str, torch.Tensor] | None = None  # of output channels, from the first update on
        for layer in self.layers.values():
            parametrize.register_parametrization(layer, "weight", Mask(layer.weight))

    def after_step(self, step: int) -> None:
        """Update the masks if the schedule says so."""
        if not self.schedule.updates_at(step):
            return
        if self.orders is None:
            self.orders = self._group()
        for name, layer in self.layers.items():
            weight, sparsity = layer.parametrizations.weight.original, self.schedule.sparsity(step, self.final[name])
            if self.method in MASKS:
                mask = MASKS[self.method](weight, sparsity)
            else:
                rows, columns = self._orders_of(name)
                grouped = weight if columns is None else columns_in_order(weight, columns)
                mask = block_mask(grouped if rows is None else grouped[rows], sparsity, self.block)
                mask = mask if rows is None else mask[rows.argsort()]
                mask = mask if columns is None else columns_in_order(mask, columns.argsort())
            layer.parametrizations.weight[0].set(mask)

    def _orders_of(self, name: str) -> tuple[torch.Tensor | None, torch.Tensor | None]:
        """The orders of a layer's output and input channels; None where they stay."""
        reads = next((order for before, order in self.orders.items() if name in self.hidden[before].readers), None)
        return self.orders.get(name), reads

    def _group(self) -> dict[str, torch.Tensor]:
        """An order for each layer whose channels are hidden, in the order of the network: a layer's blocks lie in grouped inputs."""
        self.orders = {}
        for name in [name for name in self.hidden if name in self.layers]:
            weight = self.layers[name].parametrizations.weight.original.detach()
            columns = self._orders_of(name)[1]
            energy = channel_energy(weight if columns is None else columns_in_order(weight, columns), self.block[1])
            kept = energy.shape[1] - round(self.final[name] * energy.shape[1])
            self.orders[name] = torch.from_numpy(group_channels(energy, self.block[0], kept)).to(weight.device)
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
