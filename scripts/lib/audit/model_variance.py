"""How far the excess over the control would move with other models, estimated from halves of those there are.

An interval over images takes the models as they are. Errors of networks are correlated between similar images: a model that is odd on
one is odd on others like it, so the luck of K models does not shrink with the number of images, and on many images it is most of the
error. Two disjoint halves of the models have two excesses; what the difference of these has in common between *different* images is of
the models alone, because images are drawn independently. So it is measured by the products of the difference on pairs of different
images, in which nothing of one image's own luck is left.
"""

from dataclasses import dataclass

import numpy as np

from scripts.lib.audit.deals import modes_of_every_image
from scripts.lib.audit.modal import PAPERS_RULE, differ

FEWEST = 3  # models of a population; two bring one degree of freedom, and an estimate that is 0 too often to rely on
SPLITS = 40  # random ways to halve the models; they share models, so more of them add little


@dataclass(frozen=True)
class HalvedReference:
    """Modal labels of two disjoint halves of the dense and of the control models, for S ways to halve them."""

    design: str
    dense: np.ndarray  # int32[2, S, N]: of one half and the other
    control: np.ndarray  # int32[2, S, N]
    pairs: (
        np.ndarray | None
    )  # bool[2, S, K]: which pairs are in the halves, where the dense models have partners in the level
    models: int  # the smaller of both populations
    share: float  # of a population that one of its halves is


@dataclass(frozen=True)
class Halves:
    """The difference of the excesses of two disjoint halves of the models, summed over the images of each of G groups.

    Twice the excess, so that all are whole numbers.
    """

    sums: np.ndarray  # float64[S, G]: over images, of S splits
    squares: np.ndarray  # float64[S, G]: its squares summed over images
    images: np.ndarray  # int64[G]
    models: int  # K, of the smallest population
    share: float  # of a population that one of its halves is

    def variance(self, group: int, reference: int | None = None) -> float:
        """The variance of a group's mean excess over other models, or that of its difference to another group without common images.

        Can be below 0, as unbiased estimates of small variances are; NaN with one image or two models. A mean over models varies
        with 1 / K, and so does the excess, which hangs on the distance of two such means.
        """
        if self.models < FEWEST:
            return float("nan")
        found = self._shared(group)
        if reference is not None:
            both = self.sums[:, group] * self.sums[:, reference] / (self.images[group] * self.images[reference])
            found += self._shared(reference) - 2 * float(both.mean())
        # The difference of two halves varies twice as much as one of them; 4: the sums are of twice the excess.
        return found / 4 / 2 * self.share

    def _shared(self, group: int) -> float:
        """The mean product of the difference on two different images."""
        n = int(self.images[group])
        if n < 2:
            return float("nan")
        return float((self.sums[:, group] ** 2 - self.squares[:, group]).mean() / (n * (n - 1)))


def halve_reference(
    dense: np.ndarray,
    control: np.ndarray,
    random: np.random.Generator,
    design: str = "independent",
    tie_rule: str = PAPERS_RULE,
    splits: int = SPLITS,
) -> HalvedReference:
    """Halve what levels of a design are held against; dense, control: int[K, N] and int[L, N] votes.

    Independent: the dense and the control models, which nothing distinguishes, are pooled and dealt to two halves of both populations.
    Paired: dense models and their partners in the level stay together, so halves are of pairs; the control is halved by itself.
    Populations of three models have halves of one.
    """
    models = min(len(dense), len(control))
    if design == "paired":
        pairs, others = (_disjoint(len(votes), len(votes) // 2, 2, splits, random) for votes in (dense, control))
        labels = [
            np.stack([modes_of_every_image(votes, members, tie_rule) for members in halves])
            for votes, halves in ((dense, pairs), (control, others))
        ]
        share = max(len(votes) // 2 / len(votes) for votes in (dense, control))
        return HalvedReference(design, *labels, pairs, models, share)
    pool = np.concatenate([dense, control])
    quarter = len(pool) // 4
    parts = _disjoint(len(pool), quarter, 4, splits, random)
    labels = modes_of_every_image(pool, np.concatenate(parts), tie_rule).reshape(4, splits, -1)
    return HalvedReference(design, labels[:2], labels[2:], None, models, quarter / (len(pool) / 2))


def halve(
    reference: HalvedReference,
    compressed: np.ndarray,
    groups: np.ndarray,
    random: np.random.Generator,
    tie_rule: str = PAPERS_RULE,
) -> Halves:
    """Halve a level, int[M, N] votes, as often as its reference, for groups bool[G, N] of images."""
    splits, half = reference.dense.shape[1], len(compressed) // 2
    members = reference.pairs if reference.pairs is not None else _disjoint(len(compressed), half, 2, splits, random)
    labels = modes_of_every_image(compressed, np.concatenate(members), tie_rule).reshape(2, splits, -1)
    one, other = (
        twice_excess(*each, reference.design) for each in zip(reference.dense, reference.control, labels, strict=True)
    )
    difference = (one - other).astype(np.float32)
    inside = np.asarray(groups, dtype=bool).T.astype(np.float32)
    sums, squares = ((difference**power @ inside).astype(np.float64) for power in (1, 2))
    models = min(reference.models, len(compressed))
    return Halves(
        sums, squares, inside.sum(axis=0).astype(np.int64), models, max(reference.share, half / len(compressed))
    )


def twice_excess(dense: np.ndarray, control: np.ndarray, compressed: np.ndarray, design: str) -> np.ndarray:
    """Twice the excess over the control on each image, int8 from -2 to 2, from modal labels of any one shape."""
    against_control = differ(compressed, control).astype(np.int8)
    of_control = differ(dense, control).astype(np.int8)
    if design == "paired":
        return 2 * (against_control - of_control)
    return against_control + differ(compressed, dense) - 2 * of_control


def _disjoint(models: int, size: int, parts: int, splits: int, random: np.random.Generator) -> np.ndarray:
    """Who is in each of disjoint parts of so many models, bool[parts, splits, models]."""
    members = np.zeros((parts, splits, models), dtype=bool)
    for split in range(splits):
        order = random.permutation(models)
        for part in range(parts):
            members[part, split, order[part * size : (part + 1) * size]] = True
    return members
