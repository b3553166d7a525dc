"""A fragment of a model card: the front matter that the Hugging Face hub reads as `model-index`, and the same in plain words.

The structure is that of the hub's model card specification (github.com/huggingface/hub-docs, modelcard.md): of each result a task with a
type, a dataset with a type and a name, and metrics with a type and a value.
"""

import math
import re
from dataclasses import dataclass

import pandas as pd
import yaml

from scripts.lib.pages.vocabulary import p_value, percent

TASK = {"type": "image-classification", "name": "Image classification"}
NOT_COMPRESSED = ("dense", "control")
TABLES = (
    "pie_summary",
    "class_impact",
    "pair_summary",
    "pair_classes",
    "robustness_summary",
    "pair_robustness_summary",
    "cost",
)
MARKDOWN = re.compile(r"([\\`*_{}\[\]<>#|!~&])")  # what may mean something there


@dataclass(frozen=True)
class Entry:
    """What the card says of one level."""

    name: str
    metrics: list[dict]
    text: str


def card(study: str, dataset: str, tables: dict[str, pd.DataFrame]) -> str:
    """The card of all compressed levels; tables: those of TABLES that the study has, by name; dataset: what the study's data are called."""
    make = _of_pairs if "pair_summary" in tables else _of_populations
    entries = make(dataset, tables)
    index = [
        {
            "name": f"{study}-{entry.name}",
            "results": [
                {
                    "task": dict(TASK),  # a copy each, or YAML would refer to the first
                    "dataset": {"type": dataset, "name": dataset, "split": "test"},
                    "metrics": [each for each in entry.metrics if math.isfinite(each["value"])],
                }
            ],
        }
        for entry in entries
    ]
    front = yaml.safe_dump({"model-index": index}, sort_keys=False, allow_unicode=True, width=1000)
    parts = [f"---\n{front}---", "## What compression changes", *(entry.text for entry in entries)]
    if not entries:
        parts.append("Nothing is compressed in this study.")
    return "\n\n".join(parts) + "\n"


def escaped(text: str) -> str:
    """A name as Markdown shows it, whatever is in it; no part of it is markup."""
    return MARKDOWN.sub(r"\\\1", text)


def metric(kind: str, value: float, name: str) -> dict:
    """One metric of the index."""
    return {"type": kind, "value": float(value), "name": name}


def _of_populations(dataset: str, tables: dict[str, pd.DataFrame]) -> list[Entry]:
    """One entry for each compressed level of a study of populations."""
    summary, classes = tables["pie_summary"], tables.get("class_impact")
    entries = []
    for row in summary[~summary.level.isin(NOT_COMPRESSED)].itertuples():
        worst = _worst(classes, row.level, "recall_change")
        metrics = [
            metric("accuracy", row.level_top1_all, f"Top-1 accuracy, mean of {row.level_models} models"),
            metric(
                "accuracy_uncompressed",
                row.dense_top1_all,
                f"Top-1 accuracy before compression, mean of {row.dense_models} models",
            ),
            metric("pie_rate", row.pie_rate, "Share of images whose modal label differs from the dense models'"),
            metric("pie_rate_control", row.control_rate, "The same between two uncompressed populations"),
            metric("pie_excess", row.excess_rate, "Excess over the uncompressed populations"),
        ]
        top1, before = (
            percent(getattr(row, name), getattr(row, f"{name}_low"), getattr(row, f"{name}_high"))
            for name in ("level_top1_all", "dense_top1_all")
        )
        rate = percent(row.pie_rate, row.pie_rate_low, row.pie_rate_high)
        excess = percent(row.excess_rate, row.excess_rate_low, row.excess_rate_high, sign=True)
        said = [
            f"**{escaped(row.level)}**, on n = {row.examples:,} test images of {escaped(dataset)}, K = {row.level_models} compressed and "
            f"{row.dense_models} dense models: top-1 is {top1}, that of the dense models {before}.",
            f"What most of them say differs on {row.pies:,} images ({rate}); two populations of which neither is compressed differ on "
            f"{row.control_pies:,}. The excess is {excess} (p = {p_value(row.p_excess)}, for all levels of the study "
            f"{p_value(row.p_holm)}): the level {row.verdict_study}.",
        ]
        if worst is not None:
            metrics.append(
                metric(
                    "worst_class_change",
                    worst.recall_change,
                    f"Change of recall of the class that loses most: {worst['class']}",
                )
            )
            said.append(
                f"Of {worst.of} classes the class {escaped(worst['class'])} loses most, {percent(worst.recall_change, sign=True)} of its {worst.examples:,} "
                "images; some class always does."
            )
        entries.append(
            _entry(
                row,
                row.level,
                metrics,
                said,
                tables,
                _coverage(row.significance, "images, those of excesses over images and models"),
            )
        )
    return entries


def _of_pairs(dataset: str, tables: dict[str, pd.DataFrame]) -> list[Entry]:
    """One entry for each compressed network of a study that compares networks one with one."""
    summary, classes = tables["pair_summary"], tables.get("pair_classes")
    several = summary.seed.nunique() > 1
    entries = []
    for row in summary[~summary.level.isin(NOT_COMPRESSED)].itertuples():
        name = f"{row.level}-seed-{row.seed}" if several else row.level
        own = classes[classes.seed == row.seed] if classes is not None else None
        worst = _worst(own, row.level, "change")
        metrics = [
            metric("accuracy", row.level_top1, "Top-1 accuracy"),
            metric("accuracy_uncompressed", row.dense_top1, "Top-1 accuracy before compression"),
            metric("top_5_accuracy", row.level_top5, "Top-5 accuracy"),
            metric("flip_rate", row.flip_rate, "Share of images that are classified otherwise after compression"),
            metric(
                "lost_rate",
                row.lost / row.examples,
                "Share of images that are right before compression and wrong after",
            ),
        ]
        change = percent(row.top1_change, row.top1_change_low, row.top1_change_high, sign=True)
        rate = percent(row.flip_rate, row.flip_rate_low, row.flip_rate_high)
        said = [
            f"**{escaped(name)}**, one file beside its dense one, on n = {row.examples:,} test images of {escaped(dataset)} (K = 1): top-1 is "
            f"{percent(row.level_top1)} after {percent(row.dense_top1)} ({change}; exact p = {p_value(row.p_top1)}, for all levels of the study "
            f"{p_value(row.p_top1_holm)}).",
            f"{row.flips:,} images ({rate}) are classified otherwise: {row.lost:,} right before and wrong after, {row.gained:,} wrong before and "
            f"right after, {row.moved:,} from one wrong class to another. This is about these files, not about other trainings of them.",
        ]
        if not math.isnan(row.smallest_top1_change):
            said.append(
                f"The smallest change of top-1 that these images show with 80 % power is {100 * row.smallest_top1_change:.1f} points."
            )
        if worst is not None:
            metrics.append(
                metric(
                    "worst_class_change",
                    worst.change,
                    f"Change of accuracy of the class that loses most: {worst['class']}",
                )
            )
            lost = percent(worst.change, worst.change_together_low, worst.change_together_high, sign=True)
            said.append(
                f"Of {worst.of} classes the class {escaped(worst['class'])} loses most, {lost} of its {worst.examples:,} images (an interval for all classes at "
                "once)."
            )
        entries.append(_entry(row, name, metrics, said, tables, _coverage(row.significance, "images")))
    return entries


def _entry(
    row, name: str, metrics: list[dict], said: list[str], tables: dict[str, pd.DataFrame], brackets: str
) -> Entry:
    """With what both kinds of studies know of corruptions and of size."""
    for table in ("robustness_summary", "pair_robustness_summary"):
        if table in tables:
            rows = tables[table]
            for summed in rows[(rows.level == row.level) & rows.mce.notna()].itertuples():
                metrics.append(metric("mce", summed.mce, "Mean corruption error relative to the study's reference"))
                said.append(
                    f"Its mean corruption error (mCE) is {percent(summed.mce, summed.mce_low, summed.mce_high)} of the reference's ({escaped(summed.reference)})."
                )
    if "cost" in tables:
        stored = tables["cost"].drop_duplicates("level").set_index("level").weight_bytes
        if {row.level, "dense"} <= set(stored.index):
            metrics.append(metric("weight_bytes", stored[row.level], "Bytes of weights"))
            said.append(f"Its weights take {stored[row.level]:,.0f} bytes, the dense ones {stored['dense']:,.0f}.")
    return Entry(name, metrics, " ".join([*said, brackets]))


def _worst(classes: pd.DataFrame | None, level: str, change: str) -> pd.Series | None:
    """The row of the class of a level that loses most, with how many classes were looked at as `of`; None where none loses."""
    if classes is None:
        return None
    own = classes[(classes.level == level) & classes[change].notna()]
    if own.empty or not own[change].min() < 0:
        return None
    return pd.concat([own.loc[own[change].idxmin()], pd.Series({"of": len(own)})])


def _coverage(significance: float, over: str) -> str:
    return f"Brackets are {100 * (1 - significance):g} % intervals over {over}. Measured with Lacuna."
