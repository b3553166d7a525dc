"""A dense network of the same architecture with fewer channels, as large as a pruned one: is it compression, or capacity?"""

from bisect import bisect_left
from collections.abc import Callable

import torch
from torch import nn

from scripts.lib.compression.multiply_adds import multiply_adds_of_layers
from scripts.lib.compression.pruning import pruner_for
from scripts.lib.networks.architectures import build_network
from scripts.lib.study.pruned_levels import choices_of


def weights_of(model: nn.Module, size: tuple[int, int]) -> dict[str, int]:
    """How many numbers each parameter of a network has, those of batch norms and biases too."""
    return {name: parameter.numel() for name, parameter in model.named_parameters()}


def multiply_adds_of(model: nn.Module, size: tuple[int, int]) -> dict[str, int]:
    """How many multiplications each weight is in for one image, by the weight's name; size: height and width of the image."""
    image = torch.zeros(1, 3, *size, device=next(model.parameters()).device)
    return {f"{layer}.weight": count for layer, count in multiply_adds_of_layers(model.eval(), image).items()}


# What networks can be equal in -> how many of it each parameter has, by its name.
EQUAL: dict[str, Callable[[nn.Module, tuple[int, int]], dict[str, int]]] = {
    "weights": weights_of,
    "multiply_adds": multiply_adds_of,
}


def kept_by(level: dict, pruning: dict, network: dict, equal: str, classes: int, size: tuple[int, int]) -> int:
    """How many weights or multiply-adds of a network are left, those that no pruning concerns too, when a level has pruned it.

    Known before it is trained, because neither score nor schedule changes how many are pruned; of a global distribution to one unit.
    """
    choices = choices_of(level, pruning.get("allocation", "uniform"))
    at_once = level | choices | {"method": "prune", "score": "magnitude", "schedule": "from_start"}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = build_network(network["name"], network.get("channels"), classes)
    counts = EQUAL[equal](model, size)
    pruner = pruner_for(model, at_once, 0, 1, {"layers": pruning["layers"]}, size)
    pruner.before_training()
    gone = sum(
        counts[f"{layer}.weight"] * zeros / weights for layer, (zeros, weights) in pruner.finish().items() if zeros
    )
    return round(sum(counts.values()) - gone)


def widths_of(network: dict, classes: int) -> list[float]:
    """Factors for the channels of a network, ascending to 1, that make every network which rounding leaves apart, each once."""
    with torch.device("meta"):
        model = build_network(network["name"], network.get("channels"), classes)
    channels = {layer.out_channels for layer in model.modules() if isinstance(layer, nn.Conv2d)}
    jumps = sorted({(number + 0.5) / count for count in channels for number in range(1, count)})
    return [*((low + high) / 2 for low, high in zip([0.0, *jumps], jumps, strict=False)), 1.0]


def sized(network: dict, classes: int, size: tuple[int, int]) -> tuple[dict, dict]:
    """The section `network` of a level with the width that it shall have, and how many weights or multiply-adds that makes.

    network: the study's section, with `width`, or with `equal` and the level that it shall be as large as, `as`, and that level's `pruning`;
    or as it is, and then it stays so. The numbers are those `wanted`, if any are, and those `reached`, of what is `equal`, nearest of all widths.
    """
    if "equal" not in network:
        return network, _reached(network, "weights", classes, size) if "width" in network else {}
    plain = {key: value for key, value in network.items() if key not in ("equal", "as", "pruning")}
    equal = network["equal"]
    wanted = kept_by(network["as"], network["pruning"], plain, equal, classes, size)

    def reached(width: float) -> int:
        return _reached(plain | {"width": width}, equal, classes, size)["reached"]

    widths = widths_of(plain, classes)
    above = bisect_left(widths, wanted, key=reached)
    width = min(widths[max(0, above - 1) : above + 1], key=lambda each: abs(reached(each) - wanted))
    sizes = {"as": network["as"]["name"], "wanted": wanted} | _reached(plain | {"width": width}, equal, classes, size)
    return plain | {"width": width}, sizes


def _reached(network: dict, equal: str, classes: int, size: tuple[int, int]) -> dict:
    with torch.device("meta"):  # no weights are drawn
        model = build_network(network["name"], network.get("channels"), classes, network["width"])
    return {"equal": equal, "reached": sum(EQUAL[equal](model, size).values())}
