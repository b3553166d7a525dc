"""Predictions from elsewhere: what is right becomes the ledger, and what is wrong is refused in one sentence."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from brought import CLASSES, IDS, LABELS, SEEDS, VARIANTS, N, bring, frame, save

from scripts.lib.jobs.errors import InputError
from scripts.lib.ledger.predictions import check_distinct, has_top5, load_population, undefined_columns
from scripts.lib.ledger.schema import PROBABILITY, TOP


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_rows_in_any_order_become_the_ledger(tmp_path, ending, monkeypatch):
    monkeypatch.setattr("scripts.lib.data.row_files.ROWS", 5)
    monkeypatch.setattr("scripts.lib.data.row_files.BYTES", 2000)
    table = frame()
    mixed = table.sample(frac=1, random_state=1)
    files = [save(mixed[:20], tmp_path / f"a.{ending}"), save(mixed[20:], tmp_path / f"b.{ending}")]
    clean, weather = bring(tmp_path, files)
    votes = load_population([clean, weather], "dense")
    assert list(votes) == VARIANTS
    for (corruption, severity), found in votes.items():
        assert found.seed.tolist() == [3, 7] and sorted(found.example) == IDS
        for k, seed in enumerate(found.seed):
            rows = table[(table.seed == seed) & (table.corruption == corruption) & (table.severity == severity)]
            expected = rows.set_index("example").loc[found.example]
            assert np.array_equal(found.votes[k], expected.top1) and np.array_equal(found.label, expected.label)
            assert np.array_equal(found.correct_top5[k], (expected[TOP].to_numpy() == found.label[:, None]).any(axis=1))
    read = pq.read_table(weather).to_pandas().astype({"example": str, "corruption": str})
    keys = ["example", "seed", "corruption", "severity"]
    both = table.merge(read, on=keys, suffixes=("", "_read"), validate="one_to_one")
    assert len(both) == 2 * 2 * N
    for name in (*PROBABILITY, "p_label"):
        assert np.allclose(both[name], both[f"{name}_read"], rtol=1e-6, atol=0)
    described = json.loads(pq.read_schema(clean).metadata[b"lacuna"])
    assert described["training"] == {"sparsity": {"stated": {"all": 0.5}}} and len(described["files_sha256"]) == 2
    assert has_top5([clean]) and undefined_columns([clean]) == set()
    check_distinct([clean])
    assert len(set(described["models_sha256_by_seed"].values())) == 2


def test_what_did_not_come_is_undefined(tmp_path):
    table = frame(variants=VARIANTS[:1])[["example", "label", "seed", "top1"]]
    (clean,) = bring(tmp_path, [save(table, tmp_path / "a.csv")], VARIANTS[:1])
    read = pq.read_table(clean).to_pandas()
    assert (read[TOP[1:]] == -1).all(axis=None) and read[[*PROBABILITY, "p_label"]].isna().all(axis=None)
    assert json.loads(pq.read_schema(clean).metadata[b"lacuna"])["models_sha256_by_seed"] == {}
    assert not has_top5([clean]) and undefined_columns([clean]) == {*TOP[1:], *PROBABILITY, "p_label"}
    assert np.array_equal(load_population([clean], "dense")["clean", 0].votes[0], table[table.seed == 3].top1)


def test_corrupted_images_may_be_fewer(tmp_path):
    table = pd.concat([frame(variants=VARIANTS[:1]), frame(variants=VARIANTS[1:], examples=8)])
    clean, weather = bring(tmp_path, [save(table, tmp_path / "a.csv")])
    votes = load_population([clean, weather], "dense")
    assert [len(found.example) for found in votes.values()] == [12, 8, 8]


def test_a_table_of_examples_brings_classes_order_and_columns(tmp_path):
    given = pd.DataFrame({"example": IDS[::-1], "label": LABELS[::-1], "site": ["a", "b"] * 6})
    given["class_frequency"] = 100 * given.label
    (tmp_path / "classes.txt").write_text("\n".join("abcdef"))
    bring(
        tmp_path,
        [save(frame(), tmp_path / "a.csv")],
        examples=save(given, tmp_path / "mine.csv"),
        classes=str(tmp_path / "classes.txt"),
    )
    read = pq.read_table(tmp_path / "examples.parquet").to_pandas()
    assert read.example.tolist() == IDS[::-1] and read.site.tolist() == ["a", "b"] * 6
    assert read.class_frequency.tolist() == (100 * LABELS[::-1]).tolist() and set(read.split) == {"test"}
    assert json.loads((tmp_path / "data.json").read_text())["classes"] == list("abcdef")


def changed(row, column, value):
    return lambda table: table.astype({column: object}).assign(
        **{column: [value if i == row else old for i, old in enumerate(table[column])]}
    )


WRONG = {
    "a column is missing": (
        lambda t: t.drop(columns="top1"),
        "a.csv has no column top1: it needs example, label and top1, or logits or probabilities of all classes instead",
    ),
    "no whole number": (
        changed(4, "label", "cat"),
        "a.csv, column label, row 5: 'cat' is a name, and other rows have numbers: write",
    ),
    "no number": (changed(4, "p2", "much"), "a.csv, column p2, row 5: 'much': it must hold finite numbers."),
    "not a number": (changed(4, "p3", "NaN"), "a.csv, column p3, row 5: nan: it must hold finite numbers."),
    "an empty field": (
        changed(4, "top1", ""),
        "a.csv, column top1, row 5: '': it must hold whole numbers or names of classes.",
    ),
    "a class too large": (changed(4, "top1", 6), "column top1, row 5: 6, and the classes go from 0 to 5"),
    "a class too small": (changed(4, "top1", -1), "column top1, row 5: -1, and the classes go from 0 to 5"),
    "a row twice": (lambda t: pd.concat([t, t[:1]]), "the model 7 predicts '000', clean 0, twice: give every model"),
    "one label differs": (
        changed(30, "label", 5),
        "column label, row 31: the example '006' has the label 5 here and 0 among",
    ),
    "an unknown example": (
        changed(30, "example", "x"),
        "column example, row 31: 'x' is not among the 12 examples of the study",
    ),
    "an example is missing": (
        lambda t: t.drop(index=[3]),
        "the model 7 lacks 1 of 12 examples for clean 0, such as '003'",
    ),
    "too few models": (
        lambda t: t[t.seed == 7],
        "its files hold 1 models (7) and the study says 2: set `population.models`",
    ),
    "too many models": (
        lambda t: pd.concat([t, frame([9])]),
        "9 is one model more than the 2 that level dense is to have",
    ),
    "a seed too large": (lambda t: t.assign(seed=t.seed + 40000), "40003: seeds must be from 0 to 32767"),
    "an unknown corruption": (
        changed(30, "corruption", "fogg"),
        "column corruption, row 31: 'fogg' is unknown: it may be clean",
    ),
    "another corruption": (
        changed(30, "corruption", "snow"),
        "snow, which the study does not name: add it to `corruptions.names`",
    ),
    "another severity": (changed(30, "severity", 2), "column severity, row 31: 2 for fog, where the study has 1, 5"),
    "no severity": (lambda t: t.drop(columns="severity"), "fog, and there is no column severity: add it."),
    "a severity of one model only": (
        lambda t: t[(t.seed == 7) | (t.severity < 5)],
        "the model 3 lacks 12 of 12 examples for fog 5",
    ),
    "a severity of none": (
        lambda t: t[t.severity < 5],
        "its files have no prediction for fog 5: add them, or leave it out",
    ),
    "one class twice": (lambda t: t.assign(top2=t.top1), "column top2, row 1: 5 as in top1: a class has one rank only"),
    "logits": (
        lambda t: t.assign(p1=t.p1 + 4),
        "is no probability, perhaps a logit: give softmax outputs, from 0 to 1.",
    ),
    "the ranks the wrong way": (
        lambda t: t.assign(p1=t.p5, p5=t.p1),
        "is more than p1: the most probable class comes first.",
    ),
    "another's probability": (lambda t: t.assign(p_label=0.0), "and p1 is 0.617666 though top1 is the label"),
    "no clean rows": (lambda t: t[t.severity > 0], "the dense predictions have no row of a clean image"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_is_said_in_one_sentence(tmp_path, what):
    change, sentence = WRONG[what]
    with pytest.raises(InputError) as error:
        bring(tmp_path, [save(change(frame()), tmp_path / "a.csv")])
    assert sentence in str(error.value) and "\n" not in str(error.value)
    assert not list(tmp_path.rglob("ledger/*.parquet"))


def test_files_of_a_level_must_fit_each_other(tmp_path):
    first, second = frame([7]), frame([3])
    files = [save(first, tmp_path / "a.csv"), save(second.drop(columns="p5"), tmp_path / "b.csv")]
    with pytest.raises(InputError, match=r"a\.csv has a column p5 and .*b\.csv has not: give all files of a level"):
        bring(tmp_path, files)
    files = [save(first, tmp_path / "a.csv"), save(first, tmp_path / "b.csv")]
    with pytest.raises(
        InputError, match=r"b\.csv, column seed, row 1: the model 7 predicts '000', clean 0, in .*a\.csv already"
    ):
        bring(tmp_path, files)


def test_wrong_files(tmp_path):
    good = save(frame(), tmp_path / "good.csv")
    broken = tmp_path / "broken.parquet"
    broken.write_bytes(b"PAR1 and no more")
    with pytest.raises(InputError, match=r"broken\.parquet is damaged or no parquet"):
        bring(tmp_path, [str(broken)], dense=[good])
    ragged = tmp_path / "ragged.csv"
    ragged.write_text("example,label,seed,top1\n000,0,1\n")
    with pytest.raises(InputError, match=r"ragged\.csv is damaged or no CSV in UTF-8 .*Expected 4 columns, got 3"):
        bring(tmp_path, [str(ragged)], dense=[good])
    halves = save(frame().assign(top1=lambda t: t.top1 + 0.5), tmp_path / "halves.parquet")
    with pytest.raises(InputError, match=r"column top1, row 1: \d\.5: it must hold whole numbers"):
        bring(tmp_path, [halves], dense=[good])
    gaps = frame().astype({"p2": object})
    gaps.loc[3, "p2"] = None
    with pytest.raises(InputError, match="column p2, row 4: no value"):
        bring(tmp_path, [save(gaps.astype({"p2": float}), tmp_path / "gaps.parquet")], dense=[good])


@pytest.mark.parametrize(
    "change, sentence",
    [
        (lambda t: t.assign(kind="x"), "mine.csv has a column kind, which is a name of Lacuna's own: rename it."),
        (lambda t: pd.concat([t, t[:1]]), "mine.csv has two examples with the id '000'"),
        (
            lambda t: t.assign(label=0),
            "have one label (class 0): classes are compared, so check the labels",
        ),
        (lambda t: t.assign(class_frequency=range(N)), "column class_frequency: 0, 6 for the label 0"),
    ],
)
def test_a_wrong_table_of_examples(tmp_path, change, sentence):
    given = save(change(pd.DataFrame({"example": IDS, "label": LABELS})), tmp_path / "mine.csv")
    with pytest.raises(InputError) as error:
        bring(tmp_path, [save(frame(), tmp_path / "a.csv")], examples=given)
    assert sentence in str(error.value)


def test_an_example_has_one_label(tmp_path):
    table = frame(variants=VARIANTS[:1])
    table.loc[N + 2, "label"] = 5
    with pytest.raises(
        InputError, match="the example '002' has the label 5 and in another row 2: give every example one"
    ):
        bring(tmp_path, [save(table, tmp_path / "a.csv")], VARIANTS[:1])


@pytest.mark.parametrize("given", ["tensors", "tensors with gradients", "half precision", "arrays", "three classes"])
def test_the_documented_way_out_of_torch_is_a_way_in(tmp_path, given):
    import torch

    page = (Path(__file__).parents[3] / "docs" / "your_own_predictions.md").read_text(encoding="utf-8")
    scope: dict = {}
    exec(page.split("```python\n")[1].split("```")[0], scope)
    classes = 3 if given == "three classes" else CLASSES
    logits = torch.randn(2, N, classes, generator=torch.Generator().manual_seed(0))
    labels = torch.from_numpy(LABELS % classes)
    if given == "tensors with gradients":
        logits.requires_grad_()
    if given == "half precision":
        logits = logits.bfloat16()
    if given == "arrays":
        logits, labels = logits.numpy(), labels.numpy().astype(np.int32)
    table = pd.concat([scope["rows"](logits[k], labels, IDS, seed) for k, seed in enumerate(SEEDS)])
    (clean,) = bring(tmp_path, [save(table, tmp_path / "a.parquet")], VARIANTS[:1])
    votes = load_population([clean], "dense")["clean", 0]
    values = torch.as_tensor(logits).detach().double()
    assert votes.seed.tolist() == [3, 7] and has_top5([clean]) == (classes > 5)
    assert np.array_equal(votes.votes, values.argmax(dim=2)[[1, 0]])
    read = pq.read_table(clean).to_pandas()
    expected = values[[1, 0]].softmax(dim=2)[:, torch.arange(N), torch.as_tensor(labels).long()]
    assert np.allclose(read.p_label.to_numpy().reshape(2, N), expected, rtol=1e-6)


def test_one_model_under_two_seeds_is_found(tmp_path):
    twice = pd.concat([frame([7], VARIANTS[:1]), frame([7], VARIANTS[:1]).assign(seed=3)])
    (clean,) = bring(tmp_path, [save(twice, tmp_path / "a.csv")], VARIANTS[:1])
    with pytest.raises(InputError, match="model 7 of level dense is the same as model 3 of level dense"):
        check_distinct([clean])


def test_classes_in_another_order_than_the_labels_stop(tmp_path):
    count, order = 120, np.array([2, 0, 1])
    labels = np.arange(count) % 3
    table = pd.DataFrame({"example": np.arange(count).astype(str), "label": labels, "seed": 0, "top1": order[labels]})
    path = save(table, tmp_path / "a.csv")
    with pytest.raises(InputError) as error:
        bring(tmp_path, [path], variants=VARIANTS[:1], models=1)
    assert str(error.value) == (
        "level dense, model 0: its classes are in another order than the study's: 0.0% of 60 images are right, and 100.0% if its '2' is the "
        "study's '0', its '0' is the study's '1', its '1' is the study's '2': number the predicted classes in the files as the labels "
        "are numbered."
    )
    save(table.assign(top1=labels), tmp_path / "a.csv")
    assert len(pq.read_table(bring(tmp_path, [path], variants=VARIANTS[:1], models=1)[0])) == count
