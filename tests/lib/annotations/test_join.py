"""Annotations in files of others: every known format, and what is wrong with files as people have them."""

import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from scipy import stats

from scripts.lib.annotations.column import load_columns, save_columns
from scripts.lib.annotations.joins.join import join
from scripts.lib.data.dataset import Examples
from scripts.lib.jobs.errors import InputError
from scripts.lib.study.joins import check_joins

CLASSES = [str(number) for number in range(1000)]


def examples_of(ids, labels):
    nothing = np.zeros(len(ids), int)
    return Examples(
        np.array(ids), np.array(labels), nothing.astype(str), np.array(labels), nothing, nothing.astype(str)
    )


IDS = examples_of(["0", "1", "2", "3"], [0, 1, 2, 0])
FACES = "image_id,Male,age,hair\n0,1,20.5,red\n1,-1,30,brown\n2,-1,40,red\n3,1,50,red\n9,1,1,none\n"


def written(path, text):
    path.write_text(text, encoding="utf-8")
    return {"name": "mine", "file": str(path), "id": "image_id"}


def by_name(columns):
    return {column.name: column for column in columns}


def test_a_table_of_attributes(tmp_path, capsys):
    found = by_name(join(written(tmp_path / "faces.csv", FACES), IDS, CLASSES[:3]))
    assert {name: column.scale for name, column in found.items()} == {
        "Male": "factor",
        "age": "number",
        "hair": "category",
    }
    assert found["Male"].values.tolist() == [1, 0, 0, 1] and found["hair"].values.tolist() == [
        "red",
        "brown",
        "red",
        "red",
    ]
    assert "4 of 4 test images have a row in" in (said := capsys.readouterr().out)
    assert "1 of its 5 rows are of no test image" in said


@pytest.mark.parametrize("ending", ["csv", "tsv", "parquet"])
def test_tables_are_the_same_in_every_file_and_order(tmp_path, ending):
    rows = pd.DataFrame({"image_id": [3, 1, 0, 2], "blur": [0.3, 0.1, 0.0, 0.2], "cluster": [7, 8, 7, 8]})
    path = tmp_path / f"rows.{ending}"
    rows.to_parquet(path) if ending == "parquet" else rows.to_csv(
        path, index=False, sep="," if ending == "csv" else "\t"
    )
    entry = {
        "name": "mine",
        "file": str(path),
        "id": "image_id",
        "columns": ["blur", "cluster"],
        "categories": ["cluster"],
    }
    found = by_name(join(entry, IDS, CLASSES[:3]))
    assert found["blur"].values.tolist() == [0.0, 0.1, 0.2, 0.3]
    assert found["cluster"].values.tolist() == ["7", "8", "8", "7"] and found["cluster"].scale == "category"


@pytest.mark.parametrize(
    "before, after, sentence",
    [
        ("2,-1,40,red\n", "", "says nothing in `Male` of 1 of 4 test images, as '2'"),
        ("30,brown", ",brown", "says nothing in `age` of 1 of 4 test images, as '1'"),
        ("30,brown", "NaN,brown", "says nothing in `age` of 1 of 4 test images, as '1'"),
        ("9,1,1", "3,1,1", "has two rows for '3': give every image one."),
        ("40,red", "inf,red", "column `age`, has an infinite number"),
        ("9,1,1", ",1,1", "1 rows have no id"),
        ("image_id,Male", "image,Male", "has no column `image_id`"),
        ("age,hair", "Male,hair", "faces.csv has two columns Male: rename one."),
    ],
)
def test_wrong_tables(tmp_path, before, after, sentence):
    assert before in FACES
    entry = written(tmp_path / "faces.csv", FACES.replace(before, after))
    with pytest.raises(InputError) as error:
        join(entry, IDS, CLASSES[:3])
    assert sentence in str(error.value) and "\n" not in str(error.value)


def test_what_is_missing_can_be_ignored_and_is_counted(tmp_path, capsys):
    entry = written(tmp_path / "faces.csv", FACES.replace("2,-1,40,red\n", "")) | {"missing": "ignore"}
    found = by_name(join(entry, IDS, CLASSES[:3]))
    assert np.isnan(found["Male"].values[2]) and found["hair"].values[2] is None
    assert "`age` is unknown of 1 of 4 test images" in capsys.readouterr().out
    path = tmp_path / "annotations.parquet"
    save_columns(path, IDS.example, list(found.values()))
    again = load_columns([path], IDS.example)
    for name, column in found.items():
        assert again[name].scale == column.scale and again[name].joined
        assert np.array_equal(again[name].known, column.known) and again[name].known.tolist() == [
            True,
            True,
            False,
            True,
        ]
    with pytest.raises(InputError, match="has other examples than the predictions"):
        load_columns([path], IDS.example[::-1])
    with pytest.raises(InputError, match="which another file has too"):
        load_columns([path, path], IDS.example)


def test_other_names_are_shown_side_by_side(tmp_path):
    with pytest.raises(
        InputError, match=r"no row for any test image: its rows are named as '0' and the images as 'cat/a\.png'"
    ):
        join(written(tmp_path / "faces.csv", FACES), examples_of(["cat/a.png"], [0]), CLASSES[:1])


def test_a_column_of_ids_is_no_category(tmp_path):
    text = "image_id,path\n" + "".join(f"{i},/data/{i}\n" for i in range(120))
    with pytest.raises(InputError, match="column `path`, has 120 different values, and a category may have 100"):
        join(written(tmp_path / "x.csv", text), examples_of([str(i) for i in range(120)], [0] * 120), CLASSES[:1])


def test_file_names_stand_for_ids_where_they_are_unique(tmp_path):
    entry = written(tmp_path / "x.csv", "image_id,a\n1.png,0.5\n2.png,0.7\n") | {"match": "file_name"}
    (column,) = join(entry, examples_of(["cat/2.png", "dog/1.png"], [0, 1]), CLASSES[:2])
    assert column.values.tolist() == [0.7, 0.5]
    with pytest.raises(InputError, match=r"1 file names, as '1\.png', are of more than one test image"):
        join(entry, examples_of(["cat/1.png", "dog/1.png"], [0, 1]), CLASSES[:2])


COUNTS = np.array([[50, 0, 0], [10, 30, 10], [25, 15, 10], [20, 20, 10]])


@pytest.mark.parametrize("kind", ["counts", "shares", "answers"])
def test_cifar10h(tmp_path, kind):
    path = tmp_path / ("cifar10h-raw.csv" if kind == "answers" else "cifar10h.npy")
    if kind == "answers":
        rows = [(image, said, 0) for image in range(4) for said in range(3) for _ in range(COUNTS[image, said])]
        rows += [(-99999, 1, 1)]  # an attention check
        names = ["cifar10_test_test_idx", "chosen_label", "is_attn_check"]
        pd.DataFrame(rows, columns=names).assign(annotator_id=0).to_csv(path, index=False)
    else:
        np.save(path, COUNTS if kind == "counts" else COUNTS / 50)
    found = by_name(join({"name": "people", "file": str(path), "format": "cifar10h"}, IDS, CLASSES[:3]))
    assert found["human_entropy"].values == pytest.approx([stats.entropy(row, base=2) for row in COUNTS])
    assert found["human_agreement"].values == pytest.approx([1, 0.6, 0.2, 0.4])
    assert found["humans_differ"].values.tolist() == [0, 0, 1, 0]  # of two labels as frequent, the image's own will do


def test_wrong_cifar10h(tmp_path):
    np.save(tmp_path / "x.npy", COUNTS)
    entry = {"name": "people", "file": str(tmp_path / "x.npy"), "format": "cifar10h"}
    with pytest.raises(InputError, match="counts 3 classes and the study has 10"):
        join(entry, IDS, CLASSES[:10])
    np.save(tmp_path / "x.npy", COUNTS * 0)
    with pytest.raises(InputError, match="negative, undefined or empty"):
        join(entry, IDS, CLASSES[:3])
    (tmp_path / "x.npy").write_bytes(b"x")
    with pytest.raises(InputError, match=r"damaged or no \.npy file"):
        join(entry, IDS, CLASSES[:3])


IMAGENET = examples_of([f"n0{i}/ILSVRC2012_val_0000000{i}.JPEG" for i in (3, 1, 2)], [5, 6, 7])


def test_real(tmp_path):
    path = tmp_path / "real.json"
    path.write_text(json.dumps([[6], [1, 2], [], [9]]))
    entry = {"name": "real", "file": str(path), "format": "real"}
    found = by_name(join(entry, IMAGENET, CLASSES[:1000]))
    assert found["real_label"].values.tolist() == ["no label fits", "label fits", "other labels fit"]
    assert found["real_labels"].values.tolist() == [0, 1, 2]
    with pytest.raises(InputError, match="ReaL's labels number ImageNet's 1000 classes, and the study has 10"):
        join(entry, IMAGENET, CLASSES[:10])
    for wrong in ([[6], [1000]], [[True]], {"a": 1}, [6]):
        path.write_text(json.dumps(wrong))
        with pytest.raises(InputError, match="must be a list of lists of class numbers from 0 to 999"):
            join(entry, IMAGENET, CLASSES[:1000])


def test_imagenet_x(tmp_path):
    path = tmp_path / "imagenet_x.jsonl"
    lines = [
        {"file_name": f"ILSVRC2012_val_0000000{i}.JPEG", "class": i, "pose": i % 2, "darker": 0, "one_word": "x"}
        for i in (1, 2, 3)
    ]
    path.write_text("\n".join(map(json.dumps, lines)))
    entry = {"name": "x", "file": str(path), "format": "imagenet_x"}
    found = by_name(join(entry, IMAGENET, CLASSES[:1000]))
    assert set(found) == {"pose", "darker"} and all(column.scale == "factor" for column in found.values())
    assert found["pose"].values.tolist() == [1, 1, 0]
    path.write_text(path.read_text().replace('"pose": 0', '"pose": 2'))
    with pytest.raises(InputError, match="the factor `pose` is 2 in a line: it must be 0 or 1"):
        join(entry, IMAGENET, CLASSES[:1000])
    path.write_text('{"file_name": "a", "pose": 1}\n{"file_name": "b"}')
    with pytest.raises(InputError, match="the same factors as the first"):
        join(entry, IMAGENET, CLASSES[:1000])


def test_columns_of_other_things_are_refused(tmp_path):
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"image_id": ["0", "1", "2", "3"], "boxes": [[1], [2], [3], [4]]}), tmp_path / "x.parquet")
    with pytest.raises(InputError, match="column `boxes`, holds list"):
        join({"name": "x", "file": str(tmp_path / "x.parquet"), "id": "image_id"}, IDS, CLASSES[:3])


@pytest.mark.parametrize(
    "change, sentence",
    [
        ({"file": "/nowhere.csv"}, "`file` is '/nowhere.csv', and there is no such file: correct the path."),
        ({"id": None}, "`id` is missing: name the column that holds the examples' ids."),
        ({"format": "real"}, "the format real takes no `id`: remove it."),
    ],
)
def test_wrong_joins(tmp_path, change, sentence):
    entry = written(tmp_path / "x.csv", FACES) | change
    with pytest.raises(InputError) as error:
        check_joins([{key: value for key, value in entry.items() if value is not None}])
    assert sentence in str(error.value)


def test_two_joins_need_two_names(tmp_path):
    entry = written(tmp_path / "x.csv", FACES)
    check_joins([entry])
    with pytest.raises(InputError, match="another join has this name"):
        check_joins([entry, entry])
