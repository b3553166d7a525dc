"""The page of layers.csv: what each layer of a level changes when it alone is compressed, and when it alone is not."""

import pandas as pd

from scripts.lib.pages.page import Note, Page
from scripts.lib.pages.vocabulary import UNDEFINED, among, estimate, p_value, percent, sentences
from scripts.lib.tables.table import coverage

# How layers were compressed -> what a reader is told of it.
HOW = {
    "quantized": (
        "Quantized: the level's own layers in its own models; one layer alone is the level with all others exempt, and one left out the level with that one "
        "exempt."
    ),
    "one-shot": (
        "One-shot: a level that was pruned while it trained has no layer that could be put back, so the dense models lose as many weights of a layer as the "
        "level's own layer lost, at once and without training afterwards. That is harder on them than the level was: it shows which layers depend on their "
        "weights, not what the level's models forgot."
    ),
}


def page(table: pd.DataFrame) -> Page:
    """layers.csv has a row for each level, experiment and layer."""
    cells = pd.DataFrame(
        {
            "level": table.level,
            "how": table.how,
            "compressed": [
                layer if kind == "all" else f"{layer} alone" if kind == "alone" else f"all but {layer}"
                for kind, layer in zip(table.experiment, table.layer, strict=True)
            ],
            "flips": estimate(table, "flips"),
            "flips avoided": estimate(table, "avoided", sign=True),
            "lost": [percent(value) for value in table.lost],
            "gained": [percent(value) for value in table.gained],
            "top-1": estimate(table, "top1_change", sign=True),
            "excess PIEs": estimate(table, "excess_rate", sign=True),
            "worst class": [
                UNDEFINED if name == "none" else f"{name}: {percent(change, sign=True)}, p = {p_value(p)}"
                for name, change, p in zip(table.worst_class, table.worst_change, table.worst_p, strict=True)
            ],
            "the layer saves, kB": (table.bytes_saved / 1e3).map("{:,.1f}".format),
        }
    )
    note = Note(
        what=(
            f"What each layer does to the predictions when it alone is compressed, and when it alone is not (n = {among(table.examples)} test images, "
            f"K = {among(table.models)} models a level)."
        ),
        evidence=sentences(
            "Flips: predictions that differ from the same model's before compression. A layer is to blame where it flips many alone and many are avoided "
            "without it; where only one of the two holds, layers act together.",
            *(HOW[how] for how in table.how.unique()),
            "Lost and gained: right before and wrong after, and the reverse. Excess PIEs: how much oftener the control's modal label contradicts the compressed "
            "models' than the uncompressed ones'.",
        ),
        brackets=f"{coverage(table)} intervals over images and, of three models or more, models.",
        limits=sentences(
            "The worst class is chosen for being the worst; its p is of an exact test over images, adjusted for the classes of the row (Holm) and for "
            "nothing else.",
            "Bytes that one-shot pruning saves are those of the zeros, without the indices of a sparse format."
            if "one-shot" in set(table.how)
            else "",
            f"Dashes: {'; '.join(reasons)}." if (reasons := _reasons(table)) else "",
        ),
    )
    return Page("Which layer is to blame", note, cells)


def _reasons(table: pd.DataFrame) -> list[str]:
    """Why something is undefined, each reason once."""
    return list(dict.fromkeys(part for reason in table.reason for part in reason.split("; ") if part))
