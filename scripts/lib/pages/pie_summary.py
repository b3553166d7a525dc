"""The page of pie_summary.csv: PIEs, images that compression changes the verdict on."""

import math

import pandas as pd

from scripts.lib.pages.page import Note, Page
from scripts.lib.pages.paired import of_paired
from scripts.lib.pages.vocabulary import TIES, UNDEFINED, among, estimate, p_value, percent, sentences
from scripts.lib.tables.table import coverage


def page(table: pd.DataFrame) -> Page:
    """pie_summary.csv has a row for each level, the control among them."""
    others = [rule for rule in TIES if rule != table.tie_rule.iloc[0]]
    cells = pd.DataFrame(
        {
            "level": table.level,
            "sparsity": table.sparsity.map(percent),
            "PIEs": table.pies.astype(str),
            "PIE rate": estimate(table, "pie_rate"),
            "excess": estimate(table, "excess_rate", sign=True),
            "standard error: images, models": [
                UNDEFINED if math.isnan(images) else f"{100 * images:.2f}, {100 * models:.2f} points"
                for images, models in zip(table.se_images, table.se_models, strict=True)
            ],
            "p (excess)": table.p_excess.map(p_value),
            "p (excess, Holm)": table.p_holm.map(p_value),
            "p (these models)": table.p_these_models.map(p_value),
            "by chance": [
                f"{mean:.0f} [{low:.0f}, {high:.0f}]"
                for mean, low, high in zip(table.null_mean, table.null_low, table.null_high, strict=True)
            ],
            "over chance": estimate(table, "excess_over_null", sign=True),
            "p (votes)": table.p_permutation.map(p_value),
            "verdict": table.verdict,
            "verdict of the study (Holm)": table.verdict_study,
            **{
                f"PIEs (control's), ties: {rule}": _beside_control(table, f"pies_{rule}", f"control_pies_{rule}")
                for rule in others
            },
            "images with a tie (control's)": _beside_control(table, "tied", "control_tied"),
            "dense top-1 on PIEs": estimate(table, "dense_top1_pies"),
            "level top-1 on PIEs": estimate(table, "level_top1_pies"),
            "dense top-1 on others": estimate(table, "dense_top1_others"),
            "level top-1 on others": estimate(table, "level_top1_others"),
            "dense top-1, all": estimate(table, "dense_top1_all"),
            "level top-1, all": estimate(table, "level_top1_all"),
        }
    )
    return Page("PIEs: images that compression changes the verdict on", _note(table), cells)


def _beside_control(table: pd.DataFrame, name: str, control: str) -> list[str]:
    return [f"{value} ({of_control})" for value, of_control in zip(table[name], table[control], strict=True)]


def _note(table: pd.DataFrame) -> Note:
    first = table.iloc[0]
    seeds = "" if (table.design == "paired").any() else " of seeds of their own"
    return Note(
        what=f"A PIE is an image whose modal label differs between the dense population and the level's: n = {first.examples} test images, K = {first.dense_models} dense and {among(table.level_models)} compressed models{seeds}.",
        evidence=(
            "The control is a second dense population. Its PIEs come from seeds alone, so only the excess over it is an effect of compression. "
            f"The excess is the mean over {first.permutations} deals of all dense models into a dense and a control population. "
            "p (excess) is the larger of the interval's own p, two-sided, and of p (votes), so a verdict needs both. "
            "p (votes), one-sided, asks whether the level's votes differ from those of the dense and control models by chance alone (the control's: from those of the dense models). "
            "For it the models of all three are dealt anew, and votes differ as far as two populations disagree more often than models of one. "
            f"Holm is p (excess) adjusted for the levels of the study: the probability that even one level that changes nothing has a verdict of the study is {first.significance:g} at most. "
            "p (these models) is the exact McNemar test of the counts as they are. It takes the models as they are and so is too small where n is large. "
            f"By chance is the mean count when the models of both populations are dealt anew ({first.permutations} times). "
            "Over chance is the count less that mean: too little where there is an effect, because the votes that compression moved are dealt too."
        ),
        brackets=(
            f"Of the excess: {coverage(table)} intervals over images and models. The standard errors of both, images and models, say what would narrow them: "
            "that of images falls with the square root of their number, that of models with the square root of K only. "
            f"Of the count by chance: the central {coverage(table)} of the deals. "
            f"All others: {coverage(table)} intervals over images, the models taken as they are."
        ),
        limits=sentences(
            f"Ties: {TIES[first.tie_rule]} (tie rule {first.tie_rule}; the counts by the other rules, and of images on which either population has a tie, stand at the right of the verdict).",
            of_paired(table, _PAIRED),
            "PIEs are hard for the control too: accuracy is scored on the models that chose them.",
        ),
    )


_PAIRED = (
    "No other seeds are in their count, which is that of images whose verdict compression changes in these very networks. "
    "So their excess and its interval hold the level and the dense population against the control, whose seeds are others than theirs. "
    "For p (votes) and the count by chance the two of each pair change places at random."
)
