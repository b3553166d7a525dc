"""Annotations that join but are of other images or classes are refused, and ids are found whatever surrounds what names the image."""

import gzip
import json
import zipfile

import numpy as np
import pandas as pd
import pytest

from scripts.lib.annotations.joins.join import join
from scripts.lib.data.dataset import Examples
from scripts.lib.jobs.errors import InputError

N, CLASSES = 200, ["ant", "bee", "cat", "dog", "owl"]
RANDOM = np.random.default_rng(0)
LABEL = RANDOM.integers(0, 5, N)
SHUFFLED = RANDOM.permutation(LABEL)
AGREEING = int((LABEL == SHUFFLED).sum())  # by chance


def examples_of(ids, labels=LABEL):
    nothing = np.zeros(len(ids), int)
    return Examples(np.array(ids), labels, nothing.astype(str), labels, nothing, nothing.astype(str))


EXAMPLES = examples_of([f"i{number}" for number in range(N)])


def table(folder, **columns):
    path = folder / "table.csv"
    pd.DataFrame({"id": EXAMPLES.example, "blur": RANDOM.random(N), **columns}).to_csv(path, index=False)
    return {"name": "mine", "file": str(path), "id": "id", "columns": ["blur"]}


@pytest.mark.parametrize(
    "column, values, said",
    [
        ("label", LABEL, "200 of 200 test images with a class there (100%) have the label"),
        ("Class", np.array(CLASSES)[LABEL], "200 of 200 test images"),
        ("target", LABEL + 1, "the two go together: its classes are numbered otherwise"),
        ("y", np.array([3, 0, 4, 1, 2])[LABEL], "the two go together"),
        (
            "label",
            np.where(np.arange(N) % 4 == 0, (LABEL + 1) % 5, LABEL),
            "150 of 200 test images",
        ),  # a quarter corrected
        ("class", LABEL % 2, ""),  # too few values for the study's classes
        ("class", np.array(["animal", "tool"])[SHUFFLED % 2], ""),  # names of something else
        ("colour", SHUFFLED, ""),
    ],
)
def test_tables_that_belong(tmp_path, capsys, column, values, said):
    (blur,) = join(table(tmp_path, **{column: values}), EXAMPLES, CLASSES)
    assert blur.name == "blur" and said in capsys.readouterr().out


@pytest.mark.parametrize("values", [SHUFFLED, np.array(CLASSES)[SHUFFLED], SHUFFLED + 1.0])
def test_tables_whose_rows_are_of_other_images(tmp_path, values):
    with pytest.raises(InputError) as error:
        join(table(tmp_path, label=values), EXAMPLES, CLASSES)
    sentence = "would if its rows were shuffled: correct its ids, or rename the column if it does not hold the images' classes."
    assert sentence in str(error.value)
    if values is SHUFFLED:
        assert f"{AGREEING} of 200 test images with a class there" in str(error.value)


def test_few_images_tell_nothing(tmp_path):
    join(table(tmp_path, label=SHUFFLED) | {"missing": "ignore"}, examples_of(["i0", "i1"], LABEL[:2]), CLASSES)


def answers(label):
    """CIFAR-10H's counts for images that most people call by these labels."""
    counts = RANDOM.integers(0, 10, (len(label), 5))
    counts[np.arange(len(label)), label] += 40
    return counts


POSITIONS = examples_of([f"{number:04d}" for number in range(N)])  # as some write them


@pytest.mark.parametrize("inside", ["cifar10h-raw.csv", "data/cifar10h-probs.npy", None])
def test_cifar10h_as_it_is_published(tmp_path, inside):
    counts = answers(LABEL)
    path = tmp_path / "cifar10h-probs.npy"
    if inside is None or inside.endswith("npy"):
        np.save(path, counts / counts.sum(axis=1, keepdims=True))
    else:
        path = tmp_path / "cifar10h-raw.csv"
        rows = [(image, said, 0) for image in range(N) for said in range(5) for _ in range(counts[image, said])]
        names = ["cifar10_test_test_idx", "chosen_label", "is_attn_check"]
        pd.DataFrame([*rows, (-99999, 1, 1)], columns=names).to_csv(path, index=False)
    if inside is not None:
        packed = tmp_path / "cifar10h.zip"
        with zipfile.ZipFile(packed, "w") as file:
            file.write(path, inside)
            file.writestr("__MACOSX/._cifar10h-raw.csv", b"x")
            file.writestr("README.md", b"x")
        path = packed
    columns = {
        each.name: each for each in join({"name": "x", "file": str(path), "format": "cifar10h"}, POSITIONS, CLASSES)
    }
    assert set(columns) == {"human_entropy", "human_agreement", "humans_differ"}
    assert columns["human_agreement"].values == pytest.approx(counts[np.arange(N), LABEL] / counts.sum(axis=1))


def test_wrong_zips(tmp_path):
    entry = {"name": "x", "file": str(tmp_path / "x.zip"), "format": "cifar10h"}
    (tmp_path / "x.zip").write_bytes(b"PK")
    with pytest.raises(InputError, match=r"x\.zip is damaged or no zip"):
        join(entry, POSITIONS, CLASSES)
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as file:
        file.writestr("notes.csv", b"x")
    with pytest.raises(InputError, match=r"has 0 files called cifar10h….csv"):
        join(entry, POSITIONS, CLASSES)


def test_answers_about_images_in_another_order(tmp_path):
    np.save(tmp_path / "x.npy", answers(SHUFFLED))
    entry = {"name": "x", "file": str(tmp_path / "x.npy"), "format": "cifar10h"}
    with pytest.raises(InputError, match="ids must be positions in CIFAR-10's own test set, and classes in its order"):
        join(entry, POSITIONS, CLASSES)
    np.save(tmp_path / "x.npy", answers((LABEL + 1) % 5))  # the agreement of people depends on the numbers of classes
    with pytest.raises(InputError, match=r"0 of 200 test images with a class there .* where 2"):
        join(entry, POSITIONS, CLASSES)


THOUSAND = [str(number) for number in range(1000)]
MANY = RANDOM.integers(0, 1000, N)


@pytest.mark.parametrize(
    "name",
    [
        "n01440764/ILSVRC2012_val_{:08d}.JPEG",
        "val/ILSVRC2012_val_{:08d}.png",
        "ILSVRC2012_val_{:08d}",
        "n02_ilsvrc2012_val_{:08d}_n02.jpeg",
        "ILSVRC2012_VAL_{:08d}.JPG",
    ],
)
def test_images_of_imagenet_are_found_whatever_surrounds_their_numbers(tmp_path, name):
    order = RANDOM.permutation(N)
    examples = examples_of([name.format(number + 1) for number in order], MANY[order])
    fitting = [[int(label), int(label + 1) % 1000] if number % 3 else [] for number, label in enumerate(MANY)]
    (tmp_path / "real.json").write_text(json.dumps(fitting))
    entry = {"name": "real", "file": str(tmp_path / "real.json"), "format": "real"}
    kind, count = join(entry, examples, THOUSAND)
    assert kind.values.tolist() == ["label fits" if number % 3 else "no label fits" for number in order]
    assert count.values.tolist() == [2.0 * bool(number % 3) for number in order]
    lines = [
        {"file_name": f"ILSVRC2012_val_{number + 1:08d}.JPEG", "class": int(MANY[number]), "pose": number % 2}
        for number in range(N)
    ]
    (tmp_path / "x.jsonl").write_text("\n".join(map(json.dumps, lines)))
    (pose,) = join({"name": "x", "file": str(tmp_path / "x.jsonl"), "format": "imagenet_x"}, examples, THOUSAND)
    assert pose.values.tolist() == (order % 2).tolist()
    pd.DataFrame({"id": [line["file_name"] for line in lines], "blur": range(N)}).to_csv(
        tmp_path / "t.csv", index=False
    )
    (blur,) = join({"name": "t", "file": str(tmp_path / "t.csv"), "id": "id"}, examples, THOUSAND)
    assert blur.values.tolist() == order.tolist()
    for line in lines:
        line["class"] = (line["class"] + 1) % 1000
    (tmp_path / "x.jsonl").write_text("\n".join(map(json.dumps, lines)))
    with pytest.raises(InputError, match="classes the order of ImageNet's folders"):
        join({"name": "x", "file": str(tmp_path / "x.jsonl"), "format": "imagenet_x"}, examples, THOUSAND)
    (tmp_path / "real.json").write_text(json.dumps(fitting[::-1]))
    with pytest.raises(InputError, match="classes the order of ImageNet's folders"):
        join(entry, examples, THOUSAND)


@pytest.mark.parametrize("name", ["t.csv.gz", "t.tsv", "semicolons.csv", "t.jsonl", "t.parquet"])
def test_tables_of_every_kind(tmp_path, name):
    rows, path = pd.DataFrame({"id": EXAMPLES.example, "blur": np.arange(N) / 7}), tmp_path / name
    if name.endswith("parquet"):
        rows[["blur", "id"]].to_parquet(path)
    elif name.endswith("jsonl"):
        rows.to_json(path, orient="records", lines=True, double_precision=15)
    else:
        text = rows.to_csv(
            index=False,
            sep={"tsv": "\t"}.get(name[-3:], ";" if "semi" in name else ","),
            decimal="," if "semi" in name else ".",
        )
        path.write_bytes(gzip.compress(text.encode()) if name.endswith("gz") else text.encode())
    (blur,) = join({"name": "t", "file": str(path), "id": "id"}, EXAMPLES, CLASSES)
    assert blur.scale == "number" and blur.values == pytest.approx(np.arange(N) / 7)


def test_zeros_that_got_lost(tmp_path):
    pd.DataFrame({"id": range(N), "blur": 1.5}).to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(InputError, match="has a row for '0', and there is a test image '0000': zeros got lost"):
        join({"name": "t", "file": str(tmp_path / "t.csv"), "id": "id", "missing": "ignore"}, POSITIONS, CLASSES)
