"""The ledger: what is written is what is read, and what does not fit is refused."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from scripts.lib.jobs.errors import InputError
from scripts.lib.ledger.predictions import (
    block,
    check_distinct,
    describe,
    load_population,
    load_votes,
    same_examples,
    save_ledger,
)

EXAMPLES = np.array(["test/2", "test/0", "test/1"])
LABELS = np.array([1, 0, 2])


def probabilities(seed, classes=7):
    logits = np.random.default_rng(seed).normal(size=(3, classes))
    return (np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)).astype(np.float32)


def write(path, seeds=(0, 1), level="dense", variants=(("clean", 0),), examples=EXAMPLES, labels=LABELS, classes=7):
    blocks = [
        block(examples, labels, seed, *variant, probabilities(seed + 10 * i, classes))
        for seed in seeds
        for i, variant in enumerate(variants)
    ]
    save_ledger(path, blocks, {"level": level})
    return path


def test_what_is_read_is_what_was_predicted(tmp_path):
    path = write(tmp_path / "a.parquet", variants=(("fog", 1), ("fog", 5)))
    votes = load_votes([path], "dense")
    assert list(votes) == [("fog", 1), ("fog", 5)]
    read = votes["fog", 5]
    assert (
        read.example.tolist() == EXAMPLES.tolist() and read.label.tolist() == [1, 0, 2] and read.seed.tolist() == [0, 1]
    )
    expected = np.stack([probabilities(seed + 10) for seed in (0, 1)])
    assert np.array_equal(read.votes, expected.argmax(axis=2))
    assert np.array_equal(read.correct, expected.argmax(axis=2) == LABELS)
    ranks = np.argsort(-expected, axis=2)
    assert np.array_equal(read.correct_top5, (ranks[:, :, :5] == LABELS[:, None]).any(axis=2))


def test_every_column_of_the_design(tmp_path):
    table = pq.read_table(write(tmp_path / "a.parquet"))
    names = [
        "example",
        "label",
        "seed",
        "corruption",
        "severity",
        *(f"top{r}" for r in range(1, 6)),
        *(f"p{r}" for r in range(1, 6)),
    ]
    assert table.column_names == [*names, "p_label", "p_squared"]
    first = {name: table[name][0].as_py() for name in table.column_names}
    expected = probabilities(0)[0]
    assert first["p1"] == expected.max() and first["p_label"] == expected[1] and first["top1"] == expected.argmax()
    assert first["p_squared"] == pytest.approx((expected**2).sum())


def test_fewer_classes_than_ranks(tmp_path):
    table = pq.read_table(write(tmp_path / "a.parquet", classes=3))
    assert set(table["top4"].to_pylist()) == {-1} and np.isnan(table["p4"].to_numpy()).all()
    assert load_votes([tmp_path / "a.parquet"], "dense")["clean", 0].correct_top5.all()


def test_equal_predictions_are_equal_files(tmp_path):
    assert write(tmp_path / "a.parquet").read_bytes() == write(tmp_path / "b.parquet").read_bytes()


def test_cohorts_join_in_the_order_of_their_seeds(tmp_path):
    paths = [
        write(tmp_path / "b.parquet", seeds=(2, 3)),
        write(tmp_path / "a.parquet", seeds=(0, 1)),
        write(tmp_path / "c.parquet", level="other"),
    ]
    votes = load_population(paths, "dense")["clean", 0]
    assert votes.seed.tolist() == [0, 1, 2, 3]
    assert np.array_equal(votes.votes[2], probabilities(2).argmax(axis=1))


def test_refusals(tmp_path):
    good = write(tmp_path / "a.parquet")
    with pytest.raises(InputError, match="seed 0 twice"):
        load_votes([good, write(tmp_path / "b.parquet", seeds=(0,))], "dense")
    with pytest.raises(InputError, match="has 1 of 3 models for fog 1"):
        load_votes(
            [
                good,
                write(tmp_path / "c.parquet", seeds=(2,)),
                write(tmp_path / "d.parquet", seeds=(2,), variants=(("fog", 1),)),
            ],
            "dense",
        )
    with pytest.raises(InputError, match="seeds 0 and 5 differ in the column example"):
        load_votes([good, write(tmp_path / "e.parquet", seeds=(5,), examples=EXAMPLES[::-1])], "dense")
    with pytest.raises(InputError, match="an example appears twice"):
        load_votes([write(tmp_path / "f.parquet", examples=np.array(["x", "x", "y"]))], "dense")
    with pytest.raises(InputError, match="holds the level dense where other is expected"):
        load_votes([good], "other")
    with pytest.raises(InputError, match="none of the 1 prediction files holds the level other"):
        load_population([good], "other")
    (tmp_path / "g.parquet").write_bytes(good.read_bytes()[:-100])
    with pytest.raises(InputError, match=r"g.parquet cannot be read .*delete it, and snakemake makes it again"):
        load_votes([tmp_path / "g.parquet"], "dense")
    undefined = block(EXAMPLES, LABELS, 0, "clean", 0, np.full((3, 7), np.nan, np.float32))
    save_ledger(tmp_path / "h.parquet", [undefined], {"level": "dense"})
    with pytest.raises(InputError, match="missing or undefined prediction"):
        load_votes([tmp_path / "h.parquet"], "dense")


def test_a_missing_number_is_found_in_columns_that_are_not_read(tmp_path):
    table = block(EXAMPLES, LABELS, 0, "clean", 0, probabilities(0))
    third = table.schema.get_field_index("p3")
    table = table.set_column(third, table.schema.field("p3"), pa.array([0.1, None, 0.1], pa.float32()))
    table = table.replace_schema_metadata({"lacuna": '{"level": "dense"}'})
    for name, statistics in (("a", True), ("b", False)):
        pq.write_table(table, tmp_path / f"{name}.parquet", write_statistics=statistics)
        with pytest.raises(InputError, match="missing or undefined prediction"):
            load_votes([tmp_path / f"{name}.parquet"], "dense")


def test_votes_take_three_bytes_and_examples_are_kept_once(tmp_path):
    paths = [write(tmp_path / f"{seed}.parquet", seeds=(seed,), variants=(("fog", 1), ("fog", 2))) for seed in range(3)]
    first, second = load_votes(paths, "dense").values()
    assert first.example is second.example
    assert (first.votes.dtype, first.correct_top5.dtype) == (np.int16, bool)


def test_neither_row_groups_nor_dictionaries_matter(tmp_path):
    whole = pq.read_table(write(tmp_path / "a.parquet", seeds=(0, 1), variants=(("fog", 1), ("fog", 5))))
    pq.write_table(whole, tmp_path / "b.parquet", row_group_size=2)
    decoded = whole.column("example").cast(pa.string()).to_pylist()
    names = sorted(set(decoded), reverse=True)
    indices = pa.array([names.index(name) for name in decoded], pa.int32())
    example = pa.DictionaryArray.from_arrays(indices, pa.array(names))
    pq.write_table(whole.set_column(0, whole.schema.field(0), example), tmp_path / "c.parquet")
    expected = load_votes([tmp_path / "a.parquet"], "dense")
    for name in ("b", "c"):
        found = load_votes([tmp_path / f"{name}.parquet"], "dense")
        assert list(found) == list(expected)
        for variant, votes in found.items():
            assert votes.example.tolist() == EXAMPLES.tolist()
            assert np.array_equal(votes.votes, expected[variant].votes)
    apart = write(tmp_path / "d.parquet", seeds=(2,), variants=(("fog", 1), ("fog", 5)))
    assert len(load_votes([apart, tmp_path / "c.parquet"], "dense")["fog", 5].seed) == 3


def test_levels_must_have_the_same_examples(tmp_path):
    dense = load_votes([write(tmp_path / "a.parquet")], "dense")["clean", 0]
    other = load_votes([write(tmp_path / "b.parquet", labels=LABELS[::-1])], "dense")["clean", 0]
    with pytest.raises(InputError, match="the examples differ from those of the dense level"):
        same_examples(dense, other, "block-0.80")


def test_restricted_to_some_examples(tmp_path):
    votes = load_votes([write(tmp_path / "a.parquet")], "dense")["clean", 0]
    part = votes.restricted_to(np.array(["test/1", "test/2"]))
    assert part.label.tolist() == [2, 1] and np.array_equal(part.votes, votes.votes[:, [2, 0]])
    with pytest.raises(InputError, match="not all among the clean ones"):
        votes.restricted_to(np.array(["test/7"]))


def test_the_metadata_say_what_was_predicted(tmp_path):
    assert describe(write(tmp_path / "a.parquet")) == {"level": "dense", "version": 2}


def test_a_model_that_was_brought_counts_once(tmp_path):
    def save(name, level, digests, by):
        description = {"level": level}
        if by == "weights":
            description["training"] = {"weights": {seed: {"sha256": digest} for seed, digest in digests.items()}}
        else:
            description["models_sha256_by_seed"] = digests
        save_ledger(tmp_path / name, [block(EXAMPLES, LABELS, 0, "clean", 0, probabilities(0))], description)
        return tmp_path / name

    for by in ("weights", "predictions"):
        dense, control = save("a", "dense", {0: "x", 1: "y"}, by), save("b", "control", {0: "z", 1: "w"}, by)
        check_distinct([dense, control, write(tmp_path / "trained.parquet")])
        with pytest.raises(
            InputError, match="model 5 of level pruned is the same as model 1 of level dense: every model may"
        ):
            check_distinct([dense, control, save("c", "pruned", {5: "y"}, by)])
