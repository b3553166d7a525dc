"""benchmarks/kernels_gpu.py, kernels/gpu/tune.py and CUDA graphs as far as they go without a GPU."""

import importlib
import sys

import pytest
import torch

from benchmarks import kernels_gpu
from kernels.gpu.cuda_graph import capture
from kernels.packed import block_mask


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
@pytest.mark.parametrize(
    ("module", "options"), [("benchmarks.kernels_gpu", ["--quick"]), ("kernels.gpu.tune", ["--block", "64x16"])]
)
def test_without_a_gpu_they_say_so(module, options, monkeypatch):
    pytest.importorskip("triton", reason="Triton comes with torch on Linux only")
    monkeypatch.setattr(sys, "argv", [module, *options])
    with pytest.raises(SystemExit) as stop:
        importlib.import_module(module).main()
    assert "there is no GPU here" in stop.value.code and "\n" not in stop.value.code


def test_graphs_need_a_gpu():
    with pytest.raises(ValueError, match="need a GPU"):
        capture(torch.relu, torch.ones(3))


def test_least_time():
    layer = kernels_gpu.Layer("conv", (320, 320, 3, 3), 256, 16, 64)
    moved, done = kernels_gpu.moved_and_done(layer, 0.1)
    assert moved == 2 * (256 * 16 * 16 * 320 * 2 + 92160)
    assert done == 2 * 256 * 16 * 16 * 92160
    assert kernels_gpu.least_seconds(layer, 0.1, "NVIDIA H100 80GB HBM3") == moved / 3.35e12  # bytes bind here
    assert kernels_gpu.least_seconds(layer, 1.0, "NVIDIA H100 80GB HBM3") == 10 * done / 989e12  # and operations here


def test_wide_resnet_28_10():
    model = kernels_gpu.wide_resnet()
    assert sum(p.numel() for p in model.parameters()) == 36_479_194  # 36.5 million in the paper
    wide = [
        m for m in model.modules() if isinstance(m, torch.nn.Conv2d) and m.kernel_size == (3, 3) and m.in_channels >= 32
    ]
    shapes = [(layer.shape, layer.stride) for layer in kernels_gpu.CONV for _ in range(layer.count)]
    assert sorted((tuple(conv.weight.shape), conv.stride[0]) for conv in wide) == sorted(shapes)


def test_masked_network():
    model = kernels_gpu.wide_resnet(10, 2)
    masked, blocks = kernels_gpu.masked_copy(model, 0.25, torch.Generator().manual_seed(0))
    assert len(blocks) == 5 and all(bk == 16 for _, bk in blocks.values())
    for name, module in masked.named_modules():
        if isinstance(module, torch.nn.Conv2d):
            before = model.get_submodule(name).weight
            kept = module.weight != 0
            assert torch.equal(module.weight[kept], before[kept])
            assert bool(kept.all()) != (name in blocks)
            if name in blocks:
                assert 0.2 < block_mask(module.weight, *blocks[name]).float().mean() < 0.3
