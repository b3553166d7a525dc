"""How each table is shown to a reader: a title, what to know before reading it, and its cells as text.

What is estimated stands with its interval, and every view says n (examples), K (models) and what the interval covers.
Differences of percentages are in points.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from scripts.lib.data.kinds import TYPICAL
from scripts.lib.tables.table import coverage

CLEAREST = 12
UNDEFINED = "–"


@dataclass(frozen=True)
class View:
    """One table as text; `cells` holds strings only."""

    title: str
    note: str
    cells: pd.DataFrame


def percent(value: float, low: float | None = None, high: float | None = None, sign: bool = False) -> str:
    """`5.4 % [4.6, 6.3]`, or `+5.2 points [+4.2, +6.2]` with `sign`, for a difference of two percentages.

    A dash where the value is undefined, and no brackets where there is no interval.
    """
    if math.isnan(value):
        return UNDEFINED
    known = low is not None and high is not None and not (math.isnan(low) or math.isnan(high))
    form = "+.1f" if sign else ".1f"
    first, *ends = (f"{round(100 * each, 1) + 0.0:{form}}" for each in ((value, low, high) if known else (value,)))
    shown = f"{first} {'points' if sign else '%'}"
    return f"{shown} [{', '.join(ends)}]" if known else shown


def number(value: float, low: float | None = None, high: float | None = None, sign: bool = False) -> str:
    """`0.231 [0.225, 0.237]`, or `+0.052 [+0.041, +0.063]` with `sign`; a dash and no brackets as in `percent`."""
    if math.isnan(value):
        return UNDEFINED
    known = low is not None and high is not None and not (math.isnan(low) or math.isnan(high))
    first, *ends = (
        f"{round(each, 3) + 0.0:{'+.3f' if sign else '.3f'}}" for each in ((value, low, high) if known else (value,))
    )
    return f"{first} [{', '.join(ends)}]" if known else first


def count(value: float) -> str:
    """A number of things, or a dash where it is undefined."""
    return UNDEFINED if math.isnan(value) else f"{value:.0f}"


def p_value(p: float) -> str:
    """Three decimals, or the power of ten below that."""
    if math.isnan(p):
        return UNDEFINED
    return f"{p:.3f}" if p >= 0.001 else f"{p:.0e}"


def estimate(table: pd.DataFrame, name: str, sign: bool = False) -> list[str]:
    """A column with its `_low` and `_high` as text."""
    columns = (table[name], table[f"{name}_low"], table[f"{name}_high"])
    return [percent(*values, sign=sign) for values in zip(*columns, strict=True)]


def among(numbers: pd.Series) -> str:
    """`30`, or `10 to 30` where the rows differ: levels that were brought may have fewer models than others."""
    low, high = numbers.min(), numbers.max()
    return f"{low}" if low == high else f"{low} to {high}"


def group_name(grouping: str, group: str, role: str = "") -> str:
    """A group of planted.csv as a reader is told of it."""
    name = group.replace("_", " ")
    if grouping.startswith("class_frequency"):
        name += " classes" + ("" if grouping == "class_frequency" else ", typical images")
    return f"{name} ({role})" if role else name


# Tie rule -> what it makes of the modal label of an image.
TIES = {
    "largest": "of equally frequent labels the largest counts",
    "smallest": "of equally frequent labels the smallest counts",
    "excluded": "an image on which either population has equally frequent labels is none",
}


def pie_summary(table: pd.DataFrame) -> View:
    first = table.iloc[0]
    others = [rule for rule in TIES if rule != first.tie_rule]
    paired = list(table.level[table.design == "paired"])
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
                f"PIEs (control's), ties: {rule}": [
                    f"{pies} ({control})"
                    for pies, control in zip(table[f"pies_{rule}"], table[f"control_pies_{rule}"], strict=True)
                ]
                for rule in others
            },
            "images with a tie (control's)": [
                f"{tied} ({control})" for tied, control in zip(table.tied, table.control_tied, strict=True)
            ],
            "dense top-1 on PIEs": estimate(table, "dense_top1_pies"),
            "level top-1 on PIEs": estimate(table, "level_top1_pies"),
            "dense top-1 on others": estimate(table, "dense_top1_others"),
            "level top-1 on others": estimate(table, "level_top1_others"),
            "dense top-1, all": estimate(table, "dense_top1_all"),
            "level top-1, all": estimate(table, "level_top1_all"),
        }
    )
    note = (
        f"n = {first.examples} test images, K = {first.dense_models} dense and {among(table.level_models)} compressed models{'' if paired else ' of seeds of their own'}. "
        f"A PIE is an image whose modal label differs between the two populations; {TIES[first.tie_rule]} (tie rule {first.tie_rule}; the counts by the other rules, and of images on which either population has a tie, stand at the right of the verdict). "
        "The control is a second dense population: its PIEs come from seeds alone, so only the excess over it is an effect of compression. "
        f"Excess over the control: the mean over {first.permutations} deals of all dense models into a dense and a control population; its brackets are {coverage(table)} intervals over images and models, and the standard errors "
        "of both say what would narrow them: that of images falls with the square root of their number, that of models with the square root of K only. p (excess): the larger of the interval's own, two-sided, and of p (votes), so a verdict needs both. p (votes), one-sided: whether the level's votes differ from those of the dense and control models by chance; "
        "models of all three are dealt anew, and the votes differ as far as two populations disagree more often than models of one (the control: from the dense models). Holm: p (excess) adjusted for the levels of the study, so that any level that changes nothing has a verdict of the study with the "
        f"probability {first.significance:g} at most. "
        "p (these models): exact McNemar test of the counts as they are, which takes the models as they are and so is too small where n is large. By chance: the mean and the central "
        f"{coverage(table)} of the count when the models of both populations are dealt anew ({first.permutations} times), over chance the count less that mean (too little where there is an effect: the votes that compression moved are dealt too). {_of_paired(paired)}"
        f"PIEs are hard for the control too: accuracy is scored on the models that chose them. All other brackets: {coverage(table)} intervals over images, the models taken as they are."
    )
    return View("PIEs: images that compression changes the verdict on", note, cells)


def _of_paired(levels: list[str]) -> str:
    """What to know of levels that are made of the dense checkpoints; nothing where there are none."""
    if not levels:
        return ""
    return (
        f"Made of the dense checkpoints themselves: {', '.join(levels)}. No other seeds are in their count, which is that of images whose verdict compression changes in these very networks. So their excess and "
        "its interval hold the level and the dense population against the control, whose seeds are others than theirs; for p (votes) and by chance the two of each pair change places at random. "
    )


def pie_curve(table: pd.DataFrame) -> View:
    cells = pd.DataFrame({"level": table.level, "K": table.models.astype(str)})
    for title, name in (("PIEs", "pies"), ("by chance", "null"), ("control's", "control")):
        ends = zip(table[f"{name}_mean"], table[f"{name}_low"], table[f"{name}_high"], strict=True)
        cells[title] = [
            UNDEFINED if math.isnan(mean) else f"{mean:.0f} [{low:.0f}, {high:.0f}]" for mean, low, high in ends
        ]
    cells["images with a tie"] = table.tied_mean.map("{:.0f}".format)
    cells["PIEs without a tie"] = table.pies_untied_mean.map("{:.0f}".format)
    first = table.iloc[0]
    note = (
        f"n = {first.examples} test images, 1 to K = {table.models.max()} models of each population: means over {first.subsets} random subsets of the {first.dense_models} dense and {among(table.level_models)} compressed models. "
        "The count falls as K grows, with nothing compressed too, so counts at different K do not compare; what compression adds is the distance to the control's count at the same K. By chance: the models of the two subsets "
        f"dealt anew{' (those made of the dense checkpoints: the two of a pair change places at random; no luck of other seeds is in their count, so the control is no measure of it)' if (table.design == 'paired').any() else ''}; of one model each that changes nothing. "
        f"With an even number of models many images have a tie, on which the tie rule ({first.tie_rule}) decides; on those without a tie the count jumps between even and odd. "
        f"Brackets: central {coverage(table)} intervals of the subsets, which share models; with all models there is one subset."
    )
    return View("PIEs over the number of models", note, cells)


def hardness(table: pd.DataFrame) -> View:
    shown = table[table.metric == "top1"]
    changes = shown.population == "level less dense"
    cells = pd.DataFrame({"level": shown.level, "scored on": shown.scored_on, "top-1 of": shown.population})
    for title, name in (("PIEs", "pies"), ("as unsure, no PIEs", "matched"), ("all others", "others")):
        ends = zip(shown[name], shown[f"{name}_low"], shown[f"{name}_high"], changes, strict=True)
        cells[title] = [percent(*values) for values in ends]
    cells["PIEs less as unsure"] = estimate(shown, "pies_less_matched", sign=True)
    cells["beyond the control's"] = estimate(shown, "beyond_control", sign=True)
    first = table[table.splits > 1].iloc[0]
    note = (
        f"n = {first.examples} test images, K = {first.dense_models} dense and {among(table.level_models)} compressed models. PIEs that are chosen and scored on the same models carry the luck "
        f"of that choice, and the loss on them looks larger than it is. So in each of {first.splits} splits half of the models of both populations choose the PIEs and as many others are scored on them (of an odd number one sits out); beside it the half that chose, "
        "which is as large, and the paper's way, all models (half as many models find more PIEs by chance, so compare it with the halves in direction only). "
        "As unsure, no PIEs: each PIE is matched with the images that are none and on which the vote margin of the choosing dense models is nearest, so what "
        "remains is not mere uncertainty; its excess over the control, where nothing was compressed, is the effect of compression. "
        f"{_no_control(table)}Top-5 and all images: hardness.csv. Brackets: {coverage(table)} intervals over images, the models taken as they are."
    )
    return View("How hard PIEs are for models that did not choose them", note, cells)


def _no_control(table: pd.DataFrame) -> str:
    levels = list(table.level[table.design == "paired"].unique())
    if not levels:
        return ""
    return f"Made of the dense checkpoints themselves: {', '.join(levels)}; the control's PIEs are those of other seeds and so no measure of theirs. "


def predictors(table: pd.DataFrame) -> View:
    fresh = table[table.scored_on == "the other half"]
    paper = table[table.splits == 1].set_index(["level", "predictor"])
    keys = list(zip(fresh.level, fresh.predictor, strict=True))
    columns = (fresh[name] for name in ("auc", "auc_low", "auc_high"))
    control = (fresh[name] for name in ("control_auc", "control_auc_low", "control_auc_high"))
    beyond = (fresh[name] for name in ("beyond_control", "beyond_control_low", "beyond_control_high"))
    cells = pd.DataFrame(
        {
            "level": fresh.level,
            "predictor": fresh.predictor,
            "AUC": [number(*values) for values in zip(*columns, strict=True)],
            "control's": [number(*values) for values in zip(*control, strict=True)],
            "beyond the control's": [number(*values, sign=True) for values in zip(*beyond, strict=True)],
            "AUC on the models that chose": [number(paper.auc[key]) for key in keys],
        }
    )
    first = fresh.iloc[0]
    note = (
        f"n = {first.examples} test images, K = {first.dense_models} dense models. How well the dense models alone foresee which images are PIEs, before anything is compressed: the "
        f"probability that a PIE scores higher than another image (AUC; 0.5 is chance, 1 perfect), mean of {first.splits} splits in which half of the models choose the PIEs and the other dense "
        "models predict them. Vote margin: between the two most frequent labels; vote entropy; disagreement of two models of the half (all undefined where a half is one model, which cannot be in doubt). "
        "A high AUC for the control says that what is foreseen is where models disagree at all. "
        f"{_no_control(table)}The last column is of all models, which chose the PIEs themselves. "
        f"Brackets: {coverage(table)} intervals over images, the models taken as they are."
    )
    return View("Who is hit can be foreseen: dense uncertainty as a predictor of PIEs", note, cells)


def scores(table: pd.DataFrame) -> View:
    order = ["q_votes", "taxicab", "example"]
    ranked = table.sort_values(order, ascending=[True, False, True]).groupby("level").head(CLEAREST)
    shown = pd.concat([ranked[ranked.level == level] for level in table.level.unique()])
    first = table.iloc[0]
    cells = pd.DataFrame(
        {
            "level": shown.level,
            "example": shown.example,
            "label": shown.label.astype(str),
            "right: dense": [f"{right} of {k}" for right, k in zip(shown.dense_right, shown.dense_models, strict=True)],
            "right: level": [f"{right} of {k}" for right, k in zip(shown.level_right, shown.level_models, strict=True)],
            "modal label": shown.flip.replace("none", "stays"),
            "taxicab": shown.taxicab.map(number),
            "control's": shown.control_taxicab.map(number),
            "Jensen-Shannon": shown.jensen_shannon.map(number),
            "p (votes)": shown.p_votes.map(p_value),
            "p (votes, BH)": shown.q_votes.map(p_value),
            "p (right, BH)": shown.q_right.map(p_value),
        }
    )
    note = (
        f"The {CLEAREST} of n = {table.example.nunique()} test images of each level on which the votes of K = {first.dense_models} dense and "
        f"{among(table.level_models)} compressed models differ most surely; the control's rows show what such a list looks like where nothing was "
        "compressed. Taxicab: summed difference of the shares of votes, 0 (the same) to 2 (no label in common), with the control's distance "
        "on the same image; Jensen-Shannon: divergence in bits, 0 to 1. p (votes): the share of all ways to deal the votes to the two "
        "populations that bring as large a taxicab distance; p (right): Fisher's exact test of the number of models that are right; BH: adjusted "
        f"for all images of the level (Benjamini-Hochberg). {_tests_of_paired(table)}All images and scores: scores.csv."
    )
    return View("The examples whose votes change most surely", note, cells)


def _tests_of_paired(table: pd.DataFrame) -> str:
    """How examples of levels that are made of the dense checkpoints are tested; nothing where there are none."""
    levels = list(table.level[table.design == "paired"].unique())
    if not levels:
        return ""
    return (
        f"Made of the dense checkpoints themselves: {', '.join(levels)}; the ways counted there are those to swap the two of each pair, for p (right) the exact McNemar test. "
        f"K pairs cannot bring a p below {2.0 ** (1 - table.dense_models.iloc[0]):.0e}; a dash is a count that would take too long. "
    )


def score_summary(table: pd.DataFrame) -> View:
    control = table[table.level == "control"].set_index("score")
    columns = {
        "score": list(control.index),
        "control (nothing compressed)": [
            _mean_and_count(row["count"], number(row["mean"], row["mean_low"], row["mean_high"]))
            for row in control.to_dict("records")
        ],
    }
    for level, rows in table[table.level != "control"].groupby("level", sort=False):
        columns[level] = [
            _mean_and_count(row["count"], number(row["mean"]))
            + f"; {number(row['excess'], row['excess_low'], row['excess_high'], sign=True)}"
            for row in rows.set_index("score").loc[control.index].to_dict("records")
        ]
    first = table.iloc[0]
    smallest = min(
        (1 + (first.dense_models == models)) / math.comb(first.dense_models + models, first.dense_models)
        for models in table.level_models.unique().tolist()
    )
    note = (
        f"n = {first.examples} test images, K = {first.dense_models} dense and {among(table.level_models)} compressed models. Each score is of one image and "
        "compares a level's votes with those of the dense population; shown are its mean over images (and how many images) and, after the "
        "semicolon, its excess over the control, a further dense population: only the excess is an effect of compression. Taxicab distance: of the "
        "shares of votes, 0 to 2; Jensen-Shannon divergence in bits; churn between: how often a random model of each population disagree, within: "
        "two models of the level; between beyond within: less the mean of both populations' churn within, about 0 where nothing differs. Right to wrong "
        "and so on: images whose modal label flips so. Votes differ: images on which an exact test (all ways to deal the votes to the two "
        f"populations, by taxicab distance) has p at most {first.significance:g}, uncorrected or adjusted for the n images (Benjamini-Hochberg, BH); accuracy differs: Fisher's "
        f"exact test of the number of right models. These models cannot bring a p below {smallest:.0e}, so few of them find little after BH. {_tests_of_paired(table)}{_scores_of_paired(table)}"
        f"Brackets: {coverage(table)} intervals, of means over images and models, of counted images over images only; none after BH, which ties the images together."
    )
    return View("How much the votes move: continuous scores", note, pd.DataFrame(columns))


def _scores_of_paired(table: pd.DataFrame) -> str:
    """What scores of levels that are made of the dense checkpoints mean; nothing where there are none."""
    if not (table.design == "paired").any():
        return ""
    return (
        "Their churn between is how often a model's own prediction differs after compression, 0 where nothing changes; no luck of seeds is in it, so nothing is taken off it and they have no churn beyond within. "
        "Their taxicab distance and divergence are those of the votes of the same models before and after: 0 where nothing changes, and less than churn tells where models change in opposite ways. "
        "They have no excess: the control differs from the dense population by its seeds, they do not. "
    )


def _mean_and_count(count: float, shown: str) -> str:
    """A mean as text, with the number of images where the score counts some."""
    return shown if math.isnan(count) else f"{shown} ({count:.0f})"


def _classes_of_paired(table: pd.DataFrame) -> str:
    levels = list(table.level[table.design == "paired"].unique())
    if not levels:
        return ""
    return (
        f"Made of the dense checkpoints themselves: {', '.join(levels)}; with its own mean, each model is compared with the dense one it was made of, and the intervals of "
        "Hedges' g, CEV and SDE are those of pairs. The paper's test and the interval of its change take them for independent, so they find too little there. "
    )


def _untested(tested: int, classes: int) -> str:
    """How many classes have no test images, where some have none."""
    return "" if tested == classes else f"{classes - tested} of {classes} classes have no test image and no numbers. "


def _groups_of_paired(table: pd.DataFrame) -> str:
    levels = list(table.level[table.design == "paired"].unique())
    if not levels:
        return ""
    return f" Made of the dense checkpoints themselves: {', '.join(levels)}; their excess and its p hold the level and the dense population against the control, and pairs change places where others are dealt anew."


def planted(table: pd.DataFrame) -> View:
    shown = table[table.level != "control"]
    cells = pd.DataFrame(
        {
            "level": shown.level,
            "group": [group_name(row.grouping, row.group, row.role) for row in shown.itertuples()],
            "n": shown.examples.astype(str),
            "PIE rate": estimate(shown, "pie_rate"),
            "control's": estimate(shown, "control_rate"),
            "excess": estimate(shown, "excess_rate", sign=True),
            "p (excess)": shown.p_excess.map(p_value),
            "excess beyond the reference's": estimate(shown, "beyond_reference", sign=True),
            "verdict": shown.verdict,
        }
    )
    planted = set(table.group[table.grouping == "kind"]) != {TYPICAL}
    known = (
        "What was planted in each test image is known. "
        if planted
        else "Nothing was planted in these images: typical are all of them. "
    )
    negative = (
        "Mislabelled images are a negative control: modal disagreement never reads the label. " if planted else ""
    )
    note = (
        f"K = {among(table.models)} models of each level. {known}The control's PIEs are atypical too, so a group's "
        "PIE rate is no evidence: its excess over the control is, and whether that is larger than the excess of typical images (kinds) or "
        "head classes (tail: the classes with less than the median number of training images, if there are any). "
        f"{negative}p (excess): the larger of that of the interval and that of the group's votes when the level's, the dense and the control models are dealt anew; not adjusted for groups or levels. "
        f"Brackets: {coverage(table)} intervals, of excesses and their differences over images and models, of PIE rates over images (Wilson), the models taken as they are; excesses are means over deals of the dense models."
        f"{_groups_of_paired(table)}"
    )
    return View(f"Which images: {'what was planted, and ' if planted else ''}what the audit finds", note, cells)


def class_impact(table: pd.DataFrame) -> View:
    effects = zip(table.hedges_g, table.hedges_g_low, table.hedges_g_high, strict=True)
    cells = pd.DataFrame(
        {
            "level": table.level,
            "class": table["class"],
            "training images": [count(images) for images in table.class_frequency],
            "n": table.examples.astype(str),
            "dense recall": table.dense_recall.map(percent),
            "level recall": table.level_recall.map(percent),
            "change beyond the average": estimate(table, "relative_change", sign=True),
            "of an equal logit loss": [percent(change, sign=True) for change in table.logit_shift_change],
            "Hedges' g": [number(*values, sign=True) for values in effects],
            "t": [UNDEFINED if math.isnan(t) else f"{t:.2f}" for t in table.t],
            "p": table.p.map(p_value),
            "p (BH)": table.q.map(p_value),
            "p (own mean, BH)": table.own_mean_q.map(p_value),
            "p (own mean, BH, study)": table.own_mean_q_study.map(p_value),
            "verdict": table.verdict,
        }
    )
    first = table.iloc[0]
    rows = table[table.level == first.level]
    tested = int((rows.examples > 0).sum())
    note = (
        f"K = {first.dense_models} dense and {among(table.level_models)} compressed models. The paper's test: every model's recall of the class less one constant "
        "per level, its population's mean top-1; Welch's t-test, two-sided, uncorrected (t > 0: the dense population is relatively better). With nothing "
        f"different, {tested * first.significance:.1f} classes of each level would be flagged on average; the control shows how many are. "
        "Beside it: p adjusted for the classes of the level (Benjamini-Hochberg, BH). Own mean: a test of the same change that holds for few models and few images; each model's own top-1 is the shift, the variance is over models and images and "
        "follows from how many predictions are turned over, with what all classes of the level have in common (own_mean_low and own_mean_high in the file are its interval). BH takes each level for itself: with many levels some class of some level is found more "
        "often than that; study: adjusted for the classes of all levels together, the control apart. Further: the change that an equal "
        "loss of logits would bring, the control's models shifted until their top-1 is the level's; and Hedges' g, the change in units of the spread between models. "
        f"{_untested(tested, len(rows))}{_classes_of_paired(table)}{_without_margins(table.logit_shift_change)}Brackets: {coverage(table)} intervals over models, those of g over models and images."
    )
    return View("Class impact: which classes pay more than the average", note, cells)


def _without_margins(shifted: pd.Series) -> str:
    """Why there is no equal loss of logits, where there is none."""
    if not shifted.isna().all():
        return ""
    return "An equal loss of logits is undefined here, because the predictions came without p1, p2 and p_label. "


def class_summary(table: pd.DataFrame) -> View:
    columns: dict[str, list[str]] = {}
    for row in table.itertuples():
        columns[row.level] = [
            percent(row.level_top1),
            f"{row.flagged}; {row.flagged_bh}",
            f"{row.own_mean_flagged}; {row.own_mean_flagged_bh}; {row.own_mean_flagged_bh_study}",
            f"{count(row.logit_shift_flagged)}; {count(row.logit_shift_flagged_bh)}",
            f"{row.losing}; {percent(row.mean_loss, sign=True)}",
            f"{row.gaining}; {percent(row.mean_gain, sign=True)}",
            number(row.intensification, row.intensification_low, row.intensification_high, sign=True),
            number(
                row.logit_shift_intensification,
                row.logit_shift_intensification_low,
                row.logit_shift_intensification_high,
                sign=True,
            ),
            percent(row.frequency_slope, row.frequency_slope_low, row.frequency_slope_high, sign=True),
            number(row.cev, row.cev_low, row.cev_high),
            number(row.sde, row.sde_low, row.sde_high),
        ]
    first = table.iloc[0]
    measures = [
        "top-1",
        "classes flagged (the paper's test); after BH",
        "with each model's own mean; after BH; BH over all levels",
        "of an equal logit loss; after BH",
        "classes that lose recall; mean loss",
        "classes that gain recall; mean gain",
        "recall intensification",
        "of an equal logit loss, intensification",
        "change of recall per doubling of training images",
        "combined error variance (CEV)",
        "symmetric distance error (SDE)",
    ]
    note = (
        f"n = {first.examples} test images of {first.classes} classes, K = {first.dense_models} dense and {among(table.level_models)} compressed models; the dense top-1 is {percent(first.dense_top1)}. The control is a further dense population: "
        f"what its column shows, seeds alone do. Flagged: Welch's test of each class, p at most {first.significance:g} ({first.chance_flagged:.1f} by chance), and after Benjamini-Hochberg (BH); with one "
        "constant a level, as in the paper, or each model's own top-1 as the shift, for other models and other images, which holds for few of both. BH is for the classes of one level: of eight levels in which nothing differs, some class is flagged in about one study of three; "
        "BH over all levels adjusts for the classes of all levels together, the control apart. Of an equal logit loss: the control's models as if the label's logit had lost the same "
        "amount in every image, so much that their top-1 is the level's (an approximation with one number; what it flags is no disparity but ceilings and floors of recall). "
        "Recall intensification: slope over classes of the change of recall on dense recall, measured on separate halves of the dense models; positive where weak classes "
        f"lose more. Change of recall per doubling: slope over classes on the logarithm of their training images; positive where rare classes lose more. CEV and SDE: variance and asymmetry of the relative change of the classes' false positive and false negative rates ({first.classes_with_dense_errors} classes have dense errors); seeds alone "
        f"lift both above 0. {_untested(first.tested_classes, first.classes)}{_classes_of_paired(table)}{_without_margins(table.logit_shift_flagged)}Brackets: {coverage(table)} intervals, over classes for both slopes and over models for CEV and SDE; counts and mean gains have none, their null is the control."
    )
    return View("Class impact in numbers of a level", note, pd.DataFrame({"measure": measures, **columns}))


def robustness(table: pd.DataFrame) -> View:
    dense = table[table.level == "dense"]
    keys = ["corruption", "severity"]
    cells = pd.DataFrame(
        {
            "corruption": dense.corruption.to_numpy(),
            "severity": dense.severity.astype(str).to_numpy(),
            "dense top-1": estimate(dense, "top1"),
        }
    )
    for level, rows in table[table.level != "dense"].groupby("level", sort=False):
        aligned = dense[keys].merge(rows, on=keys, validate="one_to_one")
        cells[level] = estimate(aligned, "top1_change", sign=True)
    without_top5 = (
        ""
        if table.top5.notna().any()
        else " (top-5 is undefined here: there are five classes or less, or predictions came without top2 to top5)"
    )
    first = dense.iloc[0]
    note = (
        f"n = {first.examples} test images, K = {among(table.level_models)} models of each level. Top-1 of the dense population, and the change of each level's top-1 against it "
        f"on the same images, in points; the control's change is what seeds alone do. Top-5 and ratios: robustness.csv{without_top5}. Brackets: {coverage(table)} intervals over "
        "images and models; there are none where nothing varies."
    )
    return View("Robustness: top-1 under corruption", note, cells)


def robustness_summary(table: pd.DataFrame) -> View:
    sets = table[table.of > 1]
    cells = pd.DataFrame(
        {
            "level": sets.level,
            "corruptions": [
                title if found == of else f"{found} of {title}"
                for title, found, of in zip(sets.corruption, sets.found, sets.of, strict=True)
            ],
            "mCE": estimate(sets, "mce"),
            "relative mCE": estimate(sets, "relative_mce"),
            "mean CE over these": estimate(sets, "ce"),
            "mean error": estimate(sets, "error"),
            "less dense's": estimate(sets, "error_change", sign=True),
            "excess error": estimate(sets, "excess_error", sign=True),
            "what is undefined": sets.reason.replace("none", UNDEFINED),
        }
    )
    first = table.iloc[0]
    note = (
        f"n = {first.examples} test images, K = {first.dense_models} dense models and {among(table.level_models)} of each level. CE: the top-1 error under a corruption, summed over severities, "
        f"as a share of the reference's, here: {first.reference}. mCE: its mean over the 15 published corruptions, all five severities; "
        "relative: errors less those on the same images uncorrupted. Excess error: what a level loses under corruption beyond what dense loses, less the same on the uncorrupted "
        "images; the control's row is what seeds alone do. Each corruption by itself: robustness_summary.csv. "
        f"Brackets: {coverage(table)} intervals over models and images ({first.resamples} bootstrap resamples of both)."
    )
    return View("Robustness in one number: corruption errors", note, cells)


def corrupted_pies(table: pd.DataFrame) -> View:
    control = table[table.level == "control"]
    cells = pd.DataFrame(
        {
            "corruption": control.corruption.to_numpy(),
            "severity": control.severity.astype(str).to_numpy(),
            "control's PIEs": [
                f"{pies}: {shown}" for pies, shown in zip(control.pies, estimate(control, "pie_rate"), strict=True)
            ],
        }
    )
    keys = ["corruption", "severity"]
    first = control.iloc[0]
    exceeding = []
    for level, rows in table[table.level != "control"].groupby("level", sort=False):
        aligned = control[keys].merge(rows, on=keys, validate="one_to_one")
        cells[level] = [
            f"{pies}; {excess}; {p_value(q)}"
            for pies, excess, q in zip(
                aligned.pies, estimate(aligned, "excess_rate", sign=True), aligned.q_excess, strict=True
            )
        ]
        surely = (aligned.verdict == "exceeds the control") & (aligned.q_excess <= first.significance)
        exceeding.append(f"{level} {surely[aligned.severity > 0].sum()} of {(aligned.severity > 0).sum()}")
    note = (
        f"n = {first.examples} test images of each corruption and severity, K = {first.dense_models} dense and {among(table.level_models)} compressed models; the row clean has the same images uncorrupted. The control's PIEs "
        "are what seeds alone make of corrupted images, and corruption makes many. Of each level: PIEs; the excess over the control in points of PIE rate, the mean over "
        f"{first.deals} deals of all dense models, with its interval over images and models; p of the excess, adjusted for the rows of the level (Benjamini-Hochberg): the larger of the interval's own and of that of the votes when the level's, the dense and the control models are dealt anew ({first.permutations} times).{_groups_of_paired(table)} "
        f"Corruptions and severities in which both the interval and the adjusted p say that a level exceeds the control: {', '.join(exceeding) or 'there is no level'}. "
        f"Ties and the dense top-1 on PIEs: corrupted_pies.csv. Brackets: {coverage(table)} intervals, of the control's rate over images, the models taken as they are."
    )
    return View("PIEs among corrupted images", note, cells)


def times(table: pd.DataFrame, column: str) -> list[str]:
    """A ratio with its interval, `1.8x [1.7, 1.9]`."""
    low, high = table[f"{column}_low"], table[f"{column}_high"]
    return [
        UNDEFINED
        if math.isnan(value)
        else f"{value:.2f}x".replace("inf", "∞")
        if math.isnan(lower)
        else f"{value:.2f}x [{lower:.2f}, {upper:.2f}]".replace("inf", "∞")
        for value, lower, upper in zip(table[column], low, high, strict=True)
    ]


def cost(table: pd.DataFrame) -> View:
    cells = pd.DataFrame(
        {
            "batch": table.batch_size.astype(str),
            "level": table.level,
            "block-sparse layers": table.block_sparse_layers.astype(str),
            "latency, ms": [
                timing
                if math.isnan(value)
                else f"{value:.3f}"
                if math.isnan(low)
                else f"{value:.3f} [{low:.3f}, {high:.3f}]"
                for value, low, high, timing in zip(
                    table.latency_ms, table.latency_ms_low, table.latency_ms_high, table.timing, strict=True
                )
            ],
            "images/s": [UNDEFINED if math.isnan(rate) else f"{rate:,.0f}" for rate in table.images_per_second],
            "against dense, eager": times(table, "speedup_eager"),
            "against dense, compiled": times(table, "speedup_compiled"),
            "ceiling": table.ceiling.map("{:.2f}x".format),
            "million multiply-adds": [
                f"{kept / 1e6:.2f} of {total / 1e6:.2f}"
                for kept, total in zip(table.kept_multiply_adds, table.multiply_adds, strict=True)
            ],
            "weights, kB": (table.weight_bytes / 1e3).map("{:,.1f}".format),
            "peak memory, MB": [UNDEFINED if math.isnan(peak) else f"{peak / 1e6:.1f}" for peak in table.peak_bytes],
        }
    )
    first = table.iloc[0]
    note = (
        f"One network of each level on {first.device}, {first.threads} thread, {first.rounds} rounds in which all take turns; brackets: {coverage(table)} intervals of the "
        "median over rounds. Times are of this machine and moment, unlike all other tables. Dense, eager: the dense network in torch, "
        "its batch norms folded; compiled: torch.compile. Zeros without blocks are not skipped, so magnitude levels run as dense ones. "
        "float16 weights become float32 each time they are used. int8 sums are exact but not done by int8 instructions, so they have no time; bytes of weights are those stored. "
        "A level with blocks is block-sparse where a measurement for the batch size says that it pays; the log of measure_cost says which layers. Ceiling: the gain if time fell as multiplications do. Peak memory: beyond what is there before the call."
    )
    return View("Cost: what the networks of each level need", note, cells)


def cost_and_forgetting(table: pd.DataFrame) -> View:
    cells = pd.DataFrame(
        {
            "level": table.level,
            "batch": table.batch_size.astype(str),
            "sparsity": table.sparsity.map(percent),
            "times faster": times(table, "speedup"),
            "ceiling": table.ceiling.map("{:.2f}x".format),
            "bytes of weights": table.weights_relative.map("{:.0%}".format),
            "top-1": [percent(change, sign=True) for change in table.top1_change],
            "excess PIEs": estimate(table, "excess_rate", sign=True),
            "worst class": table.worst_class,
            "its recall beyond the average": estimate(table, "worst_change", sign=True),
            "verdict": table.verdict,
        }
    )
    first = table.iloc[0]
    note = (
        f"n = {first.examples} test images, K = {first.models} models of each level. Times faster: than the best dense network on this machine, a dash where the level is not timed (cost.csv says why); bytes: of the dense "
        "network's. The worst of many classes looks worse than it is: compare with the control's. "
        f"Brackets: {coverage(table)} intervals: of times over rounds, of excess PIEs over images and models, of recall over models."
    )
    return View("What the speed costs", note, cells)


def pies(table: pd.DataFrame) -> View:
    found = table[table.pie].copy()
    found["agreement"] = found.dense_votes + found.level_votes
    ranked = found.sort_values(["agreement", "example"], ascending=[False, True]).groupby("level").head(CLEAREST)
    clearest = pd.concat([ranked[ranked.level == level] for level in table.level.unique()])
    cells = pd.DataFrame(
        {
            "level": clearest.level,
            "example": clearest.example,
            "label": clearest.label.astype(str),
            "dense says": [
                f"{label} ({votes} of {k})"
                for label, votes, k in zip(
                    clearest.dense_modal, clearest.dense_votes, clearest.dense_models, strict=True
                )
            ],
            "level says": [
                f"{label} ({votes} of {k})"
                for label, votes, k in zip(
                    clearest.level_modal, clearest.level_votes, clearest.level_models, strict=True
                )
            ],
        }
    )
    note = (
        f"The up to {CLEAREST} clearest PIEs of each level, those that most models of both populations stand behind; all {len(found)} of "
        f"{len(table)} judgements ({table.example.nunique()} test images, {table.level.nunique()} levels) are in pies.csv. In brackets: models that vote for the label."
    )
    return View("The clearest PIEs", note, cells)


def subgroups(table: pd.DataFrame) -> View:
    keys = ["level", "grouping", "group"]
    top1 = table[(table.metric == "top-1") & (table.level != "control")]
    errors = [
        top1[keys].merge(table[table.metric == metric], on=keys, validate="one_to_one")
        for metric in ("false positive rate", "false negative rate")
    ]
    cells = pd.DataFrame(
        {
            "level": top1.level,
            "grouping": top1.grouping,
            "group": top1.group,
            "n": top1.examples.astype(str),
            "top-1": estimate(top1, "rate"),
            "change": estimate(top1, "change", sign=True),
            "the control's": estimate(top1, "control_change", sign=True),
            "beyond the other images'": estimate(top1, "beyond_others", sign=True),
            "p (BH)": top1.q.map(p_value),
            "false positives, relative change": [
                percent(value, sign=True).replace(" points", " %") for value in errors[0].relative_change
            ],
            "false negatives, relative change": [
                percent(value, sign=True).replace(" points", " %") for value in errors[1].relative_change
            ],
            "verdict": [
                "; ".join(
                    filter(None, (row.verdict, "lowest top-1" * row.worst, "loses most" * row.worst_change, row.reason))
                )
                for row in top1.itertuples()
            ],
        }
    )
    first = table.iloc[0]
    note = (
        f"K = {first.dense_models} dense models and as many of each level as it has; n: the group's test images. Change: against the dense population on the same images; the control's is what seeds alone do. Beyond the other images': "
        "the group's change less that of all other images of the grouping, which is what is tested (two-sided); BH: adjusted for all groups and levels. The group with the lowest top-1 and the one that loses most of each grouping are named; one always is. "
        "False positives and negatives: of the study's positive class, or the mean over classes of how often other images are called the class and its own are not; relative to the dense population's rate, as the companion paper reports it "
        "(2010.03058), so that rare errors show large changes. A purely global loss of logits moves groups of middling accuracy more than others, so a change beyond the others' is no proof that a group is treated differently. All rates, "
        f"intervals and the control's rows: subgroups.csv. {_changes_of_paired(table)}Brackets: {coverage(table)} intervals over images and models."
    )
    return View("Groups of images: who pays more than the others", note, cells)


def _changes_of_paired(table: pd.DataFrame) -> str:
    levels = list(table.level[table.design == "paired"].unique())
    if not levels:
        return ""
    return (
        f"Made of the dense checkpoints themselves: {', '.join(levels)}; each model is compared with the dense one it was made of, so the control's change is no measure of theirs, and "
        "what stands out among their PIEs is not held against the control's. "
    )


def over_indexing(table: pd.DataFrame) -> View:
    title = "Why these images: what stands out among the PIEs"
    if table.empty:
        note = "Nothing is compared: config key `audit.subgroups` names no column, and nothing is joined to the images."
        return View(title, note, pd.DataFrame({"what": pd.Series(dtype=str)}))
    shown = table[~table.value.str.contains(" & ", regex=False)]
    is_number = (shown.scale == "number").to_numpy()

    def either(properties: list[str], numbers: list[str]) -> list[str]:
        return [second if each else first for each, first, second in zip(is_number, properties, numbers, strict=True)]

    def of_numbers(name: str, sign: bool = False) -> list[str]:
        return [
            number(*ends, sign=sign)
            for ends in zip(shown[name], shown[f"{name}_low"], shown[f"{name}_high"], strict=True)
        ]

    cells = pd.DataFrame(
        {
            "level": shown.level,
            "what": [
                column if value in ("", column) else f"{column}: {value}"
                for column, value in zip(shown.column, shown.value, strict=True)
            ],
            "n": shown.examples.astype(str),
            "PIEs": shown.pies.astype(str),
            "among PIEs": either(
                [percent(share) for share in shown.share_pies], [number(mean) for mean in shown.mean_pies]
            ),
            "among others": either(
                [percent(share) for share in shown.share_others], [number(mean) for mean in shown.mean_others]
            ),
            "over-indexing": either(times(shown, "ratio"), [f"AUC {each}" for each in of_numbers("auc")]),
            "the control's": either(
                times(shown, "control_ratio"), [f"AUC {each}" for each in of_numbers("control_auc")]
            ),
            "to the control's": either(times(shown, "ratio_to_control"), of_numbers("auc_to_control", sign=True)),
            "p (BH)": shown.q.map(p_value),
            "p (control, BH)": shown.q_to_control.map(p_value),
            "verdict": ["; ".join(filter(None, (row.verdict, row.reason))) for row in shown.itertuples()],
        }
    )
    first = table.iloc[0]
    note = (
        f"n: test images of which it is known, K = {first.dense_models} dense models. Over-indexing: how many times more frequent something is among the PIEs than among the other images (of numbers: means, and AUC, the probability "
        "that the number is larger on a PIE than on another image). To the control's: divided by the control's over-indexing (AUC: the difference). Images that are odd are PIEs more often where nothing was compressed, too, so that "
        "something stands out among PIEs shows what images on which models disagree are like; only what stands out more than in the control says what compression adds. A ratio that is the same does not mean that nothing is added: twice as many PIEs of the "
        "same mix have the same ratios, so read the excess of each group beside it. p: Fisher's exact test (numbers: Mann-Whitney), p (control): of the ratio to the control's, both adjusted for all rows and levels (BH). "
        f"{_changes_of_paired(table)}Brackets: {coverage(table)} intervals over images, the models taken as they are: Koopman's of a ratio, which needs no correction where a count is 0; of the ratio to the control's the delta method, undefined where a count is 0."
    )
    return View(title, note, cells)


def natural(table: pd.DataFrame) -> View:
    cells = pd.DataFrame(
        {
            "natural set": table.natural,
            "answered from": [f"{scored} ({n})" for scored, n in zip(table.scored_on, table.classes, strict=True)],
            "level": table.level,
            "top-1": estimate(table, "top1"),
            "less dense's": estimate(table, "top1_change", sign=True),
            "n": table.examples.astype(str),
            "top-1, clean images": estimate(table, "clean_top1"),
            "less dense's, clean images": estimate(table, "clean_top1_change", sign=True),
            "n, clean": table.clean_examples.astype(str),
            "change beyond clean": estimate(table, "top1_change_beyond_clean", sign=True),
        }
    )
    first = table.iloc[0]
    note = (
        f"K = {first.dense_models} dense models and {among(table.level_models)} of each level. Natural sets show other photographs of the same classes. Answered from all classes: plain argmax; from the set's classes: every other class is ruled out, "
        "as the authors of ImageNet-A and -R score theirs, so the two do not compare with each other. Clean images: the study's own test images of the set's classes, scored in the same way. Change beyond clean: the level's change against dense on "
        "the natural set less its change on those, below 0 where it loses more on the natural set; the control's is what seeds alone do. "
        f"Top-5: natural.csv. Brackets: {coverage(table)} intervals over images and models; there are none where nothing varies."
    )
    return View("Natural test sets", note, cells)


def real(table: pd.DataFrame) -> View:
    cells = pd.DataFrame(
        {
            "level": table.level,
            "scored on": table.scored_on,
            "top-1": estimate(table, "top1"),
            "less dense's": estimate(table, "top1_change", sign=True),
            "the control's": estimate(table, "control_change", sign=True),
            "beyond the original labels": [
                UNDEFINED if labels == "original labels" else each
                for labels, each in zip(table.scored_on, estimate(table, "beyond_original", sign=True), strict=True)
            ],
        }
    )
    first = table.iloc[0]
    note = (
        f"n = {first.examples} test images with a label that fits, K = {first.dense_models} dense models and {among(table.level_models)} of each level. ReaL labels: right is every class that the raters of ReaL (2006.07159) "
        f"found to fit; the {first.left_out} images for which they found none, or which they did not see, are left out. Original labels: of the same images. Beyond the original labels: the change by ReaL labels less that by the "
        "original ones, above 0 where a part of what seems lost is answers that fit too; the control's change is what seeds alone do. "
        f"Brackets: {coverage(table)} intervals over images and models."
    )
    return View("By all labels that fit (ReaL)", note, cells)


VIEWS: dict[str, Callable[[pd.DataFrame], View]] = {
    "pies": pies,
    "pie_summary": pie_summary,
    "pie_curve": pie_curve,
    "hardness": hardness,
    "predictors": predictors,
    "scores": scores,
    "score_summary": score_summary,
    "planted": planted,
    "class_summary": class_summary,
    "class_impact": class_impact,
    "robustness": robustness,
    "robustness_summary": robustness_summary,
    "corrupted_pies": corrupted_pies,
    "subgroups": subgroups,
    "over_indexing": over_indexing,
    "natural": natural,
    "real": real,
    "cost": cost,
    "cost_and_forgetting": cost_and_forgetting,
}
