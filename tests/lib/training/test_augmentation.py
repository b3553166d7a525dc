"""Augmented images against Pillow and numpy, one image at a time, and the streams behind them."""

import numpy as np
import pytest
import torch
from PIL import Image

from scripts.lib.jobs.streams import generator
from scripts.lib.training.augmentation import AUGMENTATIONS, PADDING, Changes, changes_of
from scripts.lib.training.pictures import PicturesInMemory

N = 400
SIZES = np.full(N, 24), np.full(N, 32)  # heights, widths
IMAGES = np.random.default_rng(0).integers(0, 256, (N, 24, 32, 3), dtype=np.uint8)


def changed(name, epoch=0, seed=0, level="dense"):
    return changes_of(name, level, seed, epoch, *SIZES)


def seen(changes, chosen):
    chosen = torch.as_tensor(chosen)
    return PicturesInMemory(torch.from_numpy(IMAGES)).batch(chosen, changes).numpy()


def test_none_changes_nothing():
    assert changed("none") is None
    assert np.array_equal(seen(None, range(N)), IMAGES)


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_an_example_is_changed_alike_in_any_batch(name):
    changes = changed(name)
    whole = seen(changes, range(N))
    order = np.random.default_rng(1).permutation(N)[:50]
    assert np.array_equal(seen(changes, order), whole[order])


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_level_seed_and_epoch_have_changes_of_their_own(name):
    drawn = [changed(name), changed(name, epoch=1), changed(name, seed=1), changed(name, level="control")]
    assert len({(each.windows.tobytes(), each.flipped.tobytes()) for each in drawn}) == 4
    again = changed(name)
    assert np.array_equal(again.windows, drawn[0].windows) and np.array_equal(again.flipped, drawn[0].flipped)
    assert 0.35 < drawn[0].flipped.mean() < 0.65  # of 400: six standard deviations


def test_flip():
    changes = changed("flip")
    expected = np.where(changes.flipped[:, None, None, None], IMAGES[:, :, ::-1], IMAGES)
    assert np.array_equal(seen(changes, range(N)), expected)


def test_pad_crop_flip_is_a_crop_of_the_reflected_image():
    changes = changed("pad_crop_flip")
    assert set(np.unique(changes.windows[:, :2])) == set(range(-PADDING, PADDING + 1))
    got = seen(changes, range(N))
    for image, (left, top, width, height), flipped, result in zip(
        IMAGES, changes.windows.astype(int), changes.flipped, got, strict=True
    ):
        padded = np.pad(image, ((PADDING, PADDING), (PADDING, PADDING), (0, 0)), mode="reflect")
        window = padded[PADDING + top : PADDING + top + height, PADDING + left : PADDING + left + width]
        assert np.array_equal(result, window[:, ::-1] if flipped else window)


def test_resized_windows_are_what_pillow_sees_where_nothing_shrinks():
    # Pillow smooths when it shrinks; windows of at most the image's size are enlarged, which both do alike, up to Pillow's rounding.
    changes = changed("random_resized_crop")
    got = seen(changes, range(N))
    for image, (left, top, width, height), flipped, result in list(
        zip(IMAGES, changes.windows, changes.flipped, got, strict=True)
    )[:60]:
        assert left >= 0 and top >= 0 and left + width <= 32 and top + height <= 24
        # Pillow's filter looks beyond the window's edge, as ours does.
        expected = Image.fromarray(image).transform(
            (32, 24), Image.Transform.EXTENT, (left, top, left + width, top + height), Image.Resampling.BILINEAR
        )
        expected = np.asarray(expected)[:, ::-1] if flipped else np.asarray(expected)
        inner = np.abs(result.astype(int) - expected)[
            2:-2, 2:-2
        ]  # at the edges Pillow's transform stops half a pixel sooner
        assert inner.max() <= 2


def test_windows_have_the_areas_and_sides_that_are_asked_for():
    heights, widths = np.full(20_000, 100), np.full(20_000, 100)
    windows = AUGMENTATIONS["random_resized_crop"](generator("test"), heights, widths).windows
    area, ratio = windows[:, 2] * windows[:, 3] / 10_000, windows[:, 2] / windows[:, 3]
    assert 0.07 < area.min() < 0.09 and area.max() <= 1
    assert 0.72 < ratio.min() < 0.76 and 1.31 < ratio.max() < 1.39
    assert abs(np.log(ratio).mean()) < 0.01  # 3:4 as often as 4:3
    # Where a window may lie, it lies as often at the left as at the right.
    room = 100 - windows[:, 2]
    assert abs((windows[:, 0] / np.maximum(room, 1))[room > 20].mean() - 0.5) < 0.02


def test_a_picture_that_no_window_fits_is_cut_in_the_middle():
    # 10 x 1000 pixels: no window of a tenth of the area or so has sides of 3:4 to 4:3. The largest that has is 13 wide.
    windows = AUGMENTATIONS["random_resized_crop"](generator("test"), np.full(5, 10), np.full(5, 1000)).windows
    assert np.array_equal(windows, np.tile([494, 0, 13, 10], (5, 1)))


def test_pictures_that_are_not_square_are_not_confused():
    # A window over the right half, one over the lower half.
    changes = Changes(np.array([[16, 0, 16, 24], [0, 12, 32, 12]], np.float32), np.array([False, False]), resized=True)
    image = np.zeros((2, 24, 32, 3), np.uint8)
    image[0, :, 16:] = 200
    image[1, 12:] = 100
    got = PicturesInMemory(torch.from_numpy(image)).batch(torch.tensor([0, 1]), changes).numpy()
    assert (got[0, :, 2:] == 200).all() and (got[1, 2:] == 100).all()
