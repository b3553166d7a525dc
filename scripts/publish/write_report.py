"""report.html: what was found, in words, tables and figures; one file that needs no network."""

import base64
import warnings
from collections.abc import Sequence
from pathlib import Path

import jinja2
import pandas as pd
import yaml
from markupsafe import Markup

from scripts.lib.audit.verdicts import EXCEEDS
from scripts.lib.data.dataset import load_examples, load_images, load_manifest
from scripts.lib.jobs.files import write_text
from scripts.lib.jobs.job import logged
from scripts.lib.jobs.project import REPORT
from scripts.lib.pages.all_pages import PAGES
from scripts.lib.pages.card import scale_of
from scripts.lib.pages.cards import cards_of_populations
from scripts.lib.pages.page import Page
from scripts.lib.pages.pair_cards import cards_of_files
from scripts.lib.pages.pair_findings import pair_findings
from scripts.lib.pages.sections import CHAPTERS, METHOD, OF_FILES, OF_POPULATIONS, SECTIONS
from scripts.lib.pages.strips import Still, strips_of
from scripts.lib.pages.vocabulary import p_value, percent
from scripts.lib.study.formats import brings_computation
from scripts.lib.study.levels import checkpoints_of, declaration, is_brought, is_smaller
from scripts.lib.tables.table import coverage, load_table

TAILS = {"class_frequency": "all images", "class_frequency_typical": "typical images"}


def findings(summary: pd.DataFrame, planted: pd.DataFrame | None, impact: pd.DataFrame) -> list[str]:
    """One sentence a level: what it can be said to forget, or that it cannot be told from the control.

    The verdict is the study's, adjusted for all its levels; the level's own is named where it is another. planted: None where no
    groups of images are known.
    """
    sentences = []
    classes = impact[impact.examples > 0].groupby("level").significant.agg(["sum", "size"])
    control_models = summary.set_index("level").level_models["control"]
    for row in summary[summary.level != "control"].itertuples():
        excess = percent(row.excess_rate, row.excess_rate_low, row.excess_rate_high, sign=True)
        tested = f"excess {excess} of {row.examples} images, p = {p_value(row.p_excess)}, {p_value(row.p_holm)} for all levels (Holm)"
        numbers = f"{row.pies} PIEs beside the control's {row.control_pies} ({tested})"
        if row.design == "paired":
            numbers = f"{row.pies} PIEs of the dense models before and after (the control's {row.control_pies} are those of other seeds; {tested})"
        if row.verdict_study != row.verdict:
            numbers += f"; by itself it {row.verdict}"
        flagged, total = classes.loc[row.level]
        beside = f"{flagged} of {total} classes flagged, {classes.loc['control', 'sum']} in the control"
        if row.level_models != control_models:
            beside += f"; K = {row.level_models} here and {control_models} in the control, and counts at different K do not compare"
        if planted is None:
            sentences.append(f"{row.level} {row.verdict_study}: {numbers}; {beside}.")
            continue
        if row.verdict_study != EXCEEDS:
            sentences.append(f"{row.level} {row.verdict_study}: {numbers}; {beside}.")
            continue
        larger = planted[(planted.level == row.level) & planted.verdict.str.startswith("larger")]
        kinds = [group.replace("_", " ") for group in larger.group[larger.grouping == "kind"]]
        tails = [TAILS[grouping] for grouping in larger.grouping if grouping != "kind"]
        where = f"; more on {', '.join(kinds)} than on typical images" if kinds else ""
        where += f"; more on tail than on head classes ({', '.join(tails)})" if tails else ""
        where = where or "; no group stands out beyond its reference"
        sentences.append(f"{row.level} {row.verdict_study}: {numbers}{where}; {beside}.")
    return at_chance(summary, impact) + (
        sentences or ["Nothing is compressed in this study: there is only the control to see."]
    )


def at_chance(summary: pd.DataFrame, impact: pd.DataFrame) -> list[str]:
    """A sentence if the dense models cannot be told from one that always says the most frequent class, so that they had nothing to forget."""
    row = summary[summary.level == "control"].iloc[0]
    images = impact[impact.level == "control"].examples
    most_frequent = images.max() / images.sum()
    if not row.dense_top1_all_low <= most_frequent:
        return []
    top1 = percent(row.dense_top1_all, row.dense_top1_all_low, row.dense_top1_all_high)
    return [
        f"The dense models are at chance: top-1 is {top1} of {row.examples} images (K = {row.dense_models}), and always saying the most frequent "
        f"class is right on {percent(most_frequent)}. What they forget cannot be seen; do weights, normalization, image size and the order of classes "
        "fit the images?"
    ]


def networks(study: dict) -> str:
    """What was trained here, and what was brought."""
    network = study["network"]
    trained = f"network {network['name']}"
    if "channels" in network:
        trained += f" ({'-'.join(map(str, network['channels']))})"
    kinds: dict[str, list[str]] = {}
    levels = {level["name"]: level for level in study["levels"]}
    for level in levels.values():
        made_of = level if is_brought(level) else levels[checkpoints_of(level)]
        if "predictions" in made_of:
            kinds.setdefault("predictions from elsewhere", []).append(level["name"])
        elif "checkpoints" in made_of:
            what = "files of" if brings_computation(made_of["checkpoints"]) else "checkpoints of"
            kinds.setdefault(f"{what} {made_of['checkpoints']['network']}", []).append(level["name"])
        else:
            fewer = f"{trained} with fewer channels" if is_smaller(made_of) else trained
            kinds.setdefault(fewer, []).append(level["name"])
    if list(kinds) == [trained]:
        return trained
    return "; ".join(f"{kind} ({', '.join(names)})" for kind, names in kinds.items())


def data_line(data: dict) -> str:
    """How many images of how many classes there are, and what was left out of them; data: the manifest of the study's data."""
    images = " and ".join(
        f"{data['examples'][split]:,} {split}" for split in ("test", "train") if split in data["examples"]
    )
    parts = [f"{images.replace('train', 'training')} images of {len(data['classes'])} classes"]
    parts += [
        f"{count:,} broken {split.replace('train', 'training')} pictures are left out"
        for split, count in sorted(data["broken"].items())
        if count
    ]
    untested = data["examples_of_each_class"].get("test", []).count(0)
    if untested:
        parts.append(f"{untested:,} classes have no test images, and nothing can be said of them")
    return "; ".join(parts) + "."


def pages_of(frames: dict[str, pd.DataFrame]) -> dict[str, Page]:
    """The page of every table, its numbers with what the table has of them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", pd.errors.Pandas4Warning)  # that pandas 4 will have no such option
        with pd.option_context("future.infer_string", False):  # pandas' own strings would keep the text alone
            return {name: PAGES[name](frame) for name, frame in frames.items()}


def encoded(path: str) -> str:
    """A file as base64."""
    return base64.b64encode(Path(path).read_bytes()).decode()


def write_report(
    tables: Sequence[str],
    figures: Sequence[str],
    pictures: Sequence[str],
    data: dict,
    study: dict,
    left_out: Sequence[str],
    strips: dict[tuple[str, int], list[Still]] | None = None,
    companions: dict[str, str] | None = None,
) -> str:
    """The page; everything that comes from data is escaped.

    data: the manifest of the study's data. left_out: sentences about what this study cannot have. strips: as `strips_of` makes them, where the
    study has images. companions: pages beside the report, with what it says of them.
    """
    frames = {Path(path).stem: load_table(path) for path in tables}
    files = "pair_summary" in frames
    cards = cards_of_files(frames) if files else cards_of_populations(frames)
    template, style, behaviour = (path.read_text(encoding="utf-8") for path in REPORT)
    sections = {name: [each for each in SECTIONS if each.chapter == name and each.head in frames] for name in CHAPTERS}
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(template).render(
        style=Markup(style),
        behaviour=Markup(behaviour),
        study=study,
        configuration=yaml.safe_dump(study, sort_keys=False, allow_unicode=True),
        findings=pair_findings(frames["pair_summary"], frames["pair_classes"])
        if files
        else findings(frames["pie_summary"], frames.get("planted"), frames["class_impact"]),
        cards=cards,
        scale=scale_of(cards),
        coverage=coverage(frames["pair_summary" if files else "pie_summary"]),
        alike=None if files else control_line(frames["pie_summary"]),
        strips=strips or {},
        companions=companions or {},
        chapters={name: own for name, own in sections.items() if own or name == METHOD},
        left_out=[*left_out, *(OF_FILES if files else OF_POPULATIONS)],
        networks=networks(study),
        data_line=data_line(data),
        declaration=declaration(study),
        pages=pages_of(frames),
        figures={Path(path).stem: encoded(path) for path in figures},
        pictures={Path(path).stem: encoded(path) for path in pictures},
    )


def control_line(summary: pd.DataFrame) -> str:
    """What the reader has to know of the control before any card."""
    row = summary.set_index("level").loc["control"]
    rate = percent(row.pie_rate, row.pie_rate_low, row.pie_rate_high)
    return (
        f"Networks that are trained anew without any compression (dense ones) give another answer than the first on {row.pies:,} of {row.examples:,} test images ({rate}). "
        "Only what a level changes beyond that is due to compression."
    )


def main(input, params) -> str:
    """Read what the report shows, and return the page."""
    data = load_manifest(input.data)
    strips = {}
    if input.images:
        named = ("pair_summary", "flips", "pies")
        frames = {Path(path).stem: load_table(path) for path in input.tables if Path(path).stem in named}
        examples = load_examples(input.examples, "test", data["sha256"]["examples"])
        strips = strips_of(frames, load_images(input.images, mapped=True), examples, data["classes"])
    return write_report(
        input.tables, input.figures, input.pictures, data, params.study, params.left_out, strips, params.companions
    )


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        write_text(snakemake.output.report, main(snakemake.input, snakemake.params))  # noqa: F821
