"""Which of some choices no other one beats: Pareto's front of speed and forgetting, as far as intervals let it be known."""

import numpy as np

ON_FRONT, MAYBE, BEATEN = "on the front", "may be beaten", "beaten"


def front(gain: np.ndarray, loss: np.ndarray) -> list[str]:
    """What each of M choices is, from intervals float64[M, 3] of value, low and high; more gain and less loss are better.

    A choice beats another one that is nowhere better and somewhere worse. `beaten`: some other choice does so wherever in their intervals the numbers
    lie. `may be beaten`: some other does so somewhere in them. `on the front`: none can. Where an end is NaN the value stands for it, and a choice
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
        (_, low_gain, high_gain), (_, low_loss, high_loss) = gain[place], loss[place]
        surely = _beats(gain[others, 1], loss[others, 2], high_gain, low_loss)
        possibly = _beats(gain[others, 2], loss[others, 1], low_gain, high_loss)
        found.append(BEATEN if surely.any() else MAYBE if possibly.any() else ON_FRONT)
    return found


def _beats(gain: np.ndarray, loss: np.ndarray, own_gain: float, own_loss: float) -> np.ndarray:
    return (gain >= own_gain) & (loss <= own_loss) & ((gain > own_gain) | (loss < own_loss))
