"""Batches from shards: the same as one picture at a time, in the order asked for, whatever is read ahead."""

import numpy as np
import pytest
import torch
from PIL import Image

from scripts.lib.data.shard_writing import stored
from scripts.lib.data.shards import ShardedImages, centre_squares, writing_shards
from scripts.lib.training.augmentation import changes_of
from scripts.lib.training.pictures import PicturesInMemory, PicturesInShards

N, SIZE = 12, 16


@pytest.fixture
def shards(tmp_path):
    random = np.random.default_rng(0)
    with writing_shards([tmp_path / f"{shard}.jpegs" for shard in range(2)]) as written:
        for number in range(N):
            small = random.integers(0, 256, (4, 5 + number % 3, 3), dtype=np.uint8)
            picture = Image.fromarray(small).resize((8 * small.shape[1], 32), Image.Resampling.BICUBIC)
            written[number * 2 // N].put(f"{number}", number % 2, stored(picture, 24, 95))
    return ShardedImages([tmp_path / f"{shard}.jpegs" for shard in range(2)])


def pictures(shards, threads=2):
    return PicturesInShards(shards, centre_squares(shards.sizes), SIZE, threads, torch.device("cpu"))


@pytest.mark.parametrize("name", ["none", "flip", "random_resized_crop"])
def test_batches_are_the_pictures_one_by_one(shards, name):
    feed = pictures(shards)
    changes = changes_of(name, "dense", 0, 0, feed.heights, feed.widths)
    order = torch.from_numpy(np.random.default_rng(1).permutation(N)).split(5)
    batches = list(feed.batches(order, changes))
    assert [tuple(batch.shape) for batch in batches] == [(5, SIZE, SIZE, 3), (5, SIZE, SIZE, 3), (2, SIZE, SIZE, 3)]
    for row, image in zip(torch.cat(order).tolist(), torch.cat(batches), strict=True):
        box = centre_squares(shards.sizes[[row]])
        if name == "random_resized_crop":
            left, top, width, height = changes.windows[row]
            assert left + width <= feed.widths[row] and top + height <= feed.heights[row]
            box = np.array([[left, top, left + width, top + height]])
        expected = shards.batch(np.array([row]), box, SIZE)[0]
        if changes is not None and changes.flipped[row]:
            expected = expected[:, ::-1]
        assert np.array_equal(image.numpy(), expected)


def test_no_more_is_read_than_two_batches_ahead(shards):
    feed, asked = pictures(shards), []

    def batches():
        for position in range(N):
            asked.append(position)
            yield torch.tensor([position])

    got = feed.batches(batches(), None)
    next(got)
    assert len(asked) == 1 + feed.AHEAD
    assert len(list(got)) == N - 1


def test_a_picture_that_cannot_be_read_stops_the_training(shards, monkeypatch):
    def broken(*arguments):
        raise ValueError("damaged")

    monkeypatch.setattr(shards, "batch", broken)
    with pytest.raises(ValueError, match="damaged"):
        list(pictures(shards).batches([torch.tensor([0])], None))


def test_memory_and_shards_give_batches_in_the_same_way():
    images = torch.arange(4 * 2 * 2 * 3, dtype=torch.uint8).reshape(4, 2, 2, 3)
    order = torch.tensor([3, 1, 0, 2]).split(3)
    assert torch.equal(torch.cat(list(PicturesInMemory(images).batches(order, None))), images[[3, 1, 0, 2]])
