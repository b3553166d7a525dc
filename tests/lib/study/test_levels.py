"""Whose checkpoints a level predicts with, and what that makes of the comparison with the dense level."""

import pytest

from scripts.lib.study.levels import checkpoints_of, design_of, is_quantized, trained_as


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
