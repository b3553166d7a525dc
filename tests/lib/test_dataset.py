"""Data sets on disk: damaged, mismatched and reordered files are refused by name."""

import numpy as np
import pytest

from scripts.lib.dataset import Examples, load_images, load_split, save_examples, save_images, save_manifest
from scripts.lib.errors import InputError
from scripts.lib.files import sha256
from scripts.lib.variants import corrupted_subset, ids_digest, load_corrupted

IMAGES = np.random.default_rng(0).integers(0, 255, (6, 8, 8, 3), dtype=np.uint8)


def examples(labels=(0, 0, 1, 1, 0, 1), ids=None):
    n = len(labels)
    ids = np.array([f"test/{i}" for i in range(n)]) if ids is None else np.array(ids)
    return Examples(ids, np.array(labels), np.array(["typical"] * n), np.array(labels), np.full(n, 3))


@pytest.fixture
def saved(tmp_path):
    paths = [str(tmp_path / name) for name in ("test.npy", "examples.parquet", "manifest.json")]
    table = examples()
    save_images(paths[0], IMAGES)
    columns = {"example": table.example, "split": np.array(["test"] * 6), "label": table.label, "shown": table.label}
    save_examples(paths[1], columns | {"kind": table.kind, "class_frequency": table.class_frequency})
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
    save_examples(saved[1], columns)
    with pytest.raises(InputError, match=r"examples.parquet is not the file that its manifest describes"):
        load_split(*saved, "test")


def test_a_split_that_is_not_there(saved):
    save_manifest(saved[2], {"sha256": {"train": sha256(saved[0]), "examples": sha256(saved[1])}})
    with pytest.raises(InputError, match="no example of the split `train`"):
        load_split(*saved, "train")


def test_a_sample_of_each_class_that_does_not_depend_on_the_order():
    table = examples(labels=np.arange(200) % 2)
    chosen = table.take(corrupted_subset(table, 10))
    assert np.bincount(chosen.label).tolist() == [10, 10]
    shuffled = table.take(np.random.default_rng(0).permutation(200))
    again = shuffled.take(corrupted_subset(shuffled, 10))
    assert set(again.example) == set(chosen.example) and list(again.example) != list(chosen.example)
    positions = [int(name.split("/")[1]) for name in chosen.example]
    assert min(positions) < 60 and max(positions) > 140  # not the first ones


def test_a_class_that_is_too_small_for_the_sample():
    with pytest.raises(InputError, match=r"examples_per_class` is 4 and class 0 has 3 test images: lower it"):
        corrupted_subset(examples(), 4)


def test_corrupted_images_belong_to_their_examples(tmp_path):
    table = examples()
    chosen = table.take(corrupted_subset(table, 1))
    stacked = np.concatenate([IMAGES[:2], IMAGES[2:4]])
    paths = [str(tmp_path / name) for name in ("fog.npy", "fog.json")]
    save_images(paths[0], stacked)
    manifest = {
        "corruption": "fog",
        "severities": [1, 3],
        "examples_per_class": 1,
        "examples_sha256": ids_digest(chosen),
    }
    save_manifest(paths[1], manifest | {"images_sha256": sha256(paths[0])})
    variants, found = load_corrupted(*paths, table)
    assert found.example.tolist() == chosen.example.tolist() and found.label.tolist() == [0, 1]
    assert np.array_equal(variants["fog", 3], IMAGES[2:4])
    reordered = table.take(np.arange(6)[::-1])
    with pytest.raises(InputError, match="made from other examples, or in another order"):
        load_corrupted(*paths, reordered)
