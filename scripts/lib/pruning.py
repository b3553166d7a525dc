"""Gradual magnitude pruning (Zhu & Gupta 2017, arXiv 1710.01878), as the paper's released code applies it.

Sparsity rises with a cubic schedule while the network trains. Each tensor is pruned to the same sparsity by the magnitude of its
own weights. A mask multiplies the weight in the forward pass and the weight behind it is kept, so a weight that was masked may
return at a later update, when others have become smaller.
"""

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn.utils import parametrize


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


def prunable(model: nn.Module, layers: str) -> dict[str, nn.Module]:
    """The layers to prune, by name, in the order of the network: `convolutions` (the paper's rule) or `convolutions_but_first`."""
    convolutions = {name: module for name, module in model.named_modules() if isinstance(module, nn.Conv2d)}
    if layers == "convolutions":
        return convolutions
    return dict(list(convolutions.items())[1:])


class GradualPruning:
    """Prunes a network while it trains: call `after_step` after each optimizer step and `finish` at the end."""

    def __init__(
        self, model: nn.Module, schedule: Schedule, method: str, sparsity: float, layers: str, block=None
    ) -> None:
        self.schedule, self.method, self.final, self.block = schedule, method, sparsity, block
        self.layers = prunable(model, layers)
        if not self.layers:
            raise ValueError(f"pruning.layers `{layers}` selects no layer of this network: choose `convolutions`.")
        for layer in self.layers.values():
            parametrize.register_parametrization(layer, "weight", Mask(layer.weight))

    def after_step(self, step: int) -> None:
        """Update the masks if the schedule says so."""
        if not self.schedule.updates_at(step):
            return
        sparsity = self.schedule.sparsity(step, self.final)
        for layer in self.layers.values():
            weight = layer.parametrizations.weight.original
            mask = (
                magnitude_mask(weight, sparsity)
                if self.method == "magnitude"
                else block_mask(weight, sparsity, self.block)
            )
            layer.parametrizations.weight[0].set(mask)

    def finish(self) -> dict[str, tuple[int, int]]:
        """Put the masked weights in the place of the parametrized ones; returns (zeros, weights) of each pruned layer."""
        reached = {}
        for name, layer in self.layers.items():
            mask = layer.parametrizations.weight[0].mask
            reached[name] = (int((mask == 0).sum()), mask.numel())
            parametrize.remove_parametrizations(layer, "weight", leave_parametrized=True)
        return reached
