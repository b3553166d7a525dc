"""From a source to the study's own files: the same bytes for any number of threads, and sizes that must agree."""

import json
from types import SimpleNamespace as Names

import numpy as np
import pytest
from PIL import Image

from scripts import prepare_data
from scripts.lib.dataset import load_split, pixels_digest
from scripts.lib.errors import InputError

RANDOM = np.random.default_rng(0)


def folder_of(path, sizes, classes=("cat", "dog")):
    for index, size in enumerate(sizes):
        file = path / classes[index % len(classes)] / f"{index}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(RANDOM.integers(0, 255, (*size, 3), dtype=np.uint8)).save(file)
    return str(path)


def prepare(folder, options, splits=("test",), threads=1, source="image_folder"):
    folder.mkdir(exist_ok=True)
    images = [str(folder / f"{split}.npy") for split in splits]
    output = Names(images=images, examples=str(folder / "examples.parquet"), manifest=str(folder / "manifest.json"))
    defaults = {"name": "pets", "train": None, "preparation": "as_is", "size": None, "orientation": "as_stored"}
    params = Names(source=source, name="pets", options=defaults | options, splits=list(splits))
    prepare_data.main(output, params, threads)
    return output


def test_equal_files_for_any_number_of_threads(tmp_path):
    data = folder_of(tmp_path / "data", [(50 + i, 90 - i) for i in range(40)])
    options = {"test": data, "preparation": "resize_then_crop", "size": 32}
    made = [prepare(tmp_path / f"{threads}", options, threads=threads) for threads in (1, 4)]
    one, four = ([open(path, "rb").read() for path in (*m.images, m.examples, m.manifest)] for m in made)  # noqa: PTH123, SIM115
    assert one == four
    images, examples, manifest = load_split(made[0].images[0], made[0].examples, made[0].manifest, "test")
    assert images.shape == (40, 32, 32, 3) and examples.label.tolist() == [0] * 20 + [1] * 20
    assert [pixels_digest(image) for image in images] == list(examples.pixels)
    assert np.isnan(examples.class_frequency).all()  # no training images to count
    assert manifest["name"] == "pets" and manifest["classes"] == ["cat", "dog"] and manifest["image_size"] == [32, 32]


def test_training_images_are_counted(tmp_path):
    test = folder_of(tmp_path / "test", [(32, 32)] * 4)
    train = folder_of(tmp_path / "train", [(32, 32)] * 5)
    made = prepare(tmp_path / "out", {"test": test, "train": train}, splits=("train", "test"))
    images, examples, _ = load_split(made.images[1], made.examples, made.manifest, "test")
    assert len(images) == 4 and examples.class_frequency.tolist() == [3, 3, 2, 2]


def test_images_of_two_sizes_are_named(tmp_path):
    data = folder_of(tmp_path / "data", [(32, 40), (32, 40), (33, 40)])
    with pytest.raises(InputError) as error:
        prepare(tmp_path / "out", {"test": data}, threads=2)
    assert "cat/2.png has 40 x 33 pixels and " in str(error.value) and "cat/0.png 40 x 32: set `preparation`" in str(
        error.value
    )
    assert list((tmp_path / "out").iterdir()) == []  # nothing half-written


def test_splits_of_two_sizes_are_refused(tmp_path):
    options = {"test": folder_of(tmp_path / "a", [(32, 32)] * 2), "train": folder_of(tmp_path / "b", [(40, 40)] * 2)}
    with pytest.raises(InputError, match=r"a/cat/0.png has 32 x 32 pixels and .*b/cat/0.png 40 x 40"):
        prepare(tmp_path / "out", options, splits=("train", "test"))


def test_a_damaged_picture_stops_everything(tmp_path):
    data = folder_of(tmp_path / "data", [(32, 32)] * 60)
    path = tmp_path / "data" / "dog" / "31.png"
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(InputError, match=r"data/dog/31.png is damaged or cannot be read"):
        prepare(tmp_path / "out", {"test": data}, threads=4)
    assert list((tmp_path / "out").iterdir()) == []


def test_conversions_are_counted(tmp_path, capsys):
    data = folder_of(tmp_path / "data", [(32, 32)] * 4)
    for index in (0, 1):
        Image.fromarray(RANDOM.integers(0, 255, (32, 32), dtype=np.uint8)).save(
            tmp_path / "data" / ("cat", "dog")[index] / f"{index}.png"
        )
    made = prepare(tmp_path / "out", {"test": data})
    assert json.loads(open(made.manifest).read())["converted"] == {"test": {"grayscale": 2}}  # noqa: PTH123, SIM115
    assert "test: 2 pictures converted: grayscale" in capsys.readouterr().out
