"""Is a model as sure as it is right? Calibration errors of the class that is said, in bins of equal mass.

A residual is a confidence less whether the prediction is right. The expected calibration error (Naeini, Cooper & Hauskrecht 2015) is the
mean of the bins' absolute mean residuals. It is above 0 for a model that is perfectly calibrated, because absolute values do not cancel, and
no unbiased estimate of it exists; so what a calibrated model of the same confidences would have stands beside it, and inference is on
the squared error. The square of a bin's mean residual is the mean product of two different images' residuals, which has no such bias
(the debiased estimator: Bröcker 2012; Kumar, Liang & Ma 2019, section 4; in this form Lee et al. 2022, "T-Cal"). It can be below 0.
Its part of each image is the jackknife's, which is at least the variance on average also where the first order vanishes, at a calibrated
model (Efron & Stein 1981).
"""

import math

import numpy as np

BINS = 15
LEAST = 10  # images of a bin
FEWEST = 3  # images of the only bin, so that leaving one out leaves two


def bins_of(images: int, bins: int = BINS) -> int:
    """How many bins so many images are put into."""
    return max(1, min(bins, images // LEAST))


def equal_mass_bins(confidence: np.ndarray, bins: int = BINS) -> np.ndarray:
    """The bin of each image, int64[N] from 0, by confidence float[N] in `bins` bins as equal as can be.

    Equal confidences share a bin, whatever the order of images, which may be that of their classes; of N images there are N / LEAST bins
    at most, and one at least. A bin that would be less than half of its share joins the one before it.
    """
    n = len(confidence)
    order = np.argsort(confidence, kind="stable")
    ordered = confidence[order]
    ends = np.append(np.flatnonzero(ordered[1:] != ordered[:-1]) + 1, n)  # where another confidence begins
    bins = bins_of(n, bins)
    cuts = [0]
    for number in range(1, bins + 1):
        wanted = max(math.ceil(number * n / bins), cuts[-1] + math.ceil(n / bins / 2))
        if wanted <= n:
            cuts.append(int(ends[np.searchsorted(ends, wanted)]))
    if cuts[-1] < n:
        cuts = [*cuts[:-1], n] if len(cuts) > 1 else [0, n]
    places = np.empty(n, dtype=np.int64)
    places[order] = np.searchsorted(cuts, np.arange(n), side="right") - 1
    return places


def expected_calibration_error(confidence: np.ndarray, correct: np.ndarray, places: np.ndarray) -> float:
    """The plain one, with its bias: sum over bins of |sum of residuals| / N. confidence: float[N], correct: bool[N], places: int[N]."""
    return float(np.abs(np.bincount(places, _residuals(confidence, correct))).sum() / len(places))


def expected_if_calibrated(confidence: np.ndarray, places: np.ndarray) -> float:
    """The expected calibration error that a calibrated model with these confidences float[N] has on average, of its bins int[N].

    Right with the probability that it says, so a bin's sum of residuals is about normal; the mean of its size follows.
    """
    confidence = np.asarray(confidence, dtype=np.float64)
    variance = np.bincount(places, confidence * (1 - confidence))
    return float(np.sqrt(2 / np.pi * np.maximum(variance, 0)).sum() / len(places))


def squared_calibration_error(
    confidence: np.ndarray, correct: np.ndarray, places: np.ndarray
) -> tuple[float, np.ndarray]:
    """The squared error without bias, and its part of each image, float64[N] of mean 0 in units of one image.

    confidence: float[N], correct: bool[N], places: int[N], the bins, of three images at least. The mean over images of the squared mean
    residual of their bin.
    """
    residuals, n = _residuals(confidence, correct), len(places)
    size = np.bincount(places)
    if size.min() < FEWEST:
        raise ValueError(f"a bin needs {FEWEST} images.")
    total, squares = np.bincount(places, residuals), np.bincount(places, residuals**2)
    of_bin = (total**2 - squares) / (size - 1)
    value = float(of_bin.sum() / n)
    without = ((total[places] - residuals) ** 2 - (squares[places] - residuals**2)) / (size[places] - 2)
    left_out = (of_bin.sum() - of_bin[places] + without) / (n - 1)
    return value, (n - 1) * (left_out.mean() - left_out)


def _residuals(confidence: np.ndarray, correct: np.ndarray) -> np.ndarray:
    return np.asarray(confidence, dtype=np.float64) - correct
