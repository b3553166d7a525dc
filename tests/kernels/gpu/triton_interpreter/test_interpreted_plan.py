"""The GPU's plan with the interpreter's kernels. The one thing that needs a GPU, recording it as a graph, is left out."""

import copy
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

sys.path.insert(0, str(Path(__file__).parents[1]))
from networks import Residual, Transformer, WideResidual, prune, vgg

from kernels.gpu import plan as module
from kernels.gpu.plan import gpu_plan
from kernels.layers import BlockSparseConv2d
from kernels.operations import fuse_seconds, network_of
from kernels.packed import pack
from kernels.reference import relative_rms

SHAPE = (3, 8, 8)
PATHS = ("torch", "sparse", "all blocks")


def conv(before: int, after: int, size: int = 3, **options) -> nn.Conv2d:
    return nn.Conv2d(before, after, size, padding=size // 2, **options)


class Calls(nn.Module):
    def __init__(self, forward, **modules: nn.Module) -> None:
        super().__init__()
        self.function = forward
        for name, one in modules.items():
            setattr(self, name, one)

    def forward(self, x):
        return self.function(self, x)


NETWORKS = {
    "vgg": lambda: nn.Sequential(*list(vgg(16))[:7], nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(128, 16), nn.ReLU(), nn.Linear(16, 5)),
    "residual": lambda: Residual((8, 16)),
    "wide residual": lambda: WideResidual((8, 16)),
    "halos of other widths": lambda: Calls(
        lambda m, x: m.c(y := torch.relu(m.a(x))) + m.b(y) + m.d(y),
        a=conv(3, 8), b=conv(8, 8, 5, stride=(2, 1)), c=conv(8, 8, stride=(2, 1)), d=conv(8, 8, 1, stride=(2, 1)),
    ),
    "vectors added": lambda: Calls(
        lambda m, x: m.c(torch.relu(m.b(y := m.a(x.mean((2, 3)))) + y)), a=nn.Linear(3, 16), b=nn.Linear(16, 16), c=nn.Linear(16, 3)
    ),
    "a BatchNorm of what two read": lambda: Calls(
        lambda m, x: m.c(torch.relu(m.n(y := torch.relu(m.a(x))))) + m.b(y), a=conv(3, 8), n=nn.BatchNorm2d(8), b=conv(8, 8), c=conv(8, 8)
    ),
    "groups": lambda: nn.Sequential(conv(3, 8), nn.ReLU(), conv(8, 8, groups=8), nn.ReLU(), conv(8, 8)),
}  # fmt: skip


def pruned(name: str) -> nn.Module:
    torch.manual_seed(0)
    return prune(NETWORKS[name](), 8, 8, 0.6)


def planned(model, batch=2, **options):
    return gpu_plan(model, batch, options.pop("shape", SHAPE), measure=False, graph=False, **options)


def assert_equal(made, model, batch=2, shape=SHAPE, dtype=torch.float32, limit=1e-6) -> None:
    """The plan gives what the dense network gives in float64, also behind images so large that whatever is left would be seen."""
    made(100 * torch.randn(batch, *shape).to(dtype))
    x = torch.randn(batch, *shape).to(dtype)
    with torch.inference_mode():
        expected = copy.deepcopy(model).double()(x.double())
    y = made(x)
    assert y.dtype == dtype and y.shape == expected.shape and relative_rms(y, expected) < limit


CASES = [(name, "sparse") for name in NETWORKS]
CASES += [(name, "torch") for name in ("wide residual", "halos of other widths", "vectors added", "groups")]
CASES += [(name, "all blocks") for name in ("halos of other widths", "vectors added", "groups")]


@pytest.mark.parametrize(("name", "path"), CASES)
def test_a_plan_is_equal_to_the_dense_network(name, path, monkeypatch):
    monkeypatch.setattr(module, "PREFERRED", (path, *PATHS))
    model = pruned(name)
    made = planned(model, blocks=(8, 8))
    assert path in {choice.path for choice in made.choices}
    assert_equal(made, model)


def test_micro_batches():
    model = pruned("vgg")
    made = planned(model, 4, blocks=(8, 8), micro_batch=2)
    assert made.micro_batch == 2 and made._input.shape[0] == 2
    assert_equal(made, model, 4)


@pytest.mark.parametrize(("dtype", "limit"), [(torch.float16, 3e-3), (torch.bfloat16, 3e-2)])
def test_half_precision(dtype, limit):
    model = pruned("wide residual").to(dtype)
    assert_equal(planned(model, blocks=(8, 8)), model, dtype=dtype, limit=limit)


def test_pre_activation_is_fused():
    """Each block's sum comes with the BatchNorm that is read next: of nine BatchNorms four are in weights, five behind sums."""
    network = network_of(pruned("wide residual"), torch.zeros(1, *SHAPE), None)
    before = [one.kind for one in network.operations]
    assert before.count("norm") == 5
    fuse_seconds(network)
    assert [one.kind for one in network.operations].count("norm") == 0
    assert sum(one.second is not None for one in network.operations) == 5


def test_8_bit_weights():
    torch.manual_seed(0)
    packed = pack(torch.randn(16, 8, 3, 3), 8, 8, mask=torch.rand(2, 9) < 0.5, dtype=torch.int8)
    model = nn.Sequential(BlockSparseConv2d(packed, torch.randn(16), padding=1))
    x = torch.randn(2, 8, 5, 4)
    made = planned(model, shape=(8, 5, 4))
    assert [choice.path for choice in made.choices] == ["sparse"]
    assert relative_rms(made(x), model(x)) < 1e-6


def test_blocks_that_are_none_for_a_gpu():
    model = prune(nn.Sequential(conv(10, 10)), 5, 5, 0.5)
    made = planned(model, blocks=(5, 5), shape=(10, 4, 4))
    assert [choice.path for choice in made.choices] == ["torch"] and made.choices[0].density < 1
    assert_equal(made, model, shape=(10, 4, 4))
    assert "| 0 | 10x10x3x3 | 0.4" in made.explain() or "| 0 | 10x10x3x3 | 0.5" in made.explain()


def test_what_does_not_fit_is_refused():
    model = pruned("residual")
    with pytest.raises(ValueError, match="the weights are on cpu: measuring and CUDA graphs need them on a GPU"):
        gpu_plan(model, 2, SHAPE)
    with pytest.raises(ValueError, match="cannot be planned"):
        planned(Transformer())
    with pytest.raises(ValueError, match="micro_batch must divide"):
        planned(model, micro_batch=3)
    with pytest.raises(
        ValueError, match=r"`stem.weight` is torch.float32 on cpu and `head.weight` torch.float16 on cpu"
    ):
        mixed = copy.deepcopy(model)
        mixed.head.half()
        planned(mixed)
    with pytest.raises(ValueError, match=r"the weights are torch.float64"):
        planned(copy.deepcopy(model).double())
    made = planned(model)
    with pytest.raises(
        ValueError, match=r"the plan is for torch.float32 \[2, 3, 8, 8\] on cpu, not torch.float32 \[1, 3, 8, 8\]"
    ):
        made(torch.zeros(1, *SHAPE))


def test_the_result_is_the_callers():
    made = planned(pruned("halos of other widths"), blocks=(8, 8))
    first = made(torch.randn(2, *SHAPE))
    kept = first.clone()
    made(torch.randn(2, *SHAPE))
    assert torch.equal(first, kept)
