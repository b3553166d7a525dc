"""What a network says of each image before it is compressed and after it: the same, or which way it changed its mind."""

from dataclasses import dataclass

import numpy as np

LOST, GAINED, MOVED = "right to wrong", "wrong to right", "wrong to another wrong"


@dataclass(frozen=True)
class Flips:
    """The images on which two networks say something else, bool[N] each; no image is in two of them."""

    lost: np.ndarray  # right before, wrong after
    gained: np.ndarray  # wrong before, right after
    moved: np.ndarray  # wrong both times, and not in the same way

    @property
    def any(self) -> np.ndarray:
        """All of them: their share is the churn, and one less it the agreement (Milani Fard et al. 2016)."""
        return self.lost | self.gained | self.moved

    @property
    def kind(self) -> np.ndarray:
        """What each image is, str[N]; empty where nothing changed."""
        return np.select([self.lost, self.gained, self.moved], [LOST, GAINED, MOVED], default="")


def flips(before: np.ndarray, after: np.ndarray, labels: np.ndarray) -> Flips:
    """The flips between predictions int[N] before and after, given labels int[N].

    Raises ValueError unless all three have the same shape [N].
    """
    if not before.shape == after.shape == labels.shape or labels.ndim != 1:
        raise ValueError("predictions before and after and labels must be of the same N images.")
    differ = before != after
    was, stays = before == labels, after == labels
    return Flips(differ & was, differ & stays, differ & ~was & ~stays)
