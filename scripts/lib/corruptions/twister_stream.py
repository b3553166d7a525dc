"""The exact stream, compiled. See streams.py."""

import numpy as np

from . import mersenne
from .poisson import count_photons


class TwisterStream:
    """The numbers of NumpyStream."""

    def __init__(self) -> None:
        self.twister = mersenne.new_twister()

    def seed(self, words: list[int]) -> None:
        mersenne.seed(self.twister, np.array(words, np.uint32))

    def uniform(self, low: float, high: float) -> float:
        number = np.empty(1)
        mersenne.uniforms(self.twister, number)
        return low + (high - low) * float(number[0])

    def below(self, limit: int) -> int:
        number = np.empty(1, np.int64)
        mersenne.integers(self.twister, limit, number)
        return int(number[0])

    def uniforms(self, out: np.ndarray) -> None:
        mersenne.uniforms(self.twister, out.reshape(-1))

    def normals(self, out: np.ndarray) -> None:
        mersenne.normals(self.twister, out.reshape(-1))

    def integers(self, limit: int, out: np.ndarray) -> None:
        mersenne.integers(self.twister, limit, out.reshape(-1))

    def impulses(self, amount: float, image: np.ndarray) -> None:
        mersenne.impulses(self.twister, amount, image.reshape(-1))

    def photons(self, image: np.ndarray, mean_of_white: float, looks: np.ndarray, out: np.ndarray) -> None:
        count_photons(self.twister, image, mean_of_white, looks, out)
