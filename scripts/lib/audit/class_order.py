"""Are a network's classes in the order of the labels? If another order explains its votes far better, they are not."""

from dataclasses import dataclass

import numpy as np
from scipy import special

LIFT = 2  # times as many must be right in the other order


@dataclass(frozen=True)
class ClassOrder:
    """How well the votes of one model agree with the labels as they are, and with classes in the best other order."""

    images: int  # that both numbers are of, none of which chose the order
    top1: float  # the mean over classes of the share that is right; NaN without images
    reordered: float  # the same in the other order
    output: np.ndarray  # int64[C]: the output that stands for each class in that order
    p: float  # one-sided, that the other order is right no more often (exact sign test of the images right in one order only)

    def explains(self, significance: float) -> bool:
        """Whether the other order makes at least LIFT times as many right, and not by chance."""
        return self.p < significance and self.reordered >= LIFT * self.top1


def class_order(votes: np.ndarray, labels: np.ndarray, classes: int) -> ClassOrder:
    """The order of classes that explains votes best.

    votes, labels: int[N] in 0..C-1. Every other image of a class chooses the order: that one which makes most of them right (an assignment
    problem; Kuhn 1955), each class counting the same, so that a model which always says one class gains nothing by renaming it. The
    images between them judge it. Classes without images keep their output where it is free. Raises ValueError for other numbers.
    """
    from scipy.optimize import linear_sum_assignment  # slow to import, and jobs that train seldom need it

    votes, labels = np.asarray(votes, dtype=np.int64), np.asarray(labels, dtype=np.int64)
    if votes.shape != labels.shape or any(((v < 0) | (v >= classes)).any() for v in (votes, labels)):
        raise ValueError(f"votes and labels must be as many, and whole numbers from 0 to {classes - 1}.")
    turn = np.empty(len(labels), dtype=np.int64)  # how many images of its class come before an image
    order = np.argsort(labels, kind="stable")
    _, first, counts = np.unique(labels[order], return_index=True, return_counts=True)
    turn[order] = np.arange(len(labels)) - np.repeat(first, counts)
    choosing = turn % 2 == 0
    share = _per_class(labels[choosing], classes)
    # Confusions, rows that sum to 1; where several orders are as good, the one that leaves most outputs in place.
    confusion = np.eye(classes) * 1e-9
    np.add.at(confusion, (labels[choosing], votes[choosing]), share)
    output = linear_sum_assignment(confusion, maximize=True)[1]
    judged, seen = labels[~choosing], votes[~choosing]
    right, reordered = seen == judged, seen == output[judged]
    gained, lost = int((reordered & ~right).sum()), int((right & ~reordered).sum())
    weight = _per_class(judged, classes) / max(1, len(np.unique(judged)))
    return ClassOrder(
        images=len(judged),
        top1=float((right * weight).sum()) if len(judged) else np.nan,
        reordered=float((reordered * weight).sum()) if len(judged) else np.nan,
        output=output,
        p=float(special.bdtrc(gained - 1, gained + lost, 0.5)) if gained else 1.0,
    )


def _per_class(labels: np.ndarray, classes: int) -> np.ndarray:
    """1 / the images of its class for each image, float64[N]."""
    return 1 / np.bincount(labels, minlength=classes)[labels]


def no_information(votes: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    """The share right of always saying the most frequent class, and the exact one-sided p-value that votes are right no more often.

    votes, labels: int[N]. The binomial test against the no information rate, as caret's confusionMatrix has it. NaN without images.
    """
    votes, labels = np.asarray(votes), np.asarray(labels)
    n = len(labels)
    if n == 0:
        return np.nan, np.nan
    rate = np.unique(labels, return_counts=True)[1].max() / n
    right = int((votes == labels).sum())
    return float(rate), float(special.bdtrc(right - 1, n, rate)) if right and rate < 1 else 1.0
