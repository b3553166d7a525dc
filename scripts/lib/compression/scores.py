"""What makes a weight worth keeping: a number for each weight, of which structures take the size."""

from collections.abc import Callable, Mapping
from typing import Protocol

import torch

from scripts.lib.compression.structures import Structure
from scripts.lib.jobs.streams import generator


class Score(Protocol):
    """Gives each weight its number. What was pruned may return where `returns` says so, or is pruned for good."""

    returns: bool
    needs_gradients: bool

    def values(self, layer: str, weight: torch.Tensor, structure: Structure) -> torch.Tensor:
        """Of the weight's shape; layer: its name in the network."""

    def watch(self, weights: Mapping[str, torch.Tensor]) -> None:
        """Take note of a step's gradients, in `.grad` of the weights, before the step changes these."""

    def updated(self) -> None:
        """Masks have been updated by the values."""

    def state_dict(self) -> dict[str, torch.Tensor]:
        """What was taken note of and not yet used."""

    def load_state_dict(self, state: Mapping[str, torch.Tensor]) -> None:
        """Go on from there."""


class Stateless:
    """A score that takes note of nothing."""

    needs_gradients = False

    def watch(self, weights: Mapping[str, torch.Tensor]) -> None:
        """Nothing to note."""

    def updated(self) -> None:
        """Nothing to forget."""

    def state_dict(self) -> dict[str, torch.Tensor]:
        """Nothing to keep."""
        return {}

    def load_state_dict(self, state: Mapping[str, torch.Tensor]) -> None:
        """Nothing to restore."""


class Magnitude(Stateless):
    """The weights themselves, also those behind a mask: pruned ones return when others have become smaller."""

    returns = True

    def values(self, layer: str, weight: torch.Tensor, structure: Structure) -> torch.Tensor:
        """The weights."""
        return weight


class Random(Stateless):
    """The same for as long as a model trains, so that the masks of a gradual schedule are nested.

    One number for each unit, from a stream keyed by (level, seed, layer).
    """

    returns = False

    def __init__(self, level: str, seed: int) -> None:
        self.level, self.seed = level, seed

    def values(self, layer: str, weight: torch.Tensor, structure: Structure) -> torch.Tensor:
        """float32, uniform in 0..1 in multiples of 2^-24."""
        shape = tuple(structure.sizes(weight.shape).shape)
        drawn = generator("random scores", self.level, self.seed, layer).random(shape, dtype="float32")
        return structure.spread(torch.from_numpy(drawn).to(weight.device), weight.shape)


class GradientTimesWeight:
    """|gradient x weight|, the first-order change of the loss when the weight is removed, averaged over the steps since the last update.

    The score is Lee et al.'s (SNIP 2019, arXiv 1810.02340, equation 5) and, but for squares, Molchanov et al.'s (2019, arXiv 1906.10771,
    equation 8), who average it over the batches between two updates, while SNIP takes one batch. No gradient reaches a pruned weight, so it
    stays pruned, as there.
    """

    returns, needs_gradients = False, True

    def __init__(self) -> None:
        self.sums: dict[str, torch.Tensor] = {}
        self.steps = 0

    def watch(self, weights: Mapping[str, torch.Tensor]) -> None:
        """Add |gradient x weight|."""
        for layer, weight in weights.items():
            value = (weight.grad * weight).detach().abs()
            self.sums[layer] = self.sums[layer] + value if layer in self.sums else value
        self.steps += 1

    def values(self, layer: str, weight: torch.Tensor, structure: Structure) -> torch.Tensor:
        """The mean; RuntimeError where no gradient was noted, which is an error of the loop."""
        if not self.steps:
            raise RuntimeError("no gradient was noted since the last update: call before_step before each step.")
        return self.sums[layer] / self.steps

    def updated(self) -> None:
        """Begin a new mean."""
        self.sums, self.steps = {}, 0

    def state_dict(self) -> dict[str, torch.Tensor]:
        """The sums and how many steps they are of."""
        return {f"sums.{layer}": value for layer, value in self.sums.items()} | {"steps": torch.tensor(self.steps)}

    def load_state_dict(self, state: Mapping[str, torch.Tensor]) -> None:
        """Go on with these sums."""
        self.sums = {
            name.removeprefix("sums."): value.clone() for name, value in state.items() if name.startswith("sums.")
        }
        self.steps = int(state["steps"])


# Each from the level's name and the model's seed.
SCORES: dict[str, Callable[[str, int], Score]] = {
    "magnitude": lambda level, seed: Magnitude(),
    "random": Random,
    "gradient_times_weight": lambda level, seed: GradientTimesWeight(),
}
