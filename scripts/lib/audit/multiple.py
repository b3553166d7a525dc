"""Many tests at once."""

import numpy as np


def benjamini_hochberg(p: np.ndarray) -> np.ndarray:
    """Adjusted p-values, float64[n], from p-values float64[n]; NaN is no test and stays NaN.

    Calling a finding whatever is at most q keeps the expected share of false findings at q, for independent or positively
    dependent tests (Benjamini & Hochberg 1995; Benjamini & Yekutieli 2001).
    """
    p = np.asarray(p, dtype=np.float64)
    adjusted = np.full(p.shape, np.nan)
    tested = np.flatnonzero(~np.isnan(p))
    order = tested[np.argsort(p[tested], kind="stable")]
    scaled = p[order] * len(order) / np.arange(1, len(order) + 1)
    adjusted[order] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0)
    return adjusted


def holm(p: np.ndarray) -> np.ndarray:
    """Adjusted p-values, float64[n], from p-values float64[n]; NaN is no test and stays NaN.

    Calling a finding whatever is at most alpha keeps the probability of even one false finding at alpha, however the tests depend
    on each other (Holm 1979).
    """
    p = np.asarray(p, dtype=np.float64)
    adjusted = np.full(p.shape, np.nan)
    tested = np.flatnonzero(~np.isnan(p))
    order = tested[np.argsort(p[tested], kind="stable")]
    scaled = p[order] * np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(scaled), 1.0)
    return adjusted
