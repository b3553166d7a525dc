"""Continuous scores of one image: how differently two populations vote on it, beyond a modal label that changes or does not.

Counts of votes are int64[M, N]: row m holds the votes for the image's m-th distinct label, the labels of both populations together.
"""

import numpy as np
from scipy import special

from scripts.lib.audit.crossed import Measure, jackknifed
from scripts.lib.audit.modal import Modal, differ, local_codes

FLIPS = ("right to wrong", "wrong to right", "wrong to other wrong")
NO_FLIP = "none"
SCORES = ("taxicab", "jensen_shannon", "churn_between", "churn_within", "churn_excess")


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


def paired_churn(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """The share of the models that change their prediction, float64[N]; votes int[K, N] each, row i the same checkpoint before and after.

    The churn of checkpoints: 0 where compression changes nothing, however much the checkpoints differ from each other.
    """
    if before.shape != after.shape:
        raise ValueError(f"votes {before.shape} and {after.shape} are not of the same models and images.")
    return (before != after).mean(axis=0)


def churn_within(counts: np.ndarray) -> np.ndarray:
    """Probability that two different models of one population disagree on the image, float64[N], from counts int[M, N].

    NaN for a population of one model. For populations that do not differ, churn between them has the expectation of churn within
    them, so the difference is an unbiased estimate of half the squared distance of their distributions.
    """
    models = counts.sum(axis=0)
    pairs = np.where(models > 1, models * (models - 1), np.nan)
    return 1 - (counts * (counts - 1)).sum(axis=0) / pairs


def distances(before: np.ndarray, after: np.ndarray, churn: np.ndarray | None = None) -> dict[str, np.ndarray]:
    """All scores that count votes, by name, float64[N] each, from counts int[M, N].

    churn: `paired_churn` of a paired level, which stands for the churn between the populations. No luck of seeds is in it, so there is
    nothing to take off it, and the churn beyond that within is NaN.
    """
    within = churn_within(after)
    between = churn_between(before, after) if churn is None else churn
    beyond = between - (churn_within(before) + within) / 2 if churn is None else np.full(len(between), np.nan)
    return {
        "taxicab": taxicab(before, after),
        "jensen_shannon": jensen_shannon(before, after),
        "churn_between": between,
        "churn_within": within,
        "churn_excess": beyond.round(12) + 0.0,
    }


def score_measures(dense: np.ndarray, compressed: np.ndarray, level: str, paired: bool = False) -> dict[str, Measure]:
    """The mean of each of `distances` over images, for other images and models.

    dense: int[K, N] and compressed: int[L, N] votes, K, L >= 2. The populations are called `dense` and `level`; of a paired level both
    of a pair are one model, of `dense`, and are left out together.
    """
    total = dense.shape[1]
    contested = ~(np.concatenate([dense, compressed]) == dense[0]).all(axis=0)  # every score of the others is 0
    votes = [side[:, contested] for side in (dense, compressed)]
    codes, _ = local_codes(np.concatenate(votes))
    sides = codes[: len(dense)], codes[len(dense) :]
    counts = [np.stack([(side == row).sum(axis=0) for row in range(codes.max(initial=0) + 1)]) for side in sides]
    changed = votes[0] != votes[1] if paired else None
    images = np.arange(codes.shape[1])

    def without(who: tuple[int, ...], model: int | None) -> dict[str, np.ndarray]:
        """The scores of all images without one model of some of the populations."""
        left = [side.copy() for side in counts]
        for population in who:
            left[population][sides[population][model], images] -= 1
        kept = changed if model is None or changed is None else np.delete(changed, model, axis=0)
        found = {name: np.zeros(total) for name in SCORES}
        for name, score in distances(*left, None if kept is None else kept.mean(axis=0)).items():
            found[name][contested] = score
        if paired:
            found["churn_excess"][:] = np.nan
        return found

    left_out = {
        population: [without(who, model) for model in range(len(sides[who[0]]))]
        for population, who in ({"dense": (0, 1)} if paired else {"dense": (0,), level: (1,)}).items()
    }
    return {
        name: jackknifed(
            values, {population: np.stack([each[name] for each in found]) for population, found in left_out.items()}
        )
        for name, values in without((), None).items()
    }


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
