"""How far the excess over the control would move with other models, estimated from halves of those there are.

An interval over images takes the models as they are. Errors of networks are correlated between similar images: a model that is odd on
one is odd on others like it, so the luck of K models does not shrink with the number of images, and on many images it is most of the
error. Two disjoint halves of the models have two excesses; what the difference of these has in common between *different* images is of
the models alone, because images are drawn independently. So it is measured by the products of the difference on pairs of different
images, in which nothing of one image's own luck is left.
"""

from dataclasses import dataclass

import numpy as np

from scripts.lib.audit.deals import modes_of_subsets
from scripts.lib.audit.modal import PAPERS_RULE, differ

SPLITS = 40  # random ways to halve the models; they share models, so more of them add little


@dataclass(frozen=True)
class Halves:
    """The difference of the excesses of two disjoint halves of the models, summed over the images of each of G groups.

    Twice the excess, so that all are whole numbers.
    """

    sums: np.ndarray  # float64[S, G]: over images, of S splits
    squares: np.ndarray  # float64[S, G]: its squares summed over images
    images: np.ndarray  # int64[G]
    models: int  # K, the smallest of the three populations
    half: int  # models of one half of a population

    def variance(self, group: int, reference: int | None = None) -> float:
        """The variance of a group's mean excess over other models, or that of its difference to another group without common images.

        Can be below 0, as unbiased estimates of small variances are; NaN with one image. A mean over models varies with 1 / K, and
        so does the excess, which hangs on the distance of two such means.
        """
        found = self._shared(group)
        if reference is not None:
            both = self.sums[:, group] * self.sums[:, reference] / (self.images[group] * self.images[reference])
            found += self._shared(reference) - 2 * float(both.mean())
        # The difference of two halves varies twice as much as one of them; 4: the sums are of twice the excess.
        return found / 4 / 2 * self.half / self.models

    def _shared(self, group: int) -> float:
        """The mean product of the difference on two different images."""
        n = int(self.images[group])
        if n < 2:
            return float("nan")
        return float((self.sums[:, group] ** 2 - self.squares[:, group]).mean() / (n * (n - 1)))


def halve(
    dense: np.ndarray,
    control: np.ndarray,
    compressed: np.ndarray,
    groups: np.ndarray,
    random: np.random.Generator,
    design: str = "independent",
    tie_rule: str = PAPERS_RULE,
    splits: int = SPLITS,
) -> Halves:
    """Excesses of disjoint halves of the models, for many ways to halve them.

    dense, control, compressed: int[K, N] votes, of other numbers of models too; groups: bool[G, N]. Independent: the dense and the
    control models, which nothing distinguishes, are pooled and dealt to two halves of both populations. Paired: row i of dense and
    compressed is the same checkpoint, so halves are of pairs, and the control is halved by itself. Populations of two or three have
    halves of one model.
    """
    models = min(len(dense), len(control), len(compressed))
    half = models // 2
    votes = np.concatenate([dense, control, compressed])
    sizes = len(dense), len(control), len(compressed)
    chosen = [HALVES[design](sizes, half, random) for _ in range(splits)]
    subsets = [np.zeros((splits, len(votes)), dtype=bool) for _ in range(6)]
    for split, parts in enumerate(chosen):
        for members, part in zip(subsets, parts, strict=True):
            members[split, part] = True
    groups = np.asarray(groups, dtype=bool)
    sums, squares = np.zeros((splits, len(groups))), np.zeros((splits, len(groups)))
    for images, labels in modes_of_subsets(votes, subsets, tie_rule):
        difference = twice_excess(*labels[:3], design) - twice_excess(*labels[3:], design)
        inside = groups[:, images].T.astype(np.float64)
        sums += difference @ inside
        squares += difference.astype(np.float64) ** 2 @ inside
    return Halves(sums, squares, groups.sum(axis=1), models, half)


def twice_excess(dense: np.ndarray, control: np.ndarray, compressed: np.ndarray, design: str) -> np.ndarray:
    """Twice the excess over the control on each image, int8 from -2 to 2, from modal labels of any one shape."""
    against_control = differ(compressed, control).astype(np.int8)
    of_control = differ(dense, control).astype(np.int8)
    if design == "paired":
        return 2 * (against_control - of_control)
    return against_control + differ(compressed, dense) - 2 * of_control


def _halves_of_all(sizes: tuple[int, int, int], half: int, random: np.random.Generator) -> list[np.ndarray]:
    dense, control, compressed = sizes
    pool, level = random.permutation(dense + control), dense + control + random.permutation(compressed)
    parts = [pool[place * half : (place + 1) * half] for place in range(4)]
    return [*parts[:2], level[:half], *parts[2:], level[half : 2 * half]]


def _halves_of_pairs(sizes: tuple[int, int, int], half: int, random: np.random.Generator) -> list[np.ndarray]:
    dense, control, _ = sizes
    pairs, others = random.permutation(dense), dense + random.permutation(control)
    first, second = pairs[:half], pairs[half : 2 * half]
    level = dense + control
    return [first, others[:half], level + first, second, others[half : 2 * half], level + second]


# Design -> who is in each half: positions of the dense, control and level models of the one and of the other.
HALVES = {"independent": _halves_of_all, "paired": _halves_of_pairs}
