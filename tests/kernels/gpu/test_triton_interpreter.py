"""The tests in triton_interpreter/, in a process where Triton interprets its kernels."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

triton = pytest.importorskip("triton", reason="Triton comes with torch on Linux only")


def release(module) -> tuple[int, ...]:
    return tuple(int(part) for part in module.__version__.split(".")[:2])


if release(triton) < (3, 7) and release(np) >= (2, 4):
    pytest.skip("the interpreter of Triton 3.6 cannot read numbers of NumPy 2.4", allow_module_level=True)
FOLDER = Path(__file__).with_name("triton_interpreter")


def test_in_the_interpreter():
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", FOLDER],
        cwd=FOLDER.parents[3],
        env={**os.environ, "TRITON_INTERPRET": "1", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    print(done.stdout[-3000:])
    assert done.returncode == 0, done.stdout + done.stderr  # 5 where no test was found
