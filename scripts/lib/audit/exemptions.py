"""Which layers to leave uncompressed so that a network stays within a margin, and what a set of them has been shown to do."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from scripts.lib.audit.intervals import Estimate

MEETS, MISSES, OPEN = "meets the margin", "misses the margin", "cannot be told"


def most_avoided_first(avoided: Mapping[str, float], bytes_saved: Mapping[str, int]) -> list[str]:
    """Layers by how many flips are avoided for each byte it costs to leave them out, the most first; of equal ones in the order given.

    A layer that saves nothing costs nothing, and counts as one byte.
    """
    gain = [value / max(1, bytes_saved[layer]) for layer, value in avoided.items()]
    layers = list(avoided)
    return [layers[place] for place in np.argsort(-np.asarray(gain, dtype=np.float64), kind="stable")]


def search(
    order: Sequence[str], bytes_saved: Mapping[str, int], meets: Callable[[frozenset[str]], bool]
) -> frozenset[str] | None:
    """A set of layers with which the margin is met, from which no layer can be taken back; None if there is none.

    Layers are added in their order until the margin is met; then each of them, the dearest first, is taken back if it is met without it.
    At least one layer stays compressed. Every set is asked for at most once if `meets` remembers. It is the cheapest set that this
    greedy search finds, not the cheapest of all 2 ** L.
    """
    chosen: frozenset[str] = frozenset()
    left = iter(order[:-1])
    while not meets(chosen):
        layer = next(left, None)
        if layer is None:
            return None
        chosen |= {layer}
    for layer in sorted(chosen, key=lambda each: (-bytes_saved[each], order.index(each))):
        if meets(chosen - {layer}):
            chosen -= {layer}
    return chosen


def verdict(flips: Estimate, margin: float) -> str:
    """What an interval says of a margin: met if all of it is at most the margin, missed if all of it is above."""
    if flips.high <= margin:
        return MEETS
    return MISSES if flips.low > margin else OPEN
