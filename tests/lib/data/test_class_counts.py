"""Classes without images: what can go on goes on with a warning, what cannot is refused with both places and the remedy."""

import numpy as np
import pytest

from scripts.lib.data.class_counts import count_classes
from scripts.lib.jobs.errors import InputError

CLASSES = ["ant", "bee", "cow"]
PLACES = {"train": "~/train", "test": "~/test"}


def labels(**splits):
    return {split: np.array(of_split) for split, of_split in splits.items()}


def test_images_of_each_class_are_counted(capsys):
    assert count_classes(labels(train=[0, 1, 2, 2], test=[0, 1, 2]), CLASSES) == {"train": [1, 1, 2], "test": [1, 1, 1]}
    assert count_classes(labels(test=[2, 0, 1, 0]), CLASSES) == {"test": [2, 1, 1]}
    assert capsys.readouterr().out == ""


def test_a_class_without_test_images_is_named_and_the_study_goes_on(capsys):
    assert count_classes(labels(train=[0, 1, 2], test=[0, 2, 2]), CLASSES, PLACES)["test"] == [1, 0, 2]
    said = capsys.readouterr().out
    assert said.startswith("warning: class bee has no images in ~/test (the test split): the study goes on")
    count_classes(labels(test=[3, 4]), [f"c{n}" for n in range(20)])
    assert "warning: 18 classes (c0, c1, c2, c5, c6, c7, c8, c9, c10, c11, …) have no" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("splits", "sentence"),
    [
        (
            {"train": [0, 0, 2], "test": [0, 1, 2]},
            r"class bee has images in ~/test \(the test split\) and none in ~/train \(the train split\): .* add training images",
        ),
        ({"train": [0, 0], "test": [0, 1, 2]}, r"2 classes \(bee, cow\) have images in ~/test"),
        ({"test": [1, 1]}, r"all images of ~/test \(the test split\) have one label \(class bee\)"),
        ({"train": [0, 1, 2], "test": [1, 1]}, r"all images of ~/test"),
    ],
)
def test_what_cannot_go_on(splits, sentence):
    with pytest.raises(InputError, match=sentence):
        count_classes(labels(**splits), CLASSES, PLACES)
