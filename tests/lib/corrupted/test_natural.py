"""Natural test sets: what the study may say of them, which classes may be answered, and what a level loses on them."""

import numpy as np
import pytest
import torch
from PIL import Image

from scripts.compare.measure_natural import ALL, OWN, measure, pairs_of
from scripts.data.prepare_natural import read_natural
from scripts.lib.jobs.errors import InputError
from scripts.lib.ledger.predictions import Votes
from scripts.lib.networks.predicting import probabilities
from scripts.lib.study.natural import check_natural


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (
            [{"name": "a", "folder": "there"}, {"name": "a", "folder": "there"}],
            "another set or a corruption has this name",
        ),
        ([{"name": "fog", "folder": "there"}], "another set or a corruption has this name"),
        ([{"name": "a"}], "name either its `folder` .*, or both `images` and `labels`"),
        ([{"name": "a", "folder": "there", "images": "x.npy"}], "name either its `folder`"),
        ([{"name": "a", "images": "x.npy"}], "name either its `folder`"),
        ([{"name": "a", "images": "x.npy", "labels": "y.npy", "size": 32}], "`size`, in pixels, belongs to"),
        ([{"name": "a", "folder": "there", "preparation": "squeeze"}], "`size`, in pixels, belongs to"),
        ([{"name": "a", "folder": "there", "size": 32}], "`size`, in pixels, belongs to"),
        ([{"name": "a", "folder": "nowhere"}], "`folder` is 'nowhere', and there is no such folder"),
        ([{"name": "a", "images": "x.npy", "labels": "y.npy"}], "`images` is 'x.npy', and there is no such file"),
    ],
)
def test_what_a_study_may_not_say(given, sentence, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there").mkdir()
    with pytest.raises(InputError, match=sentence):
        check_natural(given, ["fog"])
    check_natural([{"name": "a", "folder": "there", "preparation": "squeeze", "size": 32}], ["fog"])
    (tmp_path / "y.csv").touch()
    check_natural([{"name": "a", "folder": "there", "labels": "y.csv"}], ["fog"])
    (tmp_path / "x.npy").touch()
    padded = {"name": "b", "images": "x.npy", "labels": "x.npy", "preparation": "pad", "size": 32}
    check_natural([padded], ["fog"])


def test_folders_get_the_numbers_of_the_study(tmp_path):
    for name in ("wolf", "cat"):
        (tmp_path / name).mkdir()
        Image.new("RGB", (40, 40)).save(tmp_path / name / "1.png")
    split = read_natural({"folder": str(tmp_path)}, ["ant", "cat", "dog", "wolf"])
    assert dict(zip(split.example, split.label.tolist(), strict=True)) == {"cat/1.png": 1, "wolf/1.png": 3}
    with pytest.raises(
        InputError, match="has the class 'wolf', and there is none of that name: classes are called as 'ant'"
    ):
        read_natural({"folder": str(tmp_path)}, ["ant", "cat", "dog"])


def pictures_in(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (40, 40)).save(folder / name)
    return {"folder": str(folder)}


def labels_by_name(split):
    return dict(zip(split.example, split.label.tolist(), strict=True))


def test_numbered_folders_number_the_classes_of_the_study(tmp_path):
    # ImageNet-V2 has the folders 0 to 999; 10 is the eleventh class, not the third in the order of texts.
    given = pictures_in(tmp_path, "10/a.png", "2/b.png")
    classes = [f"n{number:02d}" for number in range(11)]
    assert labels_by_name(read_natural(given, classes)) == {"10/a.png": 10, "2/b.png": 2}
    with pytest.raises(InputError, match="has the label 10 and there are 10 classes: labels count them from 0"):
        read_natural(given, classes[:10])
    # Classes that are called by numbers are meant by their names.
    assert labels_by_name(read_natural(given, ["2", "10"])) == {"10/a.png": 1, "2/b.png": 0}
    with pytest.raises(InputError, match="has the class '10', and there is none of that name"):
        read_natural(given, ["1", "2", "3"])


def test_folders_are_named_as_those_of_the_study_or_as_its_classes(tmp_path):
    given = pictures_in(tmp_path, "n02/a.png", "hen/b.png")
    assert labels_by_name(read_natural(given, ["tench", "hen"], ["n02", "n01"])) == {"n02/a.png": 0, "hen/b.png": 1}


def test_a_list_says_what_a_natural_set_shows_and_one_class_is_enough(tmp_path):
    given = pictures_in(tmp_path / "flat", "a.png", "b.png") | {"labels": str(tmp_path / "y.csv")}
    (tmp_path / "y.csv").write_text("file,label\nb.png,hen\na.png,tench\n")
    assert labels_by_name(read_natural(given, ["tench", "hen"])) == {"a.png": 0, "b.png": 1}
    assert labels_by_name(read_natural(pictures_in(tmp_path / "one", "hen/a.png"), ["tench", "hen"])) == {
        "hen/a.png": 1
    }


def test_labels_of_arrays_are_the_numbers_or_the_names_of_the_study(tmp_path):
    np.save(tmp_path / "x.npy", np.arange(3 * 28 * 28).reshape(3, 28, 28) % 256)
    natural = {"images": str(tmp_path / "x.npy"), "labels": str(tmp_path / "y.npy")}
    for labels in (np.array([2, 0, 2]), np.array(["dog", "ant", "dog"]), np.array([[2.0], [0], [2]])):
        np.save(tmp_path / "y.npy", labels)
        assert read_natural(natural, ["ant", "cat", "dog"]).label.tolist() == [2, 0, 2]
    for labels, sentence in (
        (np.array(["dog", "ant", "fox"]), "y.npy has the label 'fox', which is none of the 3 classes, such as 'ant'"),
        (np.array([2, 0, 3]), "y.npy has the label 3 and the study 3 classes, which count from 0"),
    ):
        np.save(tmp_path / "y.npy", labels)
        with pytest.raises(InputError, match=sentence):
            read_natural(natural, ["ant", "cat", "dog"])


def test_ruled_out_classes_get_no_probability_and_the_others_that_of_the_renormalized_softmax():
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * 4 * 4, 6))
    images = torch.randint(0, 256, (5, 4, 4, 3), dtype=torch.uint8)
    plain, among = probabilities(model, images), np.array([1, 4])
    masked = probabilities(model, images, among)
    assert (masked[:, [0, 2, 3, 5]] == 0).all()
    np.testing.assert_allclose(masked[:, among], plain[:, among] / plain[:, among].sum(1, keepdims=True), rtol=1e-5)


def votes(label, predictions):
    label = np.array(label)
    top = (np.array(predictions)[:, :, None] + np.arange(5)) % 8
    example = np.array([f"i{n}" for n in range(len(label))])
    return Votes(example, label, np.arange(len(top)), top[:, :, 0], (top == label[:, None]).any(axis=2))


def test_what_a_level_loses_by_hand():
    # 4 natural images of the classes 1 and 5; 4 clean ones, of which 2 are of these classes.
    natural, clean = [1, 1, 5, 5], [0, 1, 5, 7]
    dense = {("a", 0): votes(natural, [[1, 1, 5, 0], [1, 0, 5, 0]]), ("clean", 0): votes(clean, [[0, 1, 5, 0]] * 2)}
    level = {("a", 0): votes(natural, [[1, 0, 0, 0], [0, 0, 5, 0]]), ("clean", 0): votes(clean, [[0, 1, 0, 0]] * 2)}
    of_dense, of_level = pairs_of("a", dense, 8), pairs_of("a", level, 8)
    assert set(of_dense) == {ALL}  # nothing was predicted with the mask
    row = measure("a", "pruned", ALL, of_dense[ALL], of_level[ALL], 0.05)
    assert (row["examples"], row["clean_examples"], row["classes"], row["dense_models"]) == (4, 2, 8, 2)
    assert row["top1"] == pytest.approx(2 / 8) and row["top1_change"] == pytest.approx(-3 / 8)
    assert row["clean_top1"] == pytest.approx(1 / 2) and row["clean_top1_change"] == pytest.approx(-1 / 2)
    assert row["top1_change_beyond_clean"] == pytest.approx(1 / 8)
    low, high = row["top1_change_beyond_clean_low"], row["top1_change_beyond_clean_high"]
    assert low < 1 / 8 < high


def test_a_set_of_few_classes_has_no_top5_and_one_without_clean_images_no_comparison():
    voted = votes([1, 5], [[1, 0], [1, 5]])
    given = {("a", 0): voted, ("a:masked", 0): voted, ("clean", 0): votes([0, 0], [[0, 0]] * 2)}
    pairs = pairs_of("a", given, 8)
    row = measure("a", "control", OWN, pairs[OWN], pairs[OWN], 0.05)
    assert row["classes"] == 2 and np.isnan(row["top5"]) and row["top1"] == 0.75
    assert row["clean_examples"] == 0 and np.isnan(row["clean_top1"]) and np.isnan(row["top1_change_beyond_clean"])
