"""Levels whose layers can be blamed, and the sentences of those that cannot."""

import re
from pathlib import Path

import pytest
import yaml

from scripts.lib.jobs.errors import InputError
from scripts.lib.study.study import load_study
from scripts.lib.study.work import not_counted

ROOT = Path(__file__).parents[3]
SCHEMA = yaml.safe_load((ROOT / "schemas" / "config.schema.yaml").read_text())
GRADIENTS = {"name": "gradients", "method": "prune", "score": "gradient_times_weight", "sparsity": 0.5}
FURTHER = [{"name": "int4", "method": "int4_weights"}, {"name": "small", "method": "smaller", "width": 0.5}, GRADIENTS]


def study(layers=None, **changes):
    """The default study with further levels, and what it asks of layers."""
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    config["levels"] += FURTHER
    for section, value in changes.items():
        config[section] = config[section] | value
    if layers is not None:
        config["audit"]["layers"] = layers
    return load_study(config, SCHEMA)


def test_nothing_is_asked_unless_a_study_asks():
    found = study()
    assert found.config["audit"]["layers"] == {"levels": [], "images": 2000, "margin": 0.02}
    assert "layers" not in found.tables + found.figures and "exemptions" not in found.tables
    assert found.blamed == found.exemptions == not_counted(found) == []


def test_files_of_what_is_asked():
    found = study({"levels": ["int8-static", "int4", "magnitude-0.90"]}, population={"cohort": 5})
    assert found.tables[-2:] == ["layers", "exemptions"] and found.figures[-1] == "layers"
    assert found.blamed[:2] == [f"<results>/layers/int8-static/{cohort}.parquet" for cohort in ("000-004", "005-009")]
    assert found.exemptions == [f"<results>/layers/{level}/exemptions.csv" for level in ("int8-static", "int4")]
    uncompressed = {
        level: found.all_uncompressed(level)[1].split("/")[2] for level in ("int8-static", "int4", "magnitude-0.90")
    }
    assert uncompressed == {"int8-static": "dense", "int4": "int4", "magnitude-0.90": "dense"}
    assert found.all_compressed("int4")[0] == "<results>/quantized/int4/000-004.safetensors"
    assert found.all_compressed("magnitude-0.90")[0] == "<results>/models/magnitude-0.90/000-004.safetensors"
    assert found.control_ledger[1] == "<results>/predictions/control/005-009/clean.parquet"
    assert not_counted(found) == ["layers compressed one by one (int8-static, int4, magnitude-0.90)"]
    assert study({"levels": ["magnitude-0.90"]}).tables[-1] == "layers"  # nothing to exempt
    assert study({"levels": ["int4"], "images": None, "margin": 0.0001}).config["audit"]["layers"]["images"] is None


def test_one_model_a_level_and_no_control_have_layers_too():
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    config["population"] = {"models": 1, "cohort": 1}
    config["levels"] = [{"name": "dense", "method": "none"}, {"name": "int4", "method": "int4_weights", "of": "dense"}]
    config["audit"]["layers"] = {"levels": ["int4"]}
    found = load_study(config, SCHEMA)
    assert found.compares_files and found.control_ledger == []
    assert found.tables[-2:] == ["layers", "exemptions"] and found.figures[-1] == "layers"
    assert found.blamed == ["<results>/layers/int4/000-000.parquet"]


@pytest.mark.parametrize(
    ("layers", "changes", "sentence"),
    [
        (
            {"levels": ["int9"]},
            {},
            "config key `audit.layers.levels` names `int9`, and there is no such level: it may be one of dense, control",
        ),
        (
            {"levels": ["control"]},
            {},
            "names `control`, of which no layer is compressed: name levels that are quantized or pruned here.",
        ),
        ({"levels": ["small"]}, {}, "names `small`, of which no layer is compressed"),
        (
            {"levels": ["gradients"]},
            {},
            "names `gradients`, whose score is `gradient_times_weight`, and trained networks have no gradients",
        ),
        (
            {"levels": ["block-0.80"]},
            {"pruning": {"permutation": "output_channels"}},
            "names `block-0.80`, whose channels are brought together while it trains",
        ),
        (
            {"levels": ["int4"], "images": 400, "margin": 0.01},
            {},
            "config key `audit.layers.margin` is 0.01, and of 400 images, half of which confirm it, not a single flip would still leave 0.019 open: "
            "write `images: 762` or more",
        ),
        ({"levels": ["int4", "int4"]}, {}, "config key `audit.layers.levels` names something twice"),
        ({"levels": ["int4"], "image": 3}, {}, "config key `audit.layers.image` is unknown: did you mean `images`?"),
        ({"levels": ["int4"], "margin": 0}, {}, "config key `audit.layers.margin` is 0: it must be greater than 0."),
    ],
)
def test_what_cannot_be_asked_is_said_in_a_sentence(layers, changes, sentence):
    with pytest.raises(InputError, match=re.escape(sentence)):
        study(layers, **changes)


def test_the_images_that_a_sentence_asks_for_are_enough_and_two_less_are_not():
    assert study({"levels": ["int4"], "images": 762, "margin": 0.01})
    with pytest.raises(InputError, match="write `images: 762` or more"):
        study({"levels": ["int4"], "images": 760, "margin": 0.01})
    assert study({"levels": ["magnitude-0.90"], "images": 20, "margin": 0.01})  # nothing is to be confirmed


@pytest.mark.parametrize(
    ("brought", "sentence"),
    [
        ("dense", "whose layers would have to be pruned in the dense networks"),
        ("magnitude-0.90", "whose models were made elsewhere"),
    ],
)
def test_models_that_were_made_elsewhere_have_no_layers_to_exchange(brought, sentence, tmp_path):
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    for seed in range(10):
        (tmp_path / f"{seed}.pt").write_bytes(b"weights")
    checkpoints = {"network": "torchvision:resnet18", "weights": f"{tmp_path}/*.pt"}
    config["levels"] = [
        {"name": level["name"], "method": "none", "checkpoints": checkpoints} if level["name"] == brought else level
        for level in config["levels"]
    ]
    config["audit"]["layers"] = {"levels": ["magnitude-0.90"]}
    with pytest.raises(InputError, match=sentence):
        load_study(config, SCHEMA)
