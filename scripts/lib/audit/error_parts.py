"""What makes the excess of PIEs over the control uncertain, as a law of the numbers of images and of models, from the models there are.

The squared standard error is v(K) / n + m / K for n images and K models. v(K) is the variance of one image's excess: an image counts where
the models are at odds, and of these the fewer stay undecided the more models vote, about one in the square root of K. m is what models
alone are to blame for, the same for any K, as it is for means over models. Neither needs a compressed model: uncompressed ones are dealt
to three populations of which one plays the level.
"""

from dataclasses import dataclass

import numpy as np

from scripts.lib.audit.deals import modes_of_every_image
from scripts.lib.audit.modal import PAPERS_RULE, differ, modal_labels
from scripts.lib.audit.model_variance import twice_excess
from scripts.lib.audit.pies import dealt_pies

# Uncompressed ones: two disjoint triples, each of a dense, a control and a compressed population of one model.
FEWEST_MODELS = 6
SUBSETS, DEALS = 10, 40  # of the models for the part of images, and of each of them
SPLITS = 100  # ways to part the models, for their part
TOGETHER = 20  # splits whose labels are in memory at once

# For plans before anything is trained. Of networks that were looked at, with a churn of 19 to 27 %, v(K) is 0.47 to 0.55 of the churn over the
# square root of K from three models on, and m 0.0006 to 0.0011 of its square: benchmarks/plan_laws.py. The larger of both.
IMAGES_OF_CHURN, MODELS_OF_CHURN = 0.55, 0.0011


@dataclass(frozen=True)
class ErrorParts:
    """The law of one kind of level."""

    sizes: np.ndarray  # int64[S]: numbers of models at which v was measured, ascending
    images: np.ndarray  # float64[S]: v at these
    models: float  # m; an unbiased estimate, so it can be below 0
    freedom: float  # with how many degrees m is known; infinite where it is assumed
    exponent: float = 0.5  # v falls with this power of K

    def of_images(self, models: int) -> float:
        """v(K): between the measured numbers of models by interpolation of what the power leaves, beyond them as the power says."""
        scaled = self.images * self.sizes**self.exponent
        return float(np.interp(np.log(models), np.log(self.sizes), scaled) / models**self.exponent)


def assumed(churn: float) -> ErrorParts:
    """The law where only the churn is known, the share of images on which two models disagree; the rest as networks have it that were looked at."""
    return ErrorParts(np.array([1]), np.array([IMAGES_OF_CHURN * churn]), MODELS_OF_CHURN * churn**2, np.inf)


def of_uncompressed(votes: np.ndarray, random: np.random.Generator, tie_rule: str = PAPERS_RULE) -> ErrorParts:
    """The law of levels with seeds of their own, from votes int[M, N] of models that nothing distinguishes, dense or control.

    Raises ValueError for fewer than six models.
    """
    models = len(votes)
    if models < FEWEST_MODELS:
        raise ValueError(f"{models} models are too few: there must be {FEWEST_MODELS}.")
    sizes = odd_sizes(models // 3)
    images = [np.mean([_variance(votes, size, random, tie_rule) for _ in range(SUBSETS)]) for size in sizes]
    half = 3 if models >= 3 * FEWEST_MODELS else 1
    shared = []
    for members in _parted(models, half, 6, random):
        labels = modes_of_every_image(votes, members.reshape(-1, models), tie_rule).reshape(2, 3, -1, votes.shape[1])
        shared.append(_shared(*(twice_excess(*each, "independent") for each in labels)))
    return ErrorParts(np.array(sizes), np.array(images), _of_models(shared, half), models - 1)


def of_paired(
    dense: np.ndarray,
    compressed: np.ndarray,
    control: np.ndarray,
    random: np.random.Generator,
    tie_rule: str = PAPERS_RULE,
) -> ErrorParts:
    """The law of a level made of the dense models: votes int[K, N] of both, row i the same model, and int[L, N] of the control.

    Which images tip when the same models are compressed hangs on how far they are moved, hardly on K: v is measured up to K and then taken
    to stay. What the level's own excess adds to it is taken off: planning adds that of the excess in question. Raises ValueError for
    fewer than two models.
    """
    models = min(len(dense), len(control))
    if models < 2 or dense.shape != compressed.shape:
        raise ValueError(
            f"{dense.shape} dense, {compressed.shape} compressed and {control.shape} control votes: a plan needs two pairs."
        )
    sizes, images = odd_sizes(models), []
    for size in sizes:
        found = []
        for _ in range(SUBSETS):
            pairs, others = (random.permutation(len(each))[:size] for each in (dense, control))
            before, after, reference = (
                modal_labels(each, tie_rule).label for each in (dense[pairs], compressed[pairs], control[others])
            )
            excess = differ(reference, after).astype(np.float64) - differ(reference, before)
            found.append(max(0.0, excess.var() - abs(excess.mean())))
        images.append(np.mean(found))
    half, shared = 3 if models >= 6 else 1, []
    for pairs, others in zip(_parted(len(dense), half, 2, random), _parted(len(control), half, 2, random), strict=True):
        labels = [
            np.stack([modes_of_every_image(each, part, tie_rule) for part in members])
            for each, members in ((dense, pairs), (control, others), (compressed, pairs))
        ]
        shared.append(_shared(*(twice_excess(*(each[part] for each in labels), "paired") for part in range(2))))
    return ErrorParts(np.array(sizes), np.array(images), _of_models(shared, half), len(dense) - 1, exponent=0.0)


def odd_sizes(most: int) -> list[int]:
    """Odd numbers of models up to `most`, each about half as large again as the one before: even ones bring ties, which matter with few models."""
    sizes = {int(1.5**step) // 2 * 2 + 1 for step in range(20)}
    return sorted(size for size in sizes if size <= most)


def _variance(votes: np.ndarray, size: int, random: np.random.Generator, tie_rule: str) -> float:
    """Of an image's excess between three populations of `size` models, as the audit makes it."""
    chosen = random.permutation(len(votes))[: 3 * size].reshape(3, size)
    dense, control, level = (votes[each] for each in chosen)
    dealt, chance = dealt_pies(dense, control, modal_labels(level, tie_rule).label[None], DEALS, random, tie_rule)
    return float((dealt[0] - chance).var())


def _parted(models: int, size: int, parts: int, random: np.random.Generator) -> list[np.ndarray]:
    """Who is in each of disjoint parts of so many models, bool[parts, TOGETHER, models], several times."""
    order = random.random((SPLITS, models)).argsort(axis=1)
    members = np.stack([(order >= part * size) & (order < (part + 1) * size) for part in range(parts)])
    return np.split(members, SPLITS // TOGETHER, axis=1)


def _shared(one: np.ndarray, other: np.ndarray) -> float:
    """The mean product of the difference of two halves' twice excesses, int8[P, N] each, on two different images: nothing of one image's own."""
    difference = (one - other).astype(np.float32)
    n = difference.shape[1]
    sums, squares = ((difference**power).sum(axis=1, dtype=np.float64) for power in (1, 2))
    return float((sums**2 - squares).mean() / (n * (n - 1)))


def _of_models(shared: list[float], half: int) -> float:
    """m: the difference of two halves varies twice as much as one, and four times as that is twice the excess."""
    return float(np.mean(shared)) / 8 * half
