"""All probabilities in the ledger: what is read is what was predicted, files of before are read without, and what does not fit is refused."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from scripts.lib.jobs.errors import InputError
from scripts.lib.ledger import predictions
from scripts.lib.ledger.predictions import block, has_top5, load_votes, save_ledger
from scripts.lib.ledger.probabilities import (
    each_probabilities,
    keeps_probabilities,
    load_sureness,
)

N, CLASSES = 5, 7


def read_all(paths, level):
    """Seed -> what `each_probabilities` gives."""
    return dict(each_probabilities(paths, level))


IDS, LABELS = np.array([f"test/{i}" for i in range(N)]), np.arange(N) % CLASSES


def made(seed, classes=CLASSES):
    return np.random.default_rng(seed).dirichlet(np.ones(classes), N).astype(np.float32)


def write(path, seeds, level="dense", keep=True, ids=IDS, variants=(("clean", 0),)):
    save_ledger(
        path,
        (
            block(ids, LABELS, seed, *variant, made(seed + 10 * i), keep)
            for seed in seeds
            for i, variant in enumerate(variants)
        ),
        {"level": level, "classes": list("abcdefg")},
    )
    return path


def test_what_is_read_is_what_was_predicted(tmp_path, monkeypatch):
    monkeypatch.setattr(predictions, "NUMBERS", 2 * CLASSES)  # written in groups of two rows
    variants = (("clean", 0), ("fog", 1))
    paths = [
        write(tmp_path / "b.parquet", (3, 2), variants=variants),
        write(tmp_path / "a.parquet", (1, 0), variants=variants),
        write(tmp_path / "c.parquet", (0,), level="other"),
    ]
    assert pq.ParquetFile(paths[0]).metadata.num_row_groups > 4
    found = dict(each_probabilities(paths, "dense"))
    assert list(found) == [0, 1, 2, 3] and keeps_probabilities(paths, "dense")
    for seed, probabilities in found.items():
        assert probabilities.dtype == np.float32 and np.array_equal(probabilities, made(seed))
    sure = load_sureness(paths, "dense")
    expected = np.stack([made(seed) for seed in range(4)])
    assert np.array_equal(sure.p1, expected.max(axis=2))
    assert np.array_equal(sure.p_label, expected[:, np.arange(N), LABELS])
    assert np.allclose(sure.p_squared, (expected**2).sum(axis=2))
    assert np.array_equal(sure.votes.votes, expected.argmax(axis=2))


def test_votes_are_the_same_with_and_without(tmp_path):
    kept, left = (write(tmp_path / f"{keep}.parquet", (0, 1), keep=keep) for keep in (True, False))
    with_, without = (load_votes([path], "dense")["clean", 0] for path in (kept, left))
    assert np.array_equal(with_.votes, without.votes) and np.array_equal(with_.correct_top5, without.correct_top5)
    assert list(pq.read_schema(kept).names) == [*pq.read_schema(left).names, "probabilities"]


def version_1(path, seeds):
    """A file as it was written before there were versions: spelled out here, because nothing else writes it any more."""
    text = pa.dictionary(pa.int32(), pa.string())
    schema = pa.schema(
        [("example", text), ("label", pa.int16()), ("seed", pa.int16()), ("corruption", text), ("severity", pa.int8())]
        + [(f"top{rank}", pa.int16()) for rank in range(1, 6)]
        + [(f"p{rank}", pa.float32()) for rank in range(1, 6)]
        + [("p_label", pa.float32())],
        metadata={"lacuna": json.dumps({"level": "dense", "classes": list("abcdefg")})},
    )
    rows = []
    for seed in seeds:
        for i, probabilities in enumerate(made(seed)):
            order = np.argsort(-probabilities)[:5]
            row = {"example": IDS[i], "label": LABELS[i], "seed": seed, "corruption": "clean", "severity": 0}
            row |= {f"top{rank + 1}": int(label) for rank, label in enumerate(order)}
            row |= {f"p{rank + 1}": probabilities[label] for rank, label in enumerate(order)}
            rows.append(row | {"p_label": probabilities[LABELS[i]]})
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), path)
    return path


def test_a_file_of_version_1_is_read(tmp_path):
    old = version_1(tmp_path / "old.parquet", (0, 1))
    new = write(tmp_path / "new.parquet", (2,))
    votes = load_votes([old, new], "dense")["clean", 0]
    assert np.array_equal(votes.votes, [made(seed).argmax(axis=1) for seed in range(3)]) and has_top5([old, new])
    sure = load_sureness([old, new], "dense")
    assert np.array_equal(sure.p1, [made(seed).max(axis=1) for seed in range(3)])
    assert np.isnan(sure.p_squared[:2]).all() and np.isfinite(sure.p_squared[2]).all()
    assert not keeps_probabilities([old, new], "dense")


def test_refusals(tmp_path):
    with pytest.raises(
        InputError, match=r"keeps the probabilities of the five first classes only: set `audit\.probabi"
    ):
        read_all([write(tmp_path / "a.parquet", (0,), keep=False)], "dense")
    with pytest.raises(InputError, match="seed 0 twice"):
        read_all([write(tmp_path / f"{name}.parquet", (0,)) for name in "bc"], "dense")
    with pytest.raises(InputError, match="differ in the column example"):
        read_all([write(tmp_path / "d.parquet", (0,)), write(tmp_path / "e.parquet", (1,), ids=IDS[::-1])], "dense")
    good = write(tmp_path / "f.parquet", (0,))
    for wrong in (np.nan, 1.5):
        table = pq.read_table(good)
        values = made(0)
        values[2, 3] = wrong
        type_ = table.schema.field("probabilities").type
        column = pa.FixedSizeListArray.from_arrays(pa.array(values.reshape(-1)), type=type_)
        pq.write_table(table.set_column(len(table.schema) - 1, table.schema.field(-1), column), tmp_path / "g.parquet")
        with pytest.raises(InputError, match="missing or undefined probability of seed 0"):
            read_all([tmp_path / "g.parquet"], "dense")
    lists = pa.array([None, *made(0)[1:].tolist()], type_)
    pq.write_table(table.set_column(len(table.schema) - 1, table.schema.field(-1), lists), tmp_path / "h.parquet")
    with pytest.raises(InputError, match="missing or undefined probability of seed 0"):
        read_all([tmp_path / "h.parquet"], "dense")
    (tmp_path / "i.parquet").write_bytes(good.read_bytes()[:-50])
    with pytest.raises(InputError, match="cannot be read"):
        read_all([tmp_path / "i.parquet"], "dense")
    renamed = table.rename_columns([*table.column_names[:-1], "p_all"]).replace_schema_metadata(table.schema.metadata)
    pq.write_table(renamed, tmp_path / "j.parquet")
    with pytest.raises(InputError, match="does not have the ledger's columns"):
        read_all([tmp_path / "j.parquet"], "dense")
