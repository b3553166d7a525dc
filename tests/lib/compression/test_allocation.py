"""Densities by time saved against brute force: all choices in which one layer at most lies between the bounds."""

import itertools
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scripts.lib.compression.allocation import allocate

LAYERS = st.lists(
    st.tuples(st.integers(1, 1000), st.floats(0.01, 10), st.floats(0, 10), st.floats(0.1, 10)), min_size=1, max_size=5
)


def times(layers):
    """Dense time or a call and the weights that are left, whichever is less."""
    return [lambda d, full=full, call=call, slope=slope: min(full, call + slope * d) for _, full, call, slope in layers]


def brute_force(weights, seconds, density, bounds) -> float:
    low, high = bounds[0] * density, min(1.0, bounds[1] * density)
    least, budget = math.inf, density * sum(weights)
    for free in range(len(weights)):
        for others in itertools.product([low, high], repeat=len(weights) - 1):
            densities = [*others[:free], 0, *others[free:]]
            middle = (budget - sum(w * d for w, d in zip(weights, densities, strict=True))) / weights[free]
            if low - 1e-12 <= middle <= high + 1e-12:
                densities[free] = middle
                least = min(least, sum(time(d) for time, d in zip(seconds, densities, strict=True)))
    return least


@given(LAYERS, st.sampled_from([0.05, 0.1, 0.3, 0.7, 1.0]), st.sampled_from([(0.5, 2.0), (0.0, 10.0), (1.0, 1.0)]))
@settings(max_examples=150)
def test_against_brute_force(layers, density, bounds):
    weights, seconds = [layer[0] for layer in layers], times(layers)
    densities = allocate(weights, seconds, density, bounds)
    low, high = bounds[0] * density, min(1.0, bounds[1] * density)
    assert all(low - 1e-12 <= one <= high + 1e-12 for one in densities)
    kept = sum(w * d for w, d in zip(weights, densities, strict=True))
    assert kept == pytest.approx(density * sum(weights))
    total = sum(time(d) for time, d in zip(seconds, densities, strict=True))
    best = brute_force(weights, seconds, density, bounds)
    assert total <= sum(time(density) for time in seconds) + 1e-12
    chord = [lambda d, t=t: t(low) + (t(high) - t(low)) * (d - low) / max(high - low, 1e-12) for t in seconds]
    kink = max(
        time(low + (high - low) * step / 200) - line(low + (high - low) * step / 200)
        for time, line in zip(seconds, chord, strict=True)
        for step in range(201)
    )
    assert best - 1e-9 <= total <= best + 1.05 * kink + 1e-9


def test_by_hand():
    """Three layers of 100 weights, 30 of 300 are kept. The second pays most, the first never (its blocks are slower than dense)."""
    seconds = [lambda d: 1.0, lambda d: 1 + 10 * d, lambda d: 1 + 2 * d]
    assert allocate([100, 100, 100], seconds, 0.1) == pytest.approx([0.2, 0.05, 0.05])
    assert allocate([50, 100, 100], seconds, 0.1) == pytest.approx([0.2, 0.05, 0.1])


@pytest.mark.parametrize(("density", "bounds"), [(0.0, (0.5, 2)), (1.1, (0.5, 2)), (0.5, (1.5, 2)), (0.5, (0.5, 0.9))])
def test_what_cannot_be_dealt_out_is_refused(density, bounds):
    with pytest.raises(ValueError, match="cannot be dealt out"):
        allocate([10, 10], [lambda d: d] * 2, density, bounds)
