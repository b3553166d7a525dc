"""From a source to the study's own files: the same bytes for any number of threads, and sizes that must agree."""

import json
import pickle
import shutil
from types import SimpleNamespace as Names

import numpy as np
import pytest
from PIL import Image
from published import SYNSETS, make_celeba, make_imagenet

from scripts.data import join_annotations, prepare_data
from scripts.lib.annotations.column import load_columns
from scripts.lib.annotations.groups import groupings_of
from scripts.lib.corrupted.subset import choose
from scripts.lib.data.dataset import load_split, pixels_digest
from scripts.lib.data.shards import load_shards
from scripts.lib.jobs.errors import InputError
from scripts.lib.jobs.files import sha256
from scripts.lib.study.subgroups import AND

RANDOM = np.random.default_rng(0)


def folder_of(path, sizes, classes=("cat", "dog")):
    for index, size in enumerate(sizes):
        file = path / classes[index % len(classes)] / f"{index}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(RANDOM.integers(0, 255, (*size, 3), dtype=np.uint8)).save(file)
    return str(path)


def prepare(folder, options, splits=("test",), threads=1, source="image_folder", shards=()):
    folder.mkdir(exist_ok=True)
    images = [str(folder / f"{split}.npy") for split in splits]
    output = Names(images=images, examples=str(folder / "examples.parquet"), manifest=str(folder / "manifest.json"))
    output.shards = [str(folder / "train" / name) for name in shards]
    defaults = {"name": "pets", "preparation": "as_is", "size": None}
    if source == "image_folder":
        defaults |= {"train": None, "orientation": "as_stored"}
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


def test_small_idx_images_are_padded(tmp_path):
    grey = RANDOM.integers(0, 256, (4, 28, 28), dtype=np.uint8)
    (tmp_path / "x").write_bytes(b"\0\0\x08\x03" + b"".join(n.to_bytes(4, "big") for n in grey.shape) + grey.tobytes())
    (tmp_path / "y").write_bytes(b"\0\0\x08\x01\0\0\0\x04\0\x01\x01\0")
    options = {"test_images": str(tmp_path / "x"), "test_labels": str(tmp_path / "y"), "preparation": "pad", "size": 32}
    none = dict.fromkeys(("train_images", "train_labels", "classes"))
    made = prepare(tmp_path / "out", none | options, source="idx")
    images, examples, manifest = load_split(made.images[0], made.examples, made.manifest, "test")
    assert np.array_equal(images[:, 2:30, 2:30], np.stack([grey] * 3, axis=3)) and not images[:, :2].any()
    assert examples.example.tolist() == ["0", "1", "2", "3"] and manifest["converted"] == {"test": {"grayscale": 4}}
    assert manifest["options"] == {"name": "pets", "preparation": "pad", "size": 32}


def test_cifar_from_its_files_to_the_manifest(tmp_path):
    rows = RANDOM.integers(0, 256, (4, 3072), dtype=np.uint8)
    for file in ("train", "test"):
        content = {"data": rows, "fine_labels": [0, 1, 2, 3], "coarse_labels": [0, 0, 1, 1]}
        (tmp_path / file).write_bytes(pickle.dumps(content, protocol=2))
    names = {"fine_label_names": list("abcd"), "coarse_label_names": ["x", "y"]}
    (tmp_path / "meta").write_bytes(pickle.dumps(names, protocol=2))
    options = {"name": "cifar100", "path": str(tmp_path), "labels": "coarse", "verify": "none"}
    made = prepare(tmp_path / "out", options, splits=("train", "test"), source="cifar")
    images, examples, manifest = load_split(made.images[1], made.examples, made.manifest, "test")
    assert images.shape == (4, 32, 32, 3) and np.array_equal(images[0, 0, 0], rows[0, [0, 1024, 2048]])
    assert examples.class_frequency.tolist() == [2, 2, 2, 2] and manifest["classes"] == ["x", "y"]
    assert manifest["test_images_in_training"] == {"images": 4, "under_another_label": 0}
    assert "path" not in manifest["options"] and manifest["options"]["labels"] == "coarse"


def test_attributes_of_celeba_are_subgroups_of_the_test_images(tmp_path):
    options = {"path": str(make_celeba(tmp_path / "celeba")), "label": "Blond_Hair", "verify": "none"}
    options |= {"preparation": "resize_then_crop", "size": 32, "orientation": "as_stored"}
    made = prepare(tmp_path / "out", options, splits=("train", "test"), source="celeba")
    images, examples, manifest = load_split(made.images[1], made.examples, made.manifest, "test")
    assert images.shape == (6, 32, 32, 3) and examples.example[0] == "000011.jpg" and examples.label[0] == 1
    assert manifest["classes"] == ["not Blond_Hair", "Blond_Hair"] and manifest["options"]["label"] == "Blond_Hair"
    assert manifest["read"]["test"]["validation_left_out"] == 2 and "path" not in manifest["options"]
    params = Names(
        joins=[], subgroups=["Male", "Young", ["Male", "Young"]], positive_class="Blond_Hair", known_later=[]
    )
    annotations = str(tmp_path / "annotations.parquet")
    join_annotations.main(Names(examples=made.examples, data=made.manifest), Names(annotations=annotations), params)
    columns = load_columns([annotations], examples.example)
    # The pictures 11 to 16: Male is whether the third of their number, rounded down, is odd, Young the same of the fourth.
    assert columns["Male"].values.tolist() == [1, 0, 0, 0, 1, 1] and columns["Young"].values.tolist() == [
        0,
        1,
        1,
        1,
        1,
        0,
    ]
    both = groupings_of(columns, params.subgroups)[2]
    assert both.members(AND.join(["Male", "not Young"])).tolist() == [True, False, False, False, False, True]


IMAGENET = {"synsets": None, "classes": None, "verify": "none", "orientation": "as_stored", "broken": "stop"}
IMAGENET |= {"preparation": "resize_then_crop", "size": 32, "train_as": "shards"}
IMAGENET |= {"shards": {"number": 2, "short_side": 40, "quality": 90}}
SHARDS = ("0000-of-0002.jpegs", "0001-of-0002.jpegs")


def imagenet_options(folder, **more):
    return {"train": str(folder / "train"), "test": str(folder / "val"), "test_labels": None} | IMAGENET | more


def test_training_pictures_of_imagenet_stay_pictures(tmp_path, capsys):
    data = make_imagenet(tmp_path / "data", in_folders=True)
    twin = data / "train" / SYNSETS[2] / "twin.JPEG"
    shutil.copy(next((data / "val" / SYNSETS[0]).iterdir()), twin)  # under another label
    options = imagenet_options(data)
    made = [
        prepare(tmp_path / f"{threads}", options, threads=threads, source="imagenet", shards=SHARDS)
        for threads in (1, 3)
    ]
    files = [(*m.images, *m.shards, m.examples, m.manifest) for m in made]
    one, three = ([open(path, "rb").read() for path in paths] for paths in files)  # noqa: PTH123, SIM115
    assert one == three
    images, examples, manifest = load_shards(made[0].shards, made[0].examples, made[0].manifest)
    assert len(images) == 13 and "13 training pictures in 2 shards, decoded by Pillow" in capsys.readouterr().out
    assert examples.example[-1] == "twin.JPEG" and examples.label.tolist() == [0] * 4 + [1] * 4 + [2] * 5
    assert manifest["image_size"] == [32, 32] and manifest["examples"] == {"train": 13, "test": 12}
    assert manifest["test_images_in_training"] == {"images": 1, "under_another_label": 1}
    for path in made[0].shards:
        assert manifest["shards"][path.rpartition("/")[2]]["sha256"] == sha256(path)
    test, tested, _ = load_split(made[0].images[0], made[0].examples, made[0].manifest, "test")
    assert len(test) == 12 and tested.class_frequency.tolist() == [4] * 4 + [4] * 4 + [5] * 4


def test_shards_and_examples_that_do_not_belong_together(tmp_path):
    data = make_imagenet(tmp_path / "data", in_folders=True)
    made = prepare(tmp_path / "x", imagenet_options(data), source="imagenet", shards=SHARDS)
    with pytest.raises(
        InputError, match=r"examples.parquet describes other pictures than .*train holds: make both anew"
    ):
        load_shards(made.shards[:1], made.examples, made.manifest)
    with pytest.raises(InputError, match=r"0000-of-0002.jpegs is not the file that its manifest describes"):
        other = prepare(tmp_path / "y", imagenet_options(data, size=40), source="imagenet", shards=SHARDS)
        shutil.copy(made.shards[1], other.shards[0])
        load_shards(other.shards, other.examples, other.manifest)


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


def broken_folder(path):
    """Eight pictures of two classes: one is truncated, one empty, one a page; the dog 3.png is fine."""
    data = folder_of(path, [(40, 40)] * 8)
    (path / "cat" / "0.png").write_bytes((path / "cat" / "0.png").read_bytes()[:200])
    (path / "cat" / "4.png").write_bytes(b"")
    (path / "dog" / "1.png").write_bytes(b"<!doctype html><html></html>")
    (path / "dog" / "7.png").write_bytes(b"version https://git-lfs.github.com/spec/v1\n")
    return data


@pytest.mark.parametrize("threads", [1, 3])
def test_all_broken_pictures_are_listed_at_once(tmp_path, capsys, threads):
    data = broken_folder(tmp_path / "data")
    with pytest.raises(InputError) as error:
        prepare(tmp_path / "out", {"test": data}, threads=threads)
    sentence = str(error.value)
    assert sentence.startswith("4 of the 8 test pictures cannot be used, all named in the log: ")
    assert "cat/0.png is damaged or cannot be read (" in sentence and "cat/4.png is no picture that can" in sentence
    assert "dog/7.png" not in sentence and sentence.endswith("; …: replace them, or write `broken: skip` in the study's `data` section, which leaves such pictures out and counts them.")  # fmt: skip
    log = [line for line in capsys.readouterr().out.splitlines() if line.startswith("broken: ")]
    names = ["cat/0.png", "cat/4.png", "dog/1.png", "dog/7.png"]
    assert [line.split(" is ")[0].removeprefix(f"broken: {data}/") for line in log] == names
    assert log[1].endswith("but an empty file") and log[2].endswith("but an HTML page") and "Git LFS pointer" in log[3]
    assert list((tmp_path / "out").iterdir()) == []


def test_broken_pictures_are_left_out_where_the_study_says_so(tmp_path, capsys):
    test, train = broken_folder(tmp_path / "test"), folder_of(tmp_path / "train", [(40, 40)] * 4)
    (tmp_path / "train" / "cat" / "0.png").write_bytes(b"")
    options = {"test": test, "train": train, "broken": "skip"}
    made = prepare(tmp_path / "out", options, splits=("train", "test"), threads=2)
    images, examples, manifest = load_split(made.images[1], made.examples, made.manifest, "test")
    assert list(examples.example) == ["cat/2.png", "cat/6.png", "dog/3.png", "dog/5.png"]
    assert examples.label.tolist() == [0, 0, 1, 1] and examples.class_frequency.tolist() == [1, 1, 2, 2]
    for image, name, digest in zip(images, examples.example, examples.pixels, strict=True):
        assert np.array_equal(image, np.asarray(Image.open(tmp_path / "test" / name))) and digest == pixels_digest(
            image
        )
    assert manifest["broken"] == {"train": 1, "test": 4} and manifest["examples"] == {"train": 3, "test": 4}
    assert manifest["examples_of_each_class"] == {"train": [1, 2], "test": [2, 2]}
    assert "test: 4 of 8 pictures are broken and left out" in capsys.readouterr().out


def test_a_class_whose_pictures_are_all_broken_has_none(tmp_path, capsys):
    data = folder_of(tmp_path / "data", [(32, 32)] * 6, ("ant", "bee", "cow"))
    for name in ("2.png", "5.png"):
        (tmp_path / "data" / "cow" / name).write_bytes(b"")
    made = prepare(tmp_path / "out", {"test": data, "broken": "skip"})
    manifest = json.loads(open(made.manifest).read())  # noqa: PTH123, SIM115
    assert manifest["classes"] == ["ant", "bee", "cow"] and manifest["examples_of_each_class"] == {"test": [2, 2, 0]}
    assert "warning: class cow has no images in" in capsys.readouterr().out


def test_a_class_that_only_training_has_goes_on_and_one_that_only_the_test_has_stops(tmp_path, capsys):
    train = folder_of(tmp_path / "train", [(32, 32)] * 3, ("ant", "bee", "cow"))
    test = folder_of(tmp_path / "test", [(32, 32)] * 2, ("ant", "bee"))
    options = {"train": train, "test": test}
    made = prepare(tmp_path / "out", options, splits=("train", "test"))
    manifest = json.loads(open(made.manifest).read())  # noqa: PTH123, SIM115
    assert manifest["classes"] == ["ant", "bee", "cow"]
    assert manifest["examples_of_each_class"] == {"train": [1, 1, 1], "test": [1, 1, 0]}
    assert f"warning: class cow has no images in {test}" in capsys.readouterr().out
    folder_of(tmp_path / "test", [(32, 32)], ("dodo",))
    with pytest.raises(InputError, match=f"class dodo has images in {test} .* and none in {train} "):
        prepare(tmp_path / "out", options, splits=("train", "test"))


def test_one_or_only_broken_pictures(tmp_path):
    data = folder_of(tmp_path / "data", [(32, 32)] * 2)
    (tmp_path / "data" / "cat" / "0.png").write_bytes(b"")
    with pytest.raises(
        InputError,
        match=r"0.png is no .* an empty file: remove it, or put the right file there, or write `broken: skip`",
    ):
        prepare(tmp_path / "out", {"test": data})
    (tmp_path / "data" / "dog" / "1.png").write_bytes(b"")
    for policy in ("stop", "skip"):
        with pytest.raises(InputError, match=r"^none of the 2 test pictures can be used: .*: replace them\.$"):
            prepare(tmp_path / "out", {"test": data, "broken": policy})


def test_a_listed_picture_that_is_not_in_the_folder_is_broken(tmp_path):
    folder_of(tmp_path / "data", [(32, 32)] * 2, ("flat",))
    Image.new("RGB", (32, 32)).save(tmp_path / "elsewhere.png")
    (tmp_path / "y.csv").write_text(f"0.png,cat\n1.png,dog\n../elsewhere.png,dog\n{tmp_path}/elsewhere.png,dog\n")
    options = {"test": str(tmp_path / "data" / "flat"), "test_labels": str(tmp_path / "y.csv")}
    with pytest.raises(
        InputError, match=r"2 of the 4 test .*: ../elsewhere.png, which .*y.csv names, is not in .*flat; "
    ):
        prepare(tmp_path / "out", options)
    made = prepare(tmp_path / "out", options | {"broken": "skip"})
    images, examples, manifest = load_split(made.images[0], made.examples, made.manifest, "test")
    assert list(examples.example) == ["0.png", "1.png"] and len(images) == 2 and manifest["broken"] == {"test": 2}


def test_conversions_are_counted(tmp_path, capsys):
    data = folder_of(tmp_path / "data", [(32, 32)] * 4)
    for index in (0, 1):
        Image.fromarray(RANDOM.integers(0, 255, (32, 32), dtype=np.uint8)).save(
            tmp_path / "data" / ("cat", "dog")[index] / f"{index}.png"
        )
    made = prepare(tmp_path / "out", {"test": data})
    assert json.loads(open(made.manifest).read())["converted"] == {"test": {"grayscale": 2}}  # noqa: PTH123, SIM115
    assert "test: 2 pictures converted: grayscale" in capsys.readouterr().out


def arrays_of(folder, **arrays):
    """Options that name arrays, saved in a folder."""
    folder.mkdir(exist_ok=True)
    options = dict.fromkeys(("train_images", "train_labels", "classes"))
    for key, array in arrays.items():
        options[key] = str(folder / f"{key}.npy")
        np.save(options[key], array)
    return options


IMAGES = RANDOM.integers(2, 255, (6, 28, 28), dtype=np.uint8)
LABELS = np.array([0, 1, 2, 0, 1, 2])


def test_arrays_of_two_sizes_become_one_by_padding_or_resizing(tmp_path):
    options = arrays_of(
        tmp_path, train_images=IMAGES, train_labels=LABELS, test_images=IMAGES[:3, :20], test_labels=LABELS[:3]
    )
    with pytest.raises(
        InputError, match=r"has 28 x 20 pixels and .* 28 x 28: set `preparation` and `size` .* \(`pad` adds zeros"
    ):
        prepare(tmp_path / "as_is", options, ("train", "test"), source="arrays")
    padded = prepare(tmp_path / "pad", options | {"preparation": "pad", "size": 32}, ("train", "test"), source="arrays")
    train, test = (np.load(path) for path in padded.images)
    assert np.array_equal(train[:, 2:30, 2:30], np.stack([IMAGES] * 3, axis=3)) and train.shape == (6, 32, 32, 3)
    assert np.array_equal(test[:, 6:26, 2:30, 1], IMAGES[:3, :20]) and not test[:, :6].any() and not test[:, 26:].any()
    resized = prepare(
        tmp_path / "resized", options | {"preparation": "squeeze", "size": 40}, ("train", "test"), source="arrays"
    )
    by_pillow = Image.fromarray(IMAGES[5]).convert("RGB").resize((40, 40), Image.Resampling.BILINEAR)
    assert np.array_equal(np.load(resized.images[0])[5], np.asarray(by_pillow))
    with pytest.raises(
        InputError, match=r"image 0 of .*train_images.npy cannot be prepared: it has 28 x 28 pixels and `pad`"
    ):
        prepare(tmp_path / "small", options | {"preparation": "pad", "size": 27}, ("train", "test"), source="arrays")


def test_float_arrays_are_counted_as_converted(tmp_path):
    options = arrays_of(tmp_path, test_images=np.float32(IMAGES / 255), test_labels=LABELS)
    made = prepare(tmp_path / "out", options, source="arrays")
    assert np.array_equal(np.load(made.images[0]), np.stack([IMAGES] * 3, axis=3))
    manifest = json.loads(open(made.manifest).read())  # noqa: PTH123, SIM115
    assert manifest["converted"] == {"test": {"float32 from 0 to 1, times 255 and rounded": 6, "grayscale": 6}}


def test_test_images_that_were_trained_on_and_images_of_one_colour_are_said(tmp_path, capsys):
    test = IMAGES.copy()
    test[1] = 7
    test[2:] = RANDOM.integers(2, 255, test[2:].shape)
    test[5] = IMAGES[0]
    options = arrays_of(tmp_path, train_images=IMAGES, train_labels=LABELS, test_images=test, test_labels=LABELS)
    made = prepare(tmp_path / "out", options, ("train", "test"), source="arrays")
    said = capsys.readouterr().out
    assert "warning: 2 test images have the pixels of a training image, 1 of them under another label, as '0'" in said
    assert "warning: test: 1 of 6 images are of one colour throughout, as image 1 of " in said
    manifest = json.loads(open(made.manifest).read())  # noqa: PTH123, SIM115
    assert manifest["test_images_in_training"] == {"images": 2, "under_another_label": 1}


def test_a_class_without_test_images_goes_on_and_one_without_training_images_stops(tmp_path, capsys):
    options = arrays_of(
        tmp_path, train_images=IMAGES, train_labels=LABELS, test_images=IMAGES[:4] + 1, test_labels=[0, 2, 0, 2]
    )
    made = prepare(tmp_path / "out", options, ("train", "test"), source="arrays")
    assert "warning: class 1 has no images in " in capsys.readouterr().out
    manifest = json.loads(open(made.manifest).read())  # noqa: PTH123, SIM115
    assert manifest["examples_of_each_class"] == {"train": [2, 2, 2], "test": [2, 0, 2]}
    _, examples, _ = load_split(made.images[1], made.examples, made.manifest, "test")
    assert choose(examples, "sampled", 1, None).shape == choose(examples, "first", 1, None).shape == (2,)
    swapped = {
        f"{split}_{kind}": options[f"{other}_{kind}"]
        for split, other in (("train", "test"), ("test", "train"))
        for kind in ("images", "labels")
    }
    with pytest.raises(
        InputError, match=r"class 1 has images in .*train_labels.npy \(the test split\) and none in .*test_labels"
    ):
        prepare(tmp_path / "swapped", options | swapped, ("train", "test"), source="arrays")
    assert list((tmp_path / "swapped").iterdir()) == []  # before any image is read
