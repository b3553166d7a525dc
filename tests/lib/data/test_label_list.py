"""Labels out of lists: the forms in which ImageNet, Tiny-ImageNet and people's tables have them, and what can be wrong with one."""

import pytest
from folders import labels, put, read, refusal

from scripts.lib.data.label_list import read_label_list
from scripts.lib.jobs.errors import InputError

PICTURES = ["a.png", "b c.png", "deep/d.JPEG"]
WANTED = {"a.png": "cat", "b c.png": "dog", "deep/d.JPEG": "cat"}


def label_list(tmp_path, content, pictures=PICTURES, columns=(None, None), name="labels.csv"):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_label_list(str(path), pictures, *columns)


@pytest.mark.parametrize(
    "content",
    [
        "a.png,cat\nb c.png,dog\ndeep/d.JPEG,cat\n",
        "file,label\na.png,cat\nb c.png,dog\ndeep/d.JPEG,cat\n",
        "file;label;more\na.png;cat;1\nb c.png;dog;2\nd;cat;3\n",
        "a.png\tcat\t0\t0\t62\t62\nb c.png\tdog\t1\t2\t3\t4\nd.JPEG\tcat\t0\t0\t9\t9\n",
        "a.png cat\nb c.png dog\ndeep/d.JPEG cat\n",
        "a.png   cat\r\nb c.png dog\r\ndeep\\d.JPEG cat\r\n",
        "\ufeffa.png,cat\nb c.png,dog\ndeep/d.JPEG,cat\n",
        "a.png,cat\nb c.png,dog\ndeep/d.JPEG,cat\n".encode("utf-16"),
        "image,prediction\na,cat 85 1 499 272\nb c,dog 0 0 1 1 cat 2 2 3 3\nd,cat 1 2 3 4\n".replace(
            " cat 2 2 3 3", ""
        ),
        '"a.png","cat"\n"b c.png","dog"\n"./deep/d.JPEG","cat"\n\n',
        "a.png,cat\na.png,cat\nb c.png,dog\n/data/images/d.JPEG,cat\n",
    ],
)
def test_the_forms_of_lists(tmp_path, content):
    assert label_list(tmp_path, content) == WANTED


def test_columns_that_are_named(tmp_path):
    content = "lesion,image_id,dx\nx1,a,cat\nx2,b c,dog\nx3,d,cat\n"
    assert label_list(tmp_path, content, columns=("image_id", "dx")) == WANTED
    with pytest.raises(InputError, match=r"\(its columns: lesion, image_id, dx; `file_column` and `label_column` name"):
        label_list(tmp_path, content)
    with pytest.raises(
        InputError, match=r"has no column 'name', which config key `data.image_folder.file_column` names: there are"
    ):
        label_list(tmp_path, content, columns=("name", "dx"))


def test_images_of_imagenet_by_their_numbers(tmp_path):
    pictures = ["ILSVRC2012_val_00000001.JPEG", "ILSVRC2012_val_00000002.JPEG"]
    content = "ImageId,PredictionString\nILSVRC2012_val_00000002,n03995372 85 1 499 272 n03995372 1 2 13 14\nILSVRC2012_val_00000001,n02 1 2 3 4\n"
    found = label_list(tmp_path, content, pictures)
    assert found == {pictures[1]: "n03995372", pictures[0]: "n02"}


@pytest.mark.parametrize(
    "content, sentence",
    [
        ("", "is empty: give a list with the name of a picture and its label in each line"),
        ("65\n970\n", "has no label in '65': give a list .* apart by a comma, a tab or a space"),
        ("a.png,cat\nb c.png\n", "has no label in 'b c.png'"),
        ("a.png,cat\nb c.png,\n", "has no label for 'b c.png'"),
        ("a.png,cat\nA/../a.png,dog\na.png,dog\n", "has two labels for 'A/../a.png', 'cat' and 'dog': give every"),
        (
            "x.png,cat\ny.png,dog\n",
            "names no picture of the folder: its names are as 'x.png', and the pictures as 'a.png'",
        ),
        (b"a.png,\xff", "cannot be read"),
    ],
)
def test_what_is_no_list(tmp_path, content, sentence):
    with pytest.raises(InputError, match=sentence):
        label_list(tmp_path, content)


def test_a_name_that_several_pictures_have_finds_none(tmp_path):
    found = label_list(tmp_path, "x.png,cat\nb/y.png,dog\n", ["a/x.png", "b/x.png", "b/y.png"])
    assert found == {"x.png": "cat", "b/y.png": "dog"}  # x.png is a picture that is not there


def test_tiny_imagenet_as_it_is_unpacked(tmp_path, capsys):
    put(tmp_path / "val", *(f"images/val_{number}.JPEG.png" for number in range(4)))
    train = put(tmp_path / "train", "n01/images/0.png", "n02/images/1.png", "n03/images/2.png", "n01/n01_boxes.txt")
    annotations = tmp_path / "val" / "val_annotations.txt"
    annotations.write_text("".join(f"val_{number}.JPEG.png\tn0{number % 3 + 1}\t0\t0\t9\t9\n" for number in range(4)))
    splits, classes = read(tmp_path / "val", train, test_labels=annotations)
    assert classes == ["n01", "n02", "n03"]
    assert labels(splits["test"]) == {f"images/val_{number}.JPEG.png": number % 3 for number in range(4)}
    assert list(splits["train"].label) == [0, 1, 2]


def test_numbers_are_positions_among_the_classes(tmp_path, capsys):
    test, train = (
        put(tmp_path / "test", "a.png", "b.png"),
        put(tmp_path / "train", "n02/0.png", "n01/0.png", "n10/1.png"),
    )
    (tmp_path / "val.txt").write_text("a.png 2\nb.png 0\n")
    splits, classes = read(test, train, test_labels=tmp_path / "val.txt")
    assert classes == ["n01", "n02", "n10"] and labels(splits["test"]) == {"a.png": 2, "b.png": 0}
    assert "numbers are taken as positions among the classes: 0 is n01" in capsys.readouterr().out
    splits, classes = read(test, test_labels=tmp_path / "val.txt")
    assert classes == ["0", "1", "2"] and labels(splits["test"]) == {"a.png": 2, "b.png": 0}
    (tmp_path / "names.txt").write_text("ant\nbee\ncow\n")
    splits, classes = read(test, test_labels=tmp_path / "val.txt", classes=tmp_path / "names.txt")
    assert classes == ["ant", "bee", "cow"] and labels(splits["test"]) == {"a.png": 2, "b.png": 0}
    (tmp_path / "val.txt").write_text("a.png 3\nb.png 1\n")
    sentence = refusal(test, train, test_labels=tmp_path / "val.txt")
    assert "has the label 3 and there are 3 classes: labels count them from 0" in sentence


def test_numbers_that_count_from_1_are_not_taken_for_numbers_from_0(tmp_path):
    test = put(tmp_path / "test", "a.png", "b.png")
    (tmp_path / "val.txt").write_text("a.png 2\nb.png 1\n")
    assert "the labels are from 1 to 2 and count from 0 here: subtract 1" in refusal(
        test, test_labels=tmp_path / "val.txt"
    )
    (tmp_path / "names.txt").write_text("1 ant\n2 bee\n")
    splits, _ = read(test, test_labels=tmp_path / "val.txt", classes=tmp_path / "names.txt")
    assert labels(splits["test"]) == {"a.png": 1, "b.png": 0} and splits["test"].read["class_folders"] == ["1", "2"]


@pytest.mark.parametrize(
    "content",
    [
        "0 ant\n1 bee\n2 cow\n",
        "ant\nbee\ncow\n",
        "number,class\n0,ant\n1,bee\n2,cow\n",
        "n01\tant\nn02\tbee\nn03\tcow\n",
        "n00000001 ant\nn00000002 bee\nn00000003 cow\n",
    ],
)
def test_a_number_that_no_picture_has_keeps_the_others_in_their_places(tmp_path, content):
    test = put(tmp_path / "test", "a.png", "b.png")
    (tmp_path / "val.txt").write_text("a.png 2\nb.png 0\n")
    names = tmp_path / ("names.csv" if "," in content else "names.txt")
    names.write_text(content)
    splits, classes = read(test, test_labels=tmp_path / "val.txt", classes=names)
    assert classes == ["ant", "bee", "cow"] and labels(splits["test"]) == {"a.png": 2, "b.png": 0}


def test_numbers_that_are_names_are_names(tmp_path):
    test, train = put(tmp_path / "test", "a.png", "b.png"), put(tmp_path / "train", "1/0.png", "2/0.png", "3/1.png")
    (tmp_path / "val.txt").write_text("a.png 3\nb.png 1\n")
    assert labels(read(test, train, test_labels=tmp_path / "val.txt")[0]["test"]) == {"a.png": 2, "b.png": 0}


def test_names_in_the_list_may_be_those_of_the_class_file(tmp_path):
    test = put(tmp_path / "test", "a.png", "b.png")
    (tmp_path / "y.csv").write_text("a.png,goldfish\nb.png,tench\n")
    (tmp_path / "words.txt").write_text("n01\ttench\nn02\tgoldfish\nn03\tshark\n")
    splits, classes = read(test, test_labels=tmp_path / "y.csv", classes=tmp_path / "words.txt")
    assert classes == ["tench", "goldfish"] and labels(splits["test"]) == {"a.png": 1, "b.png": 0}
    assert splits["test"].read["class_folders"] == ["n01", "n02"]


def test_pictures_and_lines_without_a_partner_are_counted_and_named(tmp_path, capsys):
    test = put(tmp_path / "test", "a.png", "b.png", "c.png", "d.png")
    (tmp_path / "y.csv").write_text("b.png,cat\nx.png,cat\na.png,dog\n")
    split = read(test, test_labels=tmp_path / "y.csv")[0]["test"]
    # In the order of the folder; what is not there comes last, and is broken when it is opened.
    assert labels(split) == {"a.png": 1, "b.png": 0, "x.png": 0}
    assert split.read["left_out"] == {"pictures that the list does not name": 2}
    log = capsys.readouterr().out
    assert "2 of 4 pictures are not named and left out, as c.png" in log
    assert f"1 of 3 named pictures are not in {test}, as x.png" in log
