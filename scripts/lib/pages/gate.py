"""The verdicts on a study's promises: as a page of gate.csv, as Markdown for people, and as JUnit XML for programs that show tests."""

import math
from xml.etree import ElementTree

import pandas as pd

from scripts.lib.pages.page import Note, Page
from scripts.lib.pages.vocabulary import UNDEFINED, p_value, percent
from scripts.lib.tables.table import coverage

SHARES = ("flips", "lost")  # of images, and no differences
RATIOS = ("mce", "latency", "bytes")  # in times the dense network's; all others are shares of images
NONE = "none"


def page(table: pd.DataFrame) -> Page:
    """gate.csv has a row for each promise and level."""
    cells = pd.DataFrame(
        {
            "level": table.level,
            "promise": [_promise(row) for row in table.itertuples()],
            "found": [_found(row) for row in table.itertuples()],
            "verdict": table.verdict,
            "n": [UNDEFINED if not row.examples else str(row.examples) for row in table.itertuples()],
            "K": table.models.astype(str),
            "p (kept)": table.p.map(p_value),
            "p (kept, Holm)": table.p_holm.map(p_value),
            "p (broken, Holm)": table.p_worse_holm.map(p_value),
            "images that would decide": [
                UNDEFINED if math.isnan(each) else f"{each:,.0f}" for each in table.images_to_decide
            ],
            "why not judged": table.reason,
        }
    )
    significance = table.significance.iloc[0]
    note = Note(
        what="Each promise of the study, n images and K networks of a level, and whether the level keeps it.",
        evidence=(
            "Accepted: the one-sided test says that the margin is not passed. Rejected: the test of the other side says that it is. Inconclusive: neither, so more images "
            "would be needed; how many decide four times of five if things are as found stands beside it. Holm: adjusted for all promises and levels, each side by itself: "
            f"the probability that even one broken promise is called accepted is at most {significance:g}, and so is that of calling even one kept promise rejected."
        ),
        brackets=f"One-sided {coverage(table)} intervals at either end; of one network each over images, else over images and models, of times over rounds.",
        limits="Bytes are known and not tested. The worst class or group is the one that is hardest to acquit; all of them must keep the promise.",
    )
    return Page("Gate: what was promised, and what is kept", note, cells)


def markdown(table: pd.DataFrame, study: str, inconclusive: str) -> str:
    """gate.md: the outcome in one line, then all promises."""
    shown = page(table)
    cells = shown.cells.map(lambda cell: cell.replace("|", "\\|"))
    failing = failing_of(table, inconclusive)
    outcome = (
        "open: every promise is kept"
        if not failing.any()
        else f"closed: {failing.sum()} of {len(table)} promises are not kept"
    )
    parts = [f"# Gate of {study}: {outcome}", cells.to_markdown(index=False), str(shown.note)]
    return "\n\n".join(parts) + "\n"


def failing_of(table: pd.DataFrame, inconclusive: str) -> pd.Series:
    """Which promises close the gate, bool; inconclusive: whether those that cannot be told `fails` or `passes`."""
    return (table.verdict == "rejected") | ((table.verdict == "inconclusive") & (inconclusive == "fails"))


def junit(table: pd.DataFrame, study: str, inconclusive: str) -> str:
    """gate.xml: a test case for each promise and level, as CI systems read them. What cannot be told and is let through is skipped."""
    failing = failing_of(table, inconclusive)
    skipped = (table.verdict == "inconclusive") & ~failing
    suite = ElementTree.Element(
        "testsuite",
        name=f"gate of {study}",
        tests=str(len(table)),
        failures=str(int(failing.sum())),
        errors="0",
        skipped=str(int(skipped.sum())),
    )
    for row, fails, skips in zip(table.itertuples(), failing, skipped, strict=True):
        case = ElementTree.SubElement(suite, "testcase", classname=f"{study}.{row.level}", name=_promise(row))
        said = f"{row.verdict}: {_found(row)}{f' ({row.reason})' if row.reason else ''}"
        if fails:
            ElementTree.SubElement(case, "failure", type=row.verdict, message=said)
        elif skips:
            ElementTree.SubElement(case, "skipped", message=said)
        ElementTree.SubElement(case, "system-out").text = said
    ElementTree.indent(suite)
    return ElementTree.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"


def _promise(row) -> str:
    """`top1_loss at most 1.0 %`, `latency of 1 image at most 0.8x`."""
    margin = f"{row.margin:g}x" if row.metric in RATIOS else percent(row.margin)
    batch = "" if math.isnan(row.batch_size) else f" of batches of {row.batch_size:.0f}"
    return f"{row.metric}{batch} at most {margin}"


def _found(row) -> str:
    """The estimate with its one-sided ends, and the class or group that it is of."""
    if math.isnan(row.estimate):
        return UNDEFINED
    ends = (row.estimate_low, row.estimate_high)
    if row.metric in RATIOS:
        known = not any(map(math.isnan, ends)) and ends[0] != ends[1]
        shown = f"{row.estimate:.3f}x" + (f" [{ends[0]:.3f}, {ends[1]:.3f}]" if known else "")
    else:
        shown = percent(row.estimate, *ends, sign=row.metric not in SHARES)
    return shown if row.about == NONE else f"{shown} ({row.about})"
