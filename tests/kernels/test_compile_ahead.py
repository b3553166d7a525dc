"""The GPU kernel compiled for GPUs that are not there: fast code, and checks that find fault with slow code."""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

pytest.importorskip("triton", reason="Triton comes with torch on Linux only")
ROOT = Path(__file__).parents[2]


def run(*command, cache):
    """Python in its own process: without the interpreter, whatever other tests have set, and with nothing compiled before."""
    env = {name: value for name, value in os.environ.items() if name != "TRITON_INTERPRET"}
    env |= {"TRITON_CACHE_DIR": str(cache), "PYTHONPATH": str(ROOT)}
    return subprocess.run([sys.executable, *command], cwd=ROOT, env=env, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    folder = tmp_path_factory.mktemp("compiled")
    done = run("-m", "kernels.compile_ahead", "--json", folder / "facts.json", cache=folder / "cache")
    assert (folder / "facts.json").exists(), done.stdout + done.stderr
    return json.loads((folder / "facts.json").read_text())


def test_no_variant_gets_a_complaint(rows):
    assert not [row for row in rows if row["complaints"]]
    assert Counter(row["sm"] for row in rows) == {80: 12, 90: 13}  # float8 is not for sm_80
    assert {row["variant"]["dtype"] for row in rows} == {"fp16", "bf16", "fp32", "i8", "fp8e4nv"}


def test_facts_themselves(rows):
    """The figures of which the complaints are made, for every variant: nothing was read as zero for want of a match."""
    for row in rows:
        code, variant = row["code"], row["variant"]
        assert 24 <= code["registers"] <= 255
        assert code["spills"] == code["stack"] == code["copies4"] == code["copies8"] == 0
        size = {"fp32": 4, "fp16": 2, "bf16": 2}.get(variant["dtype"], 1)
        tile = (variant["bm"] + variant["bn"]) * variant["bk"] * variant["group"] * size
        assert code["depth"] * tile <= code["shared"] <= (code["depth"] + 1) * tile  # buffers and a little for the end
        wide = row["sm"] == 90 and variant["bm"] >= 64 and variant["precision"] != "ieee"
        assert (code["wgmma"] > 0) == wide
        # Without warp-group instructions Triton keeps one tile fewer in flight.
        assert code["depth"] == variant["stages"] - (not wide)


def test_a_column_loaded_in_the_loop_is_found_out(tmp_path):
    done = run(ROOT / "tests" / "kernels" / "indirect_gemm.py", cache=tmp_path)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["hint"]["code"]["depth"] == 2
    assert "2 tiles of x and 2 of w are in flight, not 4" in found["hint"]["complaints"]
    assert found["plain"]["code"]["depth"] == 0  # x is not even copied asynchronously
    assert any(complaint.startswith("0 tiles of x") for complaint in found["plain"]["complaints"])


def test_what_the_launchers_pass_compiles_to_fast_code(tmp_path):
    done = run(ROOT / "tests" / "kernels" / "launch_ahead.py", cache=tmp_path)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert len(found) == 9
    for name, code in found.items():
        small = name == "linear of one row"
        assert code["spills"] == code["stack"] == code["copies4"] == code["copies8"] == 0 < code["copies16"], name
        assert (code["wgmma"] > 0, code["depth"]) == (not small, code["stages"] - small), name
    assert found["conv"]["nan"] and found["conv, next"]["nan"]  # ReLU keeps NaN; the interpreter cannot tell


def test_each_complaint_can_be_made(rows):
    """Every figure spoilt in turn, in a process without the interpreter."""
    script = """
from dataclasses import replace
from kernels.compile_ahead import Code, Variant, complaints
variant = Variant("fp16", 128, 64, 16, 4, 4, 4)
fine = Code(registers=154, stack=0, spills=0, shared=98304, depth=4, depth_w=4, wgmma=8, mma=0, copies16=48, copies8=0, copies4=0, loads=24)
assert complaints(variant, fine, 90) == []
for spoilt in (dict(spills=1), dict(stack=8), dict(shared=232449), dict(depth=3), dict(depth_w=3), dict(wgmma=0), dict(copies4=1), dict(copies16=0)):
    assert len(complaints(variant, replace(fine, **spoilt), 90)) == 1, spoilt
assert len(complaints(replace(variant, warps=16), fine, 90)) == 1
assert len(complaints(variant, replace(fine, shared=163 * 1024 + 1, wgmma=0, mma=8), 80)) == 1
"""
    done = run("-c", script, cache="unused")
    assert done.returncode == 0, done.stderr


def test_interpreted_kernels_are_refused(tmp_path):
    script = "from kernels.compile_ahead import VARIANTS, compile_variant; compile_variant(VARIANTS[0], 90)"
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env={**os.environ, "TRITON_INTERPRET": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode and "TRITON_INTERPRET is set" in done.stderr
