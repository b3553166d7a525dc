"""Portable arithmetic: the same bytes as elsewhere, whatever the processor and the environment would have torch do."""

import json
import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from golden import GOLDEN

from scripts.lib.networks import arithmetic

ROOT = Path(__file__).parents[3]
# What other processors would choose: vectors of other widths, other code for the same vectors.
ELSEWHERE = {"ATEN_CPU_CAPABILITY": "default", "ONEDNN_MAX_CPU_ISA": "SSE41", "MKL_CBWR": "AVX"}
able = torch.cpu.get_capabilities()
needs_avx2 = pytest.mark.skipif(
    not (able.get("avx2") and able.get("fma3")), reason="portable arithmetic is that of x86-64 processors with AVX2"
)


def python(*arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=os.environ | ELSEWHERE, capture_output=True, text=True, check=False
    )


@needs_avx2
def test_training_and_prediction_give_the_bytes_that_they_give_elsewhere():
    golden = json.loads(GOLDEN.read_text())
    assert torch.__version__.partition("+")[0] == golden["torch"], "another torch: run the demo and tests/golden.py"
    done = python("tests/golden.py", "portable")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == golden["tiny"]


@needs_avx2
@pytest.mark.skipif(platform.system() != "Linux", reason="the variables are those of torch's builds for Linux")
def test_without_it_the_bytes_are_others_and_then_it_is_too_late_for_it():
    program = "import json, golden; print(json.dumps(golden.tiny('fastest')), flush=True); golden.tiny('portable')"
    done = python("-c", f"import sys; sys.path.insert(0, 'tests'); {program}")
    other, golden = json.loads(done.stdout), json.loads(GOLDEN.read_text())["tiny"]
    assert other["arithmetic"].endswith("DEFAULT") and all(other[name] != golden[name] for name in golden)
    assert done.returncode == 1 and "RuntimeError: torch computes with DEFAULT since before" in done.stderr


def test_it_can_be_chosen_after_the_scripts_are_imported():
    done = python(
        "-c",
        "from scripts.compress import pack; from scripts.predict import predict; from scripts.compress import quantize; from scripts.train import train; print(train.set_arithmetic('portable'))",
    )
    assert done.returncode == 0, done.stderr
    assert not (able.get("avx2") and able.get("fma3")) or done.stdout.strip() == arithmetic.PORTABLE


def test_processors_without_avx2_compute_as_fast_as_they_can_and_say_so(monkeypatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"architecture": "aarch64", "cpu_name": "Neoverse-V2"})
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "SVE256")
    monkeypatch.setattr(os, "environ", {})
    assert arithmetic.set_arithmetic("portable") == "of Neoverse-V2: SVE256, as there is no AVX2"
    assert arithmetic.set_arithmetic("fastest") == "of Neoverse-V2: SVE256" and os.environ == {}
