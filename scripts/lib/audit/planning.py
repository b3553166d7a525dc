"""How many models and images show an excess of PIEs over the control: the power of the audit's interval, before the study is made."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy import special

from scripts.lib.audit.churn_test import least_p
from scripts.lib.audit.error_parts import ErrorParts
from scripts.lib.audit.model_variance import FEWEST
from scripts.lib.audit.power import MOST_IMAGES, POWER

MOST_MODELS = 1000  # beyond what anybody trains
NODES, WEIGHTS = special.roots_legendre(40)  # for a mean over quantiles of the estimated standard error, Gauss's rule
COVERAGE = 0.95  # of the range that the smallest excess has because m is known from a few models only


@dataclass(frozen=True)
class Plan:
    """What a level is tested with: the law of its errors and the audit's settings."""

    parts: ErrorParts
    design: str  # independent or paired
    permutations: int
    significance: float

    def power(self, excess: float, models: int, images: int) -> float:
        """The probability that the interval leaves 0 out on the right side, with K models of each population and n images.

        The interval is Student's with Welch's and Satterthwaite's degrees of freedom, so this is the noncentral t distribution. An excess
        adds its own variance to that of images: those that it turns into PIEs differ from the others. 0 where the models are too few for
        an interval, or for the test of the votes to reject.
        """
        if models < FEWEST or images < 2 or self._least_p(models) > self.significance:
            return 0.0
        of_images, of_models = self.variances(excess, models, images)
        total = of_images + of_models
        if total == 0:
            return 1.0
        freedom = total**2 / (of_images**2 / (images - 1) + of_models**2 / (models - 1))
        return power_of_t(excess / math.sqrt(total), freedom, self.significance)

    def variances(self, excess: float, models: int, images: int) -> tuple[float, float]:
        """The two parts of the squared standard error: of images and of models."""
        own = excess * (1 - excess)
        return (self.parts.of_images(models) + own) / images, max(0.0, self.parts.models) / models

    def smallest_excess(self, models: int, images: int, power: float = POWER) -> float:
        """The smallest excess that is shown with that power; NaN where none is."""
        if self.power(1.0, models, images) < power:
            return math.nan
        low, high = 0.0, 1.0
        while high - low > 1e-6:
            middle = (low + high) / 2
            low, high = (low, middle) if self.power(middle, models, images) >= power else (middle, high)
        return high

    def range_of_smallest(self, models: int, images: int) -> tuple[float, float]:
        """The smallest excess if m were as small, or as large, as the few models that it is known from allow."""
        freedom = self.parts.freedom
        if math.isinf(freedom):
            return math.nan, math.nan
        tail = (1 - COVERAGE) / 2
        low, high = (freedom / special.chdtri(freedom, below) for below in (tail, 1 - tail))
        least, most = (
            replace(self, parts=replace(self.parts, models=self.parts.models * factor)).smallest_excess(models, images)
            for factor in (low, high)
        )
        return least, most

    def models_needed(self, excess: float, images: int, power: float = POWER) -> float:
        """The smallest number of models that shows the excess on so many images; NaN where `MOST_MODELS` do not."""
        return _fewest(lambda models: self.power(excess, models, images) >= power, MOST_MODELS)

    def images_needed(self, excess: float, models: int, power: float = POWER) -> float:
        """The smallest number of images on which so many models show the excess; NaN where `MOST_IMAGES` are too few."""
        return _fewest(lambda images: self.power(excess, models, images) >= power, MOST_IMAGES)

    def balance(self, models: int) -> float:
        """On how many images the two parts of the error are equally large: with more, mainly models help. Infinite where models add none."""
        of_models = max(0.0, self.parts.models) / models
        return self.parts.of_images(models) / of_models if of_models else math.inf

    def _least_p(self, models: int) -> float:
        before = models if self.design == "paired" else 2 * models
        return least_p(before, models, self.permutations, self.design)


def power_of_t(distance: float, freedom: float, significance: float) -> float:
    """The probability that Student's two-sided test rejects on the right side; distance: the true value in its standard errors.

    That is 1 less the noncentral t distribution at the test's limit. It is taken as the mean of the normal probability over the estimated
    standard error, as scipy's `nctdtr` is undefined for large distances.
    """
    limit = -special.stdtrit(freedom, significance / 2)
    errors = np.sqrt(special.chdtri(freedom, (1 + NODES) / 2) / freedom)
    return float(special.ndtr(distance - limit * errors) @ WEIGHTS) / 2


def _fewest(enough: Callable[[int], bool], most: int) -> float:
    """The smallest whole number that is enough; NaN if none is up to `most`.

    By doubling, not from above: with few models a larger part of images can bring more degrees of freedom, so more images can be worse.
    """
    few, many = 0, 1
    while not enough(many):
        few, many = many, 2 * many
        if many > most:
            return math.nan
    while many - few > 1:
        middle = (few + many) // 2
        few, many = (few, middle) if enough(middle) else (middle, many)
    return float(many)
