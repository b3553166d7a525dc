"""Sizes and places as the official programs have them, worked out by hand."""

import numpy as np
import pytest
from PIL import Image

from scripts.lib.data.preparations import PREPARATIONS, crop_then_resize, pad, resize_then_crop, squeeze
from scripts.lib.networks.torchvision_ops import declare_missing_operators

BILINEAR = Image.Resampling.BILINEAR


def picture(width, height):
    return Image.fromarray(np.random.default_rng(0).integers(0, 255, (height, width, 3), dtype=np.uint8))


def same(one, other):
    return np.array_equal(np.asarray(one), np.asarray(other))


def test_224_pixels():
    wide = picture(500, 375)  # shorter side 256, longer int(256 * 500 / 375) = 341; left round(58.5) = 58, top 16
    assert same(resize_then_crop(wide, 224), wide.resize((341, 256), BILINEAR).crop((58, 16, 282, 240)))
    tall = picture(375, 501)  # 342 high: top 59
    assert same(resize_then_crop(tall, 224), tall.resize((256, 342), BILINEAR).crop((16, 59, 240, 283)))
    ready = picture(300, 256)
    assert same(resize_then_crop(ready, 224), ready.crop((38, 16, 262, 240)))


def test_299_pixels():
    wide = picture(
        501, 375
    )  # int(438.375) x int(328.125) from round(31.5) = 32, round(23.5) = 24: Python rounds half to even
    assert same(crop_then_resize(wide, 299), wide.crop((32, 24, 470, 352)).resize((299, 299), BILINEAR))


def test_64_pixels():
    assert same(squeeze(picture(500, 375), 64), picture(500, 375).resize((64, 64), BILINEAR))


def test_zeros_around_it():
    padded = np.asarray(pad(picture(28, 27), 32))  # 2 on the left and on the right, 2 above and 3 below
    assert np.array_equal(padded[2:29, 2:30], np.asarray(picture(28, 27))) and padded.shape == (32, 32, 3)
    assert padded.sum() == np.asarray(picture(28, 27)).sum()
    assert same(pad(picture(32, 32), 32), picture(32, 32))
    with pytest.raises(ValueError, match="it has 33 x 20 pixels and `pad` only adds some: choose a larger `size`"):
        pad(picture(33, 20), 32)


@pytest.mark.parametrize("name", ["resize_then_crop", "crop_then_resize", "squeeze"])
@pytest.mark.parametrize("size", [32, 64, 224, 299, 384])
@pytest.mark.parametrize("sides", [(500, 375), (375, 500), (20, 300), (33, 32), (1000, 1001), (1, 1), (1, 40), (50, 1)])
def test_the_result_has_the_size(name, size, sides):
    assert PREPARATIONS[name](picture(*sides), size).size == (size, size)


@pytest.mark.parametrize("sides", [(500, 375), (31, 77), (1, 1), (2, 1), (1, 9), (60, 1), (3, 2), (256, 300)])
def test_all_agree_with_torchvision(sides):
    declare_missing_operators()
    from torchvision.transforms import functional

    one, bilinear = picture(*sides), functional.InterpolationMode.BILINEAR
    resized = functional.resize(one, 256, bilinear)
    assert same(resize_then_crop(one, 224), functional.center_crop(resized, 224))
    cropped = functional.center_crop(one, [max(1, int(side * 0.875)) for side in sides[::-1]])
    assert same(crop_then_resize(one, 299), functional.resize(cropped, [299, 299], bilinear))
    assert same(squeeze(one, 64), functional.resize(one, [64, 64], bilinear))


@pytest.mark.parametrize("name", ["resize_then_crop", "crop_then_resize", "squeeze"])
@pytest.mark.parametrize("sides", [(1, 1), (1, 7), (7, 1)])
def test_a_white_picture_stays_white_however_narrow_it_is(name, sides):
    white = PREPARATIONS[name](Image.new("RGB", sides, "white"), 32)
    assert np.asarray(white).min() == 255


def test_a_thread_of_a_picture_is_refused_before_it_fills_the_memory():
    with pytest.raises(ValueError, match=r"1 x 9000 pixels would become 256 x 2304000 before the centre is cut out"):
        resize_then_crop(Image.new("RGB", (1, 9000)), 224)
