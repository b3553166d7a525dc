"""What a reader may conclude, in words, from an estimate and its test."""

import math

from scripts.lib.audit.intervals import Estimate


def against_control(excess: Estimate, p: float, significance: float) -> str:
    """Whether a level's PIE rate differs from the control's: the test must reject and the interval must exclude 0."""
    if p <= significance and excess.low > 0:
        return "exceeds the control"
    if p <= significance and excess.high < 0:
        return "below the control"
    return "cannot be told from the control"


def against_reference(difference: Estimate, reference: str) -> str:
    """Whether a group's excess differs from that of the reference group, by the interval of the difference."""
    if math.isnan(difference.low) or math.isnan(difference.high):
        return "too few images to say"
    if difference.low > 0:
        return f"larger excess than {reference}"
    if difference.high < 0:
        return f"smaller excess than {reference}"
    return f"cannot be told from {reference}"
