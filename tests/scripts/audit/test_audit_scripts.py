"""The tables' scripts on small populations whose answer can be worked out by hand."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from four_images import DENSE, LABEL, PRUNED, margins_of, pies_table, votes_of

from scripts.audit.measure_hardness import (
    ALL_MODELS,
    OTHER_HALF,
    SAME_HALF,
    hardness_rows,
    measure_level,
    predictor_rows,
)
from scripts.audit.score_examples import scores_of, table_of
from scripts.audit.summarize_pies import summarize_level
from scripts.audit.summarize_scores import summarize_level as summarize_scores
from scripts.compare.compare_classes import compare_level as compare_classes
from scripts.compare.compare_classes import completed as complete_classes
from scripts.compare.compare_classes import impact_of, training_images
from scripts.compare.compare_classes import summarize_level as summarize_classes
from scripts.compare.compare_kinds import compare_level as compare_kinds
from scripts.compare.compare_kinds import groups_of
from scripts.compare.measure_robustness import measure
from scripts.lib.audit.excess import Excesses
from scripts.lib.audit.halves import deal_halves
from scripts.lib.audit.model_variance import Halves
from scripts.lib.audit.scores import score_measures
from scripts.lib.data.dataset import Examples
from scripts.lib.jobs.errors import InputError
from scripts.lib.ledger.predictions import Votes
from scripts.lib.pages.all_pages import PAGES
from scripts.lib.tables.pie_table import uncompressed_of
from scripts.publish.draw_class_impact import class_impact as draw_class_impact


def reference_of(dense, control):
    return uncompressed_of(dense, control, ["independent"], "largest")


def test_pies_of_four_images():
    table = pies_table({"pruned": PRUNED}, DENSE)["pruned"]
    assert table.pie.tolist() == [False, True, True, True]
    assert table.dense_modal.tolist() == [0, 1, 2, 4] and table.level_modal.tolist() == [0, 2, 5, 3]
    assert table.dense_votes.tolist() == [3, 3, 2, 2] and table.level_votes.tolist() == [3, 2, 2, 3]


def test_pies_need_the_same_examples():
    with pytest.raises(InputError, match="pruned: the examples differ"):
        pies_table({"pruned": votes_of([[0, 1], [0, 1]], [0, 1])}, DENSE)


def test_summary_of_four_images():
    control = votes_of([[0, 1, 5, 4], [0, 1, 5, 4], [0, 1, 5, 3]], LABEL)
    tables = pies_table({"control": control, "pruned": PRUNED}, DENSE)
    table = tables["pruned"].assign(level_differs=[0, 1, 1, 0.5], dense_differs=[0, 0, 0.25, 0.25])
    row = summarize_level(
        "pruned", table, tables["control"], DENSE, PRUNED, reference_of(DENSE, control), 0.05, 100, "largest"
    )
    assert (row["pies"], row["control_pies"], row["examples"], row["dense_models"]) == (3, 1, 4, 3)
    assert row["excess_rate"] == 0.5 and row["p_these_models"] == 0.5
    assert row["verdict"] == "cannot be told from the control"
    assert row["dense_top1_pies"] == pytest.approx(np.mean([1, 2 / 3, 1 / 3]))
    assert row["level_top1_pies"] == pytest.approx(np.mean([1 / 3, 1 / 3, 1]))
    assert row["dense_top1_others"] == 1 and np.isnan(row["dense_top1_others_low"])


def test_a_large_excess_is_told_from_the_control():
    random = np.random.default_rng(0)
    label = np.zeros(400, int)
    dense = votes_of(np.zeros((6, 400), int), label)
    changed = random.random(400) < 0.2
    pruned = votes_of(np.tile(changed.astype(int), (6, 1)), label)
    tables = pies_table({"pruned": pruned}, dense)
    table = tables["pruned"]
    assert np.array_equal(table.pie, changed)
    row = summarize_level(
        "pruned", table, tables["control"], dense, pruned, reference_of(dense, dense), 0.05, 200, "largest"
    )
    assert row["verdict"] == "exceeds the control"
    assert row["p_these_models"] < 1e-9 and row["p_permutation"] == pytest.approx(1 / 201)
    assert row["excess_rate_low"] < changed.mean() < row["excess_rate_high"]
    same = summarize_level("control", table, table, dense, pruned, reference_of(dense, dense), 0.05, 200, "largest")
    assert same["verdict"] == "is the control" and np.isnan(same["excess_rate"])


def test_counts_by_every_tie_rule():
    # Votes of the level tie on images 1 (1 and 2) and 3 (3 and 4); the dense ones say 0, 1, 2, 4.
    even = votes_of([[0, 2, 2, 3], [0, 2, 5, 3], [0, 1, 5, 4], [0, 1, 5, 4]], LABEL)
    for tie_rule, pies in {"largest": [1, 2], "smallest": [2, 3], "excluded": [2]}.items():
        tables = pies_table({"even": even}, DENSE, tie_rule=tie_rule)
        row = summarize_level(
            "even", tables["even"], tables["control"], DENSE, even, reference_of(DENSE, DENSE), 0.05, 100, tie_rule
        )
        assert np.flatnonzero(tables["even"].pie).tolist() == pies and row["pies"] == len(pies)
        assert (row["pies_largest"], row["pies_smallest"], row["pies_excluded"]) == (2, 2, 1)
        assert (row["tied"], row["level_ties"], row["dense_ties"], row["control_tied"]) == (2, 2, 0, 0)


def test_a_level_made_of_the_dense_checkpoints():
    """Other seeds differ on a quarter of the images; compression changes every vote on the last 40, or nothing at all."""
    random = np.random.default_rng(0)
    label = np.zeros(400, int)
    dense, control = (votes_of((random.random((8, 400)) < random.random(400)).astype(int), label) for _ in range(2))
    moved = np.arange(400) >= 360
    changed = votes_of(np.where(moved, 2, dense.votes), label)
    populations = {"control": control, "same": dense, "changed": changed}
    tables = pies_table(populations, dense, paired=("same", "changed"))
    reference = uncompressed_of(dense, control, ["independent", "paired"], "largest")
    rows = {
        level: summarize_level(
            level, rows, tables["control"], dense, populations[level], reference, 0.05, 256, "largest"
        )
        for level, rows in tables.items()
    }
    same, other = rows["same"], rows["changed"]
    assert (same["pies"], same["excess_rate"], same["excess_over_null"], same["null_high"]) == (0, 0, 0, 0)
    assert [same[p] for p in ("p_interval", "p_permutation", "p_these_models")] == [1, 1, 1]
    assert same["verdict"] == "cannot be told from the control" and -0.01 < same["excess_rate_low"] < 0
    assert other["pies"] == 40 and other["control_pies"] == rows["control"]["pies"] > 40
    already = tables["control"].pie[moved].sum()  # of the 40, the control contradicted these anyhow
    assert other["excess_rate"] == pytest.approx((40 - already) / 400) and other["verdict"] == "exceeds the control"
    assert other["p_these_models"] == pytest.approx(2 * 0.5 ** (40 - already))
    assert other["p_permutation"] == 2 / 2**8  # of all ways to swap eight pairs, none and all bring as much
    # Dealt anew, the same level would have the luck of its seeds in its excess.
    assert pies_table(populations, dense)["changed"].level_differs.nunique() > 2


def test_a_level_made_of_the_dense_checkpoints_has_their_seeds():
    other = Votes(PRUNED.example, PRUNED.label, PRUNED.seed + 1, PRUNED.votes, PRUNED.correct_top5)
    with pytest.raises(InputError, match="pruned: the level is made of the dense models, but seed 0 is in one of"):
        pies_table({"pruned": other}, DENSE, paired=("pruned",))
    with pytest.raises(InputError, match="pruned: the level is made of the dense models"):
        scores_of("pruned", DENSE, other, "paired")


def test_scores_of_a_level_made_of_the_dense_checkpoints():
    dense = votes_of(np.zeros((6, 2), int), [0, 0])
    changed = votes_of(np.tile([1, 0], (6, 1)), [0, 0])
    scores = scores_of("changed", dense, changed, "paired")
    assert scores["p_votes"].tolist() == [2 / 64, 1] and scores["p_right"].tolist() == [2 / 64, 1]
    table = table_of("changed", dense, changed, scores, scores_of("control", dense, dense), "paired")
    measures = score_measures(dense.votes, changed.votes, "changed", paired=True)
    control_measures = score_measures(dense.votes, dense.votes, "control")
    rows = {row["score"]: row for row in summarize_scores("changed", table, measures, control_measures, 0.05)}
    assert all(np.isnan(row["excess"]) for row in rows.values())
    taxicab = rows["taxicab distance"]
    assert (taxicab["mean"], taxicab["mean_low"], taxicab["mean_high"]) == (1, 0, 2)  # one image of two
    assert rows["churn between dense and level"]["mean"] == 0.5
    beyond = rows["churn between beyond within"]
    assert np.isnan(beyond["mean"]) and beyond["reason"].startswith("pairs have no luck of seeds")


def test_scores_of_four_images():
    scores = scores_of("pruned", DENSE, PRUNED)
    # Of three models each: all agree; 3:0 becomes 1:2; 2:1 becomes 1:2; 1:2 becomes 3:0.
    assert scores["taxicab"] == pytest.approx([0, 4 / 3, 2 / 3, 4 / 3])
    assert scores["flip"].tolist() == ["none", "right to wrong", "right to wrong", "wrong to right"]
    assert scores["level_right"].tolist() == [3, 1, 1, 3]
    assert scores["churn_between"] == pytest.approx([0, 2 / 3, 5 / 9, 2 / 3])
    assert scores["churn_excess"] == pytest.approx([0, 1 / 3, 5 / 9 - 2 / 3, 1 / 3])
    # Four votes for one label and two for another: of the 20 deals, 8 leave both of the two on one side.
    assert scores["p_votes"] == pytest.approx([1, 8 / 20, 1, 8 / 20])
    assert scores["p_right"] == pytest.approx([1, 8 / 20, 1, 8 / 20])
    assert scores["q_votes"] == pytest.approx([1, 16 / 20, 1, 16 / 20])


def test_scores_are_summed_up_beside_the_controls():
    control = scores_of("control", DENSE, DENSE)
    table = table_of("pruned", DENSE, PRUNED, scores_of("pruned", DENSE, PRUNED), control)
    measures, control_measures = (score_measures(DENSE.votes, votes.votes, "x") for votes in (PRUNED, DENSE))
    rows = {row["score"]: row for row in summarize_scores("pruned", table, measures, control_measures, 0.5)}
    assert rows["taxicab distance"]["mean"] == pytest.approx(10 / 12)
    assert rows["taxicab distance"]["excess"] == pytest.approx(10 / 12)  # the control is the dense population again
    assert (rows["right to wrong"]["count"], rows["right to wrong"]["control_count"]) == (2, 0)
    assert (rows["votes differ, uncorrected"]["count"], rows["votes differ, BH"]["count"]) == (2, 0)
    assert rows["votes differ, BH"]["mean"] == 0 and np.isnan(rows["votes differ, BH"]["mean_low"])
    assert rows["churn within the level"]["excess"] == pytest.approx((4 / 3 - 4 / 3) / 4)
    table = table_of("control", DENSE, DENSE, control, control)
    own = summarize_scores("control", table, control_measures, control_measures, 0.05)
    assert all(np.isnan(row["excess"]) for row in own)


def test_who_did_not_choose_is_not_fooled_by_luck():
    # Every model is right about every image with probability 0.6: PIEs are luck, and no harder than the others.
    random = np.random.default_rng(0)
    label = np.zeros(4000, int)
    dense, pruned = (votes_of((random.random((10, 4000)) > 0.6).astype(int), label) for _ in range(2))
    members = deal_halves(10, 40, random), deal_halves(10, 40, random)
    found = measure_level(dense, pruned, members, top5=True)
    for population in ("dense", "level"):
        fresh = found[OTHER_HALF, population, "top1", "pies"].estimate(0.01)
        assert fresh.low <= 0.6 <= fresh.high and fresh.high - fresh.low < 0.05
        for scored_on in (ALL_MODELS, SAME_HALF):
            assert found[scored_on, population, "top1", "pies"].estimate(0.01).high < 0.58
    beyond = (found[OTHER_HALF, "level", "top1", "pies"] - found[OTHER_HALF, "level", "top1", "matched"]).estimate(0.01)
    assert beyond.low <= 0 <= beyond.high
    foreseen = found[OTHER_HALF, "vote margin"].estimate(0.01)
    assert foreseen.low <= 0.5 <= foreseen.high < found[ALL_MODELS, "vote margin"].value


def test_hardness_of_four_images():
    chosen = np.array([[True, True, False], [True, True, False]])
    found = measure_level(DENSE, PRUNED, ((chosen, ~chosen), (chosen, ~chosen)), top5=True)
    # As the paper scores it: PIEs are the last three, dense right 3, 2 and 1 of 3 times, pruned 1, 1 and 3.
    paper = found[ALL_MODELS, "dense", "top1", "pies"], found[ALL_MODELS, "level less dense", "top1", "pies"]
    assert [average.value for average in paper] == pytest.approx([6 / 9, -1 / 9])
    # The first two models say 0 1 2 4 and 0 2 5 3: three PIEs; the third dense one is right about 1 and 3 of them, the pruned one too.
    assert found[OTHER_HALF, "dense", "top1", "pies"].value == pytest.approx(2 / 3)
    assert found[OTHER_HALF, "level", "top1", "pies"].value == pytest.approx(2 / 3)
    assert found[OTHER_HALF, "dense", "top1", "others"].value == 1
    about = {"design": "independent", "splits": 2, "significance": 0.05, "dense_models": 3}
    rows = hardness_rows("pruned", found, found, about)
    assert len(rows) == 3 * 3 * 2 and all(row["beyond_control"] == 0 for row in rows)
    assert {row["splits"] for row in rows if row["scored_on"] == ALL_MODELS} == {1}
    assert np.isnan(hardness_rows("control", found, found, about)[0]["beyond_control"])
    paired = about | {"design": "paired"}  # made of the dense models: the control's PIEs are none of their kind
    assert all(np.isnan(row["beyond_control"]) for row in hardness_rows("int8", found, found, paired))
    assert all(np.isnan(row["beyond_control"]) for row in predictor_rows("int8", found, found, paired))
    predicted = {
        (row["scored_on"], row["predictor"]): row["auc"] for row in predictor_rows("pruned", found, found, about)
    }
    assert predicted[ALL_MODELS, "vote margin"] == pytest.approx((0.5 + 1 + 1) / 3)
    assert np.isnan(predicted[OTHER_HALF, "disagreement of two models"])  # of one model


def test_head_and_tail_are_the_halves_of_the_classes():
    frequency = np.array([10, 20, 30, 40])[[0, 1, 2, 3, 0]]
    examples = Examples(
        np.array(list("abcde")),
        np.array([0, 1, 2, 3, 0]),
        np.array(["typical"] * 5),
        np.array([0, 1, 2, 3, 0]),
        frequency,
        np.array(list("abcde")),
    )
    groups = groups_of(examples)
    tail = groups[(groups.grouping == "class_frequency") & (groups.group == "tail")]
    assert tail.example.tolist() == ["a", "b", "e"]
    unknown = replace(examples, class_frequency=np.full(5, np.nan))
    assert set(groups_of(unknown).grouping) == {"kind"}  # a study without training images has no head and no tail


def test_planted_groups_are_compared_by_their_excess():
    n = 300
    kinds = ["typical"] * n + ["mislabelled"] * n + ["abstract"] * n
    pie = np.concatenate([np.arange(n) < 30, np.arange(n) < 33, np.arange(n) < 120])
    control = np.concatenate([np.arange(n) < 15, np.arange(n) < 18, np.arange(n) < 60])
    table = pd.DataFrame({"pie": pie, "design": "independent", "level_models": 10, "level_differs": pie.astype(float)})
    table["dense_differs"] = control.astype(float)
    groups = {("kind", kind): np.array(kinds) == kind for kind in dict.fromkeys(kinds)}
    inside = np.stack(list(groups.values()))
    same = Halves(np.zeros((1, 3)), np.zeros((1, 3)), inside.sum(axis=1), 10, 0.5)  # all models err alike
    found = Excesses(pie.astype(float) - control, inside, same, np.full(3, 0.01), 0.001, 0.05)
    rows = {row["group"]: row for row in compare_kinds("pruned", table, control, groups, found, 0.05)}
    assert rows["typical"]["excess_rate"] == pytest.approx(0.05) and rows["typical"]["verdict"] == "is the reference"
    assert rows["abstract"]["excess_rate"] == pytest.approx(0.20)
    assert rows["abstract"]["beyond_reference"] == pytest.approx(0.15)
    assert rows["abstract"]["verdict"] == "larger excess than typical"
    assert rows["mislabelled"]["role"] == "negative control"
    assert rows["mislabelled"]["verdict"] == "cannot be told from typical"
    assert set(rows) == {"typical", "mislabelled", "abstract"}  # what is not planted has no row


def test_class_impact_names_the_class_that_pays():
    random = np.random.default_rng(0)
    label = np.repeat(np.arange(10), 30)
    dense, pruned = (np.where(random.random((8, 300)) < 0.9, label, (label + 1) % 10) for _ in range(2))
    pays = label == 7
    pruned[:, pays] = np.where(random.random((8, 30)) < 0.5, 7, 8)
    before, after = votes_of(dense, label), votes_of(pruned, label)
    impact = impact_of("pruned", before, after, margins_of(before), 10, 0.05)
    table = compare_classes("pruned", before, after, impact, list("abcdefghij"), np.arange(10), 0.05)
    worst = table.loc[table.relative_change.idxmin()]
    assert worst["class"] == "h" and worst.significant and worst.verdict == "loses more than average" and worst.t > 0
    assert worst.recall_change == pytest.approx((pruned == 7)[:, pays].mean() - (dense == 7)[:, pays].mean())
    assert worst.q < 0.001 and worst.own_mean_q < 0.001 and worst.q >= worst.p
    assert worst.hedges_g_high < -2 and worst.own_mean_low < worst.relative_change < worst.own_mean_high < 0
    others = table[table["class"] != "h"]
    assert (others.q >= others.p).all() and (others.relative_change > worst.relative_change).all()
    row = summarize_classes("pruned", before, after, impact, np.arange(len(impact.dense_recall[0])), 0.05)
    assert (row["flagged"], row["classes"], row["chance_flagged"]) == (table.significant.sum(), 10, 0.5)
    assert row["gaining"] + row["losing"] <= 10 and row["mean_loss"] < 0 < row["mean_gain"]
    # Class h is missed five times as often as before, and class i, which is said in its place, said too often.
    nothing = summarize_classes("control", before, before, impact, np.arange(len(impact.dense_recall[0])), 0.05)
    assert row["cev"] > 2 and row["sde"] > 0.8 and nothing["cev"] == nothing["sde"] == 0


def test_a_level_that_equals_the_shifted_control_is_what_an_equal_loss_of_logits_makes():
    random = np.random.default_rng(1)
    label = np.repeat(np.arange(4), 50)
    margins = random.normal(1, 1, (6, 200))
    control = np.where(margins > 0, label, (label + 1) % 4)
    level = np.where(margins > 0.7, label, (label + 1) % 4)
    dense = votes_of(np.where(random.normal(1, 1, (6, 200)) > 0, label, (label + 1) % 4), label)
    impact = impact_of("pruned", dense, votes_of(level, label), margins, 4, 0.05)
    assert np.array_equal(impact.shifted.p, impact.paper.p) and np.array_equal(
        impact.shifted_recall, impact.level_recall
    )
    own = impact_of("control", dense, votes_of(control, label), margins, 4, 0.05)
    assert np.array_equal(own.shifted.p, own.paper.p)


def test_a_class_without_test_images_has_no_numbers_and_the_others_have_theirs():
    label = np.repeat([0, 1, 3], 40)
    random = np.random.default_rng(3)
    before, after = (votes_of(np.where(random.random((5, 120)) < 0.8, label, 3 - label), label) for _ in range(2))
    impact = impact_of("pruned", before, after, margins_of(before), 5, 0.05)
    frequency = np.array([10, 20, np.nan, 40, np.nan])
    table = compare_classes("pruned", before, after, impact, list("abcde"), frequency, 0.05).set_index("class")
    for name in "ce":
        row = table.loc[name]
        assert row.examples == 0 and row.reason == "no test image" and not row.significant
        assert (
            row.verdict == "undefined: no test image of the class" and row.drop(["class_frequency"]).isna().sum() > 15
        )
    known = table.loc[list("abd")]
    assert known.drop(columns="class_frequency").notna().all(axis=None) and (known.reason == "").all()
    # As if there had never been another class, but for the names.
    labels = np.repeat([0, 1, 2], 40)
    renamed = [votes_of(np.where(each.correct, labels, 4), labels) for each in (before, after)]
    expected = compare_classes(
        "pruned", *renamed, impact_of("pruned", *renamed, margins_of(before), 3, 0.05), list("abd"), frequency[:3], 0.05
    )
    for column in ("relative_change", "p", "q", "own_mean_p", "own_mean_low", "hedges_g_high", "logit_shift_p"):
        assert known[column].to_numpy() == pytest.approx(expected[column].to_numpy(), nan_ok=True), column
    row = summarize_classes("pruned", before, after, impact, frequency, 0.05)
    assert (row["classes"], row["tested_classes"], row["chance_flagged"]) == (5, 3, pytest.approx(0.15))
    assert row["losing"] + row["gaining"] <= 3 and row["cev"] >= 0


def test_one_class_alone_is_compared_with_nothing():
    label = np.zeros(50, int)
    before, after = (
        votes_of((np.random.default_rng(seed).random((4, 50)) < 0.3).astype(int), label) for seed in (0, 1)
    )
    impact = impact_of("pruned", before, after, margins_of(before), 1, 0.05)
    (row,) = compare_classes("pruned", before, after, impact, ["a"], np.array([9]), 0.05).itertuples()
    assert row.relative_change == 0 and np.isnan(row.own_mean_p) and row.reason == "there is no other class"
    assert np.isnan(summarize_classes("pruned", before, after, impact, np.array([9]), 0.05)["cev"])


def test_one_image_a_class_says_nothing_of_a_class():
    impact = impact_of("pruned", DENSE, PRUNED, margins_of(DENSE), 4, 0.05)
    table = compare_classes("pruned", DENSE, PRUNED, impact, list("abcd"), np.arange(4), 0.05)
    assert table.own_mean_p.isna().all() and table.reason.str.endswith("no class has two test images").all()


def test_robustness_by_hand():
    row = measure("pruned", "fog", 3, DENSE, PRUNED, True, 0.05)
    assert row["top1"] == pytest.approx((3 + 1 + 1 + 3) / 12)
    assert row["top1_change"] == pytest.approx((8 - 9) / 12)
    assert row["top1_relative"] == pytest.approx(8 / 9)
    assert row["top5"] == pytest.approx((DENSE_TOP5 := PRUNED.correct_top5).mean()) and DENSE_TOP5.shape == (3, 4)
    assert (row["examples"], row["dense_models"], row["level_models"]) == (4, 3, 3)
    assert np.isnan(measure("pruned", "fog", 3, DENSE, PRUNED, False, 0.05)["top5"])
    same = measure("same", "fog", 3, DENSE, DENSE, True, 0.05, paired=True)
    assert same["top1_change"] == 0 and np.isnan(
        same["top1_change_low"]
    )  # no change among four images is not certainty


def test_the_change_of_top1_is_of_other_models_too():
    """Every model of one population is a little better or worse on all images than the others; that does not shrink with more images."""
    random, found = np.random.default_rng(5), 0
    for _ in range(40):
        quirk = random.normal(0, 0.05, (2, 5, 1))
        sides = [(random.random((5, 2000)) > 0.7 + each).astype(int) for each in quirk]
        row = measure("level", "fog", 1, *(votes_of(side, np.zeros(2000, int)) for side in sides), False, 0.05)
        found += row["top1_change_low"] > 0 or row["top1_change_high"] < 0
    assert found <= 7  # 2 of 40 expected, over images alone more than half


def test_without_probabilities_an_equal_loss_of_logits_is_undefined():
    label = np.repeat(np.arange(4), 5)
    random = np.random.default_rng(2)
    dense, pruned = (votes_of(np.where(random.random((4, 20)) < 0.7, label, (label + 1) % 4), label) for _ in range(2))
    impact = impact_of("pruned", dense, pruned, np.full((4, 20), np.nan), 4, 0.05)
    known = impact_of("pruned", dense, pruned, margins_of(dense), 4, 0.05)
    assert np.array_equal(impact.paper.p, known.paper.p, equal_nan=True)
    frequency = np.full(4, np.nan)
    table = compare_classes("pruned", dense, pruned, impact, list("abcd"), frequency, 0.05).round(6)
    assert table.logit_shift_change.isna().all() and table.logit_shift_p.isna().all()
    row = summarize_classes("pruned", dense, pruned, impact, frequency, 0.05)
    undefined = {name for name in row if np.isnan(row[name] if isinstance(row[name], float) else 0)}
    assert {name for name in row if name.startswith("logit_shift")} <= undefined
    table, summary = complete_classes([table], [row])
    for name, made in (("class_impact", table), ("class_summary", summary)):
        page = PAGES[name](made)
        assert "undefined here, because the predictions came without p1, p2 and p_label" in str(page.note)
        assert not page.cells.isin(["nan", "nan; nan"]).any(axis=None)
    axis = draw_class_impact(table).to_dict()["spec"]["layer"][1]["encoding"]["x"]
    assert axis["field"] == "dense_recall"  # the number of training images is not known


def test_without_training_images_there_is_neither_head_nor_tail():
    text = np.array(list("ab"))
    examples = Examples(text, np.array([0, 1]), np.array(["typical"] * 2), np.array([0, 1]), np.full(2, np.nan), text)
    assert set(groups_of(examples).grouping) == {"kind"}
    assert np.isnan(training_images(examples, 2)).all()
    known = Examples(text, np.array([0, 0]), examples.kind, np.array([0, 1]), np.array([30, 20]), text)
    assert training_images(known, 2).tolist() == [30, 20]  # of the class that is shown
