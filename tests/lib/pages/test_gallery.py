"""What the gallery's page is made of: bytes that come back, sheets that hold every thumbnail, and which images are shown of many."""

import base64
import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from scripts.lib.pages.gallery import chosen_images, packed, sheets, thumbnails, tile_size, vote_bars

TYPES = {"Uint8": "<u1", "Uint16": "<u2", "Uint32": "<u4", "Int32": "<i4", "Float32": "<f4"}


def back(column):
    return np.frombuffer(base64.b64decode(column["data"]), TYPES[column["type"]])


@pytest.mark.parametrize("kind", TYPES)
def test_numbers_come_back(kind):
    values = np.array([0, 1, 200])
    assert back(packed(values, kind)).tolist() == [0, 1, 200]
    if kind != "Float32":
        with pytest.raises(ValueError, match=f"do not fit into {kind}"):
            packed(np.array([2**40]), kind)


@given(st.lists(st.lists(st.integers(-1, 4), min_size=3, max_size=3), min_size=1, max_size=6))
def test_bars_hold_every_vote(rows):
    votes = np.array(rows).T  # of three models
    bars = vote_bars(votes, 5)
    start, said, count = (back(bars[name]).tolist() for name in ("start", "said", "count"))
    for image, row in enumerate(rows):
        found = dict(zip(said[start[image] : start[image + 1]], count[start[image] : start[image + 1]], strict=True))
        assert found == {each: row.count(each) for each in set(row) - {-1}}
    assert bars["models"] == 3 and len(start) == len(rows) + 1


def test_a_sheet_holds_thumbnails_row_after_row():
    tiles = np.zeros((70, 8, 8, 3), np.uint8)
    tiles[:, :, :, 0] = np.arange(70)[:, None, None] * 3
    (uri,) = sheets(tiles)
    sheet = np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))).convert("RGB")).astype(int)
    assert sheet.shape == (16, 512, 3)
    for number in (0, 1, 63, 64, 69):
        row, place = divmod(number, 64)
        tile = sheet[row * 8 : row * 8 + 8, place * 8 : place * 8 + 8, 0]
        assert abs(tile.mean() - 3 * number) < 12  # WebP loses some
    assert len(sheets(np.zeros((64 * 64 + 1, 4, 4, 3), np.uint8))) == 2


def test_thumbnails_are_never_larger_than_the_images():
    assert tile_size(100, 224) == 64 and tile_size(100, 32) == 32 and tile_size(20_000, 224) == 32
    images = np.full((2, 40, 40, 3), 7, np.uint8)
    assert thumbnails(images, 40) is images and (thumbnails(images, 20) == 7).all()


def test_of_too_many_images_those_that_changed_and_as_doubtful_ones_are_shown():
    changed = np.arange(100) < 10
    votes = np.where(np.arange(100) % 2, 9, 5)
    order = np.arange(100)[::-1]
    shown = chosen_images(changed, votes, order, most=30)
    others = shown[shown >= 10]
    assert shown[:10].tolist() == list(range(10)) and len(others) == 10
    assert (votes[others] == 9).sum() == 5 and others.min() >= 90  # the first by their order
    few = chosen_images(
        changed, votes, order, most=12
    )  # half of the page for those that changed, the first by their order
    assert few[:6].tolist() == [4, 5, 6, 7, 8, 9] and (few[6:] >= 10).all() and len(few) == 12
    assert len(chosen_images(changed, votes, order, most=100)) == 100
