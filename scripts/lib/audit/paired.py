"""Exact tests of one image for models in pairs, before compression and after it: does compression move their votes one way?

Under the null hypothesis the two of a pair are exchangeable and the pairs independent, so all 2 ** K ways to swap them are equally
probable. All are counted, none is sampled. Pairs that vote alike do not matter.
"""

import math
from collections import Counter, defaultdict

import numpy as np
from scipy import special

# States that the count of one image may take; with more its p-value is NaN. Some ten pairs on some ten labels need hundreds.
STATES = 2**18

Edges = tuple[
    tuple[int, int, int], ...
]  # two labels, and how many pairs of models voted for the one and then for the other


def paired_right_test(right_before: np.ndarray, right_after: np.ndarray) -> np.ndarray:
    """Two-sided p-value, float64[N], that a pair loses the right label as often as it finds it (exact McNemar test, 1947).

    right_before, right_after: bool[K, N], row i of both the same checkpoint.
    """
    lost = (right_before & ~right_after).sum(axis=0)
    found = (right_after & ~right_before).sum(axis=0)
    return np.minimum(1.0, 2 * special.bdtr(np.minimum(lost, found), lost + found, 0.5))


def paired_taxicab_test(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """p-value, float64[N], of the taxicab distance between the votes before and after, int[K, N] each, row i the same checkpoint.

    The share of all ways to swap within pairs that bring at least the observed distance. K pairs cannot bring less than
    2 ** (1 - K). NaN where the count would need more than STATES states.
    """
    if before.shape != after.shape:
        raise ValueError(f"votes {before.shape} and {after.shape} are not of the same models and images.")
    p = np.ones(before.shape[1])
    tails: dict[Edges, dict[int, float]] = {}
    changed = before != after
    for image in np.flatnonzero(changed.sum(axis=0) > 1):  # one pair gives the same distance either way
        pairs = list(
            zip(before[changed[:, image], image].tolist(), after[changed[:, image], image].tolist(), strict=True)
        )
        edges = _edges(pairs)
        if edges not in tails:
            tails[edges] = _distances(edges)
        moved = Counter(label for label, _ in pairs)
        moved.subtract(label for _, label in pairs)
        distance = sum(map(abs, moved.values()))
        ways = tails[edges]
        p[image] = min(1.0, sum(share for at, share in ways.items() if at >= distance)) if ways else math.nan
    return p


def _edges(pairs: list[tuple[int, int]]) -> Edges:
    """The labels between which pairs changed, renamed from 0 so that images that differ in names only have the same edges."""
    among = Counter((min(pair), max(pair)) for pair in pairs)
    degree: Counter[int] = Counter()
    for labels, count in among.items():
        for label in labels:
            degree[label] += count
    rank = {label: rank for rank, label in enumerate(sorted(degree, key=lambda label: (degree[label], label)))}
    renamed = ((*sorted((rank[first], rank[second])), count) for (first, second), count in among.items())
    return tuple(sorted(renamed))


def _distances(edges: Edges) -> dict[int, float]:
    """The distribution of the summed absolute changes of the labels' votes over all swaps; empty if it needs too many states.

    Label by label, those with few neighbours first: when all its edges have been dealt with, a label's change is final and only its
    size is kept. A state is the sum of those sizes and the changes of the labels that are still open.
    """
    left = dict(((first, second), count) for first, second, count in edges)
    open_ = {label for labels in left for label in labels}
    states: dict[tuple[int, tuple[tuple[int, int], ...]], float] = {(0, ()): 1.0}
    while open_:
        label = min(open_, key=lambda each: (sum(each in labels for labels in left), each))
        for labels in [labels for labels in left if label in labels]:
            count = left.pop(labels)
            (other,) = set(labels) - {label}
            grown: defaultdict[tuple[int, tuple[tuple[int, int], ...]], float] = defaultdict(float)
            for (total, changes), share in states.items():
                for one_way in range(count + 1):
                    net = 2 * one_way - count
                    now = dict(changes)
                    now[label] = now.get(label, 0) + net
                    now[other] = now.get(other, 0) - net
                    grown[total, tuple(sorted(now.items()))] += share * math.comb(count, one_way) / 2**count
            states = grown
            if len(states) > STATES:
                return {}
        folded: defaultdict[tuple[int, tuple[tuple[int, int], ...]], float] = defaultdict(float)
        for (total, changes), share in states.items():
            rest = dict(changes)
            folded[total + abs(rest.pop(label)), tuple(sorted(rest.items()))] += share
        states = folded
        open_.remove(label)
    return {total: share for (total, _), share in states.items()}
