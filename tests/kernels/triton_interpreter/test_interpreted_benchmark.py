"""The random cases with which benchmarks/kernels_gpu.py checks a GPU, in small, and that they can find a mistake."""

from collections import Counter
from dataclasses import replace

import pytest

from benchmarks import kernels_gpu
from kernels import triton_gemm


@pytest.mark.parametrize("seed", range(60))
def test_random_case(seed):
    case = kernels_gpu.random_case(seed, large=False)
    assert kernels_gpu.error_of(case, "cpu") <= kernels_gpu.limit_of(case), case


def test_cases_are_of_all_kinds():
    for large in (False, True):
        cases = [kernels_gpu.random_case(seed, large) for seed in range(300)]
        for kind in (
            Counter(case.dtype for case in cases),
            Counter(len(case.shape) for case in cases),
            Counter(case.activation for case in cases),
            Counter((case.bias, case.residual) for case in cases),
            Counter(case.split for case in cases),
        ):
            assert len(kind) >= 2 and min(kind.values()) >= 20


def test_a_mistake_is_found(monkeypatch):
    case = replace(
        kernels_gpu.random_case(0, large=False), density=1.0, shape=(32, 32), pixels=(5,), dtype="float16", bn=16, bk=16
    )
    assert kernels_gpu.error_of(case, "cpu") <= kernels_gpu.limit_of(case)
    right = triton_gemm.prepare

    def wrong(*arguments, **options):
        prepared = right(*arguments, **options)
        prepared.column[0] = 1 - prepared.column[0]
        return prepared

    monkeypatch.setattr(triton_gemm, "prepare", wrong)
    assert kernels_gpu.error_of(case, "cpu") > 0.1


@pytest.fixture
def on_the_cpu(monkeypatch):
    """The benchmark's own code with a clock that stands still and a compiler that does nothing."""

    def gpu_seconds(call):
        call()
        return 2e-6

    monkeypatch.setattr(kernels_gpu, "DEVICE", "cpu")
    monkeypatch.setattr(kernels_gpu, "gpu_seconds", gpu_seconds)
    monkeypatch.setattr(kernels_gpu, "compiled", lambda module: module)


@pytest.mark.parametrize(
    "layer",
    [
        kernels_gpu.Layer("linear", (32, 64), 5, None, 16),
        kernels_gpu.Layer("conv", (32, 32, 3, 3), 2, 6, 16, 2),
    ],
)
def test_a_layer_is_timed(on_the_cpu, layer):
    rows = kernels_gpu.time_layer(layer, "NVIDIA H100 80GB HBM3", (0.5, 0.25))
    assert [row["density"] for row in rows] == [0.5, 0.25] if layer.image is None else [5 / 18, 0.25]
    assert all(row["speed-up"] == 1.0 for row in rows)
    least = kernels_gpu.least_seconds(layer, rows[1]["density"], "NVIDIA H100 80GB HBM3")
    assert rows[1]["ceiling"] == 2e-6 / least
    assert "ceiling" in rows[0] and kernels_gpu.least_seconds(layer, 0.5, "another GPU") is None
