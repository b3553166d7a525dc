"""The model card: what the hub reads back from it, whatever classes and levels are called, and what is said of both kinds of studies."""

import math

import numpy as np
import pandas as pd
import pytest
import yaml

from scripts.lib.pages.model_card import card, escaped

NASTY = "no: [x] <script>alert('#')</script> | *bold* `code` {{ x }} & ~~gone~~"


def interval(name, value, low, high):
    return {name: value, f"{name}_low": low, f"{name}_high": high}


def populations(**changed):
    """pie_summary.csv of a control and two levels; class_impact.csv of three classes."""
    common = {
        "examples": 3000,
        "dense_models": 10,
        "level_models": 10,
        "significance": 0.05,
        "control_pies": 266,
        "control_rate": 0.0887,
    }
    row = (
        common
        | {"pies": 430, "p_excess": 0.0005, "p_holm": 0.002, "verdict_study": "exceeds the control"}
        | interval("pie_rate", 0.143, 0.131, 0.156)
    )
    row |= (
        interval("excess_rate", 0.054, 0.044, 0.065)
        | interval("level_top1_all", 0.563, 0.548, 0.578)
        | interval("dense_top1_all", 0.615, 0.6, 0.63)
    )
    row |= changed
    control = row | {"level": "control", "excess_rate": math.nan, "verdict_study": "is the control"}
    classes = pd.DataFrame(
        {
            "level": ["pruned"] * 3 + ["int8"] * 3,
            "class": [NASTY, "plain", "untested"] * 2,
            "recall_change": [-0.2, 0.1, np.nan, 0.0, 0.1, np.nan],
            "examples": [100, 200, 0] * 2,
        }
    )
    return {
        "pie_summary": pd.DataFrame([control, row | {"level": "pruned"}, row | {"level": "int8"}]),
        "class_impact": classes,
    }


def pairs(**changed):
    """pair_summary.csv of one compressed file; pair_classes.csv of two classes."""
    row = {
        "level": "int8",
        "seed": 0,
        "examples": 2000,
        "significance": 0.05,
        "flips": 40,
        "lost": 30,
        "gained": 4,
        "moved": 6,
        "p_top1": 0.001,
    }
    row |= {"p_top1_holm": 0.001, "smallest_top1_change": 0.008, "verdict": "loses top-1"} | interval(
        "top1_change", -0.013, -0.02, -0.006
    )
    row |= (
        interval("flip_rate", 0.02, 0.015, 0.027)
        | interval("level_top1", 0.7, 0.68, 0.72)
        | interval("dense_top1", 0.713, 0.69, 0.73)
    )
    row |= interval("level_top5", math.nan, math.nan, math.nan) | changed
    classes = {"level": "int8", "seed": 0, "class": ["cat", NASTY], "change": [0.0, -0.1], "examples": 50}
    classes |= {"change_together_low": -0.3, "change_together_high": 0.02}
    return {"pair_summary": pd.DataFrame([row]), "pair_classes": pd.DataFrame(classes)}


def parted(text):
    """The front matter as YAML reads it, and what follows."""
    begin, front, body = text.split("---\n", 2)
    assert begin == ""
    return yaml.safe_load(front), body


def checked(index):
    """The hub's structure: https://github.com/huggingface/hub-docs/blob/main/modelcard.md."""
    assert list(index) == ["model-index"]
    for model in index["model-index"]:
        assert isinstance(model["name"], str)
        for result in model["results"]:
            assert result["task"]["type"] == "image-classification"
            assert {"type", "name"} <= set(result["dataset"]) and all(
                isinstance(each, str) for each in result["dataset"].values()
            )
            assert result["metrics"]
            for metric in result["metrics"]:
                assert (
                    set(metric) == {"type", "value", "name"}
                    and isinstance(metric["value"], float)
                    and math.isfinite(metric["value"])
                )
    return {
        model["name"]: {each["type"]: each for result in model["results"] for each in result["metrics"]}
        for model in index["model-index"]
    }


def test_each_compressed_level_of_populations_is_a_model_of_the_index():
    index, body = parted(card("mine", "digits", populations()))
    found = checked(index)
    assert list(found) == ["mine-pruned", "mine-int8"]  # the control is not published
    assert found["mine-pruned"]["accuracy"]["value"] == 0.563 and found["mine-pruned"]["pie_excess"]["value"] == 0.054
    assert found["mine-pruned"]["worst_class_change"]["value"] == -0.2
    assert "worst_class_change" not in found["mine-int8"]  # no class loses
    for words in (
        "n = 3,000",
        "K = 10",
        "+5.4 points [+4.4, +6.5]",
        "56.3 % [54.8, 57.8]",
        "exceeds the control",
        "95 % intervals",
    ):
        assert words in body, words


def test_a_pair_is_about_two_files():
    index, body = parted(card("mine", "photos", pairs()))
    found = checked(index)["mine-int8"]
    assert found["accuracy"]["value"] == 0.7 and found["lost_rate"]["value"] == 0.015
    assert "top_5_accuracy" not in found  # undefined
    for words in (
        "K = 1",
        "n = 2,000",
        "-1.3 points [-2.0, -0.6]",
        "30 right before and wrong after",
        "0.8 points",
        "about these files",
    ):
        assert words in body, words
    several = pairs()
    several["pair_summary"] = pd.concat([several["pair_summary"], several["pair_summary"].assign(seed=1)])
    assert list(checked(parted(card("mine", "photos", several))[0])) == ["mine-int8-seed-0", "mine-int8-seed-1"]


@pytest.mark.parametrize("tables", [populations(), pairs()])
def test_names_are_names_whatever_is_in_them(tables):
    index, body = parted(card("yes", "2024-01-01", tables))
    (metrics, *_) = checked(index).values()
    assert metrics["worst_class_change"]["name"].endswith(f"loses most: {NASTY}")
    assert index["model-index"][0]["results"][0]["dataset"]["name"] == "2024-01-01"  # a text, no date
    assert escaped(NASTY) in body and "<script>" not in body.replace("\\<", "")


def test_corruptions_and_bytes_are_said_where_the_study_has_them():
    tables = pairs()
    common = {"level": ["dense", "int8"], "reference": "dense population"}
    tables["pair_robustness_summary"] = pd.DataFrame(
        common | {"mce": [math.nan, 1.1], "mce_low": [math.nan, 1.0], "mce_high": [math.nan, 1.2]}
    )
    tables["cost"] = pd.DataFrame(
        {"level": ["dense", "dense", "int8", "int8"], "weight_bytes": [4000, 4000, 1000, 1000]}
    )
    index, body = parted(card("mine", "photos", tables))
    found = checked(index)["mine-int8"]
    assert found["mce"]["value"] == 1.1 and found["weight_bytes"]["value"] == 1000
    assert "110.0 % [100.0, 120.0]" in body and "1,000 bytes, the dense ones 4,000" in body


def test_a_study_of_a_control_alone_has_an_empty_index():
    tables = populations()
    tables["pie_summary"] = tables["pie_summary"][:1]
    index, body = parted(card("mine", "digits", tables))
    assert index == {"model-index": []} and "Nothing is compressed" in body
