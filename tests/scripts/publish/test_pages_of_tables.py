"""Every table's page from the tables that the scripts make, and what the report says of them."""

import numpy as np
import pandas as pd
import pytest
from documented import undocumented
from four_images import DENSE, LABEL, PRUNED, margins_of, pies_table
from made_costs import cost_of
from made_layers import layers_of

from scripts.audit.measure_calibration import (
    measure_level as measure_sureness,
)
from scripts.audit.measure_calibration import reliability_rows, without_sets
from scripts.audit.measure_calibration import row_of as calibration_row
from scripts.audit.measure_hardness import hardness_rows, measure_level, predictor_rows
from scripts.audit.score_examples import scores_of, table_of
from scripts.audit.summarize_pies import summarize_level, with_study_verdicts
from scripts.audit.summarize_scores import summarize_level as summarize_scores
from scripts.audit.trace_pies import curve_of
from scripts.audit.trace_pies import rows_of as curve_rows
from scripts.compare.compare_annotations import compare_level as compare_annotations
from scripts.compare.compare_annotations import completed as complete_annotations
from scripts.compare.compare_classes import compare_level as compare_classes
from scripts.compare.compare_classes import completed as complete_classes
from scripts.compare.compare_classes import impact_of
from scripts.compare.compare_classes import summarize_level as summarize_classes
from scripts.compare.compare_kinds import GROUPS
from scripts.compare.compare_kinds import compare_level as compare_kinds
from scripts.compare.compare_subgroups import METRICS, Task, compare_group
from scripts.compare.compare_subgroups import completed as complete_subgroups
from scripts.compare.measure_natural import measure as measure_natural
from scripts.compare.measure_real import measures_of
from scripts.compare.measure_real import rows_of as rows_of_real
from scripts.compare.measure_robustness import measure
from scripts.compare.weigh_cost import weigh
from scripts.lib.annotations.column import Column
from scripts.lib.annotations.groups import everything, groupings_of
from scripts.lib.audit.modal import TIE_RULES
from scripts.lib.audit.scores import score_measures
from scripts.lib.audit.slices import beside_one_control
from scripts.lib.ledger.predictions import Votes
from scripts.lib.ledger.probabilities import Sureness
from scripts.lib.pages.all_pages import OF_FILES, PAGES
from scripts.lib.pages.markdown import markdown
from scripts.lib.tables.corrupted_pies import rows_of_variant, with_adjusted
from scripts.lib.tables.corruption_summary import summary_of
from scripts.lib.tables.pie_table import excesses_of, uncompressed_of
from scripts.lib.tables.slices import Compared, row_of, row_of_nothing
from scripts.lib.tables.slices import completed as completed_slices
from scripts.publish.write_report import data_line, findings, networks

SIGNIFICANCE = 0.1
COLUMNS = {
    "colour": Column("colour", "category", np.array(["red", "blue", "red", None], dtype=object), joined=True),
    "age": Column("age", "number", np.array([3.0, 1.0, np.nan, 2.0]), joined=True),
}
GROUPINGS = [everything(4), *groupings_of(COLUMNS, ["colour", {"column": "age", "bins": 2}])]
FITS = np.eye(1000, dtype=bool)[LABEL]
TASK = Task(classes=10, positive=None, smallest=1, significance=SIGNIFICANCE)


@pytest.fixture(scope="module")
def tables():
    """All tables of a study of four images, a control that is the dense population again, and one pruned level."""
    levels = {"control": DENSE, "pruned": PRUNED}
    pies_by_level = pies_table(levels, DENSE, 20)
    pies, control = pd.concat(pies_by_level.values()), pies_by_level["control"]
    reference = uncompressed_of(DENSE, DENSE, ["independent"], "largest")
    groups = {(grouping, names[0]): np.ones(len(LABEL), bool) for grouping, names in GROUPS.items()}
    found = excesses_of(
        "pruned",
        pies_by_level["pruned"],
        reference,
        PRUNED,
        np.stack(list(groups.values())),
        100,
        SIGNIFICANCE,
    )
    rows = {level: pies[pies.level == level] for level in levels}
    impacts = {
        level: impact_of(level, DENSE, votes, margins_of(DENSE), 4, SIGNIFICANCE) for level, votes in levels.items()
    }
    sides = np.array([[True, False, False], [False, True, False]]), np.array([[False, True, True], [True, False, True]])
    halves = {level: measure_level(DENSE, votes, (sides, sides), True) for level, votes in levels.items()}
    about = {
        "examples": len(LABEL),
        "dense_models": 3,
        "level_models": 3,
        "design": "independent",
        "splits": 2,
        "significance": SIGNIFICANCE,
    }
    curves = {level: curve_of(level, DENSE, votes, "independent", 10, "largest") for level, votes in levels.items()}
    about_curve = {name: value for name, value in about.items() if name != "splits"} | {
        "subsets": 10,
        "tie_rule": "largest",
    }
    measures = {level: score_measures(DENSE.votes, votes.votes, level) for level, votes in levels.items()}
    control_scores = scores_of("control", DENSE, DENSE)
    scores = {
        level: table_of(level, DENSE, votes, scores_of(level, DENSE, votes), control_scores)
        for level, votes in levels.items()
    }
    class_impact, class_summary = complete_classes(
        [
            compare_classes(level, DENSE, votes, impacts[level], list("abcd"), np.arange(4), SIGNIFICANCE)
            for level, votes in levels.items()
        ],
        [
            summarize_classes(level, DENSE, votes, impacts[level], np.arange(4), SIGNIFICANCE)
            for level, votes in levels.items()
        ],
    )
    sure = {
        level: without_sets(measure_sureness(level, Sureness(votes, *np.full((3, 3, 4), 0.5))))
        for level, votes in ({"dense": DENSE} | levels).items()
    }
    made = {
        "pies": pies,
        "pie_summary": with_study_verdicts(
            pd.DataFrame(
                [
                    summarize_level(level, rows[level], control, DENSE, votes, reference, SIGNIFICANCE, 100, "largest")
                    for level, votes in levels.items()
                ]
            ).assign(sparsity=0.5)
        ),
        "pie_curve": pd.DataFrame(
            [
                about_curve | {"level": level} | row
                for level, curve in curves.items()
                for row in curve_rows(curve, curves["control"], SIGNIFICANCE)
            ]
        ),
        **{
            name: pd.DataFrame(
                [row for level in levels for row in rows_of(level, halves[level], halves["control"], about)]
            )
            for name, rows_of in (("hardness", hardness_rows), ("predictors", predictor_rows))
        },
        "scores": pd.concat(scores.values()),
        "score_summary": pd.DataFrame(
            [
                row
                for level in levels
                for row in summarize_scores(level, scores[level], measures[level], measures["control"], SIGNIFICANCE)
            ]
        ),
        "planted": pd.DataFrame(
            [
                row
                for level, excess in {"control": None, "pruned": found}.items()
                for row in compare_kinds(level, rows[level], control.pie.to_numpy(), groups, excess, SIGNIFICANCE)
            ]
        ),
        "class_impact": class_impact,
        "calibration": pd.DataFrame(
            [calibration_row(level, "independent", each, sure["dense"], SIGNIFICANCE) for level, each in sure.items()]
        ),
        "reliability": pd.DataFrame(
            [row for level, each in sure.items() for row in reliability_rows(level, each, SIGNIFICANCE)]
        ),
        "class_summary": class_summary,
        "robustness": pd.DataFrame(
            [
                measure(level, "fog", 1, DENSE, votes, True, SIGNIFICANCE)
                for level, votes in ({"dense": DENSE} | levels).items()
            ]
        ),
        "robustness_summary": summary_of(
            {
                level: {name: 5 * (~votes.correct).astype(np.uint8) for name in ("clean", "fog")}
                for level, votes in ({"dense": DENSE} | levels).items()
            },
            {"clean": [0], "fog": [1, 2, 3, 4, 5]},
            [about | {"level": level} for level in ("dense", *levels)],
            designs={},
            reference="dense",
            resamples=100,
        ),
        "corrupted_pies": with_adjusted(
            pd.DataFrame(rows_of_variant(pies, {"dense": DENSE} | levels, ("fog", 1), 20, "largest", SIGNIFICANCE))
        ),
        "subgroups": complete_subgroups(
            pd.DataFrame(
                [
                    row
                    for grouping in GROUPINGS
                    for group in grouping.groups
                    for metric in METRICS
                    for row in compare_group(
                        metric,
                        grouping,
                        group,
                        {"dense": DENSE} | levels,
                        dict.fromkeys(levels, "independent"),
                        TASK,
                    )
                ]
            )
        ),
        "over_indexing": complete_annotations(
            pd.DataFrame(
                [
                    row
                    for level in levels
                    for row in compare_annotations(
                        level, rows[level], control.pie.to_numpy(), COLUMNS, GROUPINGS[1:], SIGNIFICANCE
                    )
                ]
            )
        ),
        "natural": pd.DataFrame(
            [
                measure_natural("drawn", level, "all classes", (DENSE, None, 10), (votes, None, 10), SIGNIFICANCE)
                for level, votes in ({"dense": DENSE} | levels).items()
            ]
        ),
        "real": pd.DataFrame(
            [
                row
                for level, votes in ({"dense": DENSE} | levels).items()
                for row in rows_of_real(
                    level,
                    "independent",
                    measures_of("dense", DENSE, FITS),
                    measures_of("control", DENSE, FITS),
                    measures_of(level, votes, FITS),
                    {"examples": len(LABEL), "left_out": 0, "dense_models": 3, "level_models": 3},
                    SIGNIFICANCE,
                )
            ]
        ),
        "slices": slices_of(PRUNED),
        "cost": cost_of(["dense", *levels]).assign(significance=SIGNIFICANCE),
        **layers_of("pruned", DENSE, PRUNED, SIGNIFICANCE),
    }
    return made | {"cost_and_forgetting": weigh(made["cost"], made["pie_summary"], made["class_impact"])}


def slices_of(votes):
    """Two of four images are tested, one of them in the slice; the control is the dense population again."""
    changed, nothing = np.array([False, True, False, True]), np.zeros(4, bool)
    about = Compared(
        "pruned", 3, changed, nothing, changed.astype(float), *(each.correct.mean(0) for each in (DENSE, votes))
    )
    inside, testing = np.array([True, True, False, False]), np.array([False, True, True, False])
    tested = beside_one_control(changed[testing], nothing[testing], inside[testing], SIGNIFICANCE)
    rows = [row_of(about, "features 1", "1 50 %; dark", inside, testing, tested, "", SIGNIFICANCE)]
    rows.append(row_of_nothing(about, testing, SIGNIFICANCE) | {"level": "quantized"})
    return completed_slices(rows, "what the last layer reads")


@pytest.mark.parametrize("name", [name for name in PAGES if name not in OF_FILES and name != "gate"])
def test_a_page_is_complete(tables, name):
    page = PAGES[name](tables[name])
    text = markdown(page, "Study made.")
    assert text.endswith("\n\nStudy made.\n")
    assert "{" not in text and "nan" not in text.lower()
    assert "K = 3" in text or name in ("pies", "cost")  # costs are of one network
    assert all(isinstance(cell, str) for cell in page.cells.to_numpy().ravel())
    if name not in ("pies", "scores"):  # lists of examples, in which nothing is estimated
        assert "90 % intervals" in str(page.note)  # what the significance of this study asks for
        assert f"n = {len(LABEL)}" in text or "n" in page.cells or name == "cost"


@pytest.mark.parametrize("name", [name for name in PAGES if name not in OF_FILES and name != "gate"])
def test_every_column_is_documented(tables, name):
    assert undocumented(name, tables[name]) == []


def test_a_note_says_how_many_models_levels_of_different_sizes_have(tables):
    for name in ("natural", "corrupted_pies", "robustness_summary", "class_impact"):
        table = tables[name].assign(level_models=np.where(tables[name].level == "pruned", 2, 3))
        assert "2 to 3 " in str(PAGES[name](table).note)
    table = tables["score_summary"].assign(level_models=np.where(tables["score_summary"].level == "pruned", 9, 3))
    assert "cannot bring a p below 5e-03" in str(PAGES["score_summary"](table).note)  # one of 12 over 3


def test_levels_made_of_the_dense_models_are_said_not_to_be_measured_by_the_controls_luck(tables):
    for name, sentence in (
        (
            "corrupted_pies",
            "Their excess and its p hold the level and the dense population against the control, and pairs",
        ),
        ("over_indexing", "Each model is compared with the dense one it was made of"),
    ):
        table = tables[name]
        paired = table.assign(design=np.where(table.level == "pruned", "paired", "independent"))
        assert f"themselves: pruned. {sentence}" in str(PAGES[name](paired).note)
        assert sentence not in str(PAGES[name](table).note)


def test_what_a_level_loses_beyond_the_clean_images_is_below_0():
    label = np.array(LABEL)
    right, wrong = (np.tile(each, (3, 1)) for each in (label, label + 1))
    never = np.zeros(right.shape, bool)
    dense, lost = (Votes(DENSE.example, label, DENSE.seed, votes, never) for votes in (right, wrong))
    row = measure_natural("drawn", "pruned", "all classes", (dense, dense, 10), (lost, dense, 10), SIGNIFICANCE)
    assert PAGES["natural"](pd.DataFrame([row])).cells["change beyond clean"].iloc[0].startswith("-100.0 points")


def test_findings_say_what_cannot_be_told_from_the_control(tables):
    (sentence,) = findings(tables["pie_summary"], tables["planted"], tables["class_impact"])
    assert sentence.startswith("pruned cannot be told from the control: 3 PIEs beside the control's 0")


def test_findings_without_groups_and_of_fewer_models(tables):
    summary = tables["pie_summary"].copy()
    (sentence,) = findings(summary, None, tables["class_impact"])
    assert sentence.endswith("in the control.") and "group" not in sentence
    summary.loc[summary.level == "pruned", "level_models"] = 2
    (sentence,) = findings(summary, None, tables["class_impact"])
    assert sentence.endswith("; K = 2 here and 3 in the control, and counts at different K do not compare.")


def test_a_study_whose_dense_models_are_at_chance_says_so_first(tables):
    summary = tables["pie_summary"].assign(
        dense_top1_all=0.26, dense_top1_all_low=0.24, dense_top1_all_high=0.28, examples=4000
    )
    impact = tables["class_impact"].assign(examples=1000)  # of each of four classes
    first, _ = findings(summary, None, impact)
    assert first.startswith(
        "The dense models are at chance: top-1 is 26.0 % [24.0, 28.0] of 4000 images (K = 3), and always saying the most frequent class is "
        "right on 25.0 %."
    )
    (_,) = findings(summary.assign(dense_top1_all_low=0.251), None, impact)


def test_the_report_names_what_was_trained_and_what_was_brought():
    study = {"network": {"name": "plain", "channels": [4, 8]}, "levels": []}
    study["levels"] = [{"name": name, "method": "none"} for name in ("dense", "control")]
    assert networks(study) == "network plain (4-8)"
    assert networks(study | {"network": {"name": "resnet20"}}) == "network resnet20"
    study["levels"] += [
        {"name": "a", "method": "none", "checkpoints": {"network": "torchvision:resnet18"}},
        {"name": "b", "method": "none", "predictions": "x", "of": "dense"},
        {"name": "c", "method": "float16", "of": "a"},
        {"name": "d", "method": "float16", "of": "dense"},
        {"name": "e", "method": "smaller", "width": 0.5},
    ]
    assert networks(study) == (
        "network plain (4-8) (dense, control, d); checkpoints of torchvision:resnet18 (a, c); predictions from elsewhere (b); "
        "network plain (4-8) with fewer channels (e)"
    )


@pytest.mark.parametrize(
    "name", ["pie_summary", "pie_curve", "scores", "score_summary", "planted", "subgroups", "over_indexing"]
)
def test_a_page_says_which_levels_are_made_of_the_dense_checkpoints(tables, name):
    paired = tables[name].assign(design=tables[name].level.map({"control": "independent", "pruned": "paired"}))
    assert "made of the dense checkpoints" in str(PAGES[name](paired).note).lower()
    assert "made of the dense checkpoints" not in str(PAGES[name](tables[name]).note).lower()


@pytest.mark.parametrize("tie_rule", TIE_RULES)
def test_the_summary_shows_the_counts_by_the_other_tie_rules(tables, tie_rule):
    page = PAGES["pie_summary"](tables["pie_summary"].assign(tie_rule=tie_rule))
    shown = {
        name.removeprefix("PIEs (control's), ties: ") for name in page.cells if name.startswith("PIEs (control's)")
    }
    assert shown == set(TIE_RULES) - {tie_rule} and f"(tie rule {tie_rule};" in str(page.note)


def test_the_line_on_the_data_says_what_was_left_out():
    data = {"examples": {"train": 60000, "test": 9998}, "classes": ["a", "b"], "broken": {"train": 0, "test": 2}}
    data |= {"examples_of_each_class": {"train": [30000, 30000], "test": [9998, 0]}}
    assert data_line(data) == (
        "9,998 test and 60,000 training images of 2 classes; 2 broken test pictures are left out; "
        "1 classes have no test images, and nothing can be said of them."
    )
    alone = {"examples": {"test": 5}, "classes": ["a"], "broken": {"test": 0}, "examples_of_each_class": {"test": [5]}}
    assert data_line(alone) == "5 test images of 1 classes."
