"""calibration.csv and reliability.csv from ledgers: pairs, populations, studies without a control, tasks of two classes and old ledgers."""

import math
from types import SimpleNamespace as Names

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from sklearn.metrics import brier_score_loss, log_loss

from scripts.audit import measure_calibration
from scripts.audit.measure_calibration import CHANGES, MEASURES, NO_SETS, NO_SQUARES, NOT_SURE, ONE_MODEL, root
from scripts.lib.audit.intervals import Estimate
from scripts.lib.jobs.errors import InputError
from scripts.lib.ledger.predictions import block, save_ledger
from scripts.lib.ledger.schema import VERSION_1
from scripts.lib.pages.all_pages import PAGES
from scripts.lib.tables.table import load_table
from scripts.publish.draw_reliability import reliability as figure

pytestmark = pytest.mark.filterwarnings("error::RuntimeWarning")
N = 200
IDS = np.array([f"test/{i:03d}" for i in range(N)])
INTERVALS = [*MEASURES, *(f"{name}_change" for name in CHANGES)]


def predictions(seed, classes, sharpness=1.0):
    """Softmax probabilities of a model of a seed, and labels that are of the images only."""
    images = np.random.default_rng(0)
    logits = images.normal(0, 2, (N, classes))
    true = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    labels = (true.cumsum(axis=1) > images.random((N, 1))).argmax(axis=1)
    said = np.exp(sharpness * (logits + np.random.default_rng(seed + 1).normal(0, 0.5, (N, classes))))
    return (said / said.sum(axis=1, keepdims=True)).astype(np.float32), labels


def ledger(path, level, seeds=(0,), classes=4, sharpness=1.0, keep=True, apart=0, about=None):
    blocks = []
    for seed in seeds:
        p, labels = predictions(seed + apart, classes, sharpness)
        blocks.append(block(IDS, labels, seed, "clean", 0, p, keep))
    save_ledger(path, blocks, {"level": level, "classes": list(map(str, range(classes))), **(about or {})})
    return path


def measured(folder, paths, designs):
    output = Names(table=folder / "calibration.csv", reliability=folder / "reliability.csv")
    params = Names(levels=list(designs), designs=designs, significance=0.05)
    measure_calibration.main(Names(ledger=paths), output, params)
    table, bins = load_table(output.table), load_table(output.reliability)
    for page in (PAGES["calibration"](table), PAGES["reliability"](bins)):
        assert not page.cells.isin(["nan"]).any(axis=None) and "nan" not in str(page.note)
    return table.set_index("level"), bins


@pytest.mark.parametrize("classes", [2, 4])
def test_a_pair_without_a_control(tmp_path, classes):
    paths = [
        ledger(tmp_path / "a", "dense", classes=classes),
        ledger(tmp_path / "b", "sharp", classes=classes, sharpness=3.0),
        ledger(tmp_path / "c", "same", classes=classes),
    ]
    table, bins = measured(tmp_path, paths, {"sharp": "paired", "same": "paired"})
    p, labels = predictions(0, classes, 3.0)
    p = p / p.sum(axis=1, keepdims=True, dtype=float)  # scikit-learn asks for sums of 1
    sharp, dense, same = table.loc["sharp"], table.loc["dense"], table.loc["same"]
    every = np.arange(classes)
    assert sharp.brier == pytest.approx(brier_score_loss(labels, p, labels=every, scale_by_half=False), rel=1e-4)
    assert sharp.negative_log_likelihood == pytest.approx(log_loss(labels, p, labels=every), rel=1e-4)
    assert sharp.overconfidence == pytest.approx((p.max(axis=1) - (p.argmax(axis=1) == labels)).mean(), rel=1e-4)
    for name in ("overconfidence", "negative_log_likelihood", "squared_calibration_error", "confidence_when_wrong"):
        assert sharp[f"{name}_change"] == pytest.approx(sharp[name] - dense[name], rel=1e-3)
        assert sharp[f"{name}_change_low"] > 0 or name == "squared_calibration_error", name  # of few images
    assert sharp.lac_coverage_kept < sharp.lac_coverage and sharp.ece > dense.ece > 0 and sharp.ece_if_calibrated > 0
    assert (table.reason == "").all() and (table.p_label_zeros == 0).all()
    assert (same[[f"{name}_change" for name in CHANGES]] == 0).all()
    assert same[[f"{name}_change_low" for name in CHANGES]].isna().all()  # nothing varies, which is no certainty
    assert dense[[f"{name}_change" for name in CHANGES]].isna().all() and np.isnan(dense.lac_coverage_kept)
    assert bins.groupby("level").images.sum().tolist() == [N] * 3 and (bins.accuracy_low < bins.accuracy_high).all()


def test_one_model_of_another_seed_has_numbers_but_no_changes(tmp_path):
    paths = [ledger(tmp_path / "a", "dense"), ledger(tmp_path / "b", "other", apart=7)]
    table, _ = measured(tmp_path, paths, {"other": "independent"})
    other = table.loc["other"]
    assert other[[f"{name}_change" for name in CHANGES]].isna().all() and other.reason == ONE_MODEL
    assert other[[f"{name}_low" for name in MEASURES]].notna().all()


def test_populations_have_intervals_over_models_too(tmp_path):
    seeds = (0, 1, 2, 3)
    paths = [
        ledger(tmp_path / "a", "dense", seeds),
        ledger(tmp_path / "b", "control", seeds, apart=10),
        ledger(tmp_path / "c", "sharp", seeds, sharpness=3.0, apart=20),
        ledger(tmp_path / "d", "paired", seeds, sharpness=1.05),
    ]
    designs = {"control": "independent", "sharp": "independent", "paired": "paired"}
    table, _ = measured(tmp_path, paths, designs)
    for name in INTERVALS:
        rows = table if name in MEASURES else table.drop("dense")
        rows = rows.drop("dense", errors="ignore") if name.endswith("kept") else rows
        assert ((rows[f"{name}_low"] < rows[name]) & (rows[name] < rows[f"{name}_high"])).all(), name
    width = table.overconfidence_change_high - table.overconfidence_change_low
    assert width["paired"] < 0.3 * width["control"]  # what a pair shares is taken off
    assert table.loc["sharp", "overconfidence_change_low"] > 0 > table.loc["control", "overconfidence_change_low"]
    one, _ = measured(tmp_path, [ledger(tmp_path / "e", "dense")], {})
    assert one.loc["dense"].level_models == 1 and one.loc["dense"].reason == ""


def test_what_the_ledger_does_not_hold_is_undefined_with_its_reason(tmp_path):
    kept, first_five = ledger(tmp_path / "a", "dense"), ledger(tmp_path / "b", "five", keep=False)
    old = pq.read_table(ledger(tmp_path / "c", "old", keep=False))
    pq.write_table(old.select(VERSION_1.names), tmp_path / "c")
    table, _ = measured(tmp_path, [kept, first_five, tmp_path / "c"], {"five": "paired", "old": "paired"})
    for level, reason in (("five", NO_SETS), ("old", f"{NO_SQUARES}; {NO_SETS}")):
        row = table.loc[level]
        assert row.reason == reason and row[["lac_set_size", "aps_coverage", "lac_set_size_change"]].isna().all()
        assert row.ece == table.loc["dense"].ece and row.negative_log_likelihood_change == 0
    assert table.loc["five"].brier > 0 and np.isnan(table.loc["old"].brier)


def test_predictions_without_any_probability(tmp_path):
    undefined = [*(f"p{rank}" for rank in range(1, 6)), "p_label"]
    paths = []
    for level in ("dense", "pruned"):
        table = pq.read_table(ledger(tmp_path / level, level, keep=False)).to_pandas()
        table[[*undefined, "p_squared"]] = np.float32("nan")
        rows = pq.read_table(tmp_path / level)
        filled = [
            rows[name] if name not in table.columns[-7:] else table[name].to_numpy() for name in rows.column_names
        ]
        made = rows.from_arrays(filled, schema=rows.schema)
        save_ledger(tmp_path / level, [made], {"level": level, "classes": list("abcd"), "undefined": undefined})
        paths.append(tmp_path / level)
    table, bins = measured(tmp_path, paths, {"pruned": "paired"})
    assert bins.empty and figure(bins).to_dict()["title"] == "No confidences were brought"
    assert table[["ece", "calibration_error", *MEASURES]].isna().all(axis=None)
    assert all(NOT_SURE in reason and NO_SETS in reason for reason in table.reason)


def test_probabilities_of_0_are_counted(tmp_path):
    p, labels = np.zeros((N, 4), np.float32), np.zeros(N, dtype=int)
    p[:, 0] = 1
    p[:3] = [0, 1, 0, 0]
    save_ledger(tmp_path / "a", [block(IDS, labels, 0, "clean", 0, p, True)], {"level": "dense", "classes": "abcd"})
    table, _ = measured(tmp_path, [tmp_path / "a"], {})
    assert table.p_label_zeros["dense"] == 3
    assert table.negative_log_likelihood["dense"] == pytest.approx(3 * 149 * np.log(2) / N, rel=1e-5)
    assert "3 probabilities of the label were rounded to 0" in str(PAGES["calibration"](table.reset_index()).note)


def test_other_examples_are_refused(tmp_path):
    paths = [ledger(tmp_path / "a", "dense"), tmp_path / "b"]
    p, labels = predictions(0, 4)
    save_ledger(tmp_path / "b", [block(IDS[::-1], labels, 0, "clean", 0, p)], {"level": "pruned", "classes": "abcd"})
    with pytest.raises(InputError, match="pruned: the examples differ from those of the dense level"):
        measured(tmp_path, paths, {"pruned": "paired"})


def test_the_root_of_a_squared_error():
    assert root(Estimate(0.05, 0.01, 0.09)) == pytest.approx((math.sqrt(0.05), 0.1, 0.3))
    assert root(Estimate(-0.03, -0.07, 0.01)) == pytest.approx((0, 0, 0.2))  # as wide as around the square
    assert np.isnan(root(Estimate(np.nan, np.nan, np.nan))).all()


def test_the_figure_shows_a_panel_a_level_and_the_dense_line():
    row = {"examples": 100, "level_models": 1, "significance": 0.05, "bin": 1, "images": 10, "confidence": 0.5}
    row |= {"accuracy": 0.4, "accuracy_low": 0.2, "accuracy_high": 0.7}
    drawn = figure(pd.DataFrame([{"level": level} | row for level in ("dense", "int8")])).to_dict()
    assert [panel["title"]["text"] for panel in drawn["concat"]] == ["dense", "int8"]
    assert [len(panel["layer"]) for panel in drawn["concat"]] == [3, 4]
    assert drawn["concat"][1]["layer"][3]["encoding"]["y"]["field"] == "accuracy"
