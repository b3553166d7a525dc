"""Folders of pictures as people have them: read as they are meant, or refused with what they look like."""

import os

import pytest
from folders import labels, put, read, refusal

from scripts.lib.data.litter import is_litter
from scripts.lib.data.picture_tree import read_tree


@pytest.mark.parametrize(
    "name",
    [
        *(
            ".ipynb_checkpoints",
            "__MACOSX",
            "@eaDir",
            "lost+found",
            "$RECYCLE.BIN",
            "System Volume Information",
            ".git",
        ),
        *("#recycle", "._x.png", "Thumbs.db", ".DS_Store", "desktop.ini", ".nfs000001", ".Trash-1000", "~$a.png"),
    ],
)
def test_litter(name):
    assert is_litter(name)


@pytest.mark.parametrize("name", ["cat", "x.png", "_x", "found", "@home", "n01440764", "10", "~x.png", "a.b"])
def test_what_is_no_litter(name):
    assert not is_litter(name)


def test_hidden_and_system_folders_are_no_classes_and_are_counted(tmp_path, capsys):
    put(tmp_path, "ant/0.png", "bee/0.png", ".ipynb_checkpoints/0.png", "__MACOSX/ant/._0.png", "@eaDir/ant/0.png")
    put(tmp_path, "$RECYCLE.BIN/0.png", "lost+found/0.png", "ant/.ipynb_checkpoints/0-checkpoint.png", "bee/Thumbs.db")
    splits, classes = read(tmp_path)
    assert classes == ["ant", "bee"] and splits["test"].example == ["ant/0.png", "bee/0.png"]
    left_out = splits["test"].read["left_out"]
    assert left_out == {"hidden or system folders": 6, "hidden or system files": 1}
    assert "left out: hidden or system folders: 6, as $RECYCLE.BIN" in capsys.readouterr().out


def test_pictures_beside_the_class_folders_are_of_no_class_and_counted(tmp_path, capsys):
    splits, classes = read(put(tmp_path, "ant/0.png", "bee/0.png", "a.png", "z.png", "README.md"))
    assert classes == ["ant", "bee"] and splits["test"].example == ["ant/0.png", "bee/0.png"]
    assert splits["test"].read["left_out"] == {
        "files that are no pictures by their names": 1,
        "pictures beside the class folders": 2,
    }
    assert "2 pictures lie beside the class folders and are of no class, as a.png" in capsys.readouterr().out


def test_folders_that_may_not_be_read_stop_the_study(tmp_path, monkeypatch):
    put(tmp_path, "ant/2023/0.png", "ant/2024/0.png", "bee/0.png")
    scandir = os.scandir

    def forbidden(path):  # root may read everything, so permissions cannot be tried
        if str(path).endswith("2024"):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", forbidden)
    assert "has a folder that may not be read, as" in refusal(tmp_path) and "2024 (Permission denied)" in refusal(
        tmp_path
    )


def test_parents_of_training_and_test_are_refused(tmp_path):
    put(tmp_path / "a", "train/ant/0.png", "train/bee/0.png", "val/ant/0.png", "val/bee/0.png", "wnids.txt")
    assert "a looks like the parent of train and val, which are parts" in refusal(tmp_path / "a")
    assert refusal(tmp_path / "a").endswith(f"such as {tmp_path}/a/val.")
    put(tmp_path / "b", "Training/ant/0.png", "Test/bee/0.png", "annotations/0.png")
    assert "b looks like the parent of Training and Test" in refusal(tmp_path / "b")
    put(tmp_path / "c", "ant/train/0.png", "ant/test/0.png", "bee/train/0.png", "bee/test/0.png")
    assert "c has train and test inside of ant, so training and test would be read as one" in refusal(tmp_path / "c")
    # A class may be called so, and trains are things that are photographed.
    assert read(put(tmp_path / "d", "train/0.png", "bus/0.png", "car/0.png"))[1] == ["bus", "car", "train"]


def test_one_folder_is_refused_with_what_it_looks_like(tmp_path):
    put(tmp_path / "val", "images/0.png", "images/1.png", "val_annotations.txt")
    sentence = refusal(tmp_path / "val")
    assert "val has one folder, images, so that all 2 pictures would be of one class" in sentence
    assert sentence.endswith(f"what each picture shows, perhaps {tmp_path}/val/val_annotations.txt.")
    put(tmp_path / "wrapped", "pets/ant/0.png", "pets/bee/0.png", "__MACOSX/pets/._x.png")
    sentence = refusal(tmp_path / "wrapped")
    assert sentence.endswith(f"the classes seem to be in it (ant, bee): name {tmp_path}/wrapped/pets.")


def test_folders_without_classes(tmp_path):
    put(tmp_path / "flat", "0.png", "1.png", "labels.csv")
    sentence = refusal(tmp_path / "flat")
    assert "flat has 2 pictures and no folders" in sentence and "perhaps" in sentence and "`test_labels`" in sentence
    (tmp_path / "empty").mkdir()
    assert refusal(tmp_path / "empty").endswith("has no folders: an image folder has one for each class.")
    put(tmp_path / "xml", "ant/0.xml", "bee/1.xml")
    assert "xml/ant has no pictures (.jpg, " in refusal(tmp_path / "xml")
    assert "webp) (1 files of other kinds, as ant/0.xml): add some" in refusal(tmp_path / "xml")


def test_numbered_folders_are_numbered_as_texts_and_the_log_warns(tmp_path, capsys):
    put(tmp_path, *(f"{number}/a.png" for number in range(12)))
    splits, classes = read(tmp_path)
    assert classes == ["0", "1", "10", "11", "2", "3", "4", "5", "6", "7", "8", "9"]
    assert (
        labels(splits["test"])["10/a.png"] == 2 and splits["test"].read["class_order"] == "the folders' names as texts"
    )
    log = capsys.readouterr().out
    assert "so that 10 has the label 2; in natural order 2 would have it: write `order: natural`" in log
    splits, classes = read(tmp_path, order="natural")
    assert classes == [str(number) for number in range(12)] and labels(splits["test"])["10/a.png"] == 10
    assert splits["test"].read["class_order"] == "the folders' names in natural order"
    assert "warning" not in capsys.readouterr().out


def test_names_whose_two_orders_agree_need_no_warning(tmp_path, capsys):
    assert read(put(tmp_path, "n02/a.png", "n01/a.png", "class_10/b.png"))[1] == ["class_10", "n01", "n02"]
    assert "warning" not in capsys.readouterr().out


def test_training_and_test_share_their_classes(tmp_path):
    train = put(tmp_path / "train", "ant/0.png", "bee/0.png", "cow/0.png")
    test = put(tmp_path / "test", "ant/1.png", "cow/1.png")
    splits, classes = read(test, train)
    assert classes == ["ant", "bee", "cow"]
    assert labels(splits["test"]) == {"ant/1.png": 0, "cow/1.png": 2}
    assert labels(splits["train"]) == {"ant/0.png": 0, "bee/0.png": 1, "cow/0.png": 2}
    (test / "bee").mkdir()  # as empty as no folder
    assert read(test, train)[1] == classes
    (train / "dodo").mkdir()
    assert "train/dodo has no pictures" in refusal(test, train)
    put(test, "Ape/0.png")
    put(train, "ape/0.png", "dodo/0.png")
    assert refusal(test, train) == f"{test} has the class Ape, and {train} ape: give both one name."


def test_an_empty_class_stays_where_the_list_of_classes_has_it(tmp_path):
    put(tmp_path / "test", "ant/0.png", "cow/0.png")
    (tmp_path / "test" / "bee").mkdir()
    assert "bee has no pictures" in refusal(tmp_path / "test")
    (tmp_path / "classes.txt").write_text("cow\nbee\nant\nemu\n")
    splits, classes = read(tmp_path / "test", classes=tmp_path / "classes.txt")
    assert classes == ["cow", "bee", "ant", "emu"] and labels(splits["test"]) == {"ant/0.png": 2, "cow/0.png": 0}


def test_letters_in_one_sign_or_in_two_are_the_same_class(tmp_path):
    composed, apart = "k\u00f6ter", "ko\u0308ter"
    train, test = (
        put(tmp_path / "train", f"{apart}/0.png", "ant/0.png"),
        put(tmp_path / "test", f"{composed}/0.png", "ant/0.png"),
    )
    splits, classes = read(test, train)
    assert classes == ["ant", composed] and labels(splits["train"]) == {"ant/0.png": 0, f"{apart}/0.png": 1}
    put(test, f"{apart}/1.png")
    assert f"has two classes that are both called {composed}" in refusal(test, train)


def test_links(tmp_path):
    put(tmp_path / "store", "cats/0.png", "dogs/0.png")
    root = tmp_path / "linked"
    root.mkdir()
    (root / "cat").symlink_to(tmp_path / "store" / "cats")
    (root / "dog").symlink_to(tmp_path / "store" / "dogs")
    (root / "dog" / "self.png").symlink_to("self.png")  # in a circle: no folder, and broken when it is opened
    assert read(root)[0]["test"].example == ["cat/0.png", "dog/0.png", "dog/self.png"]
    (root / "dog" / "up").symlink_to(root)
    assert "dog/up leads to" in refusal(root) and "which was read already: remove the link" in refusal(root)


def test_the_order_of_files_is_that_of_the_folders_then_of_the_names(tmp_path):
    put(tmp_path, "b/z.png", "b/a/1.png", "b/c/1.PNG", "b/B.jpg", "a/1.png", "a b/1.png")
    assert read_tree(tmp_path).pictures == ["a/1.png", "a b/1.png", "b/B.jpg", "b/z.png", "b/a/1.png", "b/c/1.PNG"]


def test_a_hundred_thousand_files_take_no_quadratic_work(tmp_path, monkeypatch):
    class Entry:
        def __init__(self, name, folder):
            self.name, self.folder = name, folder

        def is_dir(self):
            return self.folder

    class Entries(list):
        def __enter__(self):
            return self

        def __exit__(self, *error):
            pass

    looked_at = []

    def scandir(path):  # 200 folders of 500 pictures that nobody has to write
        looked_at.append(path)
        if str(path).rstrip("/") == str(tmp_path):
            return Entries(Entry(f"n{number:03d}", True) for number in range(200))
        return Entries(Entry(f"{number}.JPEG", False) for number in range(500))

    monkeypatch.setattr(os, "scandir", scandir)
    splits, classes = read(tmp_path)
    assert len(classes) == 200 and len(splits["test"].example) == 100_000 and len(looked_at) == 201
