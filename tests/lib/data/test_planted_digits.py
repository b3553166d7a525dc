"""The planted digits: the same bytes for the same seed, the promised counts, and no handwriting in both splits."""

import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.lib.data.kinds import PLANTED, TYPICAL
from scripts.lib.data.planted_digits import (
    LOOKALIKE,
    _cubic,
    _linear,
    _plan_kinds,
    _upsample,
    make_planted_digits,
    read_digits,
)

SMALL = {
    "seed": 0,
    "train_sources": 20,
    "test_sources": 20,
    "head_images": 50,
    "imbalance": 5,
    "atypical_train": 0.1,
    "atypical_test": 0.5,
}
GOLDEN = "bdb1f00d0fb171919c15d4f08c552315ff94db607b1aaa5e116071aae0c06d78"


@pytest.fixture(scope="module")
def splits():
    return make_planted_digits(**SMALL)


def digest(splits):
    content = hashlib.sha256()
    for name in ("train", "test"):
        content.update(splits[name].images.tobytes() + splits[name].label.astype("<i8").tobytes())
        content.update("\n".join(splits[name].kind).encode())
    return content.hexdigest()


def test_the_seed_decides_every_byte(splits):
    assert digest(splits) == GOLDEN
    assert digest(make_planted_digits(**SMALL)) == GOLDEN
    assert digest(make_planted_digits(**(SMALL | {"seed": 1}))) != GOLDEN


def test_sources_are_real_digits_of_the_shown_class_and_in_one_split_only(splits):
    digits, labels = read_digits()
    assert digits.shape == (5000, 28, 28) and np.bincount(labels).tolist() == [500] * 10
    for split in splits.values():
        assert np.array_equal(labels[split.source], split.shown)
    assert not set(splits["train"].source) & set(splits["test"].source)
    assert len(set(splits["test"].source)) == len(splits["test"].source) == 200


def test_class_frequencies_are_long_tailed_in_training_and_equal_in_the_test(splits):
    counts = np.bincount(splits["train"].shown)
    assert sorted(counts, reverse=True) == [max(1, round(50 * 5 ** (-rank / 9))) for rank in range(10)]
    assert np.bincount(splits["test"].shown).tolist() == [20] * 10


def test_the_planted_fraction_is_exact_and_the_kinds_equal(splits):
    kinds, counts = np.unique(splits["test"].kind, return_counts=True)
    assert dict(zip(kinds, counts, strict=True)) == {TYPICAL: 100} | dict.fromkeys(PLANTED, 20)


@given(st.integers(0, 300), st.floats(0, 1), st.integers(0, 9))
def test_planned_kinds_are_as_equal_as_can_be(count, atypical, start):
    kinds = _plan_kinds(count, atypical, start)
    assert len(kinds) == count and kinds.count(TYPICAL) == count - round(count * atypical)
    planted = [kinds.count(kind) for kind in PLANTED]
    assert max(planted) - min(planted) <= 1


def test_only_the_mislabelled_are_mislabelled(splits):
    for split in splits.values():
        assert np.array_equal(split.label != split.shown, split.kind == "mislabelled")


def test_images_of_a_kind_look_as_they_should(splits):
    test = splits["test"]
    brightness = test.images.mean(axis=(1, 2, 3))
    detail = np.abs(np.diff(test.images.astype(float), axis=1)).mean(axis=(1, 2, 3))
    contrast = test.images.astype(float).std(axis=(1, 2, 3))
    assert brightness[test.kind == "abstract"].min() > brightness[test.kind == TYPICAL].max()  # a negative
    assert contrast[test.kind == "low_quality"].mean() < 0.7 * contrast[test.kind == TYPICAL].mean()
    assert detail.min() > 0 and test.images.dtype == np.uint8 and test.images.shape == (200, 32, 32, 3)
    pairs = test.images[test.kind == "multiple_objects"].max(axis=3).max(axis=1)
    assert (pairs[:, 4:14].max(axis=1) > 100).mean() > 0.9 and (pairs[:, 18:28].max(axis=1) > 100).mean() > 0.9


def test_lookalikes_are_other_classes():
    assert all(other != digit for digit, other in enumerate(LOOKALIKE)) and len(LOOKALIKE) == 10


@pytest.mark.parametrize("weights", [_linear(8), _cubic(4)])
def test_interpolation_keeps_constants_and_is_symmetric(weights):
    n = weights.shape[1]
    assert weights.sum(axis=1) == pytest.approx(np.ones(32))
    assert weights == pytest.approx(weights[::-1, ::-1])
    assert _upsample(np.full((n, n, 3), 0.3), weights) == pytest.approx(np.full((32, 32, 3), 0.3))
