"""Which of some choices no other one beats: Pareto's front of speed and forgetting, as far as intervals let it be known."""

import numpy as np

ON_FRONT, MAYBE, BEATEN = "on the front", "may be beaten", "beaten"


def front(gain: np.ndarray, loss: np.ndarray) -> list[str]:
    """What each of M choices is, from intervals float64[M, 3] of value, low and high; more gain and less loss are better.

    `beaten`: some other choice is surely better, its gain above this one's interval and its loss below. `may be beaten`: the estimates of some other
    choice are at least as good in both and better in one. `on the front`: neither. Where an end is NaN the value stands for it, and a choice
    without a value is none of them, an empty text.
    """
    gain, loss = (np.where(np.isnan(each), each[:, :1], each) for each in (gain, loss))
    known = ~np.isnan(gain[:, 0]) & ~np.isnan(loss[:, 0])
    found = []
    for place in range(len(gain)):
        if not known[place]:
            found.append("")
            continue
        others = known & (np.arange(len(gain)) != place)
        surely = (gain[others, 1] > gain[place, 2]) & (loss[others, 2] < loss[place, 1])
        at_least = (gain[others, 0] >= gain[place, 0]) & (loss[others, 0] <= loss[place, 0])
        better = (gain[others, 0] > gain[place, 0]) | (loss[others, 0] < loss[place, 0])
        found.append(BEATEN if surely.any() else MAYBE if (at_least & better).any() else ON_FRONT)
    return found
