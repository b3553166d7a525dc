"""All tables of studies in which much does not vary: no interval pretends to know for sure, and what has no images has no numbers."""

from types import SimpleNamespace as Names

import numpy as np
import pytest

from scripts.audit import find_pies, measure_hardness, score_examples, summarize_pies, summarize_scores, trace_pies
from scripts.compare import compare_annotations, compare_classes, compare_kinds, compare_subgroups, measure_robustness
from scripts.lib.annotations.column import NUMBER, Column, save_columns
from scripts.lib.data.dataset import save_examples, save_manifest
from scripts.lib.ledger.predictions import block, save_ledger
from scripts.lib.pages.all_pages import PAGES
from scripts.lib.tables.table import load_table
from scripts.publish.draw_class_impact import class_impact
from scripts.publish.write_report import findings

pytestmark = pytest.mark.filterwarnings("error::RuntimeWarning")
CLASSES = list("abcdefg")  # no test image shows d, no training image e
N = 120
# Columns that stand beside a value and are no interval of it: the central part of a null, or of subsets of the models.
BANDS = ("null", "pies_mean", "control_mean", "null_mean")
LEVELS = {"control": "independent", "pruned": "independent", "same": "paired", "quantized": "paired"}

ELSEWHERE = (
    "natural",
    "real",
    "cost",
    "cost_and_forgetting",
    "layers",
    "exemptions",
)  # tables that need more than the ledger of a study without images


def wrong_of(level, seed, models):
    """Which images a model errs on: `same` is the dense level again, and `quantized` but for one image."""
    random = np.random.default_rng([["dense", "control", "pruned"].index(level), seed, models])
    wrong = random.random(N) < np.linspace(0, 0.4 if level != "pruned" else 0.7, N)
    wrong[: N // 2] = False  # half of the images are never wrong
    return wrong


@pytest.fixture(scope="module", params=[2, 3])
def study(request, tmp_path_factory):
    """Every table that the audit makes of K models a level, by name."""
    models, folder = request.param, tmp_path_factory.mktemp("study")
    label = np.resize([0, 1, 2, 4, 5, 6], N)
    ids = np.array([f"test/{i:03d}" for i in range(N)])
    clean, everything = [], []
    for level in ("dense", *LEVELS):
        for suite, variants in {"clean": [("clean", 0)], "weather": [("fog", 1), ("fog", 2)]}.items():
            rows = []
            for seed in range(models):
                wrong = wrong_of("dense" if level in ("same", "quantized") else level, seed, models)
                wrong[-1] ^= level == "quantized"
                probability = np.full((N, len(CLASSES)), 0.01, np.float32)
                probability[np.arange(N), np.where(wrong, (label + 1) % 3, label)] = 0.94
                rows += [block(ids, label, seed, *variant, probability) for variant in variants]
            path = folder / f"{level}-{suite}.parquet"
            save_ledger(path, rows, {"level": level, "classes": CLASSES, "suite": suite})
            everything.append(path)
            clean += [path] if suite == "clean" else []
    training = np.array([50, 40, 30, 20, 0, 10, 5])  # of each class
    columns = {"example": ids, "split": np.full(N, "test"), "label": label, "shown": label}
    columns |= {"kind": np.full(N, "typical"), "class_frequency": training[label], "pixels": ids}
    save_examples(folder / "examples.parquet", columns)
    save_manifest(folder / "data.json", {"classes": CLASSES})
    save_columns(folder / "columns.parquet", ids, [Column("age", NUMBER, np.arange(N) / N, True)])
    tables = {name: folder / f"{name}.csv" for name in PAGES if name not in ELSEWHERE}
    given = Names(ledger=clean, examples=folder / "examples.parquet", data=folder / "data.json")
    given.pies, given.scores, given.annotations = tables["pies"], tables["scores"], [folder / "columns.parquet"]
    params = Names(levels=list(LEVELS), designs=LEVELS, significance=0.05, tie_rule="largest", positive_class=None)
    params.permutations, params.splits, params.subsets, params.resamples, params.deals = 100, 10, 10, 100, 100
    params.subgroups, params.smallest_group = [{"column": "age", "bins": 2}], 5
    find_pies.main(given, Names(table=tables["pies"]), params)
    summarize_pies.main(given, Names(table=tables["pie_summary"]), params)
    trace_pies.main(given, Names(table=tables["pie_curve"]), params)
    measure_hardness.main(given, Names(table=tables["hardness"], predictors=tables["predictors"]), params)
    score_examples.main(given, Names(table=tables["scores"]), params)
    summarize_scores.main(given, Names(table=tables["score_summary"]), params)
    compare_kinds.main(given, Names(table=tables["planted"]), params)
    compare_classes.main(given, Names(table=tables["class_impact"], summary=tables["class_summary"]), params)
    compare_subgroups.main(given, Names(table=tables["subgroups"]), params)
    compare_annotations.main(given, Names(table=tables["over_indexing"]), params)
    names = {"table": "robustness", "summary": "robustness_summary", "pies": "corrupted_pies"}
    levels = Names(**vars(params) | {"levels": ["dense", *LEVELS], "corruptions": ["fog"], "reference": "dense"})
    output = Names(**{key: tables[name] for key, name in names.items()})
    measure_robustness.main(Names(ledger=everything), output, levels)
    return {name: load_table(path) for name, path in tables.items()} | {
        "folder": folder,
        "given": given,
        "params": params,
    }


TABLES = [name for name in PAGES if name not in ELSEWHERE]


@pytest.mark.parametrize("name", TABLES)
def test_no_interval_is_of_zero_width(study, name):
    table = study[name]
    found = [column.removesuffix("_low") for column in table if column.endswith("_low")]
    for column in found:
        if column in BANDS or f"{column}_mean" in BANDS:
            continue
        low, high = table[f"{column}_low"], table[f"{column}_high"]
        assert (low.isna() == high.isna()).all(), column
        assert (low.isna() | (low < high)).all(), (column, table[low >= high].iloc[0].to_dict())
        value = table.get(column)
        if value is not None:
            inside = (low <= value + 1e-9) & (value <= high + 1e-9)
            assert (low.isna() | value.isna() | inside).all(), column
    page = PAGES[name](table)
    assert not page.cells.isin(["nan"]).any(axis=None) and "nan" not in str(page.note)


def test_what_a_class_without_images_has(study):
    impact = study["class_impact"]
    absent = impact[impact["class"] == "d"]
    assert (absent.examples == 0).all() and (absent.reason == "no test image").all() and len(absent) == len(LEVELS)
    assert absent[["dense_recall", "relative_change", "p", "q_study", "own_mean_low", "hedges_g"]].isna().all(axis=None)
    drawn = class_impact(impact).to_dict()["datasets"].values()
    assert {row["class"] for rows in drawn for row in rows} == set("abcefg")
    assert all(" of 6 classes flagged" in each for each in findings(study["pie_summary"], None, impact))
    summary = study["class_summary"].set_index("level")
    assert (summary.classes == 7).all() and (summary.tested_classes == 6).all()
    assert summary.frequency_slope.notna().all()  # of the five classes that have test and training images
    assert "1 of 7 classes have no test image" in str(PAGES["class_summary"](study["class_summary"]).note)
    assert summary.loc["same", "own_mean_flagged"] == 0 and (summary.level_top1.notna()).all()


def test_a_level_that_changes_nothing_is_no_certain_0(study):
    rows = study["robustness"].query("level == 'same'")
    assert (rows.top1_change == 0).all() and rows.top1_change_low.isna().all()
    scores = study["score_summary"].query("level == 'same'").set_index("score")
    assert scores["mean"]["taxicab distance"] == scores["mean"]["churn between dense and level"] == 0
    assert np.isnan(scores["mean"]["churn between beyond within"])
    changed = study["score_summary"].query("level == 'quantized'").set_index("score")
    assert changed["mean"]["churn between dense and level"] == pytest.approx(1 / N, abs=1e-6)
    row = study["pie_summary"].set_index("level").loc["same"]
    assert row.excess_rate == 0 and row.verdict == row.verdict_study == "has too few models to be told from the control"
    known = row.level_models > 2  # of two models there is no interval
    assert (row.excess_rate_low < 0 < row.excess_rate_high) if known else np.isnan(row.excess_rate_low)


def test_of_two_or_three_models_a_half_is_one_that_is_never_in_doubt(study):
    predictors = study["predictors"]
    halves = predictors[predictors.splits > 1]
    assert halves.auc.isna().all() and (halves.reason == "a half is one model, which cannot be in doubt").all()
    assert predictors[predictors.splits == 1].auc.notna().any()


def test_nothing_to_compare_by_is_a_table_without_rows(study):
    save_columns(study["folder"] / "none.parquet", study["pies"].example.unique(), [])
    given = Names(**vars(study["given"]) | {"annotations": [study["folder"] / "none.parquet"]})
    params = Names(**vars(study["params"]) | {"subgroups": []})
    compare_annotations.main(given, Names(table=study["folder"] / "empty.csv"), params)
    table = load_table(study["folder"] / "empty.csv")
    assert table.empty and list(table) == list(study["over_indexing"])
    assert "names no column" in str(PAGES["over_indexing"](table).note)
    compare_subgroups.main(given, Names(table=study["folder"] / "subgroups.csv"), params)
    assert set(load_table(study["folder"] / "subgroups.csv").grouping) == {"all images"}
