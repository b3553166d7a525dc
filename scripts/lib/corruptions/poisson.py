"""RandomState.poisson for images: the same numbers from the same stream, faster.

An image has only 256 different means, so that what the sampler derives from a mean is computed once for each. NumPy has
frozen its two algorithms (NEP 19): up to a mean of 10 the product of uniform numbers, from there on transformed rejection
(PTRS; Hörmann, "The transformed rejection method for generating Poisson random variables", 1993).
"""

import math
from functools import lru_cache

import numpy as np
from numba import njit


def photon_counts(image: np.ndarray, photons: float, random: np.random.RandomState) -> np.ndarray:
    """float64 like the image: Poisson numbers of mean image / 255 * photons. May draw more from the stream than it needs."""
    pixels = image.reshape(-1)
    counts = np.empty(len(pixels))
    uniforms = random.random_sample(3 * len(pixels))
    done, used = _count(pixels, 0, *_levels(photons), uniforms, counts)
    while done < len(pixels):
        uniforms = np.concatenate([uniforms[used:], random.random_sample(len(pixels))])
        done, used = _count(pixels, done, *_levels(photons), uniforms, counts)
    return counts.reshape(image.shape)


@lru_cache
def _levels(photons: float) -> tuple[np.ndarray, np.ndarray]:
    """Means float64[256], and for each the constants float64[256, 5] of its algorithm."""
    means = np.arange(256) / 255.0 * photons
    constants = np.zeros((256, 5))
    for level, mean in enumerate(means):
        if mean < 10:
            constants[level, 0] = math.exp(-mean)
        else:
            b = 0.931 + 2.53 * math.sqrt(mean)
            a = -0.059 + 0.02483 * b
            constants[level] = (a, b, 0.9277 - 3.6224 / (b - 2), math.log(1.1239 + 1.1328 / (b - 3.4)), math.log(mean))
    return means, constants


@njit(cache=True, nogil=True)
def _count(pixels, done, means, constants, uniforms, counts):
    """Counts from pixel `done` on; returns the first pixel for which the uniform numbers ran out, and how many it left."""
    used = 0
    for i in range(done, len(pixels)):
        mean = means[pixels[i]]
        a, b, sure, log_scale, log_mean = constants[pixels[i]]
        count = 0.0
        start = used
        if mean == 0.0:
            pass
        elif mean < 10.0:
            product = 1.0
            while True:
                if used == len(uniforms):
                    return i, start
                product *= uniforms[used]
                used += 1
                if product <= a:
                    break
                count += 1.0
        else:
            while True:
                if used + 1 >= len(uniforms):
                    return i, start
                u, v = uniforms[used] - 0.5, uniforms[used + 1]
                used += 2
                distance = 0.5 - abs(u)
                count = np.floor((2 * a / distance + b) * u + mean + 0.43)
                if distance >= 0.07 and v <= sure:
                    break
                if count < 0.0 or (distance < 0.013 and v > distance):
                    continue
                likelihood = -mean + count * log_mean - math.lgamma(count + 1.0)
                if math.log(v) + log_scale - math.log(a / (distance * distance) + b) <= likelihood:
                    break
        counts[i] = count
    return len(pixels), used
