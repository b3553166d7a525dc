"""An exponential moving average of a network's weights, which some recipes take in the end instead of the last ones."""

import torch
from torch import nn

from scripts.lib.compression.pruning import Mask


class MovingAverage:
    """The average of everything in a network that training moves: parameters and running statistics, but no masks.

    After each step average = decay * average + (1 - decay) * value (Polyak and Juditsky 1992; the weights of Szegedy et al. 2015,
    arXiv 1512.00567, section 8). While fewer than 1 / (1 - decay) steps are done, decay is (1 + steps) / (10 + steps), or the first
    weights would stay in it for long.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay, self.steps = decay, 0
        masks = {id(module.mask) for module in model.modules() if isinstance(module, Mask)}
        self._current = [
            tensor
            for tensor in (*model.parameters(), *model.buffers())
            if tensor.is_floating_point() and id(tensor) not in masks
        ]
        self.average = [tensor.detach().clone() for tensor in self._current]

    @torch.no_grad()
    def after_step(self) -> None:
        """Take in the weights as they are now."""
        decay = min(self.decay, (1 + self.steps) / (10 + self.steps))
        torch._foreach_lerp_(self.average, [tensor.detach() for tensor in self._current], 1 - decay)
        self.steps += 1

    @torch.no_grad()
    def finish(self) -> None:
        """Put the average into the network."""
        for tensor, average in zip(self._current, self.average, strict=True):
            tensor.copy_(average)

    def state_dict(self) -> dict:
        """What `load_state_dict` goes on from."""
        return {"steps": self.steps, "average": self.average}

    def load_state_dict(self, state: dict) -> None:
        """Go on from where another one was."""
        self.steps = state["steps"]
        for tensor, saved in zip(self.average, state["average"], strict=True):
            tensor.copy_(saved)
