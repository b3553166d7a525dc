"""The order of classes and their names out of the files that are around."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.lib.data.class_file import read_classes
from scripts.lib.data.class_order import NATURAL, ordered
from scripts.lib.jobs.errors import InputError
from scripts.lib.jobs.natural_order import natural_order

FOUND = ["n02", "n01", "n10"]


def written(tmp_path, content, name="classes.txt"):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(path)


@pytest.mark.parametrize(
    "content",
    [
        "n10\nn02\nn01\n",
        "n10\r\nn02\r\nn01\r\n\r\n",
        b"\xef\xbb\xbfn10\nn02\nn01",
        "n10\nn02\nn01\n".encode("utf-16"),
        "  n10\nn02 \n\nn01\n",
    ],
)
def test_a_list_of_folders_is_the_order_of_the_labels(tmp_path, content):
    classes = read_classes(written(tmp_path, content), FOUND)
    assert classes.folders == classes.names == ["n10", "n02", "n01"]
    assert classes.order == "the lines of `classes`"


def test_a_line_without_a_folder_is_a_class_without_pictures(tmp_path):
    assert read_classes(written(tmp_path, "n01\nn02\nn03\nn10\n"), FOUND).folders == ["n01", "n02", "n03", "n10"]


@pytest.mark.parametrize(
    "name, content",
    [
        ("words.txt", "n01\ttench, Tinca tinca\nn02\tgoldfish\nn03\tshark\nn10\tgreat white\n"),
        ("LOC_synset_mapping.txt", "n01 tench, Tinca tinca\nn02 goldfish\nn03 shark\nn10 great white\n"),
        ("map.csv", 'folder,class\nn01,"tench, Tinca tinca"\nn02,goldfish\nn10,great white\n'),
        ("map.tsv", "n01\ttench, Tinca tinca\nn02\tgoldfish\nn10\tgreat white\n"),
        ("map.json", json.dumps({"n01": "tench, Tinca tinca", "n02": "goldfish", "n10": "great white"})),
        ("index.json", json.dumps({"2": ["n10", "great white"], "0": ["n01", "tench, Tinca tinca"], "1": ["n02", "goldfish"]})),
    ],
)  # fmt: skip
def test_folders_with_names_beside_them(tmp_path, name, content):
    classes = read_classes(written(tmp_path, content, name), FOUND)
    assert classes.folders == ["n01", "n02", "n10"]
    assert classes.names == ["tench, Tinca tinca", "goldfish", "great white"]
    labels = classes.labels_of()
    assert labels["n10"] == labels["great white"] == 2


def test_numbered_folders_get_their_names_in_the_order_of_the_lines(tmp_path):
    lines = "".join(f"{number} the {number}th\n" for number in range(12))
    classes = read_classes(written(tmp_path, lines), sorted(map(str, range(12))))
    assert classes.folders == [str(number) for number in range(12)] and classes.names[10] == "the 10th"


@pytest.mark.parametrize(
    "content", [["n10", "n02", "n01"], {"n10": 0, "n01": 2, "n02": 1}, {"1": "n02", "0": "n10", "2": "n01"}]
)
def test_json_that_says_the_order(tmp_path, content):
    assert read_classes(written(tmp_path, json.dumps(content), "c.json"), FOUND).folders == ["n10", "n02", "n01"]


def test_classes_that_share_a_name_keep_their_folder_beside_it(tmp_path, capsys):
    classes = read_classes(written(tmp_path, "n01\tcrane\nn02\tkite\nn10\tcrane\n"), FOUND)
    assert classes.names == ["crane (n01)", "kite", "crane (n10)"]
    assert "therefore have the folder beside them: crane\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    "name, content, sentence",
    [
        ("c.txt", "n01\nn02\n", r"names no class for 1 of the 3 folders or labels, as 'n10': give a text file with a"),
        ("c.txt", "n01\nn02\nn01\nn10\n", "names 'n01' twice"),
        ("c.tsv", "n01\ta\nn02\tb\nn10\tc\nn02\td\n", "names 'n02' twice"),
        ("c.txt", "", "names no class for 3 of the 3"),
        ("c.txt", b"n\xff01", "cannot be read"),
        ("c.json", "{", "is no JSON"),
        ("c.json", "{}", "must be a JSON list of folders, or an object"),
        ("c.json", '{"n01": 0, "n02": 2, "n10": 3}', "must be a JSON list of folders, or an object"),
        ("c.json", '[["n01"]]', "must be a JSON list of folders, or an object"),
    ],
)
def test_what_names_no_classes(tmp_path, name, content, sentence):
    with pytest.raises(InputError, match=sentence):
        read_classes(written(tmp_path, content, name), FOUND)


def test_names_where_no_folder_tells_them(tmp_path):
    """Of a list of numbers alone: each line is a name, unless it has columns."""
    assert read_classes(written(tmp_path, "golden retriever\ntench\n"), []).names == ["golden retriever", "tench"]
    assert read_classes(written(tmp_path, "n01\ttench\nn02\tgoldfish\n"), []).names == ["tench", "goldfish"]
    assert read_classes(written(tmp_path, '{"1": "b", "0": "a"}', "c.json"), []).names == ["a", "b"]


def test_numbered_folders_and_names_alone(tmp_path):
    lines = "".join(f"class {number}\n" for number in range(12))
    assert read_classes(written(tmp_path, lines), [str(number) for number in range(12)]).names[11] == "class 11"
    classes = read_classes(written(tmp_path, lines), ["10", "2", "00"])
    assert classes.names == [f"class {number}" for number in range(12)] and classes.folders[:3] == ["00", "1", "2"]
    assert classes.labels_of()["10"] == 10 and classes.labels_of()["00"] == 0
    assert classes.order == "the lines of `classes`, which the folders number from 0"
    with pytest.raises(InputError, match="names no class for 1 of the 2 folders or labels, as '12'"):
        read_classes(written(tmp_path, lines), ["1", "12"])  # the names count from 0, these folders from 1


def test_natural_order_by_hand():
    names = ["b10", "b9", "a", "10", "9", "b09", "1.5", "1.10"]
    assert natural_order(names) == ["1.5", "1.10", "9", "10", "a", "b09", "b9", "b10"]


@given(st.sets(st.integers(0, 10**6), min_size=1, max_size=20))
def test_natural_order_of_numbers_is_that_of_their_sizes(numbers):
    assert ordered([str(number) for number in numbers], NATURAL).folders == [str(number) for number in sorted(numbers)]
