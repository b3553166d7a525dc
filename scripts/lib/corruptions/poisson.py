"""RandomState.poisson for images: the same numbers from the same stream, faster.

An image has only 256 different means, so that what the sampler derives from a mean is computed once for each. NumPy
has frozen its two algorithms (NEP 19): up to a mean of 10 the product of uniform numbers, from there on transformed
rejection (PTRS; Hörmann, "The transformed rejection method for generating Poisson random variables", 1993).
"""

import math
from functools import lru_cache

import numpy as np
from numba import njit

from .mersenne import Twister, uniforms

NUMBERS = 312  # drawn at a time


def count_photons(twister: Twister, image: np.ndarray, photons: float, looks: np.ndarray, seen: np.ndarray) -> None:
    """Writes looks[k] to `seen`: k a Poisson number of mean image / 255 * photons, the last of `looks` if it is beyond.

    image, seen: uint8 of the same shape; looks: uint8.
    """
    means, constants = _levels(photons)
    _count(twister, image.reshape(-1), means, constants, _log_factorials(photons), looks, seen.reshape(-1))


@lru_cache
def _levels(photons: float) -> tuple[np.ndarray, np.ndarray]:
    """For each level of a pixel the mean float64[256] and the constants of its algorithm float64[256, 5]."""
    means = np.arange(256) / 255.0 * photons
    constants = np.zeros((256, 5))
    for level, mean in enumerate(means):
        if mean < 10:
            constants[level, 0] = math.exp(-mean)
        else:
            b = 0.931 + 2.53 * math.sqrt(mean)
            a = -0.059 + 0.02483 * b
            tries = 1.1239 + 1.1328 / (b - 3.4)
            constants[level] = (a, b, 0.9277 - 3.6224 / (b - 2), math.log(tries), math.log(mean))
    return means, constants


@lru_cache
def _log_factorials(photons: float) -> np.ndarray:
    """float64: of nearly all counts that occur."""
    return np.array([math.lgamma(count + 1) for count in range(2 * math.ceil(photons) + 64)])


@njit(cache=True, nogil=True, error_model="numpy")
def _count(twister, pixels, means, constants, log_factorials, looks, out):
    numbers = np.empty(NUMBERS)
    used = NUMBERS
    for i in range(len(pixels)):
        level = pixels[i]
        mean = means[level]
        count = 0.0
        if mean == 0.0:
            pass
        elif mean < 10.0:
            limit, product = constants[level, 0], 1.0
            while True:
                if used == NUMBERS:
                    uniforms(twister, numbers)
                    used = 0
                product *= numbers[used]
                used += 1
                if product <= limit:
                    break
                count += 1.0
        else:
            a, b, sure, log_tries, log_mean = constants[level]
            while True:
                if used + 1 >= NUMBERS:
                    numbers[0] = numbers[NUMBERS - 1]
                    uniforms(twister, numbers[NUMBERS - used :])
                    used = 0
                u, v = numbers[used] - 0.5, numbers[used + 1]
                used += 2
                distance = 0.5 - abs(u)
                count = np.floor((2 * a / distance + b) * u + mean + 0.43)
                if distance >= 0.07 and v <= sure:
                    break
                if count < 0.0 or (distance < 0.013 and v > distance):
                    continue
                k = np.int64(count)
                log_factorial = log_factorials[k] if k < len(log_factorials) else math.lgamma(count + 1.0)
                likelihood = -mean + count * log_mean - log_factorial
                if math.log(v) + log_tries - math.log(a / (distance * distance) + b) <= likelihood:
                    break
        out[i] = looks[min(np.int64(count), len(looks) - 1)]
