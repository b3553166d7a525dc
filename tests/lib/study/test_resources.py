"""What jobs ask a cluster for, against numbers worked out by hand."""

import pytest

from scripts.lib.study.resources import arrays, image_bytes, memory, minutes, prediction_minutes, training_minutes


@pytest.mark.parametrize(
    ("base", "images", "attempt", "megabytes"),
    [
        (2000, 0, 1, 2000),
        (2000, 153_600_128, 1, 2308),  # CIFAR-10's 50,000 training images of 3,072 bytes: twice 153.6 MB
        (2000, 153_600_128, 3, 6924),
        (1000, 7_526_400_128, 1, 16053),  # ImageNet's 50,000 validation images at 224 x 224
    ],
)
def test_memory(base, images, attempt, megabytes):
    assert memory(base, images, attempt) == megabytes


def test_minutes_grow_to_a_day():
    assert [minutes(240, attempt) for attempt in (1, 2, 7)] == [240, 480, 1440]
    assert minutes(3000, 1) == minutes(3000, 2) == 3000  # a rule that says more itself keeps it


def test_training_takes_models_times_epochs_times_pixels():
    assert training_minutes(60, 10, 182, 153_600_128, 1) == 60 + 1119  # 4 * 10 * 182 * 0.1536 = 1118.2
    assert training_minutes(60, 1, 182, 153_600_128, 2) == 2 * (60 + 112)
    assert training_minutes(60, 1, 90, 150 * 10**9, 1) == 1440  # a day, and then on from the checkpoint


def test_prediction():
    assert prediction_minutes(60, 30, 7_526_400_128, 1) == 60 + 452  # 2 * 30 * 7.5264 = 451.6
    assert prediction_minutes(60, 1, 0, 3) == 180


def test_images_that_are_not_made_yet_have_no_size(tmp_path):
    first, second = tmp_path / "a.npy", tmp_path / "b.json"
    first.write_bytes(b"abc")
    assert image_bytes(str(first)) == 3
    with pytest.raises(FileNotFoundError):
        image_bytes([first, second])
    second.write_bytes(b"ab")
    assert image_bytes([first, second]) == 5
    assert arrays([first, second]) == [first] and arrays(str(second)) == []
