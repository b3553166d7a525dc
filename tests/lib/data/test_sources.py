"""Image folders, arrays and parquet files: ids, labels and classes, and one sentence for everything that can be wrong."""

import io
import json
import os
import pickle

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from scripts.lib.data.arrays import read_arrays
from scripts.lib.data.image_folder import read_image_folder
from scripts.lib.data.parquet import read_parquet
from scripts.lib.data.pictures import open_picture
from scripts.lib.jobs.errors import InputError
from scripts.lib.jobs.natural_order import natural_order
from scripts.lib.study.prediction_files import check_examples_known, kind_of, prediction_files
from scripts.lib.study.sources import (
    check_apart,
    check_files,
    check_level_files,
    matching,
    places_of,
    splits_of,
    tracked_files,
    without_paths,
)

IMAGES = np.random.default_rng(0).integers(0, 255, (5, 32, 32, 3), dtype=np.uint8)


def png(image):
    content = io.BytesIO()
    Image.fromarray(image).save(content, "PNG")
    return content.getvalue()


def contents(split):
    """The split's images, opened where they are files."""
    return [
        data if isinstance(data, np.ndarray) else np.asarray(open_picture(name, data, "as_stored")[0])
        for name, data in split.pictures
    ]


class TestImageFolder:
    @pytest.fixture
    def folder(self, tmp_path):
        for index, file in enumerate(["cat/b.png", "cat/a.PNG", "Dog/deep/ü c.png", "eel/x.png", "eel/y.jpeg.png"]):
            path = tmp_path / "test" / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(png(IMAGES[index]))
        return tmp_path / "test"

    def read(self, folder, train=None):
        return read_image_folder({"test": str(folder), "train": train})

    def test_ids_are_paths_and_classes_the_sorted_folders(self, folder):
        splits, classes = self.read(folder)
        assert classes == ["Dog", "cat", "eel"] and list(splits) == ["test"]
        test = splits["test"]
        assert test.example == ["Dog/deep/ü c.png", "cat/a.PNG", "cat/b.png", "eel/x.png", "eel/y.jpeg.png"]
        assert test.label.tolist() == [0, 1, 1, 2, 2]
        assert np.array_equal(contents(test), IMAGES[[2, 1, 0, 3, 4]])
        assert set(test.kind) == {"typical"} and test.shown is test.label

    def test_files_that_are_no_pictures_are_ignored_and_counted(self, folder, capsys):
        (folder / "cat" / "notes.txt").write_text("x")
        (folder / "cat" / "._a.png").write_bytes(b"x")
        (folder / "list.txt").write_text("x")
        assert len(self.read(folder)[0]["test"].example) == 5
        log = capsys.readouterr().out
        assert "left out: files that are no pictures by their names: 2 (.txt 2), as list.txt" in log
        assert "left out: hidden or system files: 1, as cat/._a.png" in log

    def test_an_empty_class_or_folder_is_named(self, folder, tmp_path):
        (folder / "fox").mkdir()
        with pytest.raises(InputError, match=r"test/fox has no pictures \(.jpg, "):
            self.read(folder)
        (tmp_path / "empty").mkdir()
        with pytest.raises(InputError, match=r"empty has no folders: an image folder has one for each class"):
            self.read(tmp_path / "empty")

    def test_links_in_a_circle_are_refused(self, folder):
        (folder / "cat" / "again").symlink_to(folder / "cat")
        with pytest.raises(InputError, match=r"cat/again leads to .*/cat, which was read already: remove the link"):
            self.read(folder)

    def test_a_name_that_is_no_utf8_is_refused(self, folder):
        path = os.fsencode(folder) + b"/cat/\xff.png"
        with open(path, "wb") as file:  # noqa: PTH123 (Path takes no bytes)
            file.write(png(IMAGES[0]))
        with pytest.raises(InputError, match=r"an example with the id 'cat/\\udcff.png': give it a name in UTF-8"):
            self.read(folder)


class TestArrays:
    @pytest.fixture
    def options(self, tmp_path):
        np.save(tmp_path / "x.npy", IMAGES)
        np.save(tmp_path / "y.npy", np.array([0, 2, 1, 0, 2], np.uint8))
        paths = {"test_images": str(tmp_path / "x.npy"), "test_labels": str(tmp_path / "y.npy")}
        return paths | {"train_images": None, "train_labels": None, "classes": None}

    def test_ids_are_indices(self, options):
        splits, classes = read_arrays(options)
        assert classes == ["0", "1", "2"] and splits["test"].example == ["0", "1", "2", "3", "4"]
        assert splits["test"].label.tolist() == [0, 2, 1, 0, 2]
        assert np.array_equal(contents(splits["test"]), IMAGES)

    def test_grey_images_get_three_channels(self, options, tmp_path):
        for grey in (IMAGES[..., 0], IMAGES[..., :1]):
            np.save(tmp_path / "x.npy", grey)
            (first, *_) = contents(read_arrays(options)[0]["test"])
            assert np.array_equal(first, np.stack([IMAGES[0, :, :, 0]] * 3, axis=2))

    def test_names_of_classes(self, options, tmp_path):
        (tmp_path / "classes.txt").write_text("ä\nb\nc\nd\n", encoding="utf-8")
        assert read_arrays(options | {"classes": str(tmp_path / "classes.txt")})[1] == ["ä", "b", "c", "d"]
        (tmp_path / "classes.txt").write_text("a\nb\n")
        with pytest.raises(InputError, match=r"classes.txt has 2 class names and there is the label 2: name 3 classes"):
            read_arrays(options | {"classes": str(tmp_path / "classes.txt")})
        for content, sentence in (
            (b"a\n\nb\nc\n", "has an empty line, 2: give one class name a line"),
            (b"\n", "has no names"),
            (b"", "it is an empty file"),
            (b"crane\nkite\ncrane\n", "has the class name 'crane' in the lines 1 and 3: .* tell the two apart"),
            ("a\nb\nc".encode("utf-16"), "it is a text in UTF-16"),
            (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n", "it is a Git LFS pointer"),
            (b"<!DOCTYPE html>\n<html>\n</html>\n", "it is an HTML page"),
            (b'["a",\n"b",\n"c"]\n', "it is a JSON text"),
            ("ä\nb\nc".encode("latin-1"), "can't decode byte 0xe4"),
        ):
            (tmp_path / "classes.txt").write_bytes(content)
            with pytest.raises(InputError, match=sentence):
                read_arrays(options | {"classes": str(tmp_path / "classes.txt")})

    def test_a_byte_order_mark_and_empty_lines_at_the_end_are_no_names(self, options, tmp_path):
        (tmp_path / "classes.txt").write_text("[none]\nbee\ncow\n")
        assert read_arrays(options | {"classes": str(tmp_path / "classes.txt")})[1] == ["[none]", "bee", "cow"]
        (tmp_path / "classes.txt").write_bytes("\ufeffant\r\nbee\r\ncow\r\n\r\n".encode())
        assert read_arrays(options | {"classes": str(tmp_path / "classes.txt")})[1] == ["ant", "bee", "cow"]

    def test_labels_that_count_from_1(self, options, tmp_path):
        np.save(tmp_path / "y.npy", np.array([1, 3, 2, 1, 3]))
        (tmp_path / "classes.txt").write_text("a\nb\nc\n")
        for classes in (None, str(tmp_path / "classes.txt")):
            with pytest.raises(InputError, match="labels are from 1 to 3 and count from 0 here: subtract 1"):
                read_arrays(options | {"classes": classes})
        (tmp_path / "classes.txt").write_text("background\na\nb\nc\n")  # as networks with a class for nothing have it
        assert len(read_arrays(options | {"classes": str(tmp_path / "classes.txt")})[1]) == 4

    def test_names_as_labels_get_one_numbering_for_both_splits(self, options, tmp_path):
        np.save(tmp_path / "y.npy", np.array(["cow", "ant", "bee", "cow", "bee"]))
        np.save(tmp_path / "train.npy", np.array([b"bee", b"dog", b"ant", b"ant", b"cow"]))
        trained = {"train_images": options["test_images"], "train_labels": str(tmp_path / "train.npy")}
        splits, classes = read_arrays(options | trained)
        assert classes == ["ant", "bee", "cow", "dog"] and list(splits) == ["train", "test"]
        assert splits["train"].label.tolist() == [1, 3, 0, 0, 2] and splits["test"].label.tolist() == [2, 0, 1, 2, 1]
        (tmp_path / "classes.txt").write_text("dog\ncow\nbee\nant\n")
        splits, classes = read_arrays(options | trained | {"classes": str(tmp_path / "classes.txt")})
        assert classes == ["dog", "cow", "bee", "ant"] and splits["test"].label.tolist() == [1, 3, 2, 1, 2]

    def test_arrays_however_they_were_stored(self, options, tmp_path):
        np.save(tmp_path / "x.npy", np.asfortranarray(IMAGES))
        np.save(tmp_path / "y.npy", np.array([0, 2, 1, 0, 2], ">i8"))
        splits, _ = read_arrays(options)
        assert np.array_equal(contents(splits["test"]), IMAGES) and splits["test"].label.tolist() == [0, 2, 1, 0, 2]
        assert splits["test"].label.dtype == np.dtype("int64")
        for stored in ((IMAGES / 255).astype(">f4"), IMAGES.transpose(0, 3, 1, 2), IMAGES.astype(">u2")):
            np.save(tmp_path / "x.npy", stored)
            assert np.array_equal(contents(read_arrays(options)[0]["test"]), IMAGES)

    @pytest.mark.parametrize(
        "file, content, sentence",
        [
            ("x", IMAGES[:4], "has 4 images and .*y.npy 5 labels"),
            ("y", np.array([], np.int64), "y.npy has no labels: a split needs examples"),
            ("y", np.array([2**63 + 5, 0, 0, 0, 0], np.uint64), "has the label 9223372036854775813 in row 0"),
            (
                "y",
                np.array([0, 10**11, 0, 0, 0]),
                "has the label 100000000000 in row 1: labels must be from 0 to 32767",
            ),
            ("y", np.array([0, -1, 2, 0, 1]), "has the label -1 in row 1"),
        ],
    )
    def test_what_cannot_be_used_is_named(self, options, tmp_path, file, content, sentence):
        np.save(tmp_path / f"{file}.npy", content)
        with pytest.raises(InputError, match=sentence):
            read_arrays(options)

    def test_several_arrays_in_one_file_are_refused(self, options, tmp_path):
        np.savez(tmp_path / "x.npz", a=IMAGES, b=IMAGES)
        with pytest.raises(
            InputError, match=r"x.npz is an .npz archive of NumPy arrays \(a, b\) .* save the array that is"
        ):
            read_arrays(options | {"test_images": str(tmp_path / "x.npz")})

    @pytest.mark.parametrize(
        ("content", "sentence"),
        [
            (
                pickle.dumps({b"data": [1]}),
                "y is a pickle and no .npy file: .* CIFAR's files .* are read with `source: cifar`",
            ),
            (b"\0\0\x08\x01\0\0\0\x0c" + bytes(12), "y is an idx file and no .npy file: idx files.* `source: idx`"),
            (
                b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n",
                "a Git LFS pointer.*git lfs pull",
            ),
            (b"<!DOCTYPE html><html>", "is an HTML page and no .npy file: replace it"),
            (b"0\n1\n2\n", "is a text and no .npy file"),
            (b"", "is an empty file and no .npy file"),
            (b"\xf0\xf1\xf2" * 99, "is damaged or no .npy file"),
        ],
    )
    def test_what_is_no_array_is_called_by_its_name(self, options, tmp_path, content, sentence):
        (tmp_path / "y").write_bytes(content)
        with pytest.raises(InputError, match=sentence):
            read_arrays(options | {"test_labels": str(tmp_path / "y")})

    def test_python_objects_are_not_opened(self, options, tmp_path):
        np.save(tmp_path / "y.npy", np.array(["a", "b", "a", "b", "a"], object))
        with pytest.raises(
            InputError, match=r"y.npy is a NumPy object array .* such as array.astype\(int\) or array.astype\(str\)"
        ):
            read_arrays(options)

    def test_a_truncated_file_is_named(self, options, tmp_path):
        (tmp_path / "x.npy").write_bytes((tmp_path / "x.npy").read_bytes()[:-100])
        with pytest.raises(InputError, match=r"x.npy is damaged or no .npy file"):
            read_arrays(options)


class TestParquet:
    def write(self, path, images, labels, names=None, classes=None, column="img"):
        rows = [{"bytes": png(image), "path": name} for image, name in zip(images, names or [None] * 9, strict=False)]
        table = pa.table({column: rows, "label": labels})
        if classes:
            features = {"label": {"names": classes, "_type": "ClassLabel"}}
            table = table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})
        pq.write_table(table, path, row_group_size=2)

    @pytest.fixture
    def options(self, tmp_path):
        self.write(tmp_path / "test-0.parquet", IMAGES[:3], [1, 0, 1], ["a.png", "b.png", "c.png"], ["cat", "dog"])
        self.write(tmp_path / "test-1.parquet", IMAGES[3:], [0, 1], ["d.png", "e.png"], ["cat", "dog"])
        options = {"test": str(tmp_path / "test-*.parquet"), "train": None, "image_column": None, "id": "path"}
        return options | {"label_column": "label", "classes": None}

    def test_files_are_read_one_after_the_other(self, options):
        splits, classes = read_parquet(options)
        assert classes == ["cat", "dog"] and splits["test"].label.tolist() == [1, 0, 1, 0, 1]
        assert splits["test"].example == ["a.png", "b.png", "c.png", "d.png", "e.png"]
        assert np.array_equal(contents(splits["test"]), IMAGES)

    def test_rows_without_a_path_are_numbered_through(self, options, tmp_path):
        for part, (low, high) in enumerate([(0, 3), (3, 5)]):
            self.write(tmp_path / f"test-{part}.parquet", IMAGES[low:high], [0] * (high - low))
        splits, classes = read_parquet(options)
        assert splits["test"].example == ["0", "1", "2", "3", "4"] and classes == ["0"]

    def test_two_examples_of_one_id_are_refused(self, options, tmp_path):
        self.write(tmp_path / "test-1.parquet", IMAGES[3:], [0, 1], ["a.png", "e.png"])
        with pytest.raises(
            InputError, match=r"test-\*.parquet has two examples with the id 'a.png': set `data.parquet.id`"
        ):
            read_parquet(options)
        assert read_parquet(options | {"id": "row"})[0]["test"].example == ["0", "1", "2", "3", "4"]

    def test_a_file_without_rows_is_named(self, options, tmp_path):
        table = pq.read_table(tmp_path / "test-0.parquet").slice(0, 0)
        for part in (0, 1):
            pq.write_table(table, tmp_path / f"test-{part}.parquet")
        with pytest.raises(InputError, match=r"test-\*.parquet has no labels: a split needs examples"):
            read_parquet(options)

    def test_columns_that_cannot_be_used(self, options, tmp_path):
        with pytest.raises(
            InputError, match=r"no column of pictures `image`.* columns img \(struct<.*>\), label \(int64\)"
        ):
            read_parquet(options | {"image_column": "image"})
        with pytest.raises(
            InputError,
            match=r"has no column `fine_label`: config key `data.parquet.label_column` must name .* columns img \(str",
        ):
            read_parquet(options | {"label_column": "fine_label"})
        for label, sentence in (
            ([0, None, None], r"test-0.parquet \(column `label`\) has no label in row 1, and in 2 rows altogether"),
            ([0.5, 1.0, 0.0], "has the label 0.5 in row 0: labels must be whole numbers"),
            ([0, 1, -2], "has the label -2 in row 2"),
            ([-1, -1, -1], "has the label -1 in every row, as hubs give test images whose labels are withheld"),
            ([[0], [1], [1]], "has the type list<.*: int64>: labels must be whole numbers or names of classes"),
        ):
            self.write(tmp_path / "test-0.parquet", IMAGES[:3], label)
            with pytest.raises(InputError, match=sentence):
                read_parquet(options)

    def test_names_of_classes_in_another_order_are_joined_by_name(self, options, tmp_path):
        self.write(tmp_path / "test-1.parquet", IMAGES[3:], [0, 1], ["d.png", "e.png"], ["dog", "cat"])
        splits, classes = read_parquet(options)
        assert classes == ["cat", "dog"] and splits["test"].label.tolist() == [1, 0, 1, 1, 0]
        self.write(tmp_path / "train.parquet", IMAGES, [1, 1, 0, 0, 0], None, ["dog", "cat"])
        splits, classes = read_parquet(options | {"train": str(tmp_path / "train.parquet")})
        assert classes == ["cat", "dog"]
        assert splits["train"].label.tolist() == [0, 0, 1, 1, 1] and splits["test"].label.tolist() == [1, 0, 1, 1, 0]
        (tmp_path / "classes.txt").write_text("dog\ncat\n")
        splits, classes = read_parquet(options | {"classes": str(tmp_path / "classes.txt")})
        assert classes == ["dog", "cat"] and splits["test"].label.tolist() == [0, 1, 0, 0, 1]
        (tmp_path / "classes.txt").write_text("Katze\nHund\n")  # other names of the same classes
        splits, classes = read_parquet(options | {"classes": str(tmp_path / "classes.txt")})
        assert classes == ["Katze", "Hund"] and splits["test"].label.tolist() == [1, 0, 1, 1, 0]

    @pytest.mark.parametrize(
        ("names", "how"),
        [(["cat", "eel"], "it lacks 'dog' and has 'eel' besides"), (["cat", "dog", "eel"], "it has 'eel' besides")],
    )
    def test_other_names_of_classes_are_refused(self, options, tmp_path, names, how):
        self.write(tmp_path / "test-1.parquet", IMAGES[3:], [0, 1], ["d.png", "e.png"], names)
        with pytest.raises(InputError, match=rf"test-1.parquet .* has other classes than .*test-0.parquet .*{how}"):
            read_parquet(options)

    def test_labels_as_names_dictionaries_and_nullable_numbers(self, options, tmp_path):
        names = pa.array(["dog", "cat", "dog"])
        for labels in (names, names.dictionary_encode(), names.cast(pa.large_string()), names.cast(pa.string_view())):
            self.write(tmp_path / "test-0.parquet", IMAGES[:3], labels, "abc")
            self.write(tmp_path / "test-1.parquet", IMAGES[3:], ["eel", "dog"], "de")
            splits, classes = read_parquet(options)
            assert classes == ["cat", "dog", "eel"] and splits["test"].label.tolist() == [1, 0, 1, 2, 1]
        self.write(tmp_path / "test-0.parquet", IMAGES[:3], [1.0, 0.0, 1.0], "abc")  # pandas' way with whole numbers
        with pytest.raises(InputError, match=r"test-1.* names its classes and .*test-0.* numbers them"):
            read_parquet(options)
        for labels in ([1, 0], [True, False]):
            self.write(tmp_path / "test-1.parquet", IMAGES[3:], labels, "de")
            assert read_parquet(options)[0]["test"].label.tolist() == [1, 0, 1, 1, 0]

    def test_the_column_of_labels(self, options, tmp_path, capsys):
        any_column = options | {"label_column": None, "test": str(tmp_path / "x.parquet")}
        table = pq.read_table(tmp_path / "test-0.parquet").drop_columns("label").replace_schema_metadata()
        indexed = table.append_column("__index_level_0__", [["q", "r", "s"]])  # pandas' own
        pq.write_table(indexed.append_column("fine", [[1, 0, 1]]), tmp_path / "x.parquet")
        assert read_parquet(any_column)[0]["test"].label.tolist() == [1, 0, 1]
        assert "x.parquet (column `fine`)" in capsys.readouterr().out
        two = table.append_column("fine", [[1, 0, 1]]).append_column("coarse", [[0, 0, 1]])
        pq.write_table(two, tmp_path / "x.parquet")
        with pytest.raises(
            InputError, match=r"has 2 columns that may be labels, fine, coarse: config key `data.parquet.label_column`"
        ):
            read_parquet(any_column)
        features = {"fine": {"names": {"0": "cat", "1": "dog"}, "_type": "ClassLabel"}, "coarse": {"dtype": "int64"}}
        metadata = {"huggingface": json.dumps({"info": {"features": features}})}
        pq.write_table(two.replace_schema_metadata(metadata), tmp_path / "x.parquet")
        assert read_parquet(any_column)[1] == ["cat", "dog"]  # the only one that is declared

    def test_pictures_as_bytes_and_as_lists(self, options, tmp_path):
        one = options | {"test": str(tmp_path / "x.parquet")}
        for column in (
            pa.array([png(image) for image in IMAGES]),
            pa.array([png(image) for image in IMAGES], pa.large_binary()),
            pa.array([png(image) for image in IMAGES]).dictionary_encode(),
            pa.array([{"bytes": png(image)} for image in IMAGES]),
            pa.array(IMAGES.tolist(), pa.list_(pa.list_(pa.list_(pa.uint8())))),
            pa.array(IMAGES.transpose(0, 3, 1, 2).tolist()),
        ):
            pq.write_table(pa.table({"x": column, "label": [1, 0, 1, 0, 1]}), tmp_path / "x.parquet")
            split = read_parquet(one)[0]["test"]
            assert split.example == ["0", "1", "2", "3", "4"] and np.array_equal(contents(split), IMAGES)
        pq.write_table(pa.table({"x": IMAGES[..., 0].tolist(), "label": [1, 0, 1, 0, 1]}), tmp_path / "x.parquet")
        assert np.array_equal(contents(read_parquet(one)[0]["test"]), np.stack([IMAGES[..., 0]] * 3, axis=3))
        for images, sentence in (
            ((IMAGES[..., 0] / 255).tolist(), "row 0 of .* has numbers of other kinds than whole ones from 0 to 255"),
            ((IMAGES[..., 0].astype(int) * 9).tolist(), "row 0 of .* has numbers of other kinds"),
            ([[[1, 2], [3]]] * 5, "row 0 of .* has lists of different lengths"),
            (
                IMAGES.repeat(2, axis=3).tolist(),
                r"row 0 of .* has the shape \[32, 32, 6\], without the N: images must be",
            ),
        ):
            pq.write_table(pa.table({"x": images, "label": [1, 0, 1, 0, 1]}), tmp_path / "x.parquet")
            with pytest.raises(InputError, match=sentence):
                contents(read_parquet(one)[0]["test"])

    def test_a_picture_without_bytes_is_named(self, options, tmp_path):
        rows = [{"bytes": png(IMAGES[0]), "path": "a"}, {"bytes": None, "path": "b"}]
        pq.write_table(pa.table({"img": rows, "label": [0, 1]}), tmp_path / "test-0.parquet")
        with pytest.raises(InputError, match=r"row 1 of .*test-0.parquet has no bytes in `img`"):
            list(read_parquet(options)[0]["test"].pictures)

    def test_a_truncated_file_is_named(self, options, tmp_path):
        path = tmp_path / "test-0.parquet"
        whole = path.read_bytes()
        path.write_bytes(whole[: len(whole) // 2])
        with pytest.raises(InputError, match=r"test-0.parquet is damaged or no parquet file .* bring it again"):
            read_parquet(options)
        path.write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n")
        with pytest.raises(InputError, match=r"test-0.parquet is a Git LFS pointer.* and no parquet file"):
            read_parquet(options)


class TestFilesOfAStudy:
    def test_braces_which_snakemake_reads_as_wildcards(self, tmp_path):
        (tmp_path / "x{y}.parquet").touch()
        options = {"test": str(tmp_path / "*.parquet"), "train": None, "classes": None}
        with pytest.raises(InputError, match="snakemake reads braces as wildcards, so rename what has them"):
            check_files("parquet", options)

    def test_only_parquet_files_have_patterns(self, tmp_path):
        (tmp_path / "one").mkdir()
        with pytest.raises(InputError, match=r"`data.image_folder.test` is '.*o\*', and there is nothing of that name"):
            check_files("image_folder", {"test": str(tmp_path / "o*"), "train": None})

    def test_names_of_classes_that_are_not_there(self, tmp_path):
        (tmp_path / "a.parquet").touch()
        options = {"test": str(tmp_path / "a.parquet"), "train": None, "classes": str(tmp_path / "classes.txt")}
        with pytest.raises(
            InputError, match=r"`data.parquet.classes` is '.*classes.txt', and there is nothing of that name"
        ):
            check_files("parquet", options)

    def test_a_home_that_is_not_there(self):
        with pytest.raises(InputError, match="the path '~nobody-of-that-name/x' cannot be used"):
            check_files("image_folder", {"test": "~nobody-of-that-name/x", "train": None})

    def test_what_is_not_there_is_named(self, tmp_path):
        options = {"test": str(tmp_path / "*.parquet"), "train": None, "classes": None}
        with pytest.raises(
            InputError, match=r"`data.parquet.test` is '.*\*.parquet', and there is nothing of that name"
        ):
            check_files("parquet", options)
        (tmp_path / "a.parquet").touch()
        check_files("parquet", options)
        assert tracked_files("parquet", options) == [str(tmp_path / "a.parquet")]
        assert splits_of("parquet", options) == ["test"]

    def test_a_file_is_no_folder(self, tmp_path):
        (tmp_path / "x.npy").touch()
        options = {"test": str(tmp_path / "x.npy"), "train": None}
        with pytest.raises(InputError, match="it must name a folder with one folder a class"):
            check_files("image_folder", options)
        options = {f"{split}_{kind}": str(tmp_path) for split in ("train", "test") for kind in ("images", "labels")}
        with pytest.raises(InputError, match=r"it must name a file \(of the train split\)"):
            check_files("arrays", options)

    @pytest.mark.parametrize(
        "options, sentence",
        [
            (
                {"train_labels": "y.csv"},
                "`data.image_folder.train` is missing beside `train_labels`: name the folder of",
            ),
            ({"test_labels": "z.csv"}, "`data.image_folder.test_labels` is 'z.csv', and there is nothing of that name"),
            ({"test_labels": "pictures"}, "must name a file that says what each picture shows"),
            ({"classes": "pictures"}, "must name a text file with one class name a line"),
            (
                {"file_column": "name"},
                "`data.image_folder.file_column` is of a list of labels: name its `file_column`, its",
            ),
            (
                {"test_labels": "y.csv", "label_column": "label"},
                "`data.image_folder.label_column` is of a list of labels",
            ),
            ({"order": "natural", "classes": "y.csv"}, "is natural, and `classes` has an order of its own: remove one"),
        ],
    )
    def test_lists_that_go_with_folders(self, tmp_path, monkeypatch, options, sentence):
        monkeypatch.chdir(tmp_path)
        (tmp_path / "pictures").mkdir()
        (tmp_path / "y.csv").touch()
        study = {"test": "pictures", "train": None, "order": "text"}
        with pytest.raises(InputError) as error:
            check_files("image_folder", study | options)
        assert sentence in str(error.value)
        whole = {"test_labels": "y.csv", "file_column": "name", "label_column": "label", "classes": "y.csv"}
        check_files("image_folder", study | whole)
        assert tracked_files("image_folder", study | whole) == ["y.csv", "y.csv"]
        assert without_paths("image_folder", study | whole) == {
            "order": "text",
            "file_column": "name",
            "label_column": "label",
        }
        assert places_of("image_folder", study | whole) == {"test": "y.csv"}

    def test_half_a_split_is_none(self, tmp_path):
        (tmp_path / "x.npy").touch()
        path = str(tmp_path / "x.npy")
        options = {"test_images": path, "test_labels": path, "train_images": path, "train_labels": None}
        with pytest.raises(InputError, match=r"`data.arrays.train_labels` is missing beside `train_images`"):
            check_files("arrays", options)

    def test_planted_digits_need_no_files(self):
        check_files("planted_digits", {"seed": 0})
        assert splits_of("planted_digits", {}) == ["train", "test"] and tracked_files("planted_digits", {}) == []


def test_the_files_of_a_level(tmp_path):
    for name in ("b.csv", "a.csv", "c.PARQUET", "notes.txt"):
        (tmp_path / name).touch()
    endings = (".parquet", ".csv")
    found = check_level_files("`x`", [f"{tmp_path}/c*", f"{tmp_path}/*.csv"], endings)
    assert [path.rsplit("/", 1)[1] for path in found] == ["a.csv", "b.csv", "c.PARQUET"]
    for named, sentence in (
        (f"{tmp_path}/*.json", "and there is nothing of that name: correct the path."),
        (str(tmp_path), "is a folder: name the files in it, as"),
        (f"{tmp_path}/*", "notes.txt is none of .parquet, .csv: convert it, or name others."),
        ([f"{tmp_path}/*.csv", f"{tmp_path}/a.csv"], "a.csv twice: name every file once."),
    ):
        with pytest.raises(InputError) as error:
            check_level_files("`x`", named, endings)
        assert str(error.value).startswith("config key `x` ") and sentence in str(error.value)
    check_apart({"dense": found[:1], "control": found[1:]})
    (tmp_path / "link.csv").symlink_to(found[0])
    with pytest.raises(InputError, match=r"`dense` and `control` both name .*link\.csv"):
        check_apart({"dense": found, "control": [f"{tmp_path}/link.csv"]})


def test_files_are_in_the_order_of_their_numbers(tmp_path):
    names = [f"q{number}.csv" for number in (1, 2, 9, 10, 11, 100)]
    for name in (*names, "q.csv", "p12.csv"):
        (tmp_path / name).touch()
    expected = [str(tmp_path / name) for name in ("p12.csv", *names, "q.csv")]
    assert matching(f"{tmp_path}/*.csv") == expected
    assert check_level_files("`x`", [f"{tmp_path}/q1*.csv", f"{tmp_path}/q[29].csv"], (".csv",)) == expected[1:-1]
    assert natural_order(["b/2", "a/10", "a/9"]) == ["a/9", "a/10", "b/2"]
    assert natural_order(["7", "007", "x", "6"]) == ["6", "007", "7", "x"]
    assert natural_order(["s1e10", "s1e9", "s10e1"]) == ["s1e9", "s1e10", "s10e1"]


@given(st.lists(st.text("ab019.", max_size=6)))
def test_the_natural_order_is_an_order_of_all_names(names):
    ordered = natural_order(names)
    assert sorted(ordered) == sorted(names) and natural_order(reversed(names)) == ordered


def test_arrays_of_predictions_say_what_they_hold(tmp_path):
    for name in ("a2.npy", "a10.npy", "b.csv"):
        (tmp_path / name).touch()
    arrays = {"files": f"{tmp_path}/*.npy", "kind": "logits"}
    assert prediction_files("x", arrays) == [f"{tmp_path}/a2.npy", f"{tmp_path}/a10.npy"]
    assert (kind_of(arrays), kind_of(f"{tmp_path}/*.csv")) == ("logits", None)
    for named, sentence in (
        (f"{tmp_path}/a*", "a2.npy holds logits or probabilities: write `{files: "),
        (arrays | {"files": f"{tmp_path}/*"}, "`kind` is of arrays, and "),
        ([f"{tmp_path}/none.npy"], "and there is nothing of that name"),
    ):
        with pytest.raises(InputError) as error:
            prediction_files("x", named)
        assert str(error.value).startswith("config key `levels`, `x`, `predictions`") and sentence in str(error.value)
    with pytest.raises(
        InputError, match=r"`data\.predictions\.examples` is missing: a\.npy says neither ids nor labels"
    ):
        check_examples_known({"examples": None}, ["a.npy"])
    check_examples_known({"examples": "labels.npy"}, ["a.npy"])
    check_examples_known({"examples": None}, ["a.csv"])


def test_a_study_of_predictions_follows_the_files_that_list_its_examples(tmp_path):
    for name in ("dense.csv", "examples.csv"):
        (tmp_path / name).touch()
    options = {"name": "x", "classes": None, "examples": None, "dense": [f"{tmp_path}/dense.csv"]}
    assert splits_of("predictions", options) == [] and tracked_files("predictions", options) == options["dense"]
    options["examples"] = f"{tmp_path}/examples.csv"
    check_files("predictions", options)
    assert tracked_files("predictions", options) == [options["examples"]]
    with pytest.raises(
        InputError, match=r"`data\.predictions\.examples` is 'none\.csv', and there is nothing of that name"
    ):
        check_files("predictions", options | {"examples": "none.csv"})
