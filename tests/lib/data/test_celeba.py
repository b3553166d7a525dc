"""CelebA's own files: labels, attributes and ids, and one sentence for each list that is cut off, damaged or not as published."""

import shutil

import numpy as np
import pytest
from published import make_celeba

from scripts.lib.data.celeba import read_celeba
from scripts.lib.jobs.errors import InputError
from scripts.lib.study import celeba_files
from scripts.lib.study.sources import check_files, tracked_files

PARTS = "0012"


@pytest.fixture
def folder(tmp_path):
    return make_celeba(tmp_path / "celeba", PARTS)


def options(folder, **more):
    return {"name": "celeba", "path": str(folder), "label": "Blond_Hair", "verify": "none"} | more


def write(folder, attributes=None, partition=None):
    """Other lists; the pictures stay."""
    for name, text in (("list_attr_celeba", attributes), ("list_eval_partition", partition)):
        if text is not None:
            (folder / f"{name}.txt").write_text(text)


ATTRIBUTES = "4\nMale Blond_Hair Young\n1.jpg  1 -1 -1\n2.jpg -1  1  1\n3.jpg 1 1 -1\n4.jpg -1 -1 1\n"
PARTITION = "1.jpg 0\n2.jpg 2\n3.jpg 1\n4.jpg 2\n"


def test_labels_attributes_and_ids(folder):
    write(folder, ATTRIBUTES, PARTITION)
    splits, classes = read_celeba(options(folder))
    train, test = splits["train"], splits["test"]
    assert classes == ["not Blond_Hair", "Blond_Hair"]
    assert train.example == ["1.jpg"] and test.example == ["2.jpg", "4.jpg"]  # 3.jpg is for validation
    assert train.label.tolist() == [0] and test.label.tolist() == [1, 0]
    assert {name: values.tolist() for name, values in test.more.items()} == {
        "Male": [False, False],
        "Blond_Hair": [True, False],
        "Young": [True, True],
    }
    assert train.more["Male"].tolist() == [True] and test.read == {"label": "Blond_Hair", "validation_left_out": 1}
    files = [file for _, file in test.pictures]
    assert files == [folder / "img_align_celeba" / name for name in ("2.jpg", "4.jpg")]
    assert read_celeba(options(folder, label="Male"))[0]["train"].label.tolist() == [1]


def test_the_lists_as_kaggle_has_them(folder):
    published = read_celeba(options(folder))
    for name, head in (
        ("list_attr_celeba", "image_id,Blond_Hair,Male,Young"),
        ("list_eval_partition", "image_id,partition"),
    ):
        file = folder / f"{name}.txt"
        rows = file.read_text().splitlines()[2 if "attr" in name else 0 :]
        file.with_suffix(".csv").write_text("\n".join([head, *(",".join(row.split()) for row in rows)]))
        file.unlink()
    shutil.move(folder / "img_align_celeba", folder / "inner")
    (folder / "img_align_celeba").mkdir()
    shutil.move(folder / "inner", folder / "img_align_celeba" / "img_align_celeba")
    kaggle = read_celeba(options(folder))
    assert kaggle[1] == published[1]
    for split in ("train", "test"):
        one, other = published[0][split], kaggle[0][split]
        assert one.example == other.example and np.array_equal(one.label, other.label)
        assert all(np.array_equal(one.more[name], other.more[name]) for name in one.more)
    assert all(file.is_file() for _, file in kaggle[0]["test"].pictures)


@pytest.mark.parametrize(
    ("attributes", "partition", "sentence"),
    [
        (ATTRIBUTES[:-3], None, "list_attr_celeba.txt has '-1 -1' after 4.jpg: it must be 3 numbers that are 1 or -1, one for"),
        (ATTRIBUTES.rsplit("4.jpg", 1)[0], None, "list_attr_celeba.txt has 3 pictures and says 4: bring it again"),
        (ATTRIBUTES.replace("-1  1  1", "-1  2  1"), None, "has '-1 2 1' after 2.jpg: it must be 3 numbers"),
        (ATTRIBUTES.replace("3.jpg", "2.jpg"), None, "two examples with the id '2.jpg': name every picture once"),
        (ATTRIBUTES.replace("Young", "label"), None, "has an attribute 'label', a name that is taken"),
        (ATTRIBUTES.replace("Young", "Male"), None, "has an attribute 'Male', a name that is taken"),
        (ATTRIBUTES.replace("Blond_Hair", "Hair"), None, "`data.celeba.label` is Blond_Hair, which is no attribute of .*there are Male, Hair, Young"),
        ("", None, "list_attr_celeba.txt has nothing in it"),
        (ATTRIBUTES.replace("2.jpg", "\n2.jpg"), None, "list_attr_celeba.txt has an empty line, 4"),
        (None, PARTITION.replace("3.jpg 1", "3.jpg 3"), "has the line '3.jpg 3': it must be a picture and 0, 1 or 2"),
        (None, PARTITION[:-8], "list_eval_partition.txt has no line for 4.jpg, which .*list_attr_celeba.txt has"),
        (None, f"{PARTITION}5.jpg 0\n", "list_eval_partition.txt has 5 lines and .*list_attr_celeba.txt 4 pictures"),
        (None, PARTITION.replace(" 2", " 1"), "has no test pictures, whose number is 2"),
    ],
)  # fmt: skip
def test_what_the_lists_must_not_be(folder, attributes, partition, sentence):
    write(folder, ATTRIBUTES if attributes is None else attributes, partition or PARTITION)
    with pytest.raises(InputError, match=sentence) as error:
        read_celeba(options(folder))
    assert "\n" not in str(error.value)


def test_published_lists_have_their_checksums_and_counts(folder, monkeypatch):
    published = options(folder, verify="published")
    with pytest.raises(InputError, match=r"list_attr_celeba.txt has the MD5 checksum [0-9a-f]{32} and the published"):
        read_celeba(published)
    monkeypatch.setattr(celeba_files, "MD5", {})
    monkeypatch.setattr("scripts.lib.data.celeba.MD5", {})
    with pytest.raises(
        InputError, match=r"has 2 training, 1 validation, 1 test pictures, and CelebA has 162,770 training"
    ):
        read_celeba(published)
    monkeypatch.setattr("scripts.lib.data.celeba.COUNTS", (2, 1, 1))
    assert len(read_celeba(published)[0]["train"].example) == 2


def test_the_published_parts_are_all_of_it():
    assert sum(celeba_files.COUNTS) == 202_599  # as the data set's page says


def test_what_is_missing_is_named_before_any_job(folder, tmp_path):
    check_files("celeba", options(folder))
    assert tracked_files("celeba", options(folder)) == [
        str(folder / "list_attr_celeba.txt"),
        str(folder / "list_eval_partition.txt"),
    ]
    for gone in ("img_align_celeba", "list_eval_partition.txt", "list_attr_celeba.txt"):
        (folder / gone).rename(tmp_path / gone)
        with pytest.raises(
            InputError, match=rf"`data.celeba.path` is .*, a folder without {gone.removesuffix('.txt')}.*: it must have"
        ):
            check_files("celeba", options(folder))
    with pytest.raises(InputError, match="there is nothing of that name: name CelebA's folder; it must have list_attr"):
        check_files("celeba", options(tmp_path / "nowhere"))
