"""The demo's numbers are the same, to the last bit of each weight, on every x86-64 processor with AVX2."""

import json

import golden
import pytest
import torch

from kernels.cpu.block_sparse import find_compiler
from scripts.lib.networks.arithmetic import PORTABLE
from scripts.lib.networks.cohorts import read_cohort


@pytest.fixture(scope="module")
def digests(demo_results):
    computed_with = read_cohort(demo_results / "models/dense/000-009.safetensors")[1]["arithmetic"]
    if computed_with != PORTABLE:
        able = torch.cpu.get_capabilities()
        assert not (able.get("avx2") and able.get("fma3")), (
            f"a processor with AVX2 trained with arithmetic {computed_with}"
        )
        pytest.skip(f"the demo was trained with arithmetic {computed_with}")
    return golden.demo(demo_results)


@pytest.mark.parametrize("stage", ["data", "models", "predictions", "tables"])
def test_every_stage_of_the_demo_gives_the_golden_bytes(digests, stage):
    """After a change that is meant to change them: `snakemake demo && python tests/golden.py`."""
    if stage in ("predictions", "tables") and find_compiler() is None:
        pytest.skip("without a C++ compiler other sums predict the level with blocks")
    assert digests[stage] == json.loads(golden.GOLDEN.read_text())["demo"][stage]
