"""When masks are updated, and how much of the final sparsity each update reaches. Steps are optimizer steps, counted from 0."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

BEFORE = -1  # the step before the first one


class Schedule(Protocol):
    """When a network is pruned."""

    def updates_at(self, step: int) -> bool:
        """Whether masks are updated after this step."""

    def fraction(self, step: int) -> float:
        """The share of the final sparsity that an update after this step reaches, 0 to 1."""

    def watches(self, step: int) -> bool:
        """Whether this step's gradients count for the next update."""


@dataclass(frozen=True)
class Gradual:
    """A little at a time: Zhu & Gupta 2017, arXiv 1710.01878, equation 1."""

    begin: int
    end: int
    every: int

    def updates_at(self, step: int) -> bool:
        """Every `every` steps from begin, and at the end itself."""
        return self.begin <= step <= self.end and ((step - self.begin) % self.every == 0 or step == self.end)

    def fraction(self, step: int) -> float:
        """1 - (1 - (t - t0) / (t1 - t0))^3 between begin and end."""
        progress = min(max((step - self.begin) / (self.end - self.begin), 0.0), 1.0)
        return 1 - (1 - progress) ** 3

    def watches(self, step: int) -> bool:
        """Those since the last update; for the first one, of the last `every` steps."""
        return self.begin - self.every < step <= self.end


@dataclass(frozen=True)
class Once:
    """All of it after one step, or before the first; masks stay as they are from then on."""

    step: int
    every: int = 1

    def updates_at(self, step: int) -> bool:
        """After the one step."""
        return step == self.step

    def fraction(self, step: int) -> float:
        """All from that step on."""
        return float(step >= self.step)

    def watches(self, step: int) -> bool:
        """Those of the last `every` steps."""
        return self.step - self.every < step <= self.step


def gradual(steps: int, pruning: dict, needs_gradients: bool) -> Gradual:
    """From `begin` to `end`, fractions of the training's steps; ValueError if that leaves no room."""
    first, last = round(pruning["begin"] * steps), min(round(pruning["end"] * steps), steps - 1)
    if first >= last:
        raise ValueError(
            f"pruning from step {first} to step {last} of {steps} has no room: train longer, or move pruning.begin and pruning.end apart."
        )
    return Gradual(first, last, pruning["every"])


def one_shot(steps: int, pruning: dict, needs_gradients: bool) -> Once:
    """At `begin`, a fraction of the training's steps; what is left is fine-tuned. ValueError if no step is left."""
    step = round(pruning["begin"] * steps)
    if step >= steps - 1:
        raise ValueError(
            f"pruning after step {step} of {steps} leaves none to fine-tune: train longer, or lower pruning.begin."
        )
    return Once(step, pruning["every"])


def from_start(steps: int, pruning: dict, needs_gradients: bool) -> Once:
    """Before the first step; a score that needs gradients has them after the first backward pass, and the first step is dense.

    As Lee et al. 2019 (SNIP, arXiv 1810.02340), whose single batch is drawn apart.
    """
    return Once(0 if needs_gradients else BEFORE)


# Each from the number of steps, the section `pruning` of the study, and whether the score needs gradients.
SCHEDULES: dict[str, Callable[[int, dict, bool], Schedule]] = {
    "gradual": gradual,
    "one_shot": one_shot,
    "from_start": from_start,
}
