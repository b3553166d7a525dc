"""Data sets on disk: damaged, mismatched and reordered files are refused by name."""

import numpy as np
import pytest

from scripts.lib.data.dataset import (
    Examples,
    load_images,
    load_split,
    pixels_digest,
    save_examples,
    save_manifest,
    writing_images,
)
from scripts.lib.jobs.errors import InputError
from scripts.lib.jobs.files import sha256

IMAGES = np.random.default_rng(0).integers(0, 255, (6, 8, 8, 3), dtype=np.uint8)


def examples(labels=(0, 0, 1, 1, 0, 1), ids=None):
    n = len(labels)
    ids = np.array([f"test/{i}" for i in range(n)]) if ids is None else np.array(ids)
    digests = np.array([pixels_digest(image) for image in IMAGES[:n]])
    return Examples(ids, np.array(labels), np.array(["typical"] * n), np.array(labels), np.full(n, 3), digests)


@pytest.fixture
def saved(tmp_path):
    paths = [str(tmp_path / name) for name in ("test.npy", "examples.parquet", "manifest.json")]
    table = examples()
    np.save(paths[0], IMAGES)
    columns = {"example": table.example, "split": np.array(["test"] * 6), "label": table.label, "shown": table.label}
    save_examples(
        paths[1], columns | {"kind": table.kind, "class_frequency": table.class_frequency, "pixels": table.pixels}
    )
    save_manifest(paths[2], {"sha256": {"test": sha256(paths[0]), "examples": sha256(paths[1])}})
    return paths


def test_what_is_read_is_what_was_written(saved):
    images, table, _ = load_split(*saved, "test")
    assert np.array_equal(images, IMAGES) and table.label.tolist() == [0, 0, 1, 1, 0, 1]


def test_a_truncated_or_exchanged_file_is_named(saved, tmp_path):
    whole = (tmp_path / "test.npy").read_bytes()
    for content in (whole[:-50], whole[:-1] + b"x"):
        (tmp_path / "test.npy").write_bytes(content)
        with pytest.raises(InputError, match=r"test.npy is not the file that its manifest describes: delete it"):
            load_split(*saved, "test")
    with pytest.raises(InputError, match=r"short.npy cannot be read"):
        (tmp_path / "short.npy").write_bytes(whole[:-50])
        load_images(tmp_path / "short.npy")
    (tmp_path / "manifest.json").write_text("{")
    with pytest.raises(InputError, match=r"manifest.json cannot be read"):
        load_split(*saved, "test")


def test_an_exchanged_example_table_is_named(saved):
    relabelled = examples(labels=(1, 1, 0, 0, 1, 0))
    columns = {"example": relabelled.example, "split": np.array(["test"] * 6), "label": relabelled.label}
    columns |= {"shown": relabelled.shown, "kind": relabelled.kind, "class_frequency": relabelled.class_frequency}
    columns |= {"pixels": relabelled.pixels}
    save_examples(saved[1], columns)
    with pytest.raises(InputError, match=r"examples.parquet is not the file that its manifest describes"):
        load_split(*saved, "test")


def test_a_split_that_is_not_there(saved):
    save_manifest(saved[2], {"sha256": {"train": sha256(saved[0]), "examples": sha256(saved[1])}})
    with pytest.raises(InputError, match="no example of the split `train`"):
        load_split(*saved, "train")


def test_images_that_are_mapped_are_the_same(saved, tmp_path):
    images, table, _ = load_split(*saved, "test", mapped=True)
    assert isinstance(images, np.memmap) and np.array_equal(images, IMAGES)
    assert [pixels_digest(image) for image in images] == list(table.pixels)
    (tmp_path / "test.npy").write_bytes((tmp_path / "test.npy").read_bytes()[:-50])
    with pytest.raises(InputError, match=r"test.npy cannot be read"):
        load_split(*saved, "test", mapped=True)


def test_images_written_in_any_order_are_the_file_that_numpy_writes(tmp_path):
    with writing_images(tmp_path / "x.npy", IMAGES.shape) as put:
        put(4, IMAGES[4:])
        put(0, IMAGES[:4][::-1][::-1])
    np.save(tmp_path / "y.npy", IMAGES)
    assert (tmp_path / "x.npy").read_bytes() == (tmp_path / "y.npy").read_bytes()
    with pytest.raises(ValueError, match="of 1152 bytes"), writing_images(tmp_path / "z.npy", IMAGES.shape) as put:
        put(0, IMAGES[:4])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x.npy", "y.npy"]


def test_fewer_images_than_there_was_room_for(tmp_path):
    # The numbers of images are of different length in the header.
    with writing_images(tmp_path / "x.npy", (1000, *IMAGES.shape[1:]), at_most=True) as put:
        put(0, IMAGES)
    assert np.array_equal(load_images(tmp_path / "x.npy"), IMAGES)
    np.save(tmp_path / "y.npy", IMAGES)
    assert (tmp_path / "x.npy").read_bytes() == (tmp_path / "y.npy").read_bytes()
