"""Labels as people keep them: what can be understood in one way only is, all else is named."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.lib.data.labels import Given, from_array, from_texts, one_numbering
from scripts.lib.jobs.errors import InputError

Y = np.array([0, 2, 1, 0])


@pytest.mark.parametrize(
    "labels",
    [
        *(Y, Y[:, None], Y[None], Y[:, None, None], Y.astype(float), Y.astype(">i2"), Y.astype(np.float16)[:, None]),
        *(Y.astype(str), Y.astype("S1"), Y.astype(str)[:, None], np.asfortranarray(Y)),
    ],
)
def test_labels_that_are_understood(labels):
    read = from_array(labels, "y.npy")
    assert read.code.tolist() == [0, 2, 1, 0] and read.code.dtype == np.int64 and read.names is None


def test_booleans_and_numbers_of_several_digits():
    assert from_array(np.array([True, False]), "y.npy").code.tolist() == [1, 0]
    assert from_texts(["10.0", "9.0"], "y").code.tolist() == [10, 9]
    assert from_texts(["10", "9"], "y").code.tolist() == [10, 9]  # not in the order of the letters


def test_names():
    read = from_texts(["b", "007", "b"], "y")
    assert read.names == ["007", "b"] and read.code.tolist() == [1, 0, 1]


@pytest.mark.parametrize(
    ("labels", "sentence"),
    [
        (np.eye(3)[Y], r"float64\[4, 3\], one-hot rows: .* save labels.argmax\(axis=1\)"),
        (np.eye(3, dtype=bool)[Y], "one-hot rows"),
        (np.full((4, 5), 0.2), "probabilities: labels are one number an image"),
        (np.zeros((4, 2), int), r"y.npy holds int64\[4, 2\]: labels must be \[N\], one an image"),
        (np.array(3), r"labels must be \[N\]"),
        (np.zeros((4, 8, 8, 3), np.uint8), "which look like images: name the file of the labels"),
        (np.array([0, np.nan, np.nan]), r"has no label in row 1 \(NaN\), and in 2 rows altogether"),
        (np.array([0, 1, 0.5]), "has the label 0.5 in row 2: labels must be whole numbers"),
        (np.array([0, np.inf]), "has the label inf in row 1: labels must be from 0 to 32767"),
        (np.array([0, 1, -1]), "has the label -1 in row 2"),
        (np.full(3, -1.0), "has the label -1 in every row, as hubs give test images whose labels are withheld"),
        (np.array([0, 1j]), "labels must be whole numbers or names of classes"),
        (np.array(["ant", " "]), "has an empty label in row 1"),
        (np.array([b"\xff", b"a"]), "names that are no UTF-8"),
        (np.zeros(2, [("a", int)]), "labels must be whole numbers or names"),
    ],
)
def test_labels_that_are_not(labels, sentence):
    with pytest.raises(InputError, match=sentence):
        from_array(labels, "y.npy")


def declared(where, names, code):
    return Given(where, np.array(code), names, declared=True)


def occurring(where, names, code):
    return Given(where, np.array(code), names)


@given(st.permutations(["ant", "bee", "cow", "dog"]), st.permutations(["ant", "bee", "cow", "dog"]), st.booleans())
def test_whatever_the_order_a_label_keeps_its_name(one, other, listed):
    code = [0, 1, 2, 3, 3]
    files = [declared("one", one, code), declared("other", other, code)]
    numbers, names = one_numbering(files, sorted(one) if listed else None)
    assert names == (sorted(one) if listed else one)
    assert [names[number] for number in numbers[0]] == [one[number] for number in code]
    assert [names[number] for number in numbers[1]] == [other[number] for number in code]


def test_names_that_occur_are_placed_among_those_that_are_declared_or_listed():
    files = [occurring("one", ["bee", "cow"], [0, 1]), declared("other", ["cow", "ant", "bee"], [0, 1])]
    assert [part.tolist() for part in one_numbering(files, None)[0]] == [[2, 0], [0, 1]]
    assert [part.tolist() for part in one_numbering(files[:1], ["cow", "bee", "dog"])[0]] == [[1, 0]]
    with pytest.raises(InputError, match="one has the label 'bee', which is none of the 2 classes, such as 'ant'"):
        one_numbering(files[:1], ["ant", "cow"])


def test_a_list_of_other_names_renames_the_classes_and_never_moves_one():
    files = [declared("one", ["n01", "n02", "n03"], [0, 2, 1])]
    assert one_numbering(files, ["ant", "bee", "n03"])[0][0].tolist() == [0, 2, 1]
    with pytest.raises(InputError, match="'n01' is class 1 in the file `classes` and class 0 in one, and other names"):
        one_numbering(files, ["ant", "n01", "cow"])
    with pytest.raises(InputError, match="the file `classes` has 2 names and one 3: name all classes"):
        one_numbering(files, ["ant", "bee"])


def test_numbers_beside_names():
    numbered = Given("numbers", np.array([1, 0]))
    assert one_numbering([numbered], None)[1] is None
    for named in (occurring("names", ["ant", "bee"], [0, 1]), declared("names", ["ant", "bee"], [0, 1])):
        assert one_numbering([named, numbered], ["ant", "bee"])[0][1].tolist() == [1, 0]
        if named.declared:  # the file with names says which number is which
            assert one_numbering([named, numbered], None)[0][1].tolist() == [1, 0]
            with pytest.raises(InputError, match="names names its classes and numbers numbers them"):
                one_numbering([named, numbered], ["bee", "ant"])
        else:
            with pytest.raises(InputError, match="names names its classes and numbers numbers them"):
                one_numbering([named, numbered], None)


def test_two_classes_of_one_name():
    one, same = declared("one", ["crane", "kite", "crane"], [0, 2]), declared("same", ["crane", "kite", "crane"], [2])
    with pytest.raises(
        InputError, match="one has two classes of the name 'crane': give names that differ in the file `classes`"
    ):
        one_numbering([one, same], None)
    assert [part.tolist() for part in one_numbering([one, same], ["bird", "kite", "machine"])[0]] == [[0, 2], [2]]
    with pytest.raises(InputError, match="other and one have two classes of one name, in different orders"):
        one_numbering([one, declared("other", ["kite", "crane", "crane"], [0])], ["bird", "kite", "machine"])


def test_more_labels_than_names():
    with pytest.raises(InputError, match="one has 2 class names and there is the label 2: labels count from 0"):
        declared("one", ["ant", "bee"], [0, 2])
