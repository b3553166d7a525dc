"""ImageNet as it is unpacked: the same examples and labels in each of its layouts, and one sentence for each file that does not fit."""

import numpy as np
import pytest
from published import SYNSETS, make_imagenet, picture
from scipy.io import savemat

from scripts.lib.data.imagenet import read_imagenet, read_synsets
from scripts.lib.jobs.errors import InputError
from scripts.lib.study.sources import check_files, tracked_files

IN_ORDER = ["n01440764", "n02119789", "n03000134"]  # SYNSETS by the alphabet
# The validation pictures 1, 2, 3, 4 … are of ILSVRC's classes 1, 2, 3, 1 …
LABELS = [1, 0, 2, 1, 0, 2]
IDS = [f"ILSVRC2012_val_{number:08d}.JPEG" for number in range(1, 7)]
TRUTH = "ILSVRC2012_validation_ground_truth.txt"


@pytest.fixture
def folder(tmp_path):
    return make_imagenet(tmp_path / "imagenet", each=2)


def options(folder, labels=TRUTH, synsets="synsets.txt", **more):
    named = {"test_labels": labels, "synsets": synsets, "classes": None}
    paths = {key: None if name is None else str(folder / name) for key, name in named.items()}
    return {"name": "x", "train": str(folder / "train"), "test": str(folder / "val"), "verify": "none"} | paths | more


def examples(split):
    return dict(zip(split.example, split.label.tolist(), strict=True))


def save_meta(path, rows):
    """meta.mat as published: an array [S, 1] of structures, with synsets that are no classes behind the classes."""
    names = ("ILSVRC2012_ID", "WNID", "words", "num_children")
    array = np.array(rows, dtype=[(name, object) for name in names])
    savemat(path, {"synsets": array.reshape(-1, 1)})


def test_labels_are_positions_of_the_sorted_wordnet_ids(folder):
    splits, classes = read_imagenet(options(folder))
    assert classes == IN_ORDER and examples(splits["test"]) == dict(zip(IDS, LABELS, strict=True))
    assert examples(splits["train"]) == {f"{name}_{n}.JPEG": IN_ORDER.index(name) for name in SYNSETS for n in range(2)}
    assert [file for _, file in splits["test"].pictures] == [folder / "val" / name for name in IDS]
    assert splits["train"].read["class_folders"] == IN_ORDER


def test_every_layout_has_the_same_examples(folder, tmp_path):
    wanted = dict(zip(IDS, LABELS, strict=True))
    names = [name.removesuffix(".JPEG") for name in IDS]
    solution = [f"{name},{IN_ORDER[label]} 1 2 30 40" for name, label in zip(names, LABELS, strict=True)]
    (folder / "LOC_val_solution.csv").write_text("\n".join(["ImageId,PredictionString", *reversed(solution)]))
    (folder / "val.txt").write_text("\n".join(f"{name} {label}" for name, label in wanted.items()))
    save_meta(
        folder / "meta.mat",
        [
            (2, SYNSETS[1], "tench, Tinca", 0),
            (1, SYNSETS[0], "kit fox", 0),
            (4, "n00001740", "entity", 3),
            (3, SYNSETS[2], "x", 0),
        ],
    )
    (folder / "numbered.txt").write_text("".join(f"{name} {number} x\n" for number, name in enumerate(SYNSETS, 1)))
    for labels, synsets in (
        ("LOC_val_solution.csv", None),
        ("val.txt", None),
        (TRUTH, "meta.mat"),
        (TRUTH, "numbered.txt"),
    ):
        assert examples(read_imagenet(options(folder, labels, synsets))[0]["test"]) == wanted, labels
    in_folders = make_imagenet(tmp_path / "other", each=2, in_folders=True)
    assert examples(read_imagenet(options(in_folders, None, None))[0]["test"]) == wanted
    assert examples(read_imagenet(options(in_folders))[0]["test"]) == wanted  # the ground truth says the same


def test_names_of_classes_do_not_change_their_order(folder):
    lines = ["n02119789 kit fox, Vulpes", "n01440764 tench", "n03000134 fence", "n09999999 no such folder"]
    (folder / "names.txt").write_text("\n".join(lines))
    splits, classes = read_imagenet(options(folder, classes=str(folder / "names.txt")))
    assert classes == ["tench", "kit fox, Vulpes", "fence"] and splits["test"].label.tolist() == LABELS


def test_without_training_pictures(folder):
    splits, classes = read_imagenet(options(folder, train=None))
    assert list(splits) == ["test"] and classes == IN_ORDER


def test_a_whole_imagenet_has_published_counts(folder, monkeypatch):
    published = options(folder, verify="published")
    with pytest.raises(
        InputError, match=r"there are 3 classes, and ImageNet has 1,000: add .* or write `verify: none`"
    ):
        read_imagenet(published)
    monkeypatch.setattr("scripts.lib.data.imagenet.CLASSES", 3)
    with pytest.raises(InputError, match=r"train has 6 pictures, and ImageNet has 1,281,167 in the train split"):
        read_imagenet(published)
    monkeypatch.setattr("scripts.lib.data.imagenet.PICTURES", {"train": 6, "test": 7})
    with pytest.raises(InputError, match=r"ground_truth.txt has 6 pictures, and ImageNet has 7 in the test split"):
        read_imagenet(published)
    monkeypatch.setattr("scripts.lib.data.imagenet.PICTURES", {"train": 6, "test": 6})
    assert len(read_imagenet(published)[1]) == 3
    (folder / "synsets.txt").write_text("\n".join(IN_ORDER))
    with pytest.raises(
        InputError, match=r"in the order of the alphabet, and ILSVRC numbers them otherwise: give meta.mat"
    ):
        read_imagenet(published)


@pytest.mark.parametrize(
    ("truth", "synsets", "sentence"),
    [
        (
            "1\n2\n3\n1\n2\n4\n",
            None,
            "has the label 4 in line 6, and .*synsets.txt names 3 classes, which count from 1",
        ),
        ("1\n0\n3\n1\n2\n3\n", None, "has the label 0 in line 2, and .*synsets.txt names 3 classes"),
        (None, "n01440764\ncat\n", "synsets.txt has 'cat', which is no WordNet id or not the only one: give meta.mat"),
        (None, "n01440764\nn01440764\n", "synsets.txt has 'n01440764', which is no WordNet id or not the only one"),
        (None, "", "synsets.txt has nothing in it: give meta.mat"),
        (None, "n02119789 2 fox\n", "synsets.txt has the number 2 in line 1: sort its lines"),
        ("", None, "ground_truth.txt is empty"),
        ("x\ny\n", None, "ground_truth.txt has no label in 'x'"),
    ],
)
def test_what_the_ground_truth_must_not_be(folder, truth, synsets, sentence):
    for file, text in ((TRUTH, truth), ("synsets.txt", synsets)):
        if text is not None:
            (folder / file).write_text(text)
    with pytest.raises(InputError, match=sentence) as error:
        read_imagenet(options(folder))
    assert "\n" not in str(error.value)


def test_a_ground_truth_needs_the_order_of_its_numbers(folder):
    with pytest.raises(InputError, match=r"numbers classes as ILSVRC does, .*: name at `synsets` meta.mat of the dev"):
        read_imagenet(options(folder, synsets=None))
    with pytest.raises(InputError, match=r"train has no picture that is called as ILSVRC2012_val_00000001.JPEG"):
        read_imagenet(options(folder, test=str(folder / "train")))
    with pytest.raises(InputError, match=r"val has 6 pictures and no folders: .* name it at `test_labels`"):
        read_imagenet(options(folder, labels=None))


def test_a_meta_mat_that_is_none(tmp_path):
    path = tmp_path / "meta.mat"
    for content in (b"", b"<html>", b"MATLAB 5.0 MAT-file" + bytes(200)):
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"meta.mat is damaged or no meta.mat \(.*\): give meta.mat of the dev"):
            read_synsets(str(path), False)
    save_meta(path, [(1, SYNSETS[0], "x", 0), (3, SYNSETS[1], "y", 0)])
    with pytest.raises(InputError, match=r"meta.mat does not number its classes from 1 to 2"):
        read_synsets(str(path), False)
    savemat(path, {"synsets": np.arange(3)})
    with pytest.raises(InputError, match=r"meta.mat is damaged or no meta.mat"):
        read_synsets(str(path), False)


def test_classes_are_wordnet_ids_with_pictures(folder):
    picture(folder / "train" / "cat" / "1.JPEG", 0, (40, 40))
    with pytest.raises(
        InputError, match="train has the class 'cat', and ImageNet's are called as n01440764: read other"
    ):
        read_imagenet(options(folder))
    (folder / "train" / "cat" / "1.JPEG").unlink()
    (folder / "train" / "cat").rename(folder / "train" / "n04000000")
    with pytest.raises(InputError, match=r"train/n04000000 has no pictures"):
        read_imagenet(options(folder))


def test_a_picture_in_two_classes_is_named(folder):
    picture(folder / "train" / SYNSETS[0] / f"{SYNSETS[1]}_0.JPEG", 0, (40, 40))
    with pytest.raises(
        InputError, match=r"two examples with the id 'n01440764_0.JPEG': ImageNet's file names are unique"
    ):
        read_imagenet(options(folder))


def test_what_is_missing_is_named_before_any_job(folder):
    check_files("imagenet", options(folder))
    assert tracked_files("imagenet", options(folder)) == [str(folder / TRUTH), str(folder / "synsets.txt")]
    with pytest.raises(
        InputError,
        match=r"`data.imagenet.train` is .*no', and there is nothing of that name: .*get ILSVRC2012_img_train.tar",
    ):
        check_files("imagenet", options(folder, train=str(folder / "no")))
    with pytest.raises(InputError, match=r"`data.imagenet.synsets` is .*no', and there is nothing of that name"):
        check_files("imagenet", options(folder, synsets="no"))
    with pytest.raises(InputError, match=r"`data.imagenet.test` is .*: it must name a folder"):
        check_files("imagenet", options(folder, test=str(folder / TRUTH)))
