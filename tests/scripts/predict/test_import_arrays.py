"""Predictions as logits or probabilities of all classes, in arrays or lists."""

import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from brought import CLASSES, IDS, LABELS, VARIANTS, N, bring, frame, ledger_of, save, table_of_examples
from scipy.special import softmax

from scripts.lib.jobs.errors import InputError
from scripts.lib.ledger.probabilities import each_probabilities, keeps_probabilities, load_sureness

CLEAN = VARIANTS[:1]
LOGITS = np.random.default_rng(0).normal(0, 3, (2, N, CLASSES))


def expect(found, logits, seeds=(0, 1)):
    probabilities = softmax(logits, axis=2)
    order = np.argsort(-logits, axis=2, kind="stable")[:, :, :5]
    assert found["seeds"] == list(seeds) and np.array_equal(found["top"], order)
    assert np.allclose(found["p"], np.take_along_axis(probabilities, order, axis=2), rtol=1e-6, atol=1e-30)
    assert np.allclose(found["p_label"], probabilities[:, np.arange(N), LABELS], rtol=1e-6, atol=1e-30)


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "int8"])
@pytest.mark.parametrize("files", [1, 2])
def test_arrays_of_logits(tmp_path, dtype, files, monkeypatch):
    monkeypatch.setattr("scripts.lib.ledger.received_files.AT_A_TIME", 5 * CLASSES)  # in parts
    logits = (LOGITS * 10).astype(dtype)
    paths = [str(tmp_path / f"m{10 - k}.npy") for k in range(files)]
    for path, array in zip(paths, [logits] if files == 1 else logits, strict=True):
        np.save(path, array)
    (clean,) = bring(tmp_path, paths, CLEAN, examples=table_of_examples(tmp_path), kind="logits")
    expect(ledger_of(clean), logits.astype(np.float64))
    expected = softmax(logits.astype(np.float64), axis=2)
    for seed, found in each_probabilities([clean], "dense"):
        assert np.allclose(found, expected[seed], rtol=1e-6, atol=1e-30)
    assert np.allclose(load_sureness([clean], "dense").p_squared, (expected**2).sum(axis=2))


def test_all_probabilities_are_kept_where_that_is_asked_and_they_are_known(tmp_path):
    np.save(tmp_path / "a.npy", LOGITS)
    examples = table_of_examples(tmp_path)
    (clean,) = bring(tmp_path, [str(tmp_path / "a.npy")], CLEAN, examples=examples, kind="logits", keep=False)
    assert not keeps_probabilities([clean], "dense")
    assert np.isfinite(load_sureness([clean], "dense").p_squared).all()
    (clean,) = bring(tmp_path, [save(frame(variants=CLEAN), tmp_path / "rows.csv")], CLEAN)
    assert not keeps_probabilities([clean], "dense") and np.isnan(load_sureness([clean], "dense").p_squared).all()
    # Of corrupted examples they are given too, and kept of the clean ones.
    rows = frame()[["example", "label", "seed", "corruption", "severity"]]
    given = softmax(np.random.default_rng(1).normal(0, 1, (len(rows), CLASSES)), axis=1)
    mixed = rows.assign(probabilities=list(given)).sample(frac=1, random_state=1)
    clean, weather = bring(tmp_path, [save(mixed, tmp_path / "mixed.parquet")])
    assert not keeps_probabilities([weather], "dense")
    order = load_sureness([clean], "dense").votes.example  # that of the file, which was mixed
    for seed, found in each_probabilities([clean], "dense"):
        of_model = given[(rows.seed == seed) & (rows.corruption == "clean")]
        assert np.allclose(found, of_model[[IDS.index(example) for example in order]])


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16"])
def test_arrays_of_probabilities(tmp_path, dtype):
    given = softmax(LOGITS, axis=2).astype(dtype)
    np.save(tmp_path / "a.npy", given)
    files = [str(tmp_path / "a.npy")]
    (clean,) = bring(tmp_path, files, CLEAN, examples=table_of_examples(tmp_path), kind="probabilities")
    found = ledger_of(clean)
    assert np.array_equal(found["p_label"], given[:, np.arange(N), LABELS].astype(np.float32))
    assert np.array_equal(found["p"], -np.sort(-given.astype(np.float32), axis=2)[:, :, :5])


def test_equal_logits_and_classes_that_are_ruled_out(tmp_path):
    logits = np.full((2, N, CLASSES), -np.inf)
    logits[:, :, 1:3] = 7.0  # two equal ones, the others impossible
    np.save(tmp_path / "a.npy", logits)
    examples = table_of_examples(tmp_path)
    (clean,) = bring(tmp_path, [str(tmp_path / "a.npy")], CLEAN, examples=examples, kind="logits")
    found = ledger_of(clean)
    assert (found["top"] == [1, 2, 0, 3, 4]).all() and (found["p"] == [0.5, 0.5, 0, 0, 0]).all()


def test_labels_alone_may_be_the_examples(tmp_path):
    np.save(tmp_path / "labels.npy", LABELS.astype(float))
    np.save(tmp_path / "a.npy", LOGITS)
    bring(tmp_path, [str(tmp_path / "a.npy")], CLEAN, examples=str(tmp_path / "labels.npy"), kind="logits")
    read = pq.read_table(tmp_path / "examples.parquet").to_pandas()
    assert read.example.tolist() == [str(i) for i in range(N)] and read.label.tolist() == LABELS.tolist()
    for wrong in (LABELS + 0.5, LABELS[:, None], LABELS.astype(object)):
        np.save(tmp_path / "labels.npy", wrong)
        with pytest.raises(InputError, match="whole numbers"):
            bring(tmp_path, [str(tmp_path / "a.npy")], CLEAN, examples=str(tmp_path / "labels.npy"), kind="logits")


def test_rows_in_another_order(tmp_path):
    """A dense level of arrays that is right no oftener than by chance cannot be in the order of the examples."""
    random = np.random.default_rng(1)
    labels = random.integers(0, CLASSES, 300)
    logits = random.normal(0, 1, (2, 300, CLASSES))
    logits[:, np.arange(300), labels] += 2
    np.save(tmp_path / "labels.npy", labels)
    for array in (logits, logits[:, random.permutation(300)]):
        np.save(tmp_path / "a.npy", array)
        given = (tmp_path, [str(tmp_path / "a.npy")], CLEAN)
        if array is logits:
            bring(*given, examples=str(tmp_path / "labels.npy"), kind="logits")
            continue
        with pytest.raises(InputError, match=r"level dense: its models are right on 1\d\.\d% of 300 images, where 1"):
            bring(*given, examples=str(tmp_path / "labels.npy"), kind="logits")


def test_rows_of_so_few_classes_that_the_ranks_are_all_of_them(tmp_path):
    labels, p = np.arange(N) % 2, np.random.default_rng(2).uniform(0.5, 1, N).round(4)
    rows = pd.DataFrame({"example": IDS, "label": labels, "top1": 1 - labels, "top2": labels, "p1": p, "p2": 1 - p})
    expected = np.where(np.eye(2)[1 - labels] == 1, p[:, None], 1 - p[:, None])
    for columns, known in ((list(rows), True), ([*list(rows)[:-1]], False)):
        path = save(rows[columns], tmp_path / f"{len(columns)}.csv")
        examples = save(rows[["example", "label"]], tmp_path / "two.csv")
        (clean,) = bring(tmp_path, [path], CLEAN, models=1, examples=examples)
        assert keeps_probabilities([clean], "dense") == known
        assert np.isnan(load_sureness([clean], "dense").p_squared).all() != known
        if known:
            assert np.allclose(dict(each_probabilities([clean], "dense"))[0], expected)


WRONG_ARRAYS = {
    "transposed": (
        LOGITS[0].T,
        "logits",
        "6 rows and 12 columns, and the study 12 examples and 6 classes: give one row",
    ),
    "other classes": (LOGITS[0][:, :5], "logits", "12 rows and 5 columns, and the study 12 examples and 6 classes"),
    "votes": (LOGITS[0].argmax(axis=1), "logits", "holds int64[12]: it must hold numbers [N, C]"),
    "objects": (LOGITS[0].astype(object), "logits", "holds Python objects instead of numbers: save it anew"),
    "texts": (LOGITS[0].astype(str), "logits", "it must hold numbers [N, C]"),
    "NaN": (np.where(np.eye(N, CLASSES) > 0, np.nan, LOGITS[0]), "logits", "row 1: its logits have no finite largest"),
    "infinite": (np.where(np.eye(N, CLASSES) > 0, np.inf, LOGITS[0]), "logits", "row 1: its logits have no finite"),
    "probabilities as logits": (softmax(LOGITS[0], axis=1), "logits", "holds probabilities, as every row is positive"),
    "logits as probabilities": (
        LOGITS[0],
        "probabilities",
        "is no probability; if these are logits, write `kind: logits`",
    ),
    "logarithms": (np.log(softmax(LOGITS[0], axis=1)), "probabilities", "holds logarithms of probabilities"),
    "sigmoids": (
        1 / (1 + np.exp(-LOGITS[0])),
        "probabilities",
        "instead of 1: give softmax outputs with more decimals",
    ),
    "NaN probabilities": (np.full((N, CLASSES), np.nan), "probabilities", "row 1: a probability is not finite"),
}


@pytest.mark.parametrize("what", WRONG_ARRAYS)
def test_wrong_arrays(tmp_path, what):
    array, kind, sentence = WRONG_ARRAYS[what]
    np.save(tmp_path / "a.npy", array)
    with pytest.raises(InputError) as error:
        bring(tmp_path, [str(tmp_path / "a.npy")], CLEAN, examples=table_of_examples(tmp_path), kind=kind)
    assert sentence in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize("ending", ["parquet", "jsonl"])
@pytest.mark.parametrize("kind", ["logits", "probabilities"])
def test_lists_in_rows(tmp_path, ending, kind):
    given = LOGITS if kind == "logits" else softmax(LOGITS, axis=2)
    rows = [
        {"example": IDS[i], "label": int(LABELS[i]), "seed": k, kind: given[k, i].tolist()}
        for k in (0, 1)
        for i in range(N)
    ]
    path = tmp_path / f"rows.{ending}"
    if ending == "parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    else:
        path.write_text("\n".join(map(json.dumps, rows)) + "\n\n")
    (clean,) = bring(tmp_path, [str(path)], CLEAN)
    expect(ledger_of(clean), LOGITS)
    rows[5][kind] = rows[5][kind][:3]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "short.parquet")
    with pytest.raises(InputError, match=f"column {kind}, row 6: 3 numbers, and 6 in row 1: it must hold lists"):
        bring(tmp_path, [str(tmp_path / "short.parquet")], CLEAN)
