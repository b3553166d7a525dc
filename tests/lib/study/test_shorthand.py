"""Studies that compare networks one with one: what they may leave out, and the shorthand for two files."""

from pathlib import Path

import pytest
import yaml

from scripts.lib.jobs.errors import InputError
from scripts.lib.study.shorthand import with_pair
from scripts.lib.study.study import load_study

ROOT = Path(__file__).parents[3]
SCHEMA = yaml.safe_load((ROOT / "schemas" / "config.schema.yaml").read_text())
DENSE, CONTROL = {"name": "dense", "method": "none"}, {"name": "control", "method": "none"}
HALF = {"name": "float16", "method": "float16", "of": "dense"}
PRUNED = {"name": "pruned", "method": "magnitude", "sparsity": 0.5}


def default():
    return yaml.safe_load((ROOT / "config.yaml").read_text())


def study(levels, models=1):
    return load_study(default() | {"levels": levels, "population": {"models": models, "cohort": 1}}, SCHEMA)


def files(folder, *names):
    (folder / "images").mkdir(exist_ok=True)
    for name in names:
        (folder / name).touch()
    return {name.partition(".")[0]: str(folder / name) for name in names}


@pytest.mark.parametrize(
    ("levels", "models"),
    [([DENSE, HALF], 1), ([DENSE, HALF], 3), ([DENSE, CONTROL, HALF, PRUNED], 1), ([DENSE, CONTROL], 1)],
)
def test_networks_are_compared_one_with_one(levels, models):
    found = study(levels, models)
    assert found.compares_files and "pair_summary" in found.tables and "pie_summary" not in found.tables
    assert any("one with one" in sentence for sentence in found.left_out) and found.pictures == []


def test_populations_stay_what_they_were():
    found = study([DENSE, CONTROL, HALF], models=2)
    assert not found.compares_files and "pie_summary" in found.tables and "pair_summary" not in found.tables


@pytest.mark.parametrize(
    ("levels", "sentence"),
    [
        ([DENSE], "config key `levels` has 1 entries: it must have at least 2."),
        ([DENSE, PRUNED], "config key `levels` has no `control`: add {name: control, method: none}"),
        ([DENSE, HALF, PRUNED], "config key `levels` has no `control`"),
        ([CONTROL, HALF], "config key `levels` has no `dense`"),
    ],
)
def test_what_cannot_be_told_apart_is_refused(levels, sentence):
    with pytest.raises(InputError) as error:
        study(levels)
    assert str(error.value).startswith(sentence)


def test_the_harmless_flips_are_the_controls_or_those_of_half_precision():
    assert study([DENSE, CONTROL, HALF]).populations.beside == "control"
    assert study([DENSE, HALF]).populations.beside == "float16"
    assert study([DENSE, HALF | {"name": "int8", "method": "int8_dynamic"}]).populations.beside is None


def test_two_files_and_a_folder_are_a_study(tmp_path):
    paths = files(tmp_path, "dense.pt", "compressed.pt")
    config = with_pair(default() | paths | {"images": str(tmp_path / "images")}, default())
    config["levels"] = [
        level | {"checkpoints": level["checkpoints"] | {"network": "torchvision:resnet18"}}
        for level in config["levels"]
    ]
    found = load_study(config, SCHEMA)
    assert (
        list(found.populations.levels) == ["dense", "compressed"]
        and found.populations.designs["compressed"] == "paired"
    )
    assert (
        found.config["study"] == "pair" and found.images.corruptions == [] and found.config["audit"]["subgroups"] == []
    )
    assert found.config["data"]["image_folder"]["size"] == 224
    assert not {"pair", "dense", "compressed", "images"} & set(found.config)


def test_what_a_study_says_itself_stays(tmp_path):
    said = {
        "dense": "a.pt",
        "compressed": {"int8": "b.pt", "int4": "c.pt"},
        "control": "d.pt",
        "images": "i",
        "size": 96,
        "network": "timm:x",
    }
    config = default() | {"study": "mine", "pair": said, "corruptions": default()["corruptions"] | {"severities": [1]}}
    config["audit"] = config["audit"] | {"significance": 0.01}
    found = with_pair(config, default())
    assert found["study"] == "mine" and found["corruptions"]["severities"] == [1] and found["corruptions"]["names"]
    assert found["audit"] == config["audit"] | {"subgroups": []}
    assert [level["name"] for level in found["levels"]] == ["dense", "control", "int8", "int4"]
    assert "of" not in found["levels"][1] and found["levels"][2]["of"] == "dense"
    assert found["levels"][3]["checkpoints"]["network"] == "timm:x" and found["data"]["image_folder"]["size"] == 96


def test_a_list_of_files_names_the_levels():
    found = with_pair(
        default() | {"pair": {"dense": "a.pt", "compressed": ["x/my net.pt", "y/int8.onnx"], "images": "i"}}, default()
    )
    assert [level["name"] for level in found["levels"]] == ["dense", "my-net", "int8"]


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({"dense": "a.pt"}, "config key `compressed` is missing: a pair names a `dense` file"),
        ({"pair": {"dense": "a.pt", "compressed": "b.pt"}}, "config key `pair.images` is missing"),
        (
            {"pair": {"dense": "a.pt", "compresed": "b.pt"}},
            "config key `pair.compresed` is unknown: did you mean `compressed`?",
        ),
        ({"pair": {}, "dense": "a.pt"}, "config keys `pair` and `dense`: the pair has it all"),
        ({"pair": "a.pt"}, "config key `pair` must be a section"),
        (
            {"pair": {"dense": "a", "compressed": ["x/a.pt", "y/a.pt"], "images": "i"}},
            "config key `compressed` lists files whose names",
        ),
        (
            {"pair": {"dense": "a", "compressed": "b", "images": "i"}, "levels": [DENSE]},
            "config key `levels`: `pair` says it already",
        ),
    ],
)
def test_pairs_that_lack_something(said, sentence):
    with pytest.raises(InputError) as error:
        with_pair(default() | said, default())
    assert str(error.value).startswith(sentence)
