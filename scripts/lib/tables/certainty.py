"""How sure a verdict is, in words that need no statistics."""

from scripts.lib.audit.verdicts import ALIKE, BELOW, EXCEEDS, TOO_FEW
from scripts.lib.tables import pair_table

CERTAIN, CANNOT_BE_TOLD, TOO_FEW_TO_SAY = "certain", "cannot be told", "too few"

# A verdict on a level, of populations and of networks that are compared one with one -> how sure it is.
CERTAINTY = {
    EXCEEDS: CERTAIN,
    BELOW: CERTAIN,
    ALIKE: CANNOT_BE_TOLD,
    TOO_FEW.format("models"): TOO_FEW_TO_SAY,
    TOO_FEW.format("images"): TOO_FEW_TO_SAY,
    pair_table.LOSES: CERTAIN,
    pair_table.GAINS: CERTAIN,
    pair_table.ALIKE: CANNOT_BE_TOLD,
    pair_table.TOO_FEW: TOO_FEW_TO_SAY,
}
