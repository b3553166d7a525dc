"""From ledger and annotation files to subgroups.csv and over_indexing.csv, on populations whose answer can be worked out by hand."""

from types import SimpleNamespace as Names

import numpy as np
import pandas as pd
import pytest

from scripts.compare import compare_annotations, compare_subgroups, score_labels
from scripts.data import check_image_quality, join_annotations
from scripts.lib.annotations.column import Column
from scripts.lib.annotations.groups import groupings_of
from scripts.lib.data.dataset import save_examples, save_manifest
from scripts.lib.jobs.errors import InputError
from scripts.lib.ledger.predictions import Votes, block, save_ledger
from scripts.lib.pages.all_pages import PAGES
from scripts.lib.study.extras import NORMALIZED_MARGIN, SELF_CONFIDENCE, check_extras
from scripts.lib.tables.table import load_table

N, K = 240, 4
LABEL = np.arange(N) % 2
SUBGROUPS = ["kind", "male", {"column": "class_frequency", "bins": 2}, ["kind", "male"], {"column": "age", "bins": 2}]
ODD, MALE, AGE = np.arange(N) % 12 < 3, np.arange(N) % 4 < 2, np.arange(N) // 2


def predictions(wrong, seed):
    """Probabilities of a model that is wrong where it is said to be, with some of its own errors."""
    own = (np.arange(N) * 7 + seed * 31) % 50 == 0
    said = np.where(wrong | own, 1 - LABEL, LABEL)
    probability = np.full((N, 2), 0.2, np.float32)
    probability[np.arange(N), said] = 0.8
    return probability


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """A study of two classes: the level is wrong about half of the odd images, most of them not called positive."""
    folder = tmp_path_factory.mktemp("study")
    ids = np.array([f"test/{i:03d}" for i in range(N)])
    hit = ODD & (np.arange(N) % 24 < 12)
    wrong = {"dense": np.zeros(N, bool), "control": np.arange(N) % 60 == 1, "pruned": hit}
    for level, where in wrong.items():
        rows = [block(ids, LABEL, seed, "clean", 0, predictions(where, seed)) for seed in range(K)]
        save_ledger(folder / f"{level}.parquet", rows, {"level": level, "classes": ["no", "yes"]})
    columns = {"example": ids, "split": ["test"] * N, "label": LABEL, "shown": LABEL, "pixels": ids}
    columns |= {"kind": np.where(ODD, "odd", "typical"), "class_frequency": np.full(N, np.nan)}
    save_examples(folder / "examples.parquet", columns)
    save_manifest(folder / "data.json", {"classes": ["no", "yes"]})
    pd.DataFrame({"id": ids, "male": 2 * MALE - 1, "age": AGE}).to_csv(folder / "people.csv", index=False)
    labels = np.where(hit, 1 - LABEL, LABEL)
    table = [
        pd.DataFrame(
            {"example": ids, "level": level, "design": "independent", "pie": pie, "dense_models": K, "level_models": K}
        )
        for level, pie in (("control", wrong["control"]), ("pruned", labels != LABEL))
    ]
    pd.concat(table).to_csv(folder / "pies.csv", index=False)
    given = input_of(folder)
    join_annotations.main(given, Names(annotations=given.annotations[0]), params_of(folder))
    return folder


def params_of(study, **changes):
    given = {
        "joins": [{"name": "people", "file": str(study / "people.csv"), "id": "id"}],
        "subgroups": SUBGROUPS,
        "known_later": (),
        "positive_class": "yes",
        "smallest_group": 20,
        "significance": 0.05,
        "levels": ["control", "pruned"],
        "designs": {"control": "independent", "pruned": "independent"},
    }
    return Names(**(given | changes))


def input_of(study):
    return Names(
        examples=study / "examples.parquet",
        data=study / "data.json",
        annotations=[study / "annotations.parquet"],
        pies=study / "pies.csv",
        ledger=[study / f"{level}.parquet" for level in ("dense", "control", "pruned")],
    )


@pytest.fixture(scope="module")
def tables(study):
    given, params = input_of(study), params_of(study)
    compare_subgroups.main(given, Names(table=study / "subgroups.csv"), params)
    compare_annotations.main(given, Names(table=study / "over_indexing.csv"), params)
    return {name: load_table(study / f"{name}.csv") for name in ("subgroups", "over_indexing")}


def rate_of(level, chosen, metric):
    """By plain loops over models and images; the positive class is 1."""
    hit = ODD & (np.arange(N) % 24 < 12)
    wrong = {"dense": np.zeros(N, bool), "control": np.arange(N) % 60 == 1, "pruned": hit}[level]
    counted = total = 0
    for seed in range(K):
        said = predictions(wrong, seed).argmax(axis=1)
        for image in np.flatnonzero(chosen):
            if metric == "top-1":
                counted, total = counted + (said[image] == LABEL[image]), total + 1
            elif (LABEL[image] == 1) == (metric == "false negative rate"):
                counted, total = counted + (said[image] != LABEL[image]), total + 1
    return counted / total if total else np.nan


@pytest.mark.parametrize("metric", ["top-1", "false positive rate", "false negative rate"])
@pytest.mark.parametrize("group", ["odd", "typical", "male", "not male", "odd & not male"])
def test_rates_and_changes(tables, group, metric):
    chosen = np.ones(N, bool)
    for part in group.split(" & "):
        chosen &= {"odd": ODD, "typical": ~ODD, "male": MALE, "not male": ~MALE}[part]
    row = tables["subgroups"].set_index(["level", "group", "metric"]).loc[("pruned", group, metric)]
    before, after, control = (rate_of(level, chosen, metric) for level in ("dense", "pruned", "control"))
    others = rate_of("pruned", ~chosen, metric) - rate_of("dense", ~chosen, metric)
    assert row.examples == chosen.sum()
    if row.counted == 0:
        assert row.reason == "no image of the positive class" and np.isnan(row["rate"]) and np.isnan(row.q)
        return
    assert (row.dense, row["rate"], row.change) == pytest.approx((before, after, after - before), abs=1e-5)
    assert (row.control_change, row.beyond_control) == pytest.approx((control - before, after - control), abs=1e-5)
    if "&" not in group:
        assert row.beyond_others == pytest.approx(after - before - others, abs=1e-5)
    if before:
        assert row.relative_change == pytest.approx(after / before - 1, abs=1e-5)


def test_who_pays_is_found_and_the_control_finds_nobody(tables):
    subgroups = tables["subgroups"].set_index(["level", "grouping", "group", "metric"])
    odd = subgroups.loc[("pruned", "kind", "odd", "top-1")]
    assert odd.verdict == "pays more than the others" and odd.q < 0.05 and odd.worst and odd.worst_change
    assert subgroups.loc[("pruned", "kind", "typical", "top-1")].verdict == "pays less than the others"
    assert subgroups.loc[("pruned", "male", "male", "top-1")].verdict == "cannot be told from the others"
    control = tables["subgroups"][lambda table: table.level == "control"]
    assert not (control.q <= 0.05).any()
    everything = tables["subgroups"][lambda table: table.grouping == "all images"]
    assert (everything.reason == "there are no other images").all() and not everything.worst.any()
    assert not (tables["subgroups"].grouping == "class_frequency").any()  # nothing is known of it
    assert {"1 to 2", "0 to 59", "60 to 119"} >= set(tables["subgroups"].group[tables["subgroups"].grouping == "age"])


def test_what_is_undefined_has_a_reason_and_what_is_not_has_none(tables):
    table = tables["subgroups"]
    assert (table["rate"].isna() <= (table.reason != "")).all()
    assert (table.q.isna() == (table.reason != "")).all()


def test_what_stands_out_among_pies(tables):
    rows = tables["over_indexing"].set_index(["level", "column", "value"])
    hit = ODD & (np.arange(N) % 24 < 12)
    odd = rows.loc[("pruned", "kind", "odd")]
    assert (odd.pies, odd.pies_with, odd.others_with) == (hit.sum(), hit.sum(), (ODD & ~hit).sum())
    assert odd.ratio == pytest.approx(1 / (ODD & ~hit).sum() * (~hit).sum(), rel=1e-5) and odd.q < 0.001
    typical = rows.loc[("pruned", "kind", "typical")]
    assert (
        typical.ratio == typical.ratio_low == 0
        and typical.reason == "no PIE has it"
        and typical.verdict == "not tested"
    )
    male, control = hit, np.arange(N) % 60 == 1
    male = rows.loc[("pruned", "male", "male")]
    expected = [(MALE[pie].mean() / MALE[~pie].mean()) for pie in (hit, control)]
    assert (male.ratio, male.control_ratio, male.ratio_to_control) == pytest.approx(
        (*expected, expected[0] / expected[1]), rel=1e-5
    )
    age = rows.loc[("pruned", "age", "")]
    assert age.scale == "number" and age.mean_pies == pytest.approx(AGE[hit].mean(), rel=1e-5)
    wins = np.mean([np.mean((a > AGE[~hit]) + 0.5 * (a == AGE[~hit])) for a in AGE[hit]])
    assert age.auc == pytest.approx(wins, abs=1e-5)
    assert ("pruned", "male", "yes") not in rows.index  # its groups say it already


def test_rows_of_the_control_are_not_held_against_it(tables):
    control = tables["over_indexing"][lambda table: table.level == "control"]
    assert (control.verdict == "is the control").all() and control.ratio_to_control.isna().all()


@pytest.mark.parametrize("name", ["subgroups", "over_indexing"])
def test_their_pages_are_text(tables, name):
    page = PAGES[name](tables[name])
    assert all(isinstance(cell, str) for cell in page.cells.to_numpy().ravel()) and "95 % intervals" in str(page.note)
    assert "nan" not in page.cells.to_string() and " inf" not in page.cells.to_string()


@pytest.mark.parametrize(
    "changes, sentence",
    [
        (
            {"positive_class": "maybe"},
            "`audit.positive_class` is 'maybe', which is no class of the study: there are no, yes.",
        ),
        ({"subgroups": ["female"]}, "names the column `female`, which the test images do not have"),
        ({"known_later": ("age",)}, "has the column `age`, and the test images have one of that name"),
    ],
)
def test_what_cannot_be_compared_is_said_when_annotations_are_joined(study, changes, sentence):
    with pytest.raises(InputError, match=r"column|class") as error:
        join_annotations.main(input_of(study), Names(annotations=study / "x.parquet"), params_of(study, **changes))
    assert sentence in str(error.value) and not (study / "x.parquet").exists()


def test_a_paired_levels_models_are_held_against_themselves(study):
    given = input_of(study)
    rates = []
    for design in ("independent", "paired"):
        params = params_of(study, designs={"control": "independent", "pruned": design})
        compare_subgroups.main(given, Names(table=study / f"{design}.csv"), params)
        rates.append(load_table(study / f"{design}.csv").query("level == 'pruned' and metric == 'top-1'"))
    independent, paired = (each.set_index("group").loc["typical"] for each in rates)
    # Nothing changes on typical images. Only the same models can show that; of others it might be luck.
    assert independent.change == paired.change == 0
    assert independent.change_low < 0 < independent.change_high and np.isnan(paired.change_low)
    assert np.isnan(paired.beyond_control) and not np.isnan(independent.beyond_control)


def test_the_pies_of_a_paired_level_are_not_held_against_those_of_other_seeds(study, tables):
    pies = pd.read_csv(study / "pies.csv")
    pies["design"] = pies.level.map({"control": "independent", "pruned": "paired"})
    given = input_of(study)
    given.pies = study / "paired_pies.csv"
    pies.to_csv(given.pies, index=False)
    compare_annotations.main(given, Names(table=study / "paired_over_indexing.csv"), params_of(study))
    paired = load_table(study / "paired_over_indexing.csv").query("level == 'pruned'")
    independent = tables["over_indexing"].query("level == 'pruned'")
    assert (paired.ratio.isna() == independent.ratio.isna()).all() and paired.ratio_to_control.isna().all()
    assert (paired.verdict == "not tested").all() and (paired.reason != "").all()


def made_votes(right):
    """Right or not, bool[K, N], as votes for the one of two classes that all images are of or for the other."""
    models, images = right.shape
    example = np.array([f"test/{i}" for i in range(images)])
    return Votes(example, np.zeros(images, int), np.arange(models), 1 - right.astype(np.int16), right)


def test_a_group_that_is_called_the_rest_of_another_is_not_that_rest():
    names = np.array(["old"] * 4 + ["not old"] * 4 + ["unclear"] * 4, dtype=object)
    groupings = groupings_of({"age": Column("age", "category", names, joined=True)}, ["age"])
    right = np.ones((2, 12), bool)
    right[:, [4, 5]] = False  # half of `not old`, a quarter of what is not old
    task = compare_subgroups.Task(2, None, 2, 0.05)
    for group, expected in (("old", [1, 0.75]), ("not old", [0.5, 1])):
        rates = compare_subgroups.rates_of("top-1", "a", made_votes(right), groupings[0], group, task)
        assert [each.value for each in rates] == expected


@pytest.mark.parametrize(
    "wrong, reason", [([], "no model changes on any image"), ([0, 1], "all images and models change alike")]
)
def test_what_has_no_spread_is_told_from_what_does_not_change(wrong, reason):
    names = np.array(["odd"] * 2 + ["typical"] * 4, dtype=object)
    groupings = groupings_of({"kind": Column("kind", "category", names, joined=True)}, ["kind"])
    after = np.ones((2, 6), bool)
    after[:, wrong] = False
    task = compare_subgroups.Task(2, None, 2, 0.05)
    dense, level = (made_votes(right) for right in (np.ones((2, 6), bool), after))
    votes = {"dense": dense, "control": dense, "a": level}
    (row,) = compare_subgroups.compare_group("top-1", groupings[0], "odd", votes, {"a": "paired"}, task)
    row = pd.Series(row)
    assert row.reason == reason and np.isnan(row.p) and row.change == -bool(wrong)


def test_label_scores_are_those_of_plain_loops(study):
    output = Names(annotations=study / "label_quality.parquet")
    score_labels.main(input_of(study), output)
    found = pd.read_parquet(output.annotations)
    probability = np.stack([predictions(np.zeros(N, bool), seed) for seed in range(K)]).astype(float)
    own = probability[:, np.arange(N), LABEL]
    assert found[SELF_CONFIDENCE].to_numpy() == pytest.approx(own.mean(axis=0))
    margin = own - probability[:, np.arange(N), 1 - LABEL]
    assert found[NORMALIZED_MARGIN].to_numpy() == pytest.approx((margin.mean(axis=0) + 1) / 2)


def test_label_scores_are_cleanlabs():
    rank = pytest.importorskip("cleanlab.rank", reason="cleanlab is not installed (envs/requirements-extras.txt)")
    random = np.random.default_rng(0)
    probabilities = random.dirichlet(np.full(6, 0.3), (3, 50))
    labels = np.concatenate([np.arange(6), random.integers(0, 6, 44)])
    ranked = -np.sort(-probabilities, axis=2)
    p_label = probabilities[:, np.arange(50), labels]
    found = score_labels.label_scores(p_label, ranked[..., 0], ranked[..., 1], p_label == ranked[..., 0])
    for column, method in ((SELF_CONFIDENCE, "self_confidence"), (NORMALIZED_MARGIN, "normalized_margin")):
        expected = rank.get_label_quality_ensemble_scores(
            labels, list(probabilities), method=method, weight_ensemble_members_by="uniform", verbose=False
        )
        assert found[column] == pytest.approx(expected)


def test_image_quality_finds_what_was_spoiled():
    pytest.importorskip("cleanvision", reason="cleanvision is not installed (envs/requirements-extras.txt)")
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (30, 48, 48, 3), dtype=np.uint8)
    images[3], images[7] = 0, 255
    images[11] = images[12]
    found = {column.name: column.values for column in check_image_quality.qualities_of(images)}
    assert found["is_dark"].nonzero()[0].tolist() == [3] and found["is_light"].nonzero()[0].tolist() == [7]
    assert {3, 7} <= set(found["is_low_information"].nonzero()[0])
    assert found["is_exact_duplicate"].nonzero()[0].tolist() == [11, 12]
    assert found["dark_score"].argmin() == 3 and found["dark_score"].max() <= 1


def test_an_extra_without_its_package_is_refused_with_the_command(monkeypatch):
    monkeypatch.setattr("scripts.lib.study.extras.find_spec", lambda name: None)
    check_extras({"label_quality": True, "image_quality": False}, images=False)
    with pytest.raises(
        InputError, match="needs the package cleanvision, which is not installed: pip install -r envs/req"
    ):
        check_extras({"label_quality": False, "image_quality": True}, images=True)
    with pytest.raises(InputError, match="the study has no images, only predictions"):
        check_extras({"label_quality": False, "image_quality": True}, images=False)
