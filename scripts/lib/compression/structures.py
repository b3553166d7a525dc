"""What is pruned together: the units of a weight, and the groups of units in which as many are pruned everywhere.

A weight is [out, in, *kernel]. A unit is judged by the root mean square of the scores in it; a monotone function of that will do.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import nn


class Structure(Protocol):
    """How the entries of a weight form units, and the units groups."""

    def scores(self, values: torch.Tensor) -> torch.Tensor:
        """[groups, units]: how large the values in each unit of a tensor [out, in, *kernel] are; 0 for units without entries."""

    def sizes(self, shape: torch.Size) -> torch.Tensor:
        """[groups, units]: how many entries each unit of a weight of this shape has; float32, 0 for what only fills a group."""

    def spread(self, units: torch.Tensor, shape: torch.Size) -> torch.Tensor:
        """A tensor of a weight's shape in which each entry has its unit's value; units: [groups, units]."""


@dataclass(frozen=True)
class Unstructured:
    """Each weight by itself, all of them in one group."""

    def scores(self, values: torch.Tensor) -> torch.Tensor:
        """The absolute values."""
        return values.abs().reshape(1, -1)

    def sizes(self, shape: torch.Size) -> torch.Tensor:
        """One each."""
        return torch.ones(1, shape.numel())

    def spread(self, units: torch.Tensor, shape: torch.Size) -> torch.Tensor:
        """As they are."""
        return units.reshape(shape)


@dataclass(frozen=True)
class Blocks:
    """Blocks of output channels x input channels of one tap, the tile that a block-sparse matrix product skips.

    A group is a block row, over all taps: equal counts keep the rows' work equal and no output without input. Blocks at ragged edges are
    judged by the entries that they really have.
    """

    rows: int
    columns: int

    def scores(self, values: torch.Tensor) -> torch.Tensor:
        """Mean squares."""
        sizes = self._tiles(torch.ones_like(values)).sum((1, 4))
        return (self._tiles(values).square().sum((1, 4)) / sizes).flatten(1)  # [block row, tap x block column]

    def sizes(self, shape: torch.Size) -> torch.Tensor:
        """Fewer at ragged edges."""
        return self._tiles(torch.ones(shape)).sum((1, 4)).flatten(1)

    def spread(self, units: torch.Tensor, shape: torch.Size) -> torch.Tensor:
        """Each value to the entries of its block."""
        outputs, inputs = shape[:2]
        columns = -(-inputs // self.columns)
        tiles = units.reshape(len(units), 1, -1, columns, 1).expand(-1, self.rows, -1, -1, self.columns)
        taps = tiles.reshape(len(units) * self.rows, -1, columns * self.columns)
        return taps[:outputs, :, :inputs].permute(0, 2, 1).reshape(shape)

    def _tiles(self, values: torch.Tensor) -> torch.Tensor:
        """[block row, row, tap, block column, column], with zeros beyond the edges."""
        outputs, inputs = values.shape[:2]
        taps = values.reshape(outputs, inputs, -1).permute(0, 2, 1)  # [out, tap, in]
        padded = nn.functional.pad(taps, (0, -inputs % self.columns, 0, 0, 0, -outputs % self.rows))
        return padded.reshape(-1, self.rows, padded.shape[1], padded.shape[2] // self.columns, self.columns)


@dataclass(frozen=True)
class Successive:
    """Each weight by itself, in groups of `count` successive input channels of one output channel and tap: N:M sparsity.

    Of each m weights n are kept (Mishra et al. 2021, arXiv 2104.08378, of 2:4). Where the input channels are no multiple of m, the last group
    is filled up with zeros, as in hardware, and these are pruned first.
    """

    count: int

    def scores(self, values: torch.Tensor) -> torch.Tensor:
        """The absolute values."""
        return self._groups(values.abs())

    def sizes(self, shape: torch.Size) -> torch.Tensor:
        """One each, 0 for the zeros that fill a group."""
        return self._groups(torch.ones(shape))

    def spread(self, units: torch.Tensor, shape: torch.Size) -> torch.Tensor:
        """As they are."""
        outputs, inputs = shape[:2]
        taps = shape[2:].numel()
        return units.reshape(outputs, taps, -1)[:, :, :inputs].permute(0, 2, 1).reshape(shape)

    def _groups(self, values: torch.Tensor) -> torch.Tensor:
        taps = values.flatten(2) if values.ndim > 2 else values.unsqueeze(2)  # [out, in, tap]
        padded = nn.functional.pad(taps.permute(0, 2, 1), (0, -values.shape[1] % self.count))
        return padded.reshape(-1, self.count)


@dataclass(frozen=True)
class OutputChannels:
    """All weights of an output channel, all channels in one group (Li et al. 2017, arXiv 1608.08710, who judge by absolute values)."""

    def scores(self, values: torch.Tensor) -> torch.Tensor:
        """Mean squares."""
        return values.flatten(1).square().mean(1).reshape(1, -1)

    def sizes(self, shape: torch.Size) -> torch.Tensor:
        """As many as an output channel has."""
        return torch.full((1, shape[0]), float(shape[1:].numel()))

    def spread(self, units: torch.Tensor, shape: torch.Size) -> torch.Tensor:
        """Each value to its channel."""
        return units.reshape(-1, *[1] * (len(shape) - 1)).expand(shape).clone()


# Each from the choices of a level.
STRUCTURES: dict[str, Callable[[dict], Structure]] = {
    "unstructured": lambda choices: Unstructured(),
    "block": lambda choices: Blocks(*choices["block"]),
    "n_of_m": lambda choices: Successive(choices["m"]),
    "output_channels": lambda choices: OutputChannels(),
}


def mask_of(
    structure: Structure, scores: torch.Tensor, sparsity: float, shape: torch.Size, least: int = 0
) -> torch.Tensor:
    """Zeros of the scores' dtype for the round(sparsity * units) units of least score in each group, ones elsewhere.

    scores: [groups, units], of a weight of this shape. Of equal ones the first go first. One unit of each group is always kept, so that no
    layer is emptied. least: how many are pruned at least.
    """
    units = scores.shape[1]
    pruned = min(max(round(sparsity * units), least), units - 1)
    keep = torch.ones_like(scores)
    keep.scatter_(1, scores.argsort(dim=1, stable=True)[:, :pruned], 0)
    return structure.spread(keep, shape)
