"""Whose checkpoints a level predicts with, and what that makes of the comparison with the dense level."""

import copy

import pytest

from scripts.lib.study.levels import (
    METHODS,
    QUANTIZING,
    checkpoints_of,
    design_of,
    is_quantized,
    quantization_of,
    trained_as,
)


@pytest.mark.parametrize(
    "level, checkpoints, design, trained",
    [
        ({"name": "dense", "method": "none"}, "dense", "independent", "none"),
        ({"name": "control", "method": "none"}, "control", "independent", "none"),
        ({"name": "m", "method": "magnitude", "sparsity": 0.9}, "m", "independent", "magnitude"),
        ({"name": "q", "method": "int8_static", "of": "dense"}, "dense", "paired", "none"),
        ({"name": "q", "method": "float16", "of": "m"}, "m", "independent", "none"),
        ({"name": "q", "method": "int8_dynamic"}, "q", "independent", "none"),
    ],
)
def test_checkpoints_and_design(level, checkpoints, design, trained):
    assert (checkpoints_of(level), design_of(level)) == (checkpoints, design)
    assert trained_as(level)["method"] == trained and trained_as(level)["name"] == level["name"]
    assert is_quantized(level) == (level["name"] == "q")


SECTION = {
    "calibration": {"images": 100, "sample": "first", "range": "min_max", "percentile": 99.99},
    "exempt": "none",
    "weight_range": "max",
    "group": 64,
}


@pytest.mark.parametrize(
    "level, expected",
    [
        ({"method": "magnitude", "sparsity": 0.5}, {}),
        ({"method": "float16"}, {"exempt": "none"}),
        (
            {"method": "int8_static", "exempt": ["fc"], "calibration": {"images": 5, "range": "mse"}},
            {
                "exempt": ["fc"],
                "weight_range": "max",
                "calibration": {"images": 5, "sample": "first", "range": "mse"},
            },
        ),
        (
            {"method": "int8_static", "calibration": {"range": "percentile"}},
            {
                "exempt": "none",
                "weight_range": "max",
                "calibration": {"images": 100, "sample": "first", "range": "percentile", "percentile": 99.99},
            },
        ),
        ({"method": "int4_weights", "group": None}, {"exempt": "none", "weight_range": "max", "group": None}),
    ],
)
def test_a_levels_own_settings_go_before_those_of_the_study(level, expected):
    section = copy.deepcopy(SECTION)
    assert quantization_of({"name": "q"} | level, section) == expected
    assert section == SECTION


def test_every_setting_is_of_some_method_and_every_key_of_a_method_is_a_setting():
    assert set(SECTION) | {"of"} == set().union(*(METHODS[method][1] for method in QUANTIZING))
