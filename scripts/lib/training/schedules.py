"""Learning rates over a training, as factors of the peak: a linear rise, then one of three ways down."""

import math
from bisect import bisect_right
from collections.abc import Sequence


def learning_rate_factor(
    step: int,
    steps: int,
    warmup: float,
    schedule: str = "linear",
    milestones: Sequence[float] = (),
    factor: float = 0.1,
) -> float:
    """The factor of the peak rate in a step, counted from 0, of so many.

    Linear from near 0 to 1 over the first `warmup` fraction of the steps. Then `linear` to near 0; `cosine`, to near 0 as half a wave
    (Loshchilov and Hutter 2017, arXiv 1608.03983, equation 5, without restarts); or `step`, multiplied by `factor` at each of the
    milestones, which are fractions of all steps (Goyal et al. 2017, arXiv 1706.02677, section 5.1).
    """
    rising = max(1, round(warmup * steps))
    up = (step + 1) / rising
    if schedule == "step":
        return min(up, 1.0) * factor ** bisect_right([round(each * steps) for each in milestones], step)
    down = (steps - step) / max(1, steps - rising)  # a straight line; above 1 while the rate still rises
    if schedule == "cosine" and down < 1:
        down = 0.5 * (1 - math.cos(math.pi * down))
    return min(up, down)
