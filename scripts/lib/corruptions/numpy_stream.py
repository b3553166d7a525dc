"""The exact stream, by NumPy. See streams.py."""

import numpy as np


class NumpyStream:
    """RandomState, because NumPy has frozen its numbers (NEP 19), while those of Generator may change with a release."""

    def __init__(self) -> None:
        self.random = np.random.RandomState(0)
        self.words: list[int] = []

    def seed(self, words: list[int]) -> None:
        self.words = words
        self.random.seed(words)

    def uniform(self, low: float, high: float) -> float:
        return self.random.uniform(low, high)

    def below(self, limit: int) -> int:
        return self.random.randint(limit)

    def uniforms(self, out: np.ndarray) -> None:
        out[...] = self.random.random_sample(out.shape)

    def normals(self, out: np.ndarray) -> None:
        out[...] = self.random.standard_normal(out.shape)

    def integers(self, limit: int, out: np.ndarray) -> None:
        out[...] = self.random.randint(limit, size=out.shape)

    def impulses(self, amount: float, image: np.ndarray) -> None:
        # When the data sets were made, scikit-image drew both masks with `choice` from the global RandomState; `choice`
        # compares uniform numbers with the probability, as is done here.
        changed = self.random.random_sample(image.shape) < amount
        white = self.random.random_sample(image.shape) < 0.5
        np.copyto(image, 255 * white.view(np.uint8), where=changed)

    def photons(self, image: np.ndarray, mean_of_white: float, looks: np.ndarray, out: np.ndarray) -> None:
        from .twister_stream import TwisterStream

        # Compiled in any case: RandomState.poisson takes twice the time.
        stream = TwisterStream()
        stream.seed(self.words)
        stream.photons(image, mean_of_white, looks, out)
