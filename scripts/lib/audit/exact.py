"""Exact tests of one image, for all images at once: do the models of two populations vote differently on it?

Both are permutation tests. Under the null hypothesis all K + L models are exchangeable, so that every way of dealing the votes that
the image got to K and to L models is equally probable. All of them are counted, none is sampled: the p-values are exact and the
same in every run.
"""

import math

import numpy as np
from scipy import special

# As much is allowed for rounding when probabilities are compared, as scipy.stats.fisher_exact does.
TOLERANCE = 1e-7
# Numbers held at once by `taxicab_test`: bounds its memory to a few hundred MB, whatever K and N are.
ROOM = 2**23


def fisher_exact(
    right_before: np.ndarray, models_before: int, right_after: np.ndarray, models_after: int
) -> np.ndarray:
    """Two-sided p-value, float64[N], that as many models of each population are right about an image (Fisher 1935).

    right_before, right_after: int[N], of models_before and models_after. The number of right models in one population is
    hypergeometric given the number in both; all tables that are no more probable than the image's own count against it.
    """
    before, after = np.arange(models_before + 1)[:, None], np.arange(models_after + 1)
    log_probability = (
        _log_binomial(models_before, before)
        + _log_binomial(models_after, after)
        - _log_binomial(models_before + models_after, before + after)
    )
    probability = np.exp(log_probability)
    p = np.empty(probability.shape)
    for right in range(models_before + models_after + 1):
        rows = np.arange(max(0, right - models_after), min(models_before, right) + 1)
        of_tables = probability[rows, right - rows]
        extreme = of_tables <= of_tables[:, None] * (1 + TOLERANCE)
        p[rows, right - rows] = np.minimum(1.0, (extreme * of_tables).sum(axis=1))
    return p[right_before, right_after]


def taxicab_test(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """p-value, float64[N], that the votes on an image are dealt at random, by the taxicab distance of the two populations.

    before, after: counts int[M, N] as `vote_counts` makes them, the same number of models for every image. The p-value is the
    share of all ways to deal the pooled votes that bring at least the observed distance. It depends on the pooled counts in any
    order only, so it is worked out once for each set of counts that occurs.
    """
    first, second = _models(before), _models(after)
    if before.shape[1] == 0:
        return np.empty(0)
    divisor = math.gcd(first, second)
    unit, other_unit = second // divisor, first // divisor
    # Differences of shares add up to 0, so the distance is twice what is gained: here as a whole number of 1 / lcm(K, L).
    gained = np.maximum(unit * before - other_unit * after, 0).sum(axis=0)
    profiles, profile = np.unique(-np.sort(-(before + after), axis=0).T, axis=0, return_inverse=True)
    by_length = np.argsort((profiles > 0).sum(axis=1), kind="stable")
    tails = np.empty((len(profiles), first * unit + 1))
    together = max(1, ROOM // ((first + 1) * (first * unit + 1)))
    for start in range(0, len(profiles), together):
        rows = by_length[start : start + together]
        tails[rows] = _tails(profiles[rows], first, unit, other_unit)
    return np.minimum(tails[profile.reshape(-1), gained], 1.0)


def _tails(profiles: np.ndarray, first: int, unit: int, other_unit: int) -> np.ndarray:
    """P(gained >= h) for every h, float64[U, first * unit + 1]; profiles: int[U, M], pooled counts in descending order.

    Label by label: ways[u, k, h] is proportional to the number of ways in which the labels so far give k votes to the first
    population and a gain of h. Profiles that begin alike share the beginning.
    """
    size = first * unit + 1
    ways = np.zeros((1, first + 1, size))
    ways[0, 0, 0] = 1
    node = np.zeros(len(profiles), dtype=np.int64)
    for counts in profiles[:, : (profiles > 0).any(axis=0).sum()].T:
        prefixes, node = np.unique(np.stack([node, counts]), axis=1, return_inverse=True)
        node = node.reshape(-1)
        grown = np.empty((prefixes.shape[1], first + 1, size))
        for votes in np.unique(prefixes[1]).tolist():
            rows = np.flatnonzero(prefixes[1] == votes)
            old = ways[prefixes[0, rows]]
            new = np.zeros_like(old)
            for inside in range(min(votes, first) + 1):
                step = max(0, unit * inside - other_unit * (votes - inside))
                # Over 2 ** votes, which is the same for all ways to deal, so that nothing overflows for any K.
                weight = math.comb(votes, inside) / 2**votes
                new[:, inside:, step:] += weight * old[:, : first + 1 - inside, : size - step]
            grown[rows] = new
        ways = grown
    dealt = ways[node, first]
    return dealt[:, ::-1].cumsum(axis=1)[:, ::-1] / dealt.sum(axis=1, keepdims=True)


def _models(counts: np.ndarray) -> int:
    models = np.unique(counts.sum(axis=0))
    if len(models) > 1 or 0 in models:
        raise ValueError("every image needs a vote of every model, and of one model at least.")
    return int(models[0]) if len(models) else 0


def _log_binomial(n: int, k: np.ndarray) -> np.ndarray:
    return special.gammaln(n + 1) - special.gammaln(k + 1) - special.gammaln(n - k + 1)
