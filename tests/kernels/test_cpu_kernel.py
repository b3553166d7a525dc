"""The CPU kernels against the dense float64 reference, and how the C++ one is built."""

import ctypes
import logging
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from kernels import cpu, reference
from kernels.gather import GatherWeight
from kernels.packed import LARGEST, pack, unpack
from kernels.reference import relative_rms
from tests.kernels.networks import drop_blocks

EXACT = 1e-6
needs_compiler = pytest.mark.skipif(cpu.find_compiler() is None, reason="there is no C++ compiler")


@pytest.fixture(params=["cpp", "gather"])
def path(request):
    """How a packed weight and a bias are made ready, for both kernels."""
    if request.param == "gather":
        return GatherWeight
    if cpu.library() is None:
        pytest.skip("there is no C++ compiler")
    return lambda packed, bias=None: cpu.CpuWeight(packed, bias, cpu.library())


@pytest.mark.parametrize("bn", [1, 3, 4, 8, 16, 20, 32, 48, 64, 128])
@pytest.mark.parametrize("m", [1, 7, 61])
def test_linear_with_any_block_height(path, bn, m):
    torch.manual_seed(bn + m)
    weight, bias = drop_blocks(torch.randn(152, 40), bn, 4, 0.6), torch.randn(152)
    x, residual = torch.randn(40, m).T, torch.randn(m, 152)  # neighbouring inputs are far from each other in memory
    for activation in (None, "relu", "gelu"):
        add = residual if activation != "gelu" else None
        y = cpu.linear(x, path(pack(weight, bn, 4), bias), add, activation)
        assert relative_rms(y, reference.linear(x, weight, bias, add, activation)) < EXACT


@settings(max_examples=40)
@given(
    n=st.integers(1, 40), taps=st.tuples(st.integers(1, 4), st.integers(1, 4)), bk=st.integers(1, 4), per=st.integers(1, 3),
    stride=st.tuples(st.integers(1, 3), st.integers(1, 3)), dilation=st.tuples(st.integers(1, 2), st.integers(1, 2)),
    bn=st.sampled_from([4, 8, 16, 32, 64]), batch=st.integers(1, 3), relu=st.booleans(), add=st.booleans(),
    threads=st.sampled_from([1, 2]), halo=st.integers(0, 2), seed=st.integers(0, 99),
)  # fmt: skip
def test_convolution_into_a_halo_buffer(n, taps, bk, per, stride, dilation, bn, batch, relu, add, threads, halo, seed):
    torch.manual_seed(seed)
    weight, bias = drop_blocks(torch.randn(n, bk * per, *taps), bn, bk, 0.5), torch.randn(n)
    x = torch.randn(batch, 11, 10, bk * per)
    expected = reference.conv2d(x, weight, bias, stride=stride, dilation=dilation)
    residual = torch.randn(expected.shape) if add else None
    expected = reference.conv2d(x, weight, bias, residual, "relu" if relu else None, stride=stride, dilation=dilation)
    for ready in (cpu.prepare(pack(weight, bn, bk), bias), GatherWeight(pack(weight, bn, bk), bias)):
        _, height, width, _ = expected.shape
        buffer = torch.full((batch, height + 2 * halo, width + 2 * halo, n), 7.0)
        inside = buffer[:, halo : halo + height, halo : halo + width]
        ready(x, inside, residual, relu, stride, dilation, threads)
        assert relative_rms(inside, expected) < EXACT
        inside.fill_(7.0)
        assert bool((buffer == 7.0).all())  # nothing was written outside


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, *LARGEST])
def test_every_dtype_of_weights_is_computed_in_float32(path, dtype):
    packed = pack(drop_blocks(torch.randn(40, 32), 16, 8, 0.5), 16, 8, dtype=dtype)
    x = torch.randn(5, 32)
    assert relative_rms(cpu.linear(x, path(packed)), reference.linear(x, unpack(packed))) < EXACT


def test_empty_weights_and_empty_batches(path):
    empty, bias = path(pack(torch.zeros(20, 8), 8, 4), torch.arange(20.0)), torch.arange(20.0)
    assert torch.equal(cpu.linear(torch.randn(3, 8), empty), bias.expand(3, 20))
    assert cpu.linear(torch.randn(0, 8), empty).shape == (0, 20)


def test_residual_may_be_the_output_itself(path):
    weight, x, y = torch.randn(16, 8, 1, 1), torch.randn(1, 3, 3, 8), torch.randn(1, 3, 3, 16)
    expected = reference.conv2d(x, weight, None, y, "relu")
    path(pack(weight, 16, 8), None)(x, y, y, True)
    assert relative_rms(y, expected) < EXACT


def test_relu_keeps_nan_and_drops_minus_infinity(path):
    y = cpu.linear(torch.tensor([[float("nan")], [-float("inf")]]), path(pack(torch.ones(20, 1), 16, 1)), None, "relu")
    assert bool(y[0].isnan().all()) and bool((y[1] == 0).all())


@pytest.mark.parametrize(
    ("x", "y", "words"),
    [
        (torch.zeros(1, 5, 5, 4), torch.zeros(1, 3, 3, 4), r"x must be \[B, H, W, 8\]"),
        (torch.zeros(1, 2, 5, 8), torch.zeros(1, 3, 3, 4), "too small for a 3 x 3 kernel"),
        (torch.zeros(1, 5, 5, 8), torch.zeros(1, 3, 4, 4), r"y must be \[1, 3, 3, 4\]"),
        (torch.zeros(1, 5, 5, 8), torch.zeros(1, 4, 3, 3).permute(0, 2, 3, 1), "neighbours in memory"),
        (torch.zeros(1, 5, 5, 8, dtype=torch.float16), torch.zeros(1, 3, 3, 4), "must be float32"),
    ],
)
def test_buffers_that_do_not_fit_are_refused(path, x, y, words):
    with pytest.raises(ValueError, match=words):
        path(pack(torch.ones(4, 8, 3, 3), 4, 4))(x, y)


def test_linear_refuses_what_does_not_fit(path):
    weight = path(pack(torch.ones(4, 8), 4, 4))
    for x, residual, words in (
        (torch.ones(2, 7), None, r"x must be \[\.\.\., 8\]"),
        (torch.ones(2, 8, dtype=torch.float64), None, "must be float32"),
        (torch.ones(2, 8), torch.ones(2, 3), r"the residual must be \[2, 4\]"),
        (torch.ones(2, 8), torch.ones(2, 4).half(), "residual must be float32"),
    ):
        with pytest.raises(ValueError, match=words):
            cpu.linear(x, weight, residual)
    with pytest.raises(ValueError, match="use conv2d"):
        cpu.linear(torch.ones(2, 8), path(pack(torch.ones(4, 8, 1, 1), 4, 4)))


def test_a_bias_of_another_length_and_an_unknown_activation_are_refused():
    with pytest.raises(ValueError, match=r"bias must be \[4\]"):
        cpu.prepare(pack(torch.eye(4), 4, 4), torch.ones(3))
    with pytest.raises(ValueError, match="no activation `tanh`"):
        cpu.linear(torch.ones(1, 4), cpu.prepare(pack(torch.eye(4), 4, 4)), activation="tanh")


@needs_compiler
def test_a_library_is_built_once_and_again_when_the_source_changes(tmp_path, monkeypatch):
    first = cpu.build(cpu.find_compiler(), tmp_path)
    built = first.stat().st_mtime_ns
    assert cpu.build(cpu.find_compiler(), tmp_path) == first and first.stat().st_mtime_ns == built
    changed = tmp_path / "cpu.cpp"
    changed.write_text(cpu.SOURCE.read_text() + "\n// another\n")
    monkeypatch.setattr(cpu, "SOURCE", changed)
    assert cpu.build(cpu.find_compiler(), tmp_path) != first
    assert len(list(tmp_path.iterdir())) == 3  # nothing half-made stays


@needs_compiler
@pytest.mark.skipif(os.uname().machine != "x86_64", reason="the flags are those of x86")
@pytest.mark.parametrize("flag", ["-march=haswell", "-march=x86-64"])
def test_narrower_vectors_compute_the_same(tmp_path, monkeypatch, flag):
    if flag == "-march=haswell" and " avx2 " not in cpu._processor():
        pytest.skip("this processor has no AVX2")
    monkeypatch.setattr(cpu, "OPTIONS", ((flag,),))
    kernel = cpu.declare(ctypes.CDLL(str(cpu.build(cpu.find_compiler(), tmp_path))))
    assert kernel.widest() == (32 if flag == "-march=haswell" else 16)
    for bn in (4, 8, 20, 32, 64):
        weight, x = drop_blocks(torch.randn(72, 24), bn, 8, 0.5), torch.randn(23, 24)
        y = cpu.linear(x, cpu.CpuWeight(pack(weight, bn, 8), None, kernel))
        assert relative_rms(y, reference.linear(x, weight)) < EXACT


@pytest.mark.parametrize(
    ("compiler", "words"), [("no-such-compiler", "no C++ compiler"), (shutil.which("false"), "failed")]
)
def test_without_a_working_compiler_the_log_says_so_and_gather_is_used(monkeypatch, caplog, tmp_path, compiler, words):
    monkeypatch.setenv("CXX", compiler)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    cpu.library.cache_clear()
    try:
        with caplog.at_level(logging.WARNING, "kernels"):
            assert isinstance(cpu.prepare(pack(torch.eye(4), 4, 4)), GatherWeight)
        assert words in caplog.text and "gather + bmm" in caplog.text
    finally:
        cpu.library.cache_clear()


def test_importing_kernels_imports_no_triton():
    code = "import sys, kernels, kernels.plan, kernels.layers; sys.exit('triton' in sys.modules)"
    root = Path(cpu.__file__).parents[1]
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False).returncode == 0
