"""Two networks one with one, from ledger files to tables and pages: forty images whose flips are known."""

import json
from pathlib import Path
from types import SimpleNamespace as Names

import numpy as np
import pytest
import yaml
from documented import undocumented
from made_costs import cost_of
from scipy import stats

from scripts.lib.data.dataset import save_manifest
from scripts.lib.jobs.errors import InputError
from scripts.lib.ledger.predictions import Votes, block, load_population, save_ledger
from scripts.lib.pages.all_pages import PAGES
from scripts.lib.pages.pair_findings import pair_findings
from scripts.lib.study.study import load_study
from scripts.lib.tables.pair_table import pairs_of, rows_of_groups
from scripts.lib.tables.table import load_table, save_table
from scripts.pair import (
    compare_pair_classes,
    compare_pair_corruptions,
    compare_pairs,
    draw_flips,
    draw_pair_classes,
    draw_pair_cost,
    weigh_pair_cost,
)
from scripts.publish.write_report import write_report

ROOT = Path(__file__).parents[3]
SCHEMA = yaml.safe_load((ROOT / "schemas" / "config.schema.yaml").read_text())

N, CLASSES = 40, 10
NAMES = ["<script>", *"bcdefghi", "7"]
LABEL = np.arange(N) % CLASSES
EXAMPLE = np.array([f"test/{i:02d}" for i in range(N)])
FILES = {"dense": [3], "float16": [3, 4], "int4": [*range(10, 20), 4]}  # the images on which each is wrong
LEVELS = ["float16", "int4"]


def predicted(wrong, offset=1):
    """Probabilities of a network that says another class on some images."""
    said = LABEL.copy()
    said[wrong] = (LABEL[wrong] + offset) % CLASSES
    probability = np.full((N, CLASSES), 0.01, np.float32)
    probability[np.arange(N), said] = 0.91
    return probability


@pytest.fixture(scope="module")
def ledger(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pair")
    save_manifest(folder / "data.json", {"classes": NAMES})
    paths = []
    for level, wrong in FILES.items():
        for suite, variants in {"clean": [("clean", 0)], "digital": [("contrast", 1), ("contrast", 5)]}.items():
            rows = [
                block(
                    EXAMPLE,
                    LABEL,
                    0,
                    *variant,
                    predicted([*wrong, *range(20, 20 + 2 * variant[1])]),
                    keep=suite == "clean",
                )
                for variant in variants
            ]
            paths.append(folder / f"{level}-{suite}.parquet")
            save_ledger(paths[-1], rows, {"level": level, "suite": suite, "classes": NAMES, "training": {}})
    return folder, paths


@pytest.fixture(scope="module")
def made(ledger):
    folder, paths = ledger
    params = Names(levels=LEVELS, designs=dict.fromkeys(LEVELS, "paired"), beside="float16", significance=0.05)
    params.corruptions, params.reference, params.resamples = ["contrast"], "dense", 50
    tables = {name: folder / f"{name}.csv" for name in PAGES}
    given = Names(ledger=[path for path in paths if "clean" in path.name], data=folder / "data.json")
    compare_pairs.main(given, Names(table=tables["pair_summary"], flips=tables["flips"]), params)
    compare_pair_classes.main(given, Names(table=tables["pair_classes"]), params)
    params.levels = ["dense", *LEVELS]
    outputs = Names(table=tables["pair_robustness"], summary=tables["pair_robustness_summary"])
    compare_pair_corruptions.main(Names(ledger=paths, data=folder / "data.json"), outputs, params)
    save_table(tables["cost"], cost_of(["dense", *LEVELS]))
    given = Names(cost=tables["cost"], pairs=tables["pair_summary"], classes=tables["pair_classes"])
    weigh_pair_cost.main(given, Names(table=tables["pair_cost"]))
    return {name: load_table(path) for name, path in tables.items() if path.exists()}


def test_flips_and_what_they_come_to(made):
    table = made["pair_summary"].set_index("level")
    int4, half = table.loc["int4"], table.loc["float16"]
    assert (half.flips, half.lost, half.gained, half.moved) == (1, 1, 0, 0)
    assert (int4.flips, int4.lost, int4.gained, int4.moved) == (12, 11, 1, 0)
    assert int4.top1_change == -0.25 and int4.agreement == 0.7 and int4.dense_top1 == 39 / 40
    assert int4.p_top1 == pytest.approx(stats.binomtest(1, 12).pvalue, rel=1e-5)
    assert int4.p_top1_holm == pytest.approx(2 * int4.p_top1, rel=1e-5) and int4.verdict == "loses top-1"
    assert half.verdict == "cannot be told" and half.smallest_top1_change == pytest.approx(0.2, abs=0.05)
    assert (int4.beside_flips, int4.flips_beyond) == (1, 11 / 40) and np.isnan(half.beside_flips)
    swapped = 0.9 * np.log(91)  # what an image adds whose first class is another
    assert int4.kullback_leibler == pytest.approx(12 / 40 * swapped, rel=1e-4)
    assert 0 < half.jensen_shannon < int4.jensen_shannon < 12 / 40 * np.log(2)
    assert int4.p_label_change == pytest.approx(-0.25 * 0.9, rel=1e-5) and int4.confidence_change == 0


def test_every_flip_is_listed_with_what_was_said(made):
    rows = made["flips"][lambda table: table.level == "int4"].set_index("example")
    assert len(rows) == 12 and rows.flip["test/03"] == "wrong to right"
    first = rows.loc["test/10"]
    assert (first.flip, first.label_name, first.dense_says, first.level_says) == (
        "right to wrong",
        "<script>",
        "<script>",
        "b",
    )
    assert rows.loc["test/18"].level_says == "7"


def test_classes_are_tested_exactly_and_together(made):
    rows = made["pair_classes"][lambda table: table.level == "int4"].set_index("class")
    assert (rows.loc["e"][["examples", "lost", "gained"]] == [4, 2, 0]).all() and rows.loc["e"].worst
    assert rows.p["b"] == 1.0 and rows.change["e"] == -0.5
    assert (rows.change_together_low <= rows.change_low).all() and (rows.change_together_high >= rows.change_high).all()
    assert rows.smallest_change.isna().all()  # no change of four images could be shown
    assert rows.worst.sum() == 1 and (rows.q >= rows.p).all()


def test_small_groups_have_reasons_and_no_tests(ledger, made):
    _, paths = ledger
    clean = [path for path in paths if "clean" in path.name]
    (pair,) = pairs_of("int4", "paired", *(load_population(clean, level)["clean", 0] for level in ("dense", "int4")))
    rows = rows_of_groups(
        pair, {"few": np.arange(N) < 3, "none": np.zeros(N, bool), "most": np.arange(N) >= 3}, 5, 0.05
    )
    assert rows.reason.tolist() == ["fewer than 5 images"] * 2 + [""] and rows.p.isna().tolist() == [True, True, False]
    assert np.isnan(rows.change[1]) and not rows.worst.any()


def test_under_corruption(made):
    rows = made["pair_robustness"].set_index(["level", "corruption", "severity"])
    assert len(rows) == 6 and rows.loc[("int4", "contrast", 1)].lost == 11
    assert rows.loc[("int4", "contrast", 5)].dense_top1 == 1 - 11 / 40
    assert np.isnan(rows.loc[("int4", "clean", 0)].q_top1) and rows.loc[("int4", "contrast", 1)].q_top1 < 0.05
    summary = made["pair_robustness_summary"].set_index(["level", "corruption"])
    assert summary.loc[("int4", "contrast")].error_change == pytest.approx(10 / 40)
    assert "over images" in PAGES["pair_robustness_summary"](made["pair_robustness_summary"]).note.brackets


def test_cost_stands_beside_what_is_forgotten(made):
    int4 = made["pair_cost"].set_index("level").loc["int4"].iloc[0]
    assert (int4.weights_relative, int4.flip_rate, int4.worst_class) == (0.5, 0.3, "e")


def test_every_column_is_documented(made):
    for name, table in made.items():
        assert undocumented(name, table) == []


def test_pages_and_figures(made):
    for name, table in made.items():
        cells = PAGES[name](table).cells
        assert len(cells) and cells.map(lambda cell: isinstance(cell, str)).all(axis=None), name
    for draw, name in (
        (draw_flips, "pair_summary"),
        (draw_pair_classes, "pair_classes"),
        (draw_pair_cost, "pair_cost"),
    ):
        assert json.dumps(draw.draw(made[name]).to_dict())
    half, int4 = pair_findings(made["pair_summary"], made["pair_classes"])
    assert "cannot be told from the dense network" in half and "four times of five" in half
    assert int4.startswith("int4 loses top-1: 72.5 % after 97.5 %") and "12 of 40 images flip" in int4
    assert "of the classes e loses most" in int4 and "in general" not in int4


def test_levels_of_other_seeds_need_a_control(ledger):
    votes = np.stack([LABEL, LABEL])
    two = Votes(EXAMPLE, LABEL, np.arange(2), votes, votes == LABEL)
    with pytest.raises(InputError, match="not made of the 2 dense ones, and no control"):
        pairs_of("other", "independent", two, two)
    other = Votes(EXAMPLE, LABEL, np.array([0, 2]), votes, votes == LABEL)
    with pytest.raises(InputError, match="seed 1 is in one of the two levels only"):
        pairs_of("other", "paired", two, other)


def test_the_report_speaks_of_two_files(made, tmp_path):
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    levels = [
        {"name": "dense", "method": "none"},
        *({"name": level, "method": "float16", "of": "dense"} for level in LEVELS),
    ]
    config = load_study(config | {"levels": levels, "population": {"models": 1, "cohort": 1}}, SCHEMA).config
    for name, table in made.items():
        save_table(tmp_path / f"{name}.csv", table)
    for name in ("flips", "pair_classes", "pair_cost", "robustness"):
        (tmp_path / f"{name}.svg").write_text(f"<svg><title>{name}</title></svg>")
    data = {"examples": {"test": N}, "classes": NAMES, "examples_of_each_class": {"test": [4] * CLASSES}, "broken": {}}
    figures = [str(path) for path in tmp_path.glob("*.svg")]
    page = write_report([str(path) for path in tmp_path.glob("*.csv")], figures, [], data, config, [])
    assert "one network of each of 3 levels" in page and "these very networks" in page
    assert (
        page.count("<script>") == 1
        and page.count('src="data:image/svg+xml') == 4
        and page.count("<thead>") == len(made)
    )
