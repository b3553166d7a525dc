"""What becomes of a network's predictions when some of its layers are compressed: flips, what is lost and gained, PIEs, the worst class.

`before` are the predictions of K uncompressed models for N images and `after` those of the same models with layers compressed, so row k of
both is one network. One model is enough but for PIEs, which are the images on which whole populations disagree.
"""

import math
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from scipy import special

from scripts.lib.audit.crossed import Measure, share_of
from scripts.lib.audit.excess import Excesses
from scripts.lib.audit.intervals import UNDEFINED, Estimate, wilson
from scripts.lib.audit.modal import differ, modal_labels
from scripts.lib.audit.model_variance import FEWEST, HalvedReference, halve, halve_reference
from scripts.lib.audit.multiple import holm

NOBODY = -1  # where no class loses


def share(happened: np.ndarray) -> Measure:
    """How often something happened, a mean over models and images, bool[K, N]; of one or two models the error is that of the images alone.

    Two models tell so little of how models differ that an interval may hold nearly everything, or by luck next to nothing.
    """
    found = share_of("models", happened, np.ones(happened.shape[1], dtype=bool))
    return found if len(happened) >= FEWEST else replace(found, by_model={}, parts={})


def flip_rate(flipped: np.ndarray, significance: float) -> Estimate:
    """The share of predictions that are others, bool[K, N], with an interval for other images and, of three models or more, other models.

    Wilson's interval; of several models for as many independent answers as would vary as much (the effective sample size of Korn & Graubard
    1998), so that it keeps its coverage for a few flips. Without any flip nobody can see how alike the models are, and they count as one; the same where all
    are flipped. NaN without images.
    """
    models, images = flipped.shape
    if images == 0:
        return UNDEFINED
    value = float(flipped.mean())
    variance, degrees = share(flipped).variance
    if models == 1 or variance == 0 or value in (0, 1):
        return wilson(value, images, float(-special.ndtri(significance / 2)))
    effective = min(value * (1 - value) / variance, models * images)
    return wilson(value, effective, float(-special.stdtrit(degrees, significance / 2)))


class Worst(NamedTuple):
    """The class that loses most."""

    label: int  # NOBODY if none loses
    change: float  # of its recall
    p: float  # that its images lose as often as they gain; for all classes (Holm)


def worst_class(right_before: np.ndarray, right_after: np.ndarray, label: np.ndarray, classes: int) -> Worst:
    """The class that loses most recall; right_before, right_after: bool[K, N], label: int[N].

    Each class has an exact sign test of its images, which lose or gain over all models: of one model McNemar's (1947). It is about other
    images and takes the models as they are. Of equal losses the one of smallest p, then of smallest number.
    """
    counts = np.bincount(label, minlength=classes)
    net = right_after.sum(axis=0).astype(np.int64) - right_before.sum(axis=0)
    change = np.full(classes, np.nan)
    np.divide(
        np.bincount(label, weights=net, minlength=classes), counts * len(right_before), out=change, where=counts > 0
    )
    losing, gaining = (np.bincount(label[sign], minlength=classes) for sign in (net < 0, net > 0))
    p = np.minimum(1.0, 2 * special.bdtr(np.minimum(losing, gaining), losing + gaining, 0.5))
    adjusted = holm(np.where(counts > 0, p, np.nan))
    if not np.nanmin(change, initial=0.0) < 0:
        return Worst(NOBODY, math.nan, math.nan)
    worst = int(np.lexsort((np.arange(classes), p, np.nan_to_num(change, nan=np.inf)))[0])
    return Worst(worst, float(change[worst]), float(adjusted[worst]))


@dataclass(frozen=True)
class Reference:
    """What PIEs are held against: the uncompressed models and the control, halved once for all layers."""

    halved: HalvedReference
    before: np.ndarray  # int64[N]: modal labels of the uncompressed models
    control: np.ndarray  # int64[N]: of the control's
    tie_rule: str


def reference_of(before: np.ndarray, control: np.ndarray, random: np.random.Generator, tie_rule: str) -> Reference:
    """before: int[K, N], control: int[L, N] votes, K and L at least 2; random: of the halves."""
    modal = (modal_labels(votes, tie_rule).label for votes in (before, control))
    return Reference(halve_reference(before, control, random, "paired", tie_rule), *modal, tie_rule)


def excess_pies(reference: Reference, after: np.ndarray, random: np.random.Generator, significance: float) -> Estimate:
    """How much oftener the control contradicts the compressed models, int[K, N] votes, than the uncompressed ones they were made of.

    The excess of a paired level. Its interval is for other images and other models, so it needs three of them.
    """
    contradicted = differ(modal_labels(after, reference.tie_rule).label, reference.control).astype(np.float64)
    differences = contradicted - differ(reference.before, reference.control)
    everything = np.ones((1, len(differences)), dtype=bool)
    halves = halve(reference.halved, after, everything, random, reference.tie_rule)
    return Excesses(differences, everything, halves, np.full(1, math.nan), 1.0, significance).of(0).estimate
