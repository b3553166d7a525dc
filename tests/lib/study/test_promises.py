"""Promises that a study cannot be held to are refused before any job."""

from pathlib import Path

import pytest
import yaml

from scripts.lib.jobs.errors import InputError
from scripts.lib.study.study import load_study

ROOT = Path(__file__).parents[3]
SCHEMA = yaml.safe_load((ROOT / "schemas" / "config.schema.yaml").read_text())


def study(*promises, **sections):
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    config["audit"]["accept"] = list(promises)
    return load_study(config | sections, SCHEMA)


def test_what_is_left_out_is_filled_in():
    found = study(
        {"metric": "top1_loss", "margin": 0.01}, {"metric": "latency", "margin": 0.5, "levels": ["block-0.80"]}
    )
    first, second = found.promises
    assert first["levels"] == ["magnitude-0.50", "magnitude-0.90", "block-0.80", "int8-static"]
    assert second["levels"] == ["block-0.80"] and second["batch_size"] == 1
    assert found.tables[0] == "gate" and "gate" not in study().tables
    with pytest.raises(InputError, match=r"`audit.accept` is empty"):
        study().check_promised()


PAIR = {
    "population": {"models": 1, "cohort": 1},
    "levels": [{"name": "dense", "method": "none"}, {"name": "half", "method": "float16", "of": "dense"}],
}


@pytest.mark.parametrize(
    ("promise", "sections", "sentence"),
    [
        ({"metric": "top1", "margin": 0.1}, {}, "config key `audit.accept[0].metric` is 'top1', which is unknown"),
        ({"metric": "top1_loss", "margin": 1.0}, {}, "config key `audit.accept[0]`: the margin of top1_loss is 1.0"),
        ({"metric": "flips", "margin": 0}, PAIR, "config key `audit.accept[0]`: the margin of flips is 0"),
        ({"metric": "latency", "margin": 0.0}, {}, "config key `audit.accept[0]`: the margin of latency is 0.0"),
        (
            {"metric": "bytes", "margin": 0.5, "levels": ["control"]},
            {},
            "config key `audit.accept[0]` names the level `control`",
        ),
        (
            {"metric": "latency", "margin": 0.5, "batch_size": 3},
            {},
            "config key `audit.accept[0]`: batches of 3 are not measured",
        ),
        (
            {"metric": "bytes", "margin": 0.5, "batch_size": 1},
            {},
            "config key `audit.accept[0]`: bytes takes no `batch_size`",
        ),
        (
            {"metric": "flips", "margin": 0.1},
            {},
            "config key `audit.accept[0]`: flips is of networks that were made of the dense",
        ),
        ({"metric": "excess_pies", "margin": 0.1}, PAIR, "config key `audit.accept[0]`: excess_pies is of populations"),
    ],
)
def test_promises_that_cannot_be_judged(promise, sections, sentence):
    with pytest.raises(InputError) as error:
        study(promise, **sections)
    assert str(error.value).startswith(sentence)


def test_a_promise_is_made_once_and_of_what_there_is():
    loss = {"metric": "top1_loss", "margin": 0.01}
    with pytest.raises(InputError, match="repeats the promise of top1_loss"):
        study(loss, loss | {"margin": 0.02})
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    with pytest.raises(InputError, match="mce needs corruptions"):
        study({"metric": "mce", "margin": 1.1}, corruptions=config["corruptions"] | {"names": []})
    with pytest.raises(InputError, match="worst_group needs groups"):
        config["audit"] |= {"subgroups": [], "accept": [{"metric": "worst_group", "margin": 0.1}]}
        load_study(config, SCHEMA)
