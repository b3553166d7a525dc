"""The page of over_indexing.csv: what stands out among the PIEs."""

import pandas as pd

from scripts.lib.pages.page import Note, Page
from scripts.lib.pages.paired import changes_of_paired
from scripts.lib.pages.vocabulary import estimated_number, number, p_value, percent, sentences, times
from scripts.lib.tables.table import coverage

TITLE = "Why these images: what stands out among the PIEs"


def page(table: pd.DataFrame) -> Page:
    """over_indexing.csv has a row for each level and property or number that is known of images; combined properties are not shown."""
    if table.empty:
        return _nothing()
    shown = table[~table.value.str.contains(" & ", regex=False)]
    is_number = (shown.scale == "number").to_numpy()

    def either(properties: list[str], numbers: list[str]) -> list[str]:
        return [second if each else first for each, first, second in zip(is_number, properties, numbers, strict=True)]

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
            "over-indexing": either(times(shown, "ratio"), [f"AUC {each}" for each in estimated_number(shown, "auc")]),
            "the control's": either(
                times(shown, "control_ratio"), [f"AUC {each}" for each in estimated_number(shown, "control_auc")]
            ),
            "to the control's": either(
                times(shown, "ratio_to_control"), estimated_number(shown, "auc_to_control", sign=True)
            ),
            "p (BH)": shown.q.map(p_value),
            "p (control, BH)": shown.q_to_control.map(p_value),
            "verdict": ["; ".join(filter(None, (row.verdict, row.reason))) for row in shown.itertuples()],
        }
    )
    return Page(TITLE, _note(table), cells)


def _nothing() -> Page:
    what = "Nothing is compared: config key `audit.subgroups` names no column, and nothing is joined to the images."
    note = Note(what=what, evidence="", brackets="", limits="")
    return Page(TITLE, note, pd.DataFrame({"what": pd.Series(dtype=str)}))


def _note(table: pd.DataFrame) -> Note:
    return Note(
        what=f"How many times more frequent something is among the PIEs than among the other images: n test images of which it is known, K = {table.dense_models.iloc[0]} dense models.",
        evidence=(
            "Over-indexing is that ratio; of numbers there are means, and AUC, the probability that the number is larger on a PIE than on another image. "
            "To the control's: divided by the control's over-indexing (AUC: the difference). "
            "Images that are odd are PIEs more often where nothing was compressed, too. "
            "So that something stands out among PIEs shows what images on which models disagree are like; only what stands out more than in the control says what compression adds. "
            "p: Fisher's exact test (numbers: Mann-Whitney); p (control): of the ratio to the control's; both are adjusted for all rows and levels (BH)."
        ),
        brackets=(
            f"{coverage(table)} intervals over images, the models taken as they are. "
            "Those of a ratio are Koopman's, which need no correction where a count is 0. "
            "Those of the ratio to the control's are by the delta method, undefined where a count is 0."
        ),
        limits=sentences(
            "A ratio that is the same does not mean that nothing is added: twice as many PIEs of the same mix have the same ratios.",
            "So read the excess of each group beside it.",
            changes_of_paired(table),
        ),
    )
