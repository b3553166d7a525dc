"""The fast stream: the distributions of the exact one, other numbers. See streams.py.

Its numbers are defined by sfc64.py and alias.py alone, with no library that might change them.
"""

import numpy as np

from . import alias, sfc64


class FastStream:
    """Normal numbers have 16 bits (none is beyond 4.3 deviations), photons and impulses 32, uniform numbers 53."""

    def __init__(self) -> None:
        self.state = np.empty(4, np.uint64)

    def seed(self, words: list[int]) -> None:
        sfc64.seed(self.state, np.array(words, np.uint64))

    def uniform(self, low: float, high: float) -> float:
        number = np.empty(1)
        sfc64.uniforms(self.state, number)
        return low + (high - low) * float(number[0])

    def below(self, limit: int) -> int:
        number = np.empty(1, np.int64)
        sfc64.integers(self.state, limit, number)
        return int(number[0])

    def uniforms(self, out: np.ndarray) -> None:
        sfc64.uniforms(self.state, out.reshape(-1))

    def normals(self, out: np.ndarray) -> None:
        sfc64.normals(self.state, sfc64.normal_quantiles(), out.reshape(-1))

    def integers(self, limit: int, out: np.ndarray) -> None:
        sfc64.integers(self.state, limit, out.reshape(-1))

    def impulses(self, amount: float, image: np.ndarray) -> None:
        sfc64.impulses(self.state, round(amount * 2**32), image.reshape(-1))

    def photons(self, image: np.ndarray, mean_of_white: float, looks: np.ndarray, out: np.ndarray) -> None:
        tables = alias.poisson_tables(mean_of_white, looks.tobytes())
        alias.draw(self.state, *tables, image.reshape(-1), out.reshape(-1))
