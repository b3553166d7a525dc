"""The random cases with which benchmarks/kernels_gpu.py checks a GPU, in small, and that they can find a mistake."""

from collections import Counter
from dataclasses import replace

import pytest
import torch

from benchmarks import kernels_gpu, kernels_gpu_cases
from kernels.gpu import triton_gemm
from kernels.gpu.plan import gpu_plan
from kernels.reference import relative_rms


@pytest.mark.parametrize("seed", range(20))
def test_random_case(seed):
    case = kernels_gpu_cases.random_case(seed, large=False)
    assert kernels_gpu_cases.error_of(case, "cpu") <= kernels_gpu_cases.limit_of(case), case


def test_cases_are_of_all_kinds():
    for large in (False, True):
        cases = [kernels_gpu_cases.random_case(seed, large) for seed in range(300)]
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
        kernels_gpu_cases.random_case(0, large=False),
        density=1.0,
        shape=(32, 32),
        pixels=(5,),
        dtype="float16",
        bn=16,
        bk=16,
    )
    assert kernels_gpu_cases.error_of(case, "cpu") <= kernels_gpu_cases.limit_of(case)
    right = triton_gemm.prepare

    def wrong(*arguments, **options):
        prepared = right(*arguments, **options)
        prepared.column[0] = 1 - prepared.column[0]
        return prepared

    monkeypatch.setattr(triton_gemm, "prepare", wrong)
    assert kernels_gpu_cases.error_of(case, "cpu") > 0.1


@pytest.fixture
def on_the_cpu(monkeypatch):
    """The benchmark's own code with a clock that stands still and a compiler that does nothing."""

    def gpu_seconds(call):
        with torch.inference_mode():  # as when a graph is captured
            call()
        return 2e-6

    monkeypatch.setattr(kernels_gpu, "DEVICE", "cpu")
    monkeypatch.setattr(kernels_gpu, "DTYPE", torch.float32)
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


def test_the_planned_network_is_the_dense_one_with_zeros():
    torch.manual_seed(0)
    model = kernels_gpu.wide_resnet(10, 2)
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):  # as after training: not the identity
            for tensor, low, high in (
                (module.weight, 0.5, 1.5),
                (module.bias, -0.5, 0.5),
                (module.running_mean, -0.5, 0.5),
                (module.running_var, 0.5, 2.0),
            ):
                tensor.data.uniform_(low, high)
    masked, blocks = kernels_gpu.masked_copy(model, 0.25, torch.Generator().manual_seed(0))
    ready = gpu_plan(masked, 2, (3, 8, 8), blocks, measure=False, graph=False)
    assert sum(choice.path == "sparse" for choice in ready.choices) == 5
    x = torch.randn(2, 3, 8, 8)
    with torch.inference_mode():
        for _ in range(2):  # the second time with buffers that hold the first result
            assert relative_rms(ready(x), masked.double()(x.double())) < 1e-5


def test_a_network_is_timed(on_the_cpu, monkeypatch):
    monkeypatch.setattr(kernels_gpu, "MEASURE", False)
    monkeypatch.setattr(kernels_gpu, "MICRO_BATCH", 1)
    rows = kernels_gpu.time_network(kernels_gpu.wide_resnet(10, 2), 2, (0.1,), size=8)
    names = ["modules", "plan, 1 images at a time", "plan, 2 images at a time"]
    assert [row["network"] for row in rows] == [f"WRN-28-10, {name}" for name in names]
    assert all(row["speed-up"] == 1.0 and row["eager"] == 2e-6 for row in rows)


def test_layers_are_added_up():
    rows = [
        {"layer": layer.name, "sparse": 1.0 + index, "eager": 20.0, "compiled": 10.0}
        for layer in kernels_gpu.CONV
        for index in range(2)
    ]
    first, second = kernels_gpu.sum_of_layers(rows, (0.2, 0.1))
    assert (first["sparse"], second["sparse"], first["dense"], second["speed-up"]) == (23.0, 46.0, 230.0, 5.0)
