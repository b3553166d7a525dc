"""Does a class lose more than the average class does? A test of every class that holds its rate for two models and for fifty images.

A class has few images and a population few models, so the spread of a class's own numbers may be next to nothing by luck, and a test that
divides by it finds differences where there are none. Here the variance of a class's change follows from how many of its predictions
compression turns over, found under the null hypothesis that the class changes as the average does (Tango 1998), and two factors that
all classes of the level have in common: what images share over models, and what models share over images.
"""

from dataclasses import dataclass

import numpy as np
from scipy import special

from scripts.lib.audit.classes import ClassImpact

STEPS = 50  # halvings of the interval that an end is in: to the last digits of a change of recall


@dataclass(frozen=True)
class _Turned:
    """What compression turns over in each of C classes with test images."""

    images: np.ndarray  # int64[C]
    lost: (
        np.ndarray
    )  # float64[C]: how often a prediction is right before and wrong after, a share of all pairs and images
    found: np.ndarray  # float64[C]: wrong before and right after
    image_factor: (
        float  # the variance over images of a change is this times that of one pair, over the number of images
    )
    model_factor: float  # and that of models alone is this times that of one pair
    model_degrees: float

    @property
    def average(self) -> float:
        """The change of top-1."""
        return float((self.found - self.lost) @ self.images / self.images.sum())

    def variances(self, change: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Of every class's change beyond the average if its change is `change`, float64[C]: over images, and of models alone."""
        share = self.images / self.images.sum()
        spread = turned_variance(self.lost, self.found, change)
        observed = self.lost + self.found - (self.found - self.lost) ** 2
        of_average = self.image_factor * share**2 * observed / self.images
        own = self.image_factor * spread * (1 - share) ** 2 / self.images
        return own + of_average.sum() - of_average, self.model_factor * spread


def turned_variance(lost: np.ndarray, found: np.ndarray, change: np.ndarray) -> np.ndarray:
    """The variance of -1, 0 or 1 for a prediction that is lost, stays or is found, if found - lost is `change`; float64[C] each.

    The shares are those of the largest likelihood under that condition (Tango 1998): with none of a hundred predictions turned over and a
    change of -4 %, four are expected to be lost and the variance is that of these four, not 0.
    """
    # 2 x^2 + b x + c = 0 for x, the share that is lost; its larger root is a share.
    turned = lost + found
    b = 2 * change - turned * (1 + change) + 2 * lost * change
    c = -lost * change * (1 - change)
    restricted = (-b + np.sqrt(np.maximum(b * b - 8 * c, 0))) / 4
    restricted = np.maximum(restricted, np.maximum(0, -change))
    return np.maximum(2 * restricted + change - change**2, 0)


def own_mean_impact(
    before: np.ndarray, after: np.ndarray, labels: np.ndarray, classes: int, significance: float, paired: bool = False
) -> ClassImpact:
    """The test of every class's change of recall less the models' own change of top-1, for other images and other seeds.

    before: bool[K, N] and after: bool[L, N], whether each model is right, K, L >= 2; labels: int[N]; paired: whether row i of both is
    the same checkpoint. The interval holds the changes that the test does not reject. NaN for classes without images, for the only class,
    where no class has two images, and where no prediction of a level is turned over.
    """
    if len(before) < 2 or len(after) < 2:
        raise ValueError("the spread of models needs two of each level at least.")
    counts = np.bincount(labels, minlength=classes)
    tested = counts > 0
    result = np.full((7, classes), np.nan)
    place = (tested.cumsum() - 1)[labels]
    turned = _turned(before, after, place, counts[tested], paired)
    if tested.sum() > 1 and turned.image_factor > 0:
        result[:, tested] = _tests(turned, significance)
    elif tested.any():
        result[0, tested] = (turned.found - turned.lost - turned.average).round(12) + 0.0
    return ClassImpact(*result)


def _tests(turned: _Turned, significance: float) -> np.ndarray:
    """The fields of `ClassImpact`, float64[7, C]."""
    observed, average = turned.found - turned.lost, turned.average
    change = (observed - average).round(12) + 0.0
    over_images, alone = turned.variances(np.full(len(observed), average))
    total = over_images + alone
    with np.errstate(divide="ignore", invalid="ignore"):
        error = np.sqrt(np.where(total > 0, total, np.nan))
        of_images = max(1, turned.images.sum() - len(turned.images))
        degrees = total**2 / (over_images**2 / of_images + alone**2 / turned.model_degrees)
    t = -change / error
    critical = -special.stdtrit(degrees, significance / 2)
    ends = []
    for limit in (-1.0, 1.0):
        inside, outside = observed.copy(), np.full(len(observed), limit)
        for _ in range(STEPS):
            middle = (inside + outside) / 2
            accepted = np.abs(observed - middle) <= critical * np.sqrt(sum(turned.variances(middle)))
            inside, outside = np.where(accepted, middle, inside), np.where(accepted, outside, middle)
        ends.append(np.where(np.isnan(error), np.nan, inside - average))
    return np.stack([change, *ends, t, degrees, 2 * special.stdtr(degrees, -np.abs(t)), error])


def _turned(before: np.ndarray, after: np.ndarray, place: np.ndarray, images: np.ndarray, paired: bool) -> _Turned:
    """place: int[N], the class of each image among those with images; images: int[C], their numbers."""

    def mean(values: np.ndarray) -> np.ndarray:
        return np.bincount(place, values, len(images)) / images

    if paired:
        lost, found = ((one & ~other).mean(axis=0) for one, other in ((before, after), (after, before)))
        populations = [after.astype(np.float64) - before]
    else:
        right, right_after = before.mean(axis=0), after.mean(axis=0)
        lost, found = right * (1 - right_after), right_after * (1 - right)
        populations = [before.astype(np.float64), after.astype(np.float64)]
    changes = after.mean(axis=0) - before.mean(axis=0)
    several = images > 1
    unbiased = images[several] - 1
    over_images = (mean((changes - mean(changes)[place]) ** 2)[several] / unbiased).sum()
    lost, found = mean(lost), mean(found)
    of_pairs = lost + found - (found - lost) ** 2
    one_pair = (of_pairs / images)[several].sum()
    over_models, shared = [], 0.0
    for population in populations:
        recalls = np.stack([mean(each) for each in population])
        own = recalls - population.mean(axis=1, keepdims=True)
        pairs_of_models = len(population) * (len(population) - 1)
        over_models.append(own[:, several].var(axis=0, ddof=1).sum() / len(population))
        apart = population - recalls[:, place]
        apart = mean(((apart - apart.mean(axis=0)) ** 2).sum(axis=0))[several] / unbiased / pairs_of_models
        share = (images / images.sum())[several]
        of_average = share**2 * apart
        shared += (apart * (1 - share) ** 2 + of_average.sum() - of_average).sum()
    alone = max(0.0, sum(over_models) - shared)
    spread = of_pairs[several].sum()
    degrees = [(len(population) - 1) * max(1, several.sum() - 1) for population in populations]
    squares = sum(each**2 / degree for each, degree in zip(over_models, degrees, strict=True))
    return _Turned(
        images,
        lost,
        found,
        over_images / one_pair if one_pair > 0 else 0.0,
        alone / spread if spread > 0 else 0.0,
        sum(over_models) ** 2 / squares if squares > 0 else 1.0,
    )
