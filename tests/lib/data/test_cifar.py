"""CIFAR's own files: what is read of them, and one sentence for each that is not as published, damaged or dangerous."""

import hashlib
import pickle
import shutil
import tarfile

import numpy as np
import pytest

from scripts.lib.annotations.joins.join import join
from scripts.lib.data.arrays import read_arrays
from scripts.lib.data.cifar import read_cifar
from scripts.lib.data.dataset import Examples
from scripts.lib.data.plain_pickle import load_plain
from scripts.lib.jobs.errors import InputError
from scripts.lib.study.cifar_files import PUBLISHED

NAMES = ["plane", "car", "bird"]
EACH = 4  # images in a file


def rows_of(seed, number=EACH):
    return np.random.default_rng(seed).integers(0, 256, (number, 3072), dtype=np.uint8)


def save(path, content):
    path.write_bytes(pickle.dumps(content, protocol=2))


def batch(seed, labels=(0, 1, 2, 0)):
    return {"batch_label": "batch", "data": rows_of(seed), "labels": list(labels), "filenames": ["a.png"] * EACH}


@pytest.fixture
def folder(tmp_path):
    """A small CIFAR-10 of three classes."""
    folder = tmp_path / "cifar-10-batches-py"
    folder.mkdir()
    for seed in range(1, 6):
        save(folder / f"data_batch_{seed}", batch(seed))
    save(folder / "test_batch", batch(0))
    save(folder / "batches.meta", {"label_names": NAMES, "num_vis": 3072})
    return folder


def options(path, **more):
    return {"name": "cifar10", "path": str(path), "labels": "fine", "verify": "none"} | more


def packed(folder, mode="w:gz"):
    path = folder.parent / "cifar-10-python.tar.gz"
    with tarfile.open(path, mode) as archive:
        archive.add(folder, folder.name)
    return path


def contents(split):
    return np.stack([image for _, image in split.pictures])


def pixel_by_pixel(rows):
    """The images in rows, as plain as can be: red, green and blue, each from left to right and from top to bottom."""
    images = np.zeros((len(rows), 32, 32, 3), np.uint8)
    for image in range(len(rows)):
        for place, value in enumerate(rows[image]):
            images[image, place % 1024 // 32, place % 32, place // 1024] = value
    return images


@pytest.mark.parametrize("kind", ["folder", "w:gz", "w"])
def test_images_labels_ids_and_classes(folder, kind):
    splits, classes = read_cifar(options(folder if kind == "folder" else packed(folder, kind)))
    assert classes == NAMES and list(splits) == ["train", "test"]
    train, test = splits["train"], splits["test"]
    assert test.example == ["0", "1", "2", "3"] and train.example == [str(number) for number in range(20)]
    assert test.label.tolist() == [0, 1, 2, 0] and train.label.tolist() == [0, 1, 2, 0] * 5
    assert np.array_equal(contents(test), pixel_by_pixel(rows_of(0)))
    assert np.array_equal(contents(train), pixel_by_pixel(np.concatenate([rows_of(seed) for seed in range(1, 6)])))


def test_arrays_of_the_same_images_are_the_same_examples(folder, tmp_path):
    """Ids and pixels are those from which corruptions follow."""
    np.save(tmp_path / "x.npy", pixel_by_pixel(rows_of(0)))
    np.save(tmp_path / "y.npy", [0, 1, 2, 0])
    paths = {f"{split}_{kind}": None for split in ("train", "test") for kind in ("images", "labels")}
    paths |= {"test_images": str(tmp_path / "x.npy"), "test_labels": str(tmp_path / "y.npy"), "classes": None}
    one, other = read_cifar(options(folder))[0]["test"], read_arrays(paths)[0]["test"]
    assert one.example == other.example and np.array_equal(contents(one), contents(other))


def test_the_fine_and_the_coarse_labels_of_cifar_100(tmp_path):
    labels = {"fine_labels": [3, 0, 1, 2], "coarse_labels": [1, 0, 0, 1]}
    for seed, file in enumerate(("train", "test")):
        save(tmp_path / file, {"data": rows_of(seed), **labels})
    save(
        tmp_path / "meta", {"fine_label_names": ["ape", "bee", "elm", "oak"], "coarse_label_names": ["animal", "tree"]}
    )
    for kind, names in (("fine", ["ape", "bee", "elm", "oak"]), ("coarse", ["animal", "tree"])):
        splits, classes = read_cifar(options(tmp_path, name="cifar100", labels=kind))
        assert classes == names and splits["test"].label.tolist() == labels[f"{kind}_labels"]


def test_files_as_python_2_wrote_them(folder):
    """Texts without an encoding, as in the published files; Python 3 does not write them, so here they are by hand."""

    def text(content):
        return b"T" + len(content).to_bytes(4, "little") + content

    rows = rows_of(9)
    array = (
        b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\0t" + text(b"b") + b"tR"
        b"(K\x01(K\x04M\x00\x0ctcnumpy\ndtype\n(" + text(b"u1") + b"K\0K\x01tR"
        b"(K\x03" + text(b"|") + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb\x89" + text(rows.tobytes()) + b"tb"
    )
    labels = b"(lK\0aK\x01aK\x02aK\0a"
    content = b"\x80\x02}(" + text(b"data") + array + text(b"labels") + labels + text(b"filenames") + b"]u."
    assert pickle.loads(content, encoding="latin1")["labels"] == [0, 1, 2, 0]  # the pickle is right
    (folder / "test_batch").write_bytes(content)
    test = read_cifar(options(folder))[0]["test"]
    assert np.array_equal(contents(test), pixel_by_pixel(rows)) and test.label.tolist() == [0, 1, 2, 0]


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_arrays_of_either_order_and_every_protocol(protocol):
    for rows in (rows_of(0), np.asfortranarray(rows_of(0))):
        content = pickle.dumps({"data": rows}, protocol)
        if protocol < 5:
            assert np.array_equal(load_plain(content, "x")["data"], rows)
        else:  # since protocol 5 numpy names another function
            with pytest.raises(InputError, match=r"names 'numpy\._?core\.numeric\._frombuffer"):
                load_plain(content, "x")


class Runs:
    def __init__(self, function, *arguments):
        self.made = function, arguments

    def __reduce__(self):
        return self.made


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_a_pickle_that_would_run_something_runs_nothing(folder, protocol):
    trace = folder.parent / "trace"
    content = pickle.dumps(batch(0) | {"x": Runs(open, str(trace), "w")}, protocol)
    (folder / "test_batch").write_bytes(content)
    with pytest.raises(
        InputError, match=r"test_batch is a pickle that names '(__builtin__|io|_io)\.open', which could run anything"
    ):
        read_cifar(options(folder))
    assert not trace.exists()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"cos\nsystem\n(S'true'\ntR.", "names 'os.system', which could run anything, so it was not opened: bring"),
        (b"cbuiltins\neval\n(S'1'\ntR.", r"names 'builtins\.eval'"),
        (b"c__builtin__\ngetattr\n.", r"names '__builtin__\.getattr'"),
        (b"cnumpy\nload\n.", r"names 'numpy\.load'"),
        (b"(S'true'\nios\nsystem\n.", r"names 'os\.system'"),
        (b"\x80\x04\x8c\x04o\n\x1b[\x8c\x01x\x93.", r"names 'o\\n\\x1b\[\.x'"),
        (b"\x80\x04\x8c\x05posix\x8c\x06system\x93.", r"names 'posix\.system'"),
        (b"cnumpy\nndarray\n(tR.", "is damaged or no pickle of uint8 arrays and lists"),  # a text, and no texts are called
        (b"c_codecs\nencode\n(S'x'\nS'rot13'\ntR.", r"damaged or no pickle .*bytes in 'rot13'"),
        (b"]." , "damaged or no pickle .*no dictionary"),
        (b"", "damaged or no pickle .*Ran out of input"),
        (b"<html>", "damaged or no pickle"),
        (pickle.dumps({"data": np.arange(3)}, 2), "damaged or no pickle .*an array of 'i8'"),
        (pickle.dumps({"data": np.array([{}])}, 2), "damaged or no pickle .*an array of 'O8'"),
    ],
)  # fmt: skip
def test_what_a_pickle_must_not_be(content, sentence):
    with pytest.raises(InputError, match=sentence) as error:
        load_plain(content, "test_batch")
    assert str(error.value).startswith("test_batch ") and "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"labels": [0, 1, 3, 0]}, "test_batch has the label 3 in row 2, and there are 3 class names: labels must be from 0"),
        ({"labels": [0, -1, 2, 0]}, "test_batch has the label -1 in row 1"),
        ({"labels": [0, 1]}, "test_batch has 4 images and 2 labels"),
        ({"labels": [0, 1.5, 1, 0]}, "test_batch has no list of whole numbers `labels`"),
        ({"labels": None}, "test_batch has no list of whole numbers `labels`"),
        ({"data": rows_of(0)[:, :3000]}, r"test_batch holds uint8\[4, 3000\] as `data`: it must be uint8 \[N, 3072\]"),
        ({"data": rows_of(0).reshape(4, 3, 32, 32)}, r"test_batch holds uint8\[4, 3, 32, 32\] as `data`"),
        ({"data": [1, 2]}, "test_batch holds no array as `data`"),
    ],
)  # fmt: skip
def test_what_a_batch_must_not_be(folder, changes, sentence):
    save(folder / "test_batch", batch(0) | changes)
    with pytest.raises(InputError, match=sentence):
        read_cifar(options(folder))


def test_a_batch_without_images(folder):
    content = pickle.dumps({"data": rows_of(0, 0), "labels": []}, protocol=3)  # 2 has no name for no bytes
    (folder / "test_batch").write_bytes(content)
    with pytest.raises(InputError, match="test_batch has 0 images and 0 labels: one label an image is needed"):
        read_cifar(options(folder))


@pytest.mark.parametrize(
    ("meta", "sentence"),
    [
        ({"names": NAMES}, "batches.meta has no list of class names `label_names`"),
        ({"label_names": []}, "has no list of class names"),
        ({"label_names": ["a", "b", "a"]}, "has two classes of one name in `label_names`"),
    ],
)
def test_what_class_names_must_not_be(folder, meta, sentence):
    save(folder / "batches.meta", meta)
    with pytest.raises(InputError, match=sentence):
        read_cifar(options(folder))


def test_a_file_that_is_cut_off(folder):
    path = packed(folder)
    whole = path.read_bytes()
    for length in (len(whole) // 2, 100, 0):
        path.write_bytes(whole[:length])
        with pytest.raises(InputError, match=r"tar\.gz is damaged, no archive or not readable \(.*\): replace it"):
            read_cifar(options(path))
    whole = (folder / "data_batch_2").read_bytes()
    (folder / "data_batch_2").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"data_batch_2 is damaged or no pickle .*\(.*truncated\): replace it"):
        read_cifar(options(folder))
    (folder / "data_batch_2").unlink()
    (folder / "data_batch_2").mkdir()
    with pytest.raises(InputError, match=r"batches-py is damaged, .* or not readable \(.*data_batch_2'\): replace it"):
        read_cifar(options(folder))


def test_an_archive_without_a_batch(folder):
    (folder / "data_batch_3").unlink()
    with pytest.raises(
        InputError, match=r"has no cifar-10-batches-py/data_batch_3 in it: bring cifar-10-python\.tar\.gz"
    ):
        read_cifar(options(packed(folder)))


def test_an_archive_writes_nothing(folder):
    path = packed(folder)
    shutil.rmtree(folder)
    read_cifar(options(path))
    assert list(path.parent.iterdir()) == [path]


def test_published_files_have_their_checksums(folder, monkeypatch):
    published = options(folder, verify="published")
    found = hashlib.md5((folder / "data_batch_1").read_bytes()).hexdigest()
    expected = PUBLISHED["cifar10"].md5["data_batch_1"]
    with pytest.raises(InputError) as error:
        read_cifar(published)
    assert str(error.value) == (
        f"{folder}/data_batch_1 has the MD5 checksum {found} and the published data_batch_1 has {expected}: get it from "
        "https://www.cs.toronto.edu/~kriz/cifar.html, or write `verify: none` for a file of your own."
    )
    archive = packed(folder)
    with pytest.raises(
        InputError, match=r"tar\.gz has the MD5 checksum .* cifar-10-python\.tar\.gz has c58f30108f718f"
    ):
        read_cifar(published | {"path": str(archive)})
    for path in (archive, *folder.iterdir()):
        monkeypatch.setitem(PUBLISHED["cifar10"].md5, path.name, hashlib.md5(path.read_bytes()).hexdigest())
    for path in (archive, folder):
        assert len(read_cifar(published | {"path": str(path)})[0]["test"].example) == EACH


def test_every_published_file_has_a_checksum():
    for published in PUBLISHED.values():
        assert set(published.md5) == {published.archive, *published.files}
        assert all(len(checksum) == 32 and int(checksum, 16) for checksum in published.md5.values())


def test_cifar_10h_is_joined_by_position(folder, tmp_path):
    test = read_cifar(options(folder))[0]["test"]
    nothing = np.zeros(EACH, int)
    examples = Examples(np.array(test.example), test.label, test.kind, test.shown, nothing, nothing.astype(str))
    counts = np.array([[50, 0, 0], [20, 30, 0], [0, 10, 40], [25, 15, 10]])  # rows of the labels 0, 1, 2, 0
    np.save(tmp_path / "cifar10h-counts.npy", counts)
    entry = {"name": "people", "file": str(tmp_path / "cifar10h-counts.npy"), "format": "cifar10h"}
    columns = {column.name: column for column in join(entry, examples, NAMES)}
    assert columns["human_agreement"].values == pytest.approx([1, 0.6, 0.8, 0.5])
