"""Continuous scores of one image: how differently two populations vote on it, beyond a modal label that changes or does not.

Counts of votes are int64[M, N]: row m holds the votes for the image's m-th distinct label, the labels of both populations together.
"""

import numpy as np
from scipy import special

from scripts.lib.audit.intervals import UNDEFINED, Estimate
from scripts.lib.audit.modal import Modal, differ, local_codes

FLIPS = ("right to wrong", "wrong to right", "wrong to other wrong")
NO_FLIP = "none"


def vote_counts(dense: np.ndarray, compressed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The votes of both populations by image and label, int64[M, N] twice, from votes int[K, N] and int[L, N].

    The rows of both arrays mean the same label for an image, and another for another image. Raises ValueError for populations of
    other images.
    """
    if dense.shape[1:] != compressed.shape[1:]:
        raise ValueError(
            f"the populations judge {dense.shape[1:]} and {compressed.shape[1:]} images: they must be the same."
        )
    codes, values = local_codes(np.concatenate([dense, compressed]))
    rows = range(len(values))
    before = np.stack([(codes[: len(dense)] == row).sum(axis=0) for row in rows])
    after = np.stack([(codes[len(dense) :] == row).sum(axis=0) for row in rows])
    return before, after


def taxicab(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Taxicab distance of the two distributions of labels, float64[N] in 0..2, from counts int[M, N].

    2010.03058 takes it between label counts; here counts are divided by the number of models, so that studies of different K are
    on one scale. Half of it is the share of votes that would have to change for the distributions to agree.
    """
    return np.abs(_shares(before) - _shares(after)).sum(axis=0)


def jensen_shannon(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Jensen-Shannon divergence of the vote shares in bits, float64[N] in 0..1, from counts int[M, N] (Lin 1991, equation 4.1).

    1 where the populations have no label in common. It is the divergence, not its square root, which is a metric.
    """
    first, second = _shares(before), _shares(after)
    mixed = special.entr((first + second) / 2).sum(axis=0)
    apart = (special.entr(first).sum(axis=0) + special.entr(second).sum(axis=0)) / 2
    return np.clip((mixed - apart) / np.log(2), 0, 1)


def churn_between(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Probability that a random model of each population disagree on the image, float64[N], from counts int[M, N].

    Churn (Milani Fard et al. 2016, NeurIPS), averaged over all pairs of models.
    """
    return 1 - (_shares(before) * _shares(after)).sum(axis=0)


def churn_within(counts: np.ndarray) -> np.ndarray:
    """Probability that two different models of one population disagree on the image, float64[N], from counts int[M, N].

    NaN for a population of one model. For populations that do not differ, churn between them has the expectation of churn within
    them, so the difference is an unbiased estimate of half the squared distance of their distributions.
    """
    models = counts.sum(axis=0)
    pairs = np.where(models > 1, models * (models - 1), np.nan)
    return 1 - (counts * (counts - 1)).sum(axis=0) / pairs


def distances(before: np.ndarray, after: np.ndarray) -> dict[str, np.ndarray]:
    """All scores that count votes, by name, float64[N] each, from counts int[M, N]."""
    between, within = churn_between(before, after), churn_within(after)
    return {
        "taxicab": taxicab(before, after),
        "jensen_shannon": jensen_shannon(before, after),
        "churn_between": between,
        "churn_within": within,
        "churn_excess": (between - (churn_within(before) + within) / 2).round(12) + 0.0,
    }


def left_out_means(
    dense: np.ndarray, compressed: np.ndarray, design: str = "independent"
) -> tuple[dict[str, np.ndarray], ...]:
    """The mean of each of `distances` over images when one model is left out, float64[K] for dense ones and float64[L].

    dense: int[K, N] and compressed: int[L, N] votes, K, L >= 2. In the design `paired` both of a pair are left out together, and there
    is one float64[K].
    """
    total = dense.shape[1]
    contested = ~(np.concatenate([dense, compressed]) == dense[0]).all(axis=0)  # every score of the others is 0
    codes, values = local_codes(np.concatenate([dense, compressed])[:, contested])
    sides = codes[: len(dense)], codes[len(dense) :]
    counts = [np.stack([(side == row).sum(axis=0) for row in range(len(values))]) for side in sides]
    together = [(0, 1)] if design == "paired" else [(0,), (1,)]
    images = np.arange(codes.shape[1])
    means = []
    for populations in together:
        found = []
        for model in range(len(sides[populations[0]])):
            for population in populations:
                counts[population][sides[population][model], images] -= 1
            found.append({name: score.sum() / total for name, score in distances(*counts).items()})
            for population in populations:
                counts[population][sides[population][model], images] += 1
        means.append({name: np.array([each[name] for each in found]) for name in found[0]})
    return tuple(means)


def mean_over_images_and_models(values: np.ndarray, left_out: list[np.ndarray], significance: float) -> Estimate:
    """The mean of values[N], with an interval for other images and other models.

    left_out: for each population that the values depend on, their mean without each of its models, float64[K] (jackknife: Tukey
    1958). The variances over images and over each population's models are added, with Satterthwaite's degrees of freedom; what
    images and models share is counted more than once, so the interval errs towards too wide. NaN if a mean is.
    """
    if not len(values):
        return UNDEFINED
    variances = [values.var() / max(1, len(values) - 1), *((len(means) - 1) * means.var() for means in left_out)]
    degrees = [len(values) - 1, *(len(means) - 1 for means in left_out)]
    value, total = float(values.mean()), sum(variances)
    if total == 0:
        return Estimate(value, value, value)
    freedom = total**2 / sum(v**2 / max(1, d) for v, d in zip(variances, degrees, strict=True))
    half = float(-special.stdtrit(freedom, significance / 2) * np.sqrt(total))
    return Estimate(value, value - half, value + half)


def modal_flips(dense: Modal, compressed: Modal, labels: np.ndarray) -> np.ndarray:
    """What happens to the modal label of each image, str[N]: one of FLIPS, or NO_FLIP where it stays; labels int[N].

    Flips as 2407.09141 ("Accuracy is Not All You Need") counts them, of the population's verdict instead of one model's. The images
    that flip are the PIEs.
    """
    before, after = dense.label == labels, compressed.label == labels
    flips = differ(dense.label, compressed.label)
    conditions = [flips & before, flips & after, flips]
    return np.select(conditions, FLIPS, default=NO_FLIP)


def _shares(counts: np.ndarray) -> np.ndarray:
    return counts / counts.sum(axis=0)
