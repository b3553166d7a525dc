"""Which examples are corrupted: the same ones whatever the order, and every mistake in a list is named."""

import numpy as np
import pytest

from scripts.lib.corrupted.subset import Chosen, choose, load_chosen, save_chosen
from scripts.lib.data.dataset import Examples
from scripts.lib.jobs.errors import InputError


def examples(labels=(0, 0, 1, 1, 0, 1)):
    n = len(labels)
    ids = np.array([f"test/{i}" for i in range(n)])
    return Examples(ids, np.array(labels), np.array(["typical"] * n), np.array(labels), np.full(n, 3), ids)


def test_all_and_the_first_of_each_class():
    assert choose(examples(), "all", 9, None).tolist() == [0, 1, 2, 3, 4, 5]
    assert choose(examples(), "first", 1, None).tolist() == [0, 2]
    assert choose(examples(), "first", 2, None).tolist() == [0, 1, 2, 3]


def test_a_sample_of_each_class_that_does_not_depend_on_the_order():
    table = examples(labels=np.arange(200) % 2)
    chosen = table.take(choose(table, "sampled", 10, None))
    assert np.bincount(chosen.label).tolist() == [10, 10]
    shuffled = table.take(np.random.default_rng(0).permutation(200))
    again = shuffled.take(choose(shuffled, "sampled", 10, None))
    assert set(again.example) == set(chosen.example) and list(again.example) != list(chosen.example)
    positions = [int(name.split("/")[1]) for name in chosen.example]
    assert min(positions) < 60 and max(positions) > 140  # not the first ones


def test_a_list_is_taken_in_the_order_of_the_data():
    assert choose(examples(), "listed", 9, ["test/4", "test/1"]).tolist() == [1, 4]


def test_a_list_that_was_written_elsewhere(capsys):
    table = examples()
    assert choose(table, "listed", 9, ["test\\4", " test/1"]).tolist() == [1, 4]
    assert "2 of the 2 listed ids are written otherwise than here, as 'test\\\\4'" in capsys.readouterr().out
    names = [f"n0{number % 2}/ILSVRC2012_val_{number:08d}.JPEG" for number in range(6)]
    imagenet = Examples(
        np.array(names),
        *(getattr(table, name) for name in ("label", "kind", "shown")),
        table.class_frequency,
        table.pixels,
    )
    wanted = ["ILSVRC2012_val_00000005", "val/ILSVRC2012_val_00000002_n00.png"]
    assert choose(imagenet, "listed", 9, wanted).tolist() == [2, 5]


@pytest.mark.parametrize(
    "subset, per_class, ids, sentence",
    [
        ("sampled", 4, None, "`corruptions.per_class` is 4 and class 0 has 3 test images: lower it"),
        ("first", 4, None, "`corruptions.per_class` is 4 and class 0 has 3 test images: lower it"),
        (
            "listed",
            1,
            ["test/1", "x", "y"],
            "2 of its 3 lines, as 'x', are not the id of a test image; ids look like 'test/0'",
        ),
        ("listed", 1, ["test/1", "test/1"], "the file names 'test/1' twice; remove the repetition"),
        ("listed", 1, ["test/1", "test\\1"], r"the file names .* twice \(also as 'test/1'\); remove"),
        ("listed", 1, [], "the file names no test image; ids look like 'test/0'"),
    ],
)
def test_a_subset_that_cannot_be_had(subset, per_class, ids, sentence):
    with pytest.raises(InputError, match=sentence):
        choose(examples(), subset, per_class, ids)


def test_the_table_of_chosen_examples(tmp_path):
    chosen = Chosen(["test/1", 'a, "b"/ü'], [0, 1], ["ä/x.JPEG", "b/y.JPEG"])
    save_chosen(tmp_path / "examples.csv", chosen, ["ä", "b"])
    assert load_chosen(tmp_path / "examples.csv") == chosen
    assert (tmp_path / "examples.csv").read_text(encoding="utf-8").startswith("example,label,class,file\ntest/1,0,ä,")
    (tmp_path / "examples.csv").write_text("example,label\nx,one\n")
    with pytest.raises(InputError, match=r"examples\.csv cannot be read"):
        load_chosen(tmp_path / "examples.csv")


def test_chosen_examples_must_be_those_of_the_data():
    assert Chosen(["test/5", "test/0"], [1, 0], ["", ""]).positions_in(examples()).tolist() == [5, 0]
    with pytest.raises(InputError, match="'test/9' is not among the test images"):
        Chosen(["test/9"], [0], [""]).positions_in(examples())
    with pytest.raises(InputError, match="have other labels than the test images"):
        Chosen(["test/0"], [1], [""]).positions_in(examples())
