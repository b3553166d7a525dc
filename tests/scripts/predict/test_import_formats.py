"""Predictions as people write them: kinds of text, names of classes, files without seeds, and what would be misread."""

import gzip
import json

import numpy as np
import pandas as pd
import pytest
from brought import LABELS, VARIANTS, N, bring, frame, ledger_of, save, table_of_examples

from scripts.lib.jobs.errors import InputError
from scripts.lib.ledger.predictions import load_population
from scripts.lib.ledger.schema import PROBABILITY, TOP

CLEAN = VARIANTS[:1]


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    """What the plain CSV of `frame` becomes."""
    folder = tmp_path_factory.mktemp("plain")
    (clean,) = bring(folder, [save(frame(variants=CLEAN), folder / "a.csv")], CLEAN)
    return ledger_of(clean)


def as_text(separator=",", decimal="."):
    return frame(variants=CLEAN).to_csv(index=False, sep=separator, decimal=decimal)


TEXTS = {
    "a.csv.gz": gzip.compress(as_text().encode()),
    "a.tsv": as_text("\t").encode(),
    "a.TSV.gz": gzip.compress(as_text("\t").encode()),
    "semicolons.csv": as_text(";").encode(),
    "decimal_commas.csv": as_text(";", ",").encode(),
    "tabs.csv": as_text("\t").encode(),
    "byte_order_mark.csv": as_text().encode("utf-8-sig"),
    "windows.csv": as_text().replace("\n", "\r\n").encode(),
    "blank_line.csv": (as_text() + "\n").encode(),
    "a.jsonl": "".join(
        json.dumps(row) + "\n" for row in frame(variants=CLEAN).astype(object).to_dict("records")
    ).encode(),
    "a.jsonl.gz": gzip.compress(
        frame(variants=CLEAN).to_json(orient="records", lines=True, double_precision=15).encode()
    ),
    "mark.jsonl": frame(variants=CLEAN).to_json(orient="records", lines=True, double_precision=15).encode("utf-8-sig"),
}


@pytest.mark.parametrize("name", TEXTS)
def test_texts_of_every_kind(tmp_path, name, expected):
    (tmp_path / name).write_bytes(TEXTS[name])
    (clean,) = bring(tmp_path, [str(tmp_path / name)], CLEAN)
    found = ledger_of(clean)
    assert found["seeds"] == expected["seeds"]
    assert np.array_equal(found["top"], expected["top"]) and np.allclose(found["p"], expected["p"], rtol=1e-6)


WRONG_TEXTS = {
    "utf16.csv": (as_text().encode("utf-16"), "utf16.csv is UTF-16, or no text: save it as UTF-8."),
    "without_mark.csv": (as_text().encode("utf-16-le"), "is UTF-16, or no text: save it as UTF-8."),
    "latin.csv": (as_text().replace("000", "caf\xe9").encode("latin-1"), "latin.csv is damaged or no CSV in UTF-8"),
    "cut.csv.gz": (gzip.compress(as_text().encode())[:-20], "cut.csv.gz is damaged or no CSV in UTF-8"),
    "plain.csv.gz": (as_text().encode(), "plain.csv.gz is damaged or no CSV in UTF-8 (Not a gzipped file"),
    "empty.csv": (b"", "empty.csv is damaged or no CSV in UTF-8 (Empty CSV file)"),
    "header.csv": (as_text().split("\n")[0].encode() + b"\n", "the dense predictions have no row of a clean image"),
    "empty.jsonl": (b"\n", "empty.jsonl has no rows."),
    "list.jsonl": (b"[1, 2]\n", "list.jsonl, line 1: each line must be an object"),
    "broken.jsonl": (b'{"example": 1, \n', "broken.jsonl is damaged or no JSONL in UTF-8"),
    "mixed.jsonl": (
        b'{"example": "1", "label": 0, "seed": 0, "top1": 0}\n{"example": 2, "label": 0, "seed": 0, "top1": 0}\n',
        "mixed.jsonl is damaged or no JSONL",
    ),
    "lacks.jsonl": (
        b'{"example": "1", "label": 0, "seed": 0, "top1": 0}\n{"example": "2", "label": 1, "seed": 0}\n',
        "lacks.jsonl, column top1, row 2: no value",
    ),
}


@pytest.mark.parametrize("name", WRONG_TEXTS)
def test_wrong_texts(tmp_path, name):
    content, sentence = WRONG_TEXTS[name]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError) as error:
        bring(tmp_path, [str(tmp_path / name)], CLEAN)
    assert sentence in str(error.value) and "\n" not in str(error.value)


NAMES = np.array(["owl", "ant", "cat", "bee", "dog", "fox"])
SORTED = np.argsort(np.argsort(NAMES))  # what each class is called by in alphabetical order


def test_classes_by_name(tmp_path, expected):
    table = frame(variants=CLEAN)
    named = table.assign(label=NAMES[table.label], **{top: NAMES[table[top]] for top in TOP})
    (tmp_path / "classes.txt").write_text("\n".join(NAMES))
    (clean,) = bring(tmp_path, [save(named, tmp_path / "a.csv")], CLEAN, classes=str(tmp_path / "classes.txt"))
    assert np.array_equal(ledger_of(clean)["top"], expected["top"])
    (clean,) = bring(tmp_path, [save(named, tmp_path / "a.parquet")], CLEAN)  # without a list: in alphabetical order
    votes = load_population([clean], "dense")["clean", 0]
    again = named[named.seed == 3].set_index("example").loc[votes.example]
    assert np.array_equal(np.sort(NAMES)[votes.votes[0]], again.top1) and np.array_equal(
        np.sort(NAMES)[votes.label], again.label
    )
    assert json.loads((tmp_path / "data.json").read_text())["classes"] == sorted(NAMES)
    named.loc[4, "top1"] = "cow"
    with pytest.raises(
        InputError, match=r"column top1, row 5: 'cow' is neither a whole number nor a class of the study"
    ):
        bring(tmp_path, [save(named, tmp_path / "a.csv")], CLEAN)


def test_whole_numbers_may_be_floats(tmp_path, expected):
    table = frame(variants=CLEAN).astype(dict.fromkeys(["label", "seed", "severity", *TOP], float))
    for ending in ("csv", "parquet"):
        (clean,) = bring(tmp_path, [save(table, tmp_path / f"a.{ending}")], CLEAN)
        found = ledger_of(clean)
        assert found["seeds"] == [3, 7] and np.array_equal(found["top"], expected["top"])


def test_a_file_without_seeds_is_one_model_and_files_are_numbered_naturally(tmp_path, capsys):
    from scripts.lib.study.sources import check_level_files

    for k in (1, 2, 10):
        save(frame([k], CLEAN).drop(columns="seed"), tmp_path / f"q{k}.csv")
    files = check_level_files("x", str(tmp_path / "q*.csv"), (".csv",))
    (clean,) = bring(tmp_path, files, CLEAN, models=3)
    assert np.array_equal(
        ledger_of(clean)["top"][:, :, 0], np.stack([frame([k], CLEAN).top1.to_numpy() for k in (1, 2, 10)])
    )
    assert f"seed 2 is {tmp_path / 'q10.csv'}" in capsys.readouterr().out
    files.append(save(frame([11], CLEAN), tmp_path / "r.csv"))
    with pytest.raises(InputError, match=r"r\.csv has a column seed and .*q10\.csv has not: give it to all files of"):
        bring(tmp_path, files, CLEAN, models=4, dense=files[:1])


def test_of_more_models_the_first_are_audited(tmp_path, capsys):
    (clean,) = bring(tmp_path, [save(frame([7, 3, 5], CLEAN), tmp_path / "a.csv")], CLEAN, models=2, brought=3)
    assert ledger_of(clean)["seeds"] == [3, 5]
    assert "of its 3 models the 2 of the smallest seeds are audited" in capsys.readouterr().out


MISREAD = {
    "ids that lost their zeros": (
        lambda t: t.assign(example=[int(i) for i in t.example]),
        "'0' is not among .*'000' may have lost or gained zeros",
    ),
    "labels counted from 1": (lambda t: t.assign(label=t.label + 1), "has the label 1 here and 0 among"),
    "sigmoid outputs": (
        lambda t: t.assign(p1=0.9, p2=0.8, p3=0.7, p4=0.6, p5=0.5, p_label=0.9),
        r"p1 \+ p2 \+ p3 \+ p4 \+ p5 is 3\.5, which",
    ),
    "percentages": (
        lambda t: t.assign(**{p: t[p] * 100 for p in PROBABILITY}),
        "is no probability, perhaps a percentage",
    ),
    "logarithms": (
        lambda t: t.assign(**{p: np.log(t[p]) for p in PROBABILITY}),
        "is no probability, perhaps its logarithm",
    ),
    "p_label of a lower rank": (
        lambda t: t.assign(p_label=np.where(t.top2 == t.label, 0, t.p_label)),
        "though top2 is the label",
    ),
    "p_label above the last rank": (
        lambda t: t.assign(
            p_label=np.where((t[TOP].to_numpy() == t.label.to_numpy()[:, None]).any(axis=1), t.p_label, t.p1)
        ),
        "though the label is not among top1, top2, top3, top4, top5",
    ),
}


@pytest.mark.parametrize("what", MISREAD)
def test_what_would_be_misread(tmp_path, what):
    change, sentence = MISREAD[what]
    with pytest.raises(InputError, match=sentence):
        bring(
            tmp_path,
            [save(change(frame(variants=CLEAN)), tmp_path / "a.csv")],
            CLEAN,
            examples=table_of_examples(tmp_path),
        )


def test_labels_of_all_files_counted_from_1(tmp_path):
    with pytest.raises(InputError, match=r"the labels are from 1 to 6 and count from 0 here"):
        bring(tmp_path, [save(frame(variants=CLEAN).assign(label=lambda t: t.label + 1), tmp_path / "a.csv")], CLEAN)


@pytest.mark.parametrize("decimals", [2, 4])
def test_probabilities_may_be_rounded(tmp_path, decimals, expected):
    table = frame(variants=CLEAN).round(dict.fromkeys([*PROBABILITY, "p_label"], decimals))
    (clean,) = bring(tmp_path, [save(table, tmp_path / "a.csv")], CLEAN)
    assert np.allclose(ledger_of(clean)["p"], expected["p"], atol=0.51 * 10**-decimals)


@pytest.mark.parametrize("name, given", [("example", "Example"), ("label", " label")])
def test_names_that_are_nearly_right(tmp_path, name, given):
    table = frame(variants=CLEAN).rename(columns={name: given})
    with pytest.raises(InputError, match=f"has no column {name}: .*; rename '{given}', because names are matched to"):
        bring(tmp_path, [save(table, tmp_path / "a.csv")], CLEAN)


def test_columns_that_are_not_read_are_named(tmp_path, capsys):
    table = frame(variants=CLEAN).rename(columns={"p5": "prob5"})
    bring(tmp_path, [save(table, tmp_path / "a.csv")], CLEAN)
    said = capsys.readouterr().out
    assert "columns that are not read: prob5" in said and "without p5: what needs them is undefined" in said


def test_ids_that_surround_an_imagenet_number(tmp_path):
    names = [f"val/n{i:08d}/ILSVRC2012_val_{i + 1:08d}.JPEG" for i in range(N)]
    examples = save(pd.DataFrame({"example": names, "label": LABELS}), tmp_path / "examples.csv")
    table = frame(variants=CLEAN)
    table["example"] = [f"ilsvrc2012_VAL_{int(i) + 1:08d}.png" for i in table.example]
    (clean,) = bring(tmp_path, [save(table, tmp_path / "a.csv")], CLEAN, examples=examples)
    votes = load_population([clean], "dense")["clean", 0]
    assert votes.example.tolist() == names and np.array_equal(votes.votes[0], table[table.seed == 3].top1)
