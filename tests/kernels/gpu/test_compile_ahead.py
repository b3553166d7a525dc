"""The GPU kernel compiled for GPUs that are not there: fast code, and checks that find fault with slow code."""

import json
import os
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("triton", reason="Triton comes with torch on Linux only")
from kernels.gpu.compile_ahead import Code, Variant, compile_kernel, complaints

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    """Compiled in a process without the interpreter, whatever other tests have set, and with nothing compiled before."""
    folder = tmp_path_factory.mktemp("compiled")
    env = {name: value for name, value in os.environ.items() if name != "TRITON_INTERPRET"}
    env |= {"TRITON_CACHE_DIR": str(folder / "cache"), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, Path(__file__).with_name("compile_here.py"), folder / "facts.json"]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    *lines, found = done.stdout.splitlines()
    return json.loads(found) | {"lines": lines, "file": json.loads((folder / "facts.json").read_text())}


@pytest.fixture
def rows(compiled):
    return compiled["rows"]


def test_no_variant_gets_a_complaint(rows):
    assert not [row for row in rows if row["complaints"]]
    assert Counter(row["sm"] for row in rows) == {80: 3, 90: 6}
    assert {row["variant"]["dtype"] for row in rows} == {"fp16", "bf16", "fp32", "i8", "fp8e4nv"}


def test_the_command(compiled, rows):
    """A line for each variant, the same facts in a file, and 0 where there is nothing to complain of."""
    (line,) = compiled["lines"]
    assert line.startswith("sm_90 fp16      16x 64x(4x16)") and line.endswith("| fine") and not compiled["status"]
    assert compiled["file"] == [row for row in rows if row["sm"] == 90 and row["variant"]["split"] == 4]


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


def test_a_column_loaded_in_the_loop_is_found_out(compiled):
    found = compiled["indirect"]
    assert found["hint"]["code"]["depth"] == 2
    assert "2 tiles of x and 2 of w are in flight, not 4" in found["hint"]["complaints"]
    assert found["plain"]["code"]["depth"] == 0  # x is not even copied asynchronously
    assert any(complaint.startswith("0 tiles of x") for complaint in found["plain"]["complaints"])


def test_what_the_launchers_pass_compiles_to_fast_code(compiled):
    found = compiled["launched"]
    assert len(found) == 9
    for name, code in found.items():
        small = name == "linear of one row"
        assert code["spills"] == code["stack"] == code["copies4"] == code["copies8"] == 0 < code["copies16"], name
        assert (code["wgmma"] > 0, code["depth"]) == (not small, code["stages"] - small), name
    assert found["conv"]["nan"] and found["conv, next"]["nan"]  # ReLU keeps NaN; the interpreter cannot tell


def test_each_complaint_can_be_made():
    """Every figure spoilt in turn."""
    variant = Variant("fp16", 128, 64, 16, 4, 4, 4)
    fine = Code(
        registers=154, stack=0, spills=0, shared=98304, depth=4, depth_w=4, wgmma=8, mma=0, copies16=48, copies8=0, copies4=0, loads=24
    )  # fmt: skip
    assert complaints(variant, fine, 90) == []
    for name, value in (("spills", 1), ("stack", 8), ("shared", 232449), ("depth", 3), ("depth_w", 3), ("wgmma", 0), ("copies4", 1), ("copies16", 0)):  # fmt: skip
        assert len(complaints(variant, replace(fine, **{name: value}), 90)) == 1, name
    assert len(complaints(replace(variant, warps=16), fine, 90)) == 1
    assert len(complaints(variant, replace(fine, shared=163 * 1024 + 1, wgmma=0, mma=8), 80)) == 1


def test_interpreted_kernels_are_refused():
    """Under TRITON_INTERPRET a kernel is a function that is not just-in-time compiled."""
    with pytest.raises(ValueError, match="TRITON_INTERPRET is set, so the kernel cannot be compiled"):
        compile_kernel(lambda: None, {}, {}, set(), 90, 4, 4)
