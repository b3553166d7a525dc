"""What a reader may conclude, in words, from an estimate and its test."""

import math

from scripts.lib.audit.intervals import Estimate

EXCEEDS, BELOW, ALIKE = "exceeds the control", "below the control", "cannot be told from the control"
TOO_FEW = "has too few {} to be told from the control"


def against_control(excess: Estimate, p: float, least_p: float, significance: float) -> str:
    """Whether a level's PIE rate differs from the control's: the interval over images and models must exclude 0 and the test reject.

    p: of the test; least_p: what these models could bring at best.
    """
    if least_p > significance:
        return TOO_FEW.format("models")
    if math.isnan(excess.low) or math.isnan(excess.high):
        return TOO_FEW.format("images")
    if p <= significance and excess.low > 0:
        return EXCEEDS
    if p <= significance and excess.high < 0:
        return BELOW
    return ALIKE


def of_study(verdict: str, p: float, significance: float) -> str:
    """What remains of `against_control` when p, adjusted for all levels of the study, has to say so."""
    return ALIKE if verdict in (EXCEEDS, BELOW) and p > significance else verdict


def against_reference(
    difference: Estimate, p: float, p_reference: float, least_p: float, significance: float, reference: str
) -> str:
    """Whether a group's excess differs from that of the reference group.

    difference: of the two excesses. p, p_reference: of the group's and the reference's own excess; least_p: what these models could
    bring at best. An excess is called larger only if it is one by itself, and smaller only if the reference's is.
    """
    if least_p > significance:
        return "too few models to say"
    if math.isnan(difference.low) or math.isnan(difference.high):
        return "too few images to say"
    if difference.low > 0 and p <= significance:
        return f"larger excess than {reference}"
    if difference.high < 0 and p_reference <= significance:
        return f"smaller excess than {reference}"
    return f"cannot be told from {reference}"


def against_others(q: float, worse: float, significance: float) -> str:
    """Whether a group pays more than the other images, from the adjusted p-value and how much worse it gets beyond them."""
    if math.isnan(q):
        return "not tested"
    if q > significance:
        return "cannot be told from the others"
    return "pays more than the others" if worse > 0 else "pays less than the others"


def over_indexing_verdict(is_control: bool, q: float, over: bool, significance: float) -> str:
    """Whether something stands out more among a level's PIEs than among the control's; q: adjusted, over: whether more or less."""
    if is_control:
        return "is the control"
    if math.isnan(q):
        return "not tested"
    if q > significance:
        return "cannot be told from the control"
    return "more than in the control" if over else "less than in the control"
