"""Which example a name in a list means, from equal names to the numbers of ImageNet's images."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.lib.data.example_ids import imagenet_number, match_ids, spelled

VAL = "n01440764/ILSVRC2012_val_00000293.JPEG"


@pytest.mark.parametrize(
    "name",
    [
        VAL,
        "ILSVRC2012_val_00000293",
        "ILSVRC2012_val_00000293.JPEG",
        "val/ILSVRC2012_val_00000293_n01440764.JPEG",
        "D:\\imagenet\\val\\n01440764\\ilsvrc2012_VAL_00000293.jpg",
        "ILSVRC2012_val_00000001/ILSVRC2012_val_00000293.png",
    ],
)
def test_an_image_of_imagenet_is_known_by_its_number(name):
    assert imagenet_number(name) == ("val", 293)
    assert match_ids([name], ["n01/ILSVRC2012_val_00000001.JPEG", VAL]).tolist() == [1]


@pytest.mark.parametrize(
    "name", ["ILSVRC2012_test_00000293.JPEG", "ILSVRC2012_val_000002930", "val_00000293", "293", ""]
)
def test_what_is_another_image_or_no_number(name):
    assert match_ids([name], [VAL]).tolist() == [-1]


def test_equal_names_come_before_equal_numbers():
    have = ["b/ILSVRC2012_val_00000001.JPEG", "a/ILSVRC2012_val_00000001.JPEG", "a/ILSVRC2012_val_00000002.JPEG"]
    assert match_ids([have[1], have[0]], have).tolist() == [1, 0]
    # The number 1 fits two images, so it names none.
    assert match_ids(["ILSVRC2012_val_00000001", "ILSVRC2012_val_00000002"], have).tolist() == [-1, 2]


def test_other_machines_spell_names_in_other_ways():
    have = ["köter/Bild 7.png", "a/b.png", "a\\b.png"]
    assert match_ids(["ko\u0308ter\\Bild 7.png", " ./a/b.png ", "a\\b.png"], have).tolist() == [0, -1, 2]
    assert match_ids(["./a\\b.png"], have[:2]).tolist() == [1]
    assert spelled(".hidden/x") == ".hidden/x"


@given(st.lists(st.text("ab/\\. ", max_size=5), unique=True, max_size=8))
def test_a_list_finds_itself_in_any_order(have):
    assert match_ids(have[::-1], have).tolist() == list(range(len(have)))[::-1]


def test_no_names():
    assert match_ids([], ["a"]).shape == (0,) and match_ids(["a"], np.array([], str)).tolist() == [-1]
