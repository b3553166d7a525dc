"""Training pictures in shards: what is written is read, crops are those of an independent resampling, and what is damaged is named."""

import errno
import io
import os
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from PIL import Image

from scripts.lib.data.pictures import BrokenPictureError
from scripts.lib.data.shard_writing import stored, write_shards
from scripts.lib.data.shards import EVALUATION, Shard, ShardedImages, read_index, writing_shards
from scripts.lib.data.split import Split
from scripts.lib.jobs.errors import InputError

SIZES = [(50, 40), (40, 50), (64, 64), (33, 90), (200, 100), (40, 40), (41, 43)]  # width, height
OPTIONS = {"preparation": "resize_then_crop", "size": 32, "orientation": "as_stored", "broken": "stop"}
OPTIONS |= {"shards": {"short_side": 40, "quality": 90}}


def smooth(width, height, seed):
    """Colours that change slowly, so that JPEG keeps them."""
    corners = np.random.default_rng(seed).integers(0, 256, (4, 4, 3), dtype=np.uint8)
    return Image.fromarray(corners).resize((width, height), Image.Resampling.BICUBIC)


def split_of(folder, sizes=SIZES):
    pictures = []
    for number, (width, height) in enumerate(sizes):
        path = folder / f"é{'x' * number}.png"
        smooth(width, height, number).save(path)
        pictures.append((str(path), path))
    ids = [path.name for _, path in pictures]
    return Split(ids, np.arange(len(ids), dtype=np.int64) % 3, iter(pictures))


def paths_of(folder, number):
    return [str(folder / f"{shard:04d}-of-{number:04d}.jpegs") for shard in range(number)]


def make(folder, number=3, threads=1, split=None, **options):
    folder.mkdir(exist_ok=True)
    paths = paths_of(folder / "train", number)
    return paths, write_shards(paths, "train", split or split_of(folder), OPTIONS | options, threads)


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    return ShardedImages(make(tmp_path_factory.mktemp("shards"))[0])


def decoded(paths):
    """Every stored picture by plain means: bytes of the file by the index, decoded whole; uint8[H, W, 3] each."""
    found = []
    for path in paths:
        content = open(path, "rb").read()  # noqa: PTH123, SIM115
        for row in read_index(path)[0]:
            data = content[row["offset"] : row["offset"] + row["length"]]
            found.append(np.asarray(Image.open(io.BytesIO(data))))
    return found


def resampled(image, box, size):
    """The antialiased bilinear resize in float64: triangles about the centres of the new pixels, as wide as these are or two old pixels."""
    left, top, right, bottom = box
    for axis, begin, end in ((0, top, bottom), (1, left, right)):
        scale = (end - begin) / size
        centres = begin + (np.arange(size) + 0.5) * scale
        distance = np.abs(np.arange(image.shape[axis]) + 0.5 - centres[:, None]) / max(scale, 1)
        weights = np.maximum(0, 1 - distance)
        weights /= weights.sum(axis=1, keepdims=True)
        image = np.moveaxis(np.tensordot(weights, np.asarray(image, float), (1, axis)), 0, axis)
    return image


def test_what_is_written_is_read(tmp_path):
    paths, written = make(tmp_path)
    images = ShardedImages(paths, written.shards)
    assert len(images) == 7 and images.labels.tolist() == [0, 1, 2, 0, 1, 2, 0] and images.labels.dtype == np.int64
    assert images.ids.tolist() == written.split.example == [f"é{'x' * number}.png" for number in range(7)]
    # Height, width: the shorter side is 40 where it was more, and nothing is made larger.
    assert images.sizes.tolist() == [[40, 50], [50, 40], [40, 40], [90, 33], [40, 80], [40, 40], [42, 40]]
    assert [each["images"] for each in written.shards.values()] == [3, 2, 2]  # 0-2, 3-4, 5-6 of 7 in three
    assert [image.shape[:2] for image in decoded(paths)] == [tuple(size) for size in images.sizes.tolist()]


def test_a_box_as_large_as_the_images_is_cut_out(images):
    """Nothing is resized then, so every byte is that of the decoded picture."""
    whole = decoded(images.paths)
    chosen = np.array([4, 0, 6, 4])
    boxes = np.array([[45, 3, 77, 35], [0, 0, 32, 32], [8, 10, 40, 42], [0, 8, 32, 40]])
    flips = np.array([False, True, False, True])
    batch = images.batch(chosen, boxes, 32, flips)
    assert batch.dtype == np.uint8 and batch.shape == (4, 32, 32, 3)
    for row, (position, (left, top, right, bottom)) in enumerate(zip(chosen, boxes, strict=True)):
        part = whole[position][top:bottom, left:right]
        assert np.array_equal(batch[row], part[:, ::-1] if flips[row] else part)


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_boxes_are_resized_as_the_formula_says(images, data):
    position, size = data.draw(st.integers(0, 6)), data.draw(st.integers(8, 60))
    height, width = images.sizes[position].tolist()
    fractions = st.floats(0, 1, width=16)
    sides = []
    for side in (width, height):
        low, high = sorted((data.draw(fractions) * side, data.draw(fractions) * side))
        low = min(low, side - 8.0)
        sides.append((low, max(high, low + 8)))
    box = (sides[0][0], sides[1][0], sides[0][1], sides[1][1])
    assume(min(box[2] - box[0], box[3] - box[1]) < 2 * size)  # larger ones are decoded small: the next test
    made = images.batch(np.array([position]), np.array([box]), size)[0]
    # Pillow rounds between the two directions and to bytes at the end.
    assert np.abs(made - resampled(decoded(images.paths)[position], box, size)).max() <= 1.5


@pytest.mark.parametrize("times", [2, 3, 4, 9])
def test_large_parts_are_decoded_small_and_show_the_same(tmp_path, times):
    paths, _ = make(tmp_path, 1, split=split_of(tmp_path, [(333, 301)]), shards={"short_side": 400, "quality": 95})
    size = 300 // times
    box = np.array([[10.5, 0, 10.5 + times * size, times * size]])
    made = ShardedImages(paths).batch(np.array([0]), box, size)[0]
    assert np.abs(made - resampled(decoded(paths)[0], box[0], size)).max() <= 6


def test_what_is_shown_without_augmentation_is_what_the_preparation_shows(images):
    sizes = np.array([[256, 512], [512, 256], [256, 256]])
    assert EVALUATION["resize_then_crop"](sizes).tolist() == [
        [144, 16, 368, 240],
        [16, 144, 240, 368],
        [16, 16, 240, 240],
    ]
    assert EVALUATION["crop_then_resize"](sizes).tolist() == [
        [32, 16, 480, 240],
        [16, 32, 240, 480],
        [16, 16, 240, 240],
    ]
    assert EVALUATION["squeeze"](sizes).tolist() == [[0, 0, 512, 256], [0, 0, 256, 512], [0, 0, 256, 256]]
    chosen = np.arange(7)
    centres = EVALUATION["resize_then_crop"](images.sizes)
    assert np.array_equal(images.batch(chosen, None, 24), images.batch(chosen, centres, 24))


def test_the_same_bytes_for_any_number_of_threads(tmp_path):
    (one, first), (four, second) = make(tmp_path / "1"), make(tmp_path / "4", threads=4)
    assert [open(path, "rb").read() for path in one] == [open(path, "rb").read() for path in four]  # noqa: PTH123, SIM115
    assert first.shards == second.shards and first.pixels == second.pixels
    images, chosen = ShardedImages(one), np.random.default_rng(0).integers(0, 7, 40)
    boxes = np.tile([[1.5, 2, 30.25, 31]], (40, 1))
    batches = [images.batch(chosen, boxes, 24, chosen > 3, threads) for threads in (1, 2, 5)]
    assert all(np.array_equal(one, other) for one, other in pairwise(batches))


def test_colours_and_turns_are_those_of_the_study(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees
    smooth(60, 40, 1).convert("L").save(tmp_path / "x.png", exif=exif)
    for orientation, size in (("as_stored", [40, 60]), ("upright", [60, 40])):
        split = Split(["x"], np.array([0]), iter([("x", tmp_path / "x.png")]))
        paths, written = make(tmp_path / orientation, 1, split=split, orientation=orientation)
        (image,) = decoded(paths)
        assert ShardedImages(paths).sizes.tolist() == [size] and image.shape == (*size, 3)
        assert written.converted["grayscale"] == 1


@pytest.mark.parametrize("kept", [0, 10, -1, -8, -16, -40])
def test_a_shard_that_is_cut_off_is_named(tmp_path, kept):
    paths, _ = make(tmp_path)
    content = open(paths[1], "rb").read()  # noqa: PTH123, SIM115
    open(paths[1], "wb").write(content[:kept])  # noqa: PTH123, SIM115
    with pytest.raises(
        InputError, match=r"0001-of-0003.jpegs is truncated or no shard: delete it, and snakemake makes"
    ):
        ShardedImages(paths)


def changed(path, at):
    """The file with another byte; at: its place, from the front or from the end."""
    with open(path, "r+b") as file:  # noqa: PTH123
        file.seek(at, os.SEEK_SET if at >= 0 else os.SEEK_END)
        byte = file.read(1)[0]
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte ^ 1]))


def test_a_shard_that_was_changed_is_named(tmp_path):
    paths, written = make(tmp_path)
    second = read_index(paths[0])[0]["offset"][1]
    changed(paths[0], int(second) + 100)
    images = ShardedImages(paths, written.shards)
    images.batch(np.array([0, 2, 3]), None, 24)
    for threads in (1, 2):
        with pytest.raises(
            InputError, match=r"0000-of-0003.jpegs, picture éx.png, has other bytes than were written: del"
        ):
            images.batch(np.array([0, 1, 2]), None, 24, threads=threads)
    changed(paths[1], -30)  # in the last id of the index
    with pytest.raises(InputError, match=r"0001-of-0003.jpegs is not the file that its manifest describes: delete it"):
        ShardedImages(paths, written.shards)
    changed(paths[2], -16)  # where the index begins
    with pytest.raises(InputError, match=r"0002-of-0003.jpegs is damaged .*: delete it, and snakemake makes it again"):
        ShardedImages(paths)
    open(paths[2], "wb").write(b"")  # noqa: PTH123, SIM115
    with pytest.raises(InputError, match=r"0002-of-0003.jpegs is truncated or no shard"):
        read_index(paths[2])
    os.unlink(paths[2])  # noqa: PTH108
    with pytest.raises(InputError, match=r"0002-of-0003.jpegs is damaged or cannot be read \(.*No such file"):
        read_index(paths[2])


def test_a_shard_that_shrinks_while_it_is_read_is_an_error_and_no_crash(tmp_path):
    paths, _ = make(tmp_path)
    images = ShardedImages(paths)
    os.truncate(paths[0], 100)
    with pytest.raises(InputError, match=r"picture éxx\.png, has other bytes than were written"):
        images.batch(np.array([2]), None, 24)


@pytest.mark.parametrize(
    "box", [[-1, 0, 32, 32], [0, 0, 51, 32], [10, 10, 10, 20], [0, 0, 32, 40.5], [np.nan, 0, 1, 1]]
)
def test_a_box_beyond_its_picture_is_refused(images, box):
    with pytest.raises(ValueError, match="is not within a picture of 50 x 40 pixels"):
        images.batch(np.array([0]), np.array([box]), 24)


def test_what_cannot_be_decoded_is_named(tmp_path):
    """Bytes that are what was written, and no JPEG file."""
    paths = paths_of(tmp_path, 1)
    with writing_shards(paths) as (shard,):
        shard.put("x", 0, type(stored(smooth(40, 40, 0), 40, 90))(b"no picture", 40, 40))
    with pytest.raises(InputError, match=r"0000-of-0001.jpegs, picture x, cannot be decoded \(.*\): delete it"):
        ShardedImages(paths).batch(np.array([0]), None, 24)


def test_a_full_disk_leaves_nothing(tmp_path, monkeypatch):
    def full(self, content):
        if self.length + len(content) > 2000:
            raise OSError(errno.ENOSPC, "No space left on device")
        self.file.write(content)

    monkeypatch.setattr(Shard, "_write", full)
    with pytest.raises(
        InputError, match=r"jpegs cannot be written \(No space left on device\): make room and run again"
    ):
        make(tmp_path)
    assert list((tmp_path / "train").iterdir()) == []


def test_broken_pictures_stop_all_or_are_left_out(tmp_path, capsys):
    def split():
        split = split_of(tmp_path)
        pictures = list(split.pictures)
        for number in (0, 3, 4):  # the second of three shards has no others
            pictures[number] = (f"picture {number}", BrokenPictureError(f"picture {number} is damaged"))
        return Split(split.example, split.label, iter(pictures))

    with pytest.raises(
        InputError, match="3 of the 7 train pictures cannot be used, all named in the log: picture 0 is"
    ):
        make(tmp_path, split=split())
    assert list((tmp_path / "train").iterdir()) == []
    paths, written = make(tmp_path, split=split(), broken="skip")
    images = ShardedImages(paths, written.shards)
    assert images.ids.tolist() == written.split.example == ["éx.png", "éxx.png", "éxxxxx.png", "éxxxxxx.png"]
    assert images.labels.tolist() == written.split.label.tolist() == [1, 2, 2, 0] and written.broken == 3
    assert len(written.pixels) == 4 and len(read_index(paths[1])[0]) == 0
    assert "train: 3 of 7 pictures are broken and left out" in capsys.readouterr().out


def test_more_shards_than_pictures(tmp_path):
    with pytest.raises(InputError, match=r"`data.imagenet.shards.number` is 8 and there are 7 train pictures: ask for"):
        make(tmp_path, 8)
