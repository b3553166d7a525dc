"""How sparse each layer becomes when the network shall have a given sparsity.

A distribution says how sparse a layer is; which of its weights that are, its structure decides. So blocks are of equal counts in each
block row under every distribution, and layers differ.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import nn

from kernels.cost import expected_seconds
from scripts.lib.compression.allocation import allocate

BATCH = 500  # images for which time is modelled: as many as are predicted at once


@dataclass(frozen=True)
class Units:
    """The units of a layer, as its structure makes them: their scores and how many weights each has, both [groups, units]."""

    scores: torch.Tensor
    sizes: torch.Tensor


class Distribution(Protocol):
    """Deals a network's sparsity out to its layers."""

    def sparsities(self, fraction: float, units: Mapping[str, Units]) -> dict[str, float]:
        """The sparsity of each layer when this fraction of the final sparsity is reached; units: by layer, as they are now."""


@dataclass(frozen=True)
class Fixed:
    """Every layer on its way to a final sparsity that is known before the training."""

    final: dict[str, float]

    def sparsities(self, fraction: float, units: Mapping[str, Units]) -> dict[str, float]:
        """The fraction of each."""
        return {layer: final * fraction for layer, final in self.final.items()}


@dataclass(frozen=True)
class Global:
    """The units of least score in the whole network go, in whatever layer they are; the best one of each group stays."""

    final: float

    def sparsities(self, fraction: float, units: Mapping[str, Units]) -> dict[str, float]:
        """The share of each layer in the units of least score that together have nearest to the wanted number of weights."""
        scores, sizes, layers = [], [], []
        for number, layer in enumerate(units.values()):
            kept = torch.zeros_like(layer.scores, dtype=torch.bool)
            kept.scatter_(1, layer.scores.argmax(dim=1, keepdim=True), True)
            scores.append(layer.scores.masked_fill(kept, torch.inf).flatten())
            sizes.append(layer.sizes.flatten().long())
            layers.append(torch.full_like(sizes[-1], number))
        scores, sizes, layers = torch.cat(scores), torch.cat(sizes), torch.cat(layers)
        order = scores.argsort(stable=True)
        order = order[: int((scores < torch.inf).sum())]
        gone = torch.cat([sizes.new_zeros(1), sizes[order].cumsum(0)])  # weights in so many units
        count = int((gone - self.final * fraction * int(sizes.sum())).abs().argmin())
        pruned = torch.zeros(len(units), dtype=torch.long, device=sizes.device)
        pruned.index_add_(0, layers[order[:count]], sizes[order[:count]])
        return {
            name: int(gone_here) / int(layer.sizes.sum())
            for (name, layer), gone_here in zip(units.items(), pruned, strict=True)
        }


def erk_sparsities(shapes: Mapping[str, torch.Size], sparsity: float) -> dict[str, float]:
    """Erdős-Rényi-Kernel: densities in proportion to (in + out + height + width) / (in out height width), none above 1.

    Evci et al. 2020, "Rigging the Lottery", arXiv 1911.11134, section 3. shapes: [out, in, height, width] by layer. Layers that the
    proportion would make denser than dense are dense, and the others share what is left, so that the sum of all weights kept is exact.
    """
    raw = {layer: sum(shape) / shape.numel() for layer, shape in shapes.items()}
    kept = (1 - sparsity) * sum(shape.numel() for shape in shapes.values())
    dense: set[str] = set()
    while shared := [layer for layer in shapes if layer not in dense]:
        room = kept - sum(shapes[layer].numel() for layer in dense)
        factor = room / sum(raw[layer] * shapes[layer].numel() for layer in shared)
        above = {layer for layer in shared if factor * raw[layer] > 1}
        if not above:
            return {layer: 0.0 if layer in dense else 1 - factor * raw[layer] for layer in shapes}
        dense |= above
    return dict.fromkeys(shapes, 0.0)


def sparsities_by_time(
    model: nn.Module, layers: Mapping[str, nn.Module], block: tuple[int, int], sparsity: float, size: tuple[int, int]
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
            f"no image reaches the layer `{unused[0]}`, so no time can be modelled for it: write another distribution, or pruning.allocation: uniform."
        )
    times = [seconds(name, layer) for name, layer in layers.items()]
    densities = allocate([layer.weight.numel() for layer in layers.values()], times, 1 - sparsity)
    return {name: 1 - density for name, density in zip(layers, densities, strict=True)}


def _uniform(model: nn.Module, layers: Mapping[str, nn.Module], choices: dict, size: tuple[int, int]) -> Fixed:
    return Fixed(dict.fromkeys(layers, choices["sparsity"]))


def _global(model: nn.Module, layers: Mapping[str, nn.Module], choices: dict, size: tuple[int, int]) -> Global:
    return Global(choices["sparsity"])


def _erk(model: nn.Module, layers: Mapping[str, nn.Module], choices: dict, size: tuple[int, int]) -> Fixed:
    return Fixed(erk_sparsities({name: layer.weight.shape for name, layer in layers.items()}, choices["sparsity"]))


def _time_saved(model: nn.Module, layers: Mapping[str, nn.Module], choices: dict, size: tuple[int, int]) -> Fixed:
    return Fixed(sparsities_by_time(model, layers, tuple(choices["block"]), choices["sparsity"], size))


# Each from the network, its pruned layers, the choices of the level and the size of the images.
DISTRIBUTIONS: dict[str, Callable[[nn.Module, Mapping[str, nn.Module], dict, tuple[int, int]], Distribution]] = {
    "uniform": _uniform,
    "global": _global,
    "erk": _erk,
    "time_saved": _time_saved,
}
