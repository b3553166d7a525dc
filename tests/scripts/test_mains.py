"""The audit's scripts from ledger files to tables, on populations whose answer is known."""

import json
from types import SimpleNamespace as Names

import numpy as np
import pyarrow.parquet as pq
import pytest
from made_costs import cost_of

from scripts.audit import find_pies, measure_hardness, score_examples, summarize_pies, summarize_scores, trace_pies
from scripts.compare import compare_classes, compare_kinds, measure_robustness, weigh_cost
from scripts.lib.data.dataset import save_examples, save_manifest
from scripts.lib.jobs.errors import InputError
from scripts.lib.ledger.predictions import block, load_population, save_ledger
from scripts.lib.pages.all_pages import PAGES
from scripts.lib.tables.margins import load_margins
from scripts.lib.tables.table import load_table, save_table
from scripts.lib.tables.variants import variants_of
from scripts.publish.draw_class_impact import class_impact
from scripts.publish.draw_cost import cost_against_forgetting
from scripts.publish.draw_pie_curve import pie_curve
from scripts.publish.draw_pie_rates import pie_rates
from scripts.publish.draw_robustness import robustness as robustness_figure

N, K, CLASSES = 40, 4, 10
LABEL = np.arange(N) % CLASSES
LEVELS = ["control", "pruned"]
RIGHT, CONTROL_WRONG, PRUNED_WRONG = np.zeros(N, bool), np.arange(N) < 2, np.arange(N) % 4 == 3


def predictions(wrong, severity):
    """Probabilities of a model that says the next class where it is wrong, and everywhere wrong at severity 5."""
    said = np.where(wrong | (severity == 5), (LABEL + 1) % CLASSES, LABEL)
    probability = np.full((N, CLASSES), 0.01, np.float32)
    probability[np.arange(N), said] = 0.91
    return probability


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """All tables of the study, made by the scripts' own `main`."""
    folder = tmp_path_factory.mktemp("tables")
    ids = np.array([f"test/{i:02d}" for i in range(N)])
    clean, everything = [], []
    for level, wrong in {"dense": RIGHT, "control": CONTROL_WRONG, "pruned": PRUNED_WRONG}.items():
        description = {"level": level, "classes": list("abcdefghij"), "training": {"sparsity": {"0": {"all": 0.8}}}}
        for suite, variants in {"clean": [("clean", 0)], "digital": [("contrast", 1), ("contrast", 5)]}.items():
            path = folder / f"{level}-{suite}.parquet"
            rows = [
                block(ids, LABEL, seed, *variant, predictions(wrong, variant[1]))
                for seed in range(K)
                for variant in variants
            ]
            save_ledger(path, rows, description | {"suite": suite})
            everything.append(path)
            clean += [path] if suite == "clean" else []
    kind = np.where(np.arange(N) % 4 == 3, "abstract", "typical")
    columns = {"example": ids, "split": np.array(["test"] * N), "label": LABEL, "shown": LABEL, "kind": kind}
    train = {
        "example": np.char.add("train/", LABEL.astype(str)),
        "split": np.array(["train"] * N),
        "label": LABEL,
        "shown": LABEL,
    }
    train |= {"example": np.array([f"train/{i}" for i in range(N)]), "kind": kind}
    both = {name: np.concatenate([columns[name], train[name]]) for name in columns}
    save_examples(
        folder / "examples.parquet", both | {"class_frequency": np.tile(100 - 10 * LABEL, 2), "pixels": both["kind"]}
    )
    save_manifest(folder / "data.json", {"classes": list("abcdefghij")})
    params = Names(levels=LEVELS, deals=50, permutations=50, significance=0.05, corruptions=["contrast"])
    params.splits, params.resamples, params.subsets = 10, 100, 20
    params.designs, params.tie_rule = dict.fromkeys(LEVELS, "independent"), "largest"
    paths = {name: folder / f"{name}.csv" for name in PAGES}
    given = Names(ledger=clean, examples=folder / "examples.parquet", data=folder / "data.json")
    given.pies, given.scores = paths["pies"], paths["scores"]
    find_pies.main(given, Names(table=paths["pies"]), params)
    summarize_pies.main(given, Names(table=paths["pie_summary"]), params)
    trace_pies.main(given, Names(table=paths["pie_curve"]), params)
    measure_hardness.main(given, Names(table=paths["hardness"], predictors=paths["predictors"]), params)
    score_examples.main(given, Names(table=paths["scores"]), params)
    summarize_scores.main(given, Names(table=paths["score_summary"]), params)
    compare_kinds.main(given, Names(table=paths["planted"]), params)
    compare_classes.main(given, Names(table=paths["class_impact"], summary=paths["class_summary"]), params)
    params.levels = ["dense", *LEVELS]
    params.reference = "dense"
    measure_robustness.main(
        Names(ledger=everything),
        Names(table=paths["robustness"], summary=paths["robustness_summary"], pies=paths["corrupted_pies"]),
        params,
    )
    save_table(paths["cost"], cost_of(["dense", *LEVELS]))
    given = Names(cost=paths["cost"], pies=paths["pie_summary"], classes=paths["class_impact"])
    weigh_cost.main(given, Names(table=paths["cost_and_forgetting"]))
    return {name: load_table(path) for name, path in paths.items() if path.exists()}


def test_cost_and_forgetting(made):
    table = made["cost_and_forgetting"].set_index(["level", "batch_size"])
    pruned = table.loc[("pruned", 256)]
    assert (pruned.speedup, pruned.weights_relative, pruned.top1_change) == (2, 0.5, -0.25)
    impact = made["class_impact"][lambda rows: rows.level == "pruned"]
    assert pruned.worst_change == impact.relative_change.min()
    assert pruned.excess_rate == made["pie_summary"].set_index("level").excess_rate["pruned"]
    shown = PAGES["cost_and_forgetting"](made["cost_and_forgetting"]).cells.iloc[3]
    assert shown["times faster"] == "2.00x [1.80, 2.20]" and shown["bytes of weights"] == "50%"
    cost = PAGES["cost"](made["cost"]).cells.iloc[2]
    assert cost["against dense, compiled"] == "–" and cost["million multiply-adds"] == "1.00 of 4.00"
    chart = cost_against_forgetting(made["cost_and_forgetting"]).to_dict()
    assert [panel["layer"][2]["encoding"]["y"]["field"] for panel in chart["hconcat"]] == [
        "excess_rate",
        "worst_change",
    ]


def test_a_level_without_a_time_is_named_and_gets_none(made):
    table = made["cost_and_forgetting"].copy()
    table.loc[table.level == "pruned", ["speedup", "speedup_low", "speedup_high"]] = np.nan
    chart = cost_against_forgetting(table).to_dict()
    assert chart["title"]["subtitle"][-1].endswith("; pruned: not timed")
    assert {row["level"] for rows in chart["datasets"].values() for row in rows} == {"control"}
    assert PAGES["cost_and_forgetting"](table).cells["times faster"].iloc[3] == "–"
    cost = made["cost"].assign(latency_ms=np.nan, images_per_second=np.nan, timing="not timed: because")
    assert PAGES["cost"](cost).cells[["latency, ms", "images/s"]].iloc[0].tolist() == ["not timed: because", "–"]


def test_pies(made):
    pies = made["pies"]
    for level, wrong in (("control", CONTROL_WRONG), ("pruned", PRUNED_WRONG)):
        rows = pies[pies.level == level]
        assert rows.pie.tolist() == wrong.tolist()
        assert rows.level_modal.tolist() == np.where(wrong, (LABEL + 1) % CLASSES, LABEL).tolist()
    # Four models that are right and four that are wrong, dealt into two fours: 34 of the 70 deals split them 4:0 or 3:1, the
    # others 2:2, where both sides tie and the larger label is the mode of both.
    control = pies[pies.level == "control"]
    assert (control.level_differs == control.dense_differs).all()
    assert (control.dense_differs[2:] == 0).all() and control.dense_differs[:2].tolist() == pytest.approx(
        [34 / 70] * 2, abs=0.2
    )


def test_pie_summary(made):
    control, pruned = made["pie_summary"].itertuples()
    assert (control.pies, control.control_pies, pruned.pies, pruned.control_pies) == (2, 2, 10, 2)
    assert pruned.p_these_models == pytest.approx(0.0386, abs=1e-4)  # binomial: 10 against 2
    assert pruned.p_excess == max(pruned.p_interval, pruned.p_permutation) == pruned.p_holm  # of one level
    assert (
        np.isnan([control.p_excess, control.p_holm, control.se_models]).all() and pruned.verdict == pruned.verdict_study
    )
    assert pruned.dense_top1_pies == 1 and pruned.level_top1_pies == 0 and pruned.level_top1_others == 1
    assert pruned.level_top1_all == 0.75 and pruned.dense_top1_all == 1 and pruned.sparsity == 0.8
    shown = PAGES["pie_summary"](made["pie_summary"]).cells.iloc[1]
    assert shown["dense top-1 on PIEs"].startswith("100.0 %") and shown["level top-1 on PIEs"].startswith("0.0 %")


def test_pie_curve(made):
    table = made["pie_curve"].set_index(["level", "models"])
    assert [models for level, models in table.index if level == "pruned"] == [1, 2, 3, 4]
    for models in (1, 2, 3, 4):  # every model of a level says the same, so K changes nothing
        row = table.loc[("pruned", models)]
        assert (row.pies_mean, row.pies_low, row.pies_high, row.control_mean, row.tied_mean) == (10, 10, 10, 2, 0)
    # One model each, dealt anew, are the same two; of two each, dealt 2:2, both sides tie in 4 of the 6 deals.
    assert table.loc[("pruned", 1)].null_mean == 10 and 0 < table.loc[("pruned", 2)].null_mean < 10
    assert PAGES["pie_curve"](made["pie_curve"]).cells.iloc[-1].tolist() == [
        *("pruned", "4", "10 [10, 10]"),
        PAGES["pie_curve"](made["pie_curve"]).cells["by chance"].iloc[-1],
        *("2 [2, 2]", "0", "10"),
    ]


def test_hardness(made):
    hardness = made["hardness"].set_index(["level", "scored_on", "population", "metric"])
    for scored_on in (measure_hardness.OTHER_HALF, measure_hardness.SAME_HALF, measure_hardness.ALL_MODELS):
        dense, pruned = (hardness.loc[("pruned", scored_on, population, "top1")] for population in ("dense", "level"))
        assert (dense.pies, dense.matched, dense.others, pruned.pies, pruned.others) == (1, 1, 1, 0, 1)
        assert (pruned["all"], pruned.pie_rate, pruned.pies_less_matched) == (0.75, 0.25, -1)
        assert (
            pruned.control_pies_less_matched == -1 and pruned.beyond_control == 0
        )  # the control's two PIEs are wrong too
        change = hardness.loc[("pruned", scored_on, "level less dense", "top1")]
        assert (change.pies, change.others, change["all"]) == (-1, 0, -0.25)
    shown = PAGES["hardness"](made["hardness"]).cells
    assert "0.0 %" in shown["PIEs"].str[:5].tolist() and "-100.0 points" in shown["PIEs"].str[:13].tolist()


def test_predictors(made):
    predictors = made["predictors"]
    assert (predictors.auc == 0.5).all() and len(predictors) == 2 * 3 * 3  # no dense model is ever in doubt


def test_scores(made):
    scores = made["scores"][lambda table: table.level == "pruned"]
    assert scores.taxicab.tolist() == np.where(PRUNED_WRONG, 2, 0).tolist()
    assert scores.control_taxicab.tolist() == np.where(CONTROL_WRONG, 2, 0).tolist()
    assert scores.p_votes[PRUNED_WRONG].to_numpy() == pytest.approx(
        2 / 70
    )  # of 70 deals only these two part the votes so
    assert (scores.q_votes[PRUNED_WRONG] > 0.05).all() and (scores.flip == "right to wrong").sum() == 10


def test_score_summary(made):
    summary = made["score_summary"].set_index(["level", "score"])
    row = summary.loc[("pruned", "right to wrong")]
    assert (row["count"], row.control_count, row["mean"], row.excess) == (10, 2, 0.25, 0.2)
    assert summary.loc[("pruned", "votes differ, uncorrected")]["count"] == 10
    assert summary.loc[("pruned", "churn between beyond within")]["mean"] == 0.25
    shown = PAGES["score_summary"](made["score_summary"]).cells.set_index("score")
    assert shown.pruned["right to wrong"].startswith("0.250 (10); +0.200 [")
    assert shown.pruned["votes differ, BH"] == "0.000 (0); +0.000"


def test_planted(made):
    planted = made["planted"][lambda table: table.level == "pruned"].set_index(["grouping", "group"])
    assert planted.loc[("kind", "abstract")].pies == 10 and planted.loc[("kind", "typical")].pies == 0
    assert planted.loc[("kind", "typical")].control_pies == 2 and planted.loc[("kind", "abstract")].control_pies == 0
    assert planted.loc[("kind", "abstract")].verdict == "larger excess than typical"
    assert planted.loc[("class_frequency", "head")].examples == 20


def test_class_impact(made):
    impact = made["class_impact"][lambda table: table.level == "pruned"]
    wrong = np.bincount(LABEL[PRUNED_WRONG], minlength=CLASSES) / 4
    assert impact.recall_change.to_numpy() == pytest.approx(-wrong)
    assert impact.relative_change.to_numpy() == pytest.approx(0.25 - wrong)
    assert (impact.verdict == "undefined: no spread among the models").all() and not impact.significant.any()


def test_class_summary(made):
    summary = made["class_summary"].set_index("level")
    pruned = summary.loc["pruned"]
    wrong = np.bincount(LABEL[PRUNED_WRONG], minlength=CLASSES) / 4
    assert (pruned.losing, pruned.gaining, pruned.flagged) == ((wrong > 0).sum(), 0, 0)
    assert pruned.mean_loss == pytest.approx(-wrong[wrong > 0].mean(), abs=1e-6) and np.isnan(pruned.mean_gain)
    assert pruned.classes_with_dense_errors == 0 and np.isnan(pruned.cev)  # the dense models make no errors
    assert PAGES["class_summary"](made["class_summary"]).cells.pruned.iloc[0] == "75.0 %"


def test_margins_are_those_of_the_probabilities(tmp_path):
    ids = np.array([f"test/{i:02d}" for i in range(N)])
    for seed, wrong in ((1, PRUNED_WRONG), (0, RIGHT)):
        rows = [block(ids, LABEL, seed, *variant, predictions(wrong, 0)) for variant in (("clean", 0), ("fog", 1))]
        save_ledger(tmp_path / f"{seed}.parquet", rows, {"level": "control"})
    save_ledger(tmp_path / "dense.parquet", rows, {"level": "dense"})
    margins = load_margins([tmp_path / f"{name}.parquet" for name in ("dense", 1, 0)], "control")
    assert margins.shape == (2, N) and margins[0] == pytest.approx(np.log(91), rel=1e-5)
    assert margins[1] == pytest.approx(np.where(PRUNED_WRONG, -np.log(91), np.log(91)), rel=1e-5)


def test_robustness(made):
    table = made["robustness"].set_index(["level", "corruption", "severity"])
    assert table.loc[("pruned", "contrast", 1)].top1 == 0.75
    assert table.loc[("pruned", "contrast", 1)].top1_change == -0.25
    assert table.loc[("pruned", "contrast", 1)].top1_relative == 0.75
    assert table.loc[("control", "clean", 0)].top1 == 0.95 and table.loc[("dense", "contrast", 5)].top1 == 0
    shown = PAGES["robustness"](made["robustness"]).cells
    assert shown.pruned.iloc[1].startswith("-25.0 points") and shown["dense top-1"].iloc[1].startswith("100.0 %")


def test_robustness_summary(made):
    table = made["robustness_summary"].set_index(["level", "corruption"])
    pruned = table.loc[("pruned", "contrast")]
    # Errors at severities 1 and 5: dense 0 and 1, pruned 0.25 and 1; on clean images 0 and 0.25.
    assert (pruned.error, pruned.error_change, pruned.ce, pruned.relative_ce) == (0.625, 0.125, 1.25, 0.75)
    assert pruned.excess_error == -0.125 and pruned.excess_error_low < -0.125 < pruned.excess_error_high
    assert table.loc[("pruned", "clean")].error == 0.25 and pruned.severities == "1 5"
    shown = PAGES["robustness_summary"](made["robustness_summary"]).cells
    assert shown.corruptions.tolist() == ["1 of the 15 of ImageNet-C"] * 3 and set(shown.mCE) == {"–"}


def test_corrupted_pies(made):
    table = made["corrupted_pies"].set_index(["level", "corruption", "severity"])
    pruned, control = table.loc[("pruned", "contrast", 1)], table.loc[("control", "contrast", 1)]
    # As on the clean images: the models of a level agree, and those of two levels do where both are right or both wrong.
    summary = made["pie_summary"].set_index("level")
    assert (pruned.pies, pruned.control_pies, control.pies) == (10, 2, 2)
    assert pruned.p_these_models == summary.p_these_models["pruned"] and pruned.verdict == summary.verdict["pruned"]
    assert pruned.se_models == summary.se_models["pruned"]  # the models are halved alike
    assert pruned.dense_top1_pies == 1 and (pruned.dense_ties, pruned.level_ties) == (0, 0)
    assert pruned.q_excess >= pruned.p_excess and np.isnan(control.excess_rate) and control.verdict == "is the control"
    hopeless = table.loc[("pruned", "contrast", 5)]
    assert (hopeless.pies, hopeless.excess_rate, hopeless.dense_top1_all) == (0, 0, 0)
    shown = PAGES["corrupted_pies"](made["corrupted_pies"])
    assert shown.cells.pruned.iloc[2] == "0; +0.0 points [-8.8, +8.8]; 1.000" and "pruned 1 of 2" in str(shown.note)


def ledger_of(folder, suites, seeds_of=lambda suite: (0, 1), levels=("dense", "pruned")):
    """Small ledgers; suites: suite -> variants."""
    ids = np.array([f"test/{i:02d}" for i in range(N)])
    paths = []
    for level in levels:
        for suite, variants in suites.items():
            paths.append(folder / f"{level}-{suite}.parquet")
            rows = [
                block(ids, LABEL, seed, *variant, predictions(RIGHT, variant[1]))
                for seed in seeds_of(suite)
                for variant in variants
            ]
            save_ledger(paths[-1], rows, {"level": level, "suite": suite})
    return paths


def test_suites_are_read_one_by_one_and_must_fit(tmp_path):
    levels = ["dense", "pruned"]
    suites = {"clean": [("clean", 0)], "digital": [("contrast", 1)], "weather": [("fog", 1), ("snow", 1)]}
    paths = ledger_of(tmp_path, suites)
    found = list(variants_of(paths, levels))
    assert [variant for variant, _ in found] == [("contrast", 1), ("fog", 1), ("snow", 1), ("clean", 0)]
    assert all(list(votes) == levels and len(votes["dense"].seed) == 2 for _, votes in found)
    with pytest.raises(InputError, match="the suite weather has no predictions of the level pruned"):
        list(variants_of(paths[:-1], levels))
    others = ledger_of(tmp_path, suites, lambda suite: (0, 1) if suite == "clean" else (0, 2))
    with pytest.raises(InputError, match="level dense: clean was predicted by other models than the other suites"):
        list(variants_of(others, levels))
    paths = ledger_of(tmp_path, suites)
    ledger_of(tmp_path, {"weather": [("fog", 1)]}, levels=["pruned"])
    with pytest.raises(InputError, match="weather: the level pruned has other variants than the dense level"):
        list(variants_of(paths, levels))


def test_alexnet_is_the_reference_where_its_errors_are_known(tmp_path):
    levels = ["dense", "control"]
    paths = ledger_of(tmp_path, {"clean": [("clean", 0)], "weather": [("fog", s) for s in range(1, 6)]}, levels=levels)
    for path in paths:
        ledger = pq.read_table(path)
        described = json.loads(ledger.schema.metadata[b"lacuna"]) | {"classes": list(map(str, range(1000)))}
        save_ledger(path, [ledger], described)
    save_manifest(tmp_path / "224.json", {"image_size": [224, 224]})
    save_manifest(tmp_path / "64.json", {"image_size": [64, 64]})
    output = Names(**{name: tmp_path / f"{name}.csv" for name in ("table", "summary", "pies")})
    params = Names(levels=levels, reference="alexnet", corruptions=["fog"], significance=0.05, resamples=100)
    params.designs, params.tie_rule = dict.fromkeys(levels, "independent"), "largest"
    measure_robustness.main(Names(ledger=paths, data=tmp_path / "224.json"), output, params)
    rows = load_table(output.summary).set_index(["level", "corruption"])
    # Wrong everywhere at severity 5 and right elsewhere: 0.2 beside AlexNet's average of 0.819324, and nothing on clean images.
    assert rows.loc[("dense", "fog")].ce == pytest.approx(0.2 / 0.819324, abs=1e-6)
    assert rows.loc[("control", "fog")].relative_ce == pytest.approx(0.2 / (0.819324 - 0.435), abs=1e-6)
    assert "further decimals unverified" in rows.reference.iloc[0]
    with pytest.raises(InputError, match=r"these data have image size \[64, 64\]: write `dense`"):
        measure_robustness.main(Names(ledger=paths[:1], data=tmp_path / "64.json"), output, params)


def test_figures_show_the_tables(made):
    bars, points = pie_rates(made["planted"]).to_dict()["hconcat"][0]["layer"]
    assert (bars["encoding"]["y"]["field"], bars["encoding"]["y2"]["field"]) == ("pie_rate_low", "pie_rate_high")
    assert points["encoding"]["y"]["field"] == "pie_rate"
    layers = pie_curve(made["pie_curve"]).to_dict()["spec"]["layer"]
    fields = [layer["encoding"]["y"]["field"] for layer in layers]
    assert fields == ["null_low", "control_mean", "pies_untied_mean", "pies_mean", "pies_low", "pies_mean"]
    chart = class_impact(made["class_impact"]).to_dict()
    fields = [layer["encoding"].get("y", {}).get("field") for layer in chart["spec"]["layer"]]
    assert fields[1:] == ["relative_change_low", "relative_change", "relative_change"]
    fill = chart["spec"]["layer"][2]["encoding"]["fill"]
    assert fill["condition"]["test"] == "datum.significant" and fill["value"] == "white"


def test_the_figure_of_corruptions_fills_what_exceeds_the_loss_on_clean_images(made):
    table = made["robustness_summary"].copy()
    panels = robustness_figure(table).to_dict()["concat"]
    assert [panel["title"]["text"] for panel in panels] == LEVELS
    table.loc[table.corruption == "contrast", "excess_error_low"] = 0.1
    data = robustness_figure(table).to_dict()["datasets"]
    shown = [row for rows in data.values() for row in rows if row.get("corruption") == "contrast"]
    assert shown and all(row["beyond"] for row in shown) and {row["change"] for row in shown} == {-0.025, -0.125}


def test_a_population_of_two_recipes_is_refused(tmp_path):
    ids = np.array([f"test/{i:02d}" for i in range(N)])
    for seed, torch in ((0, "2.13.0"), (1, "2.14.0")):
        description = {"level": "dense", "training": {"torch": torch, "seeds": [seed]}}
        save_ledger(
            tmp_path / f"{seed}.parquet", [block(ids, LABEL, seed, "clean", 0, predictions(RIGHT, 0))], description
        )
    paths = [tmp_path / "0.parquet", tmp_path / "1.parquet"]
    assert len(load_population(paths[:1], "dense")["clean", 0].seed) == 1
    with pytest.raises(InputError, match="differ in `torch`: a population's models may differ in their seed only"):
        load_population(paths, "dense")
