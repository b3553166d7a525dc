"""How sparse each layer becomes when a network may keep a given number of weights and shall be fast.

A layer's time grows with its density up to the time of the dense layer, which is taken where blocks do not pay: a concave function.
A sum of concave functions under one linear constraint is least where all layers but one lie at their bounds.
"""

from collections.abc import Callable, Sequence

BOUNDS = (
    0.5,
    2.0,
)  # least and greatest density of a layer, as a multiple of the network's: no layer is emptied for the others


def allocate(
    weights: Sequence[int],
    seconds: Sequence[Callable[[float], float]],
    density: float,
    bounds: tuple[float, float] = BOUNDS,
) -> list[float]:
    """The density of each layer, with sum(weights * densities) = density * sum(weights) and the least sum of seconds.

    weights: of each layer, at least 1. seconds: the time of each layer as a concave, not falling function of its density. density:
    of the whole, above 0 and at most 1. bounds: around 1; no density exceeds 1.
    Layers are raised from the lower bound to the upper one by rising seconds per weight, and one takes what is left; each layer is
    tried as that one at each point. Never is the result slower than the same density everywhere, and what the best choice could save
    beyond it is at most the largest distance of a layer's time from the straight line between its bounds.
    Raises ValueError for a density or bounds out of range.
    """
    low, high = bounds[0] * density, min(1.0, bounds[1] * density)
    if not 0 < density <= 1 or not 0 <= bounds[0] <= 1 <= bounds[1]:
        raise ValueError(
            f"a density of {density:g} in bounds of {bounds} cannot be dealt out: it must be above 0, at most 1."
        )
    if low == high:
        return [density] * len(weights)

    slow, fast = [time(high) for time in seconds], [time(low) for time in seconds]
    cheapest = sorted(range(len(weights)), key=lambda layer: (slow[layer] - fast[layer]) / weights[layer])
    best, least = [density] * len(weights), sum(time(density) for time in seconds)
    for between in cheapest:
        densities, room = [low] * len(weights), (density - low) * sum(weights)
        others = sum(fast) - fast[between]
        for layer in [None, *(one for one in cheapest if one != between)]:
            if layer is not None:
                if (high - low) * weights[layer] > room:
                    continue
                densities[layer] = high
                room -= (high - low) * weights[layer]
                others += slow[layer] - fast[layer]
            if room <= (high - low) * weights[between]:
                middle = low + room / weights[between]
                if others + seconds[between](middle) < least:
                    least = others + seconds[between](middle)
                    best = [middle if one == between else densities[one] for one in range(len(weights))]
    return best
