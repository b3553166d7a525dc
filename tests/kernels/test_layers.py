"""Modules in the place of dense ones, and which of them sparsify replaces."""

import copy
import pickle

import pytest
import torch
from torch import nn

from kernels.folding import fold_batchnorm
from kernels.layers import BlockSparseConv2d, BlockSparseLinear
from kernels.packed import pack
from kernels.reference import relative_rms
from kernels.sparsify import explain, sparsify
from tests.kernels import networks

EXACT = 1e-6


def exact(model: nn.Module, x: torch.Tensor) -> torch.Tensor:
    with torch.inference_mode():
        return copy.deepcopy(model).double()(x.double())


@pytest.mark.parametrize(
    "layer",
    [
        nn.Conv2d(8, 20, 3, padding=1),
        nn.Conv2d(8, 20, (1, 3), (2, 1), (0, 1), (1, 2), bias=False),
        nn.Conv2d(8, 20, 1, 2),
    ],
    ids=str,
)
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_convolution_drops_in(layer, layout):
    layer = networks.prune(layer, 4, 4, 0.5)
    x = torch.randn(2, 8, 9, 12).contiguous(memory_format=layout)
    sparse = BlockSparseConv2d.from_dense(layer, 4, 4)
    with torch.inference_mode():
        y = sparse(x)
        assert relative_rms(y, exact(layer, x)) < EXACT
        residual = torch.randn_like(y)
        assert relative_rms(sparse(x, residual), exact(layer, x) + residual) < EXACT


def test_linear_drops_in_with_activation_and_any_leading_dimensions():
    layer = networks.prune(nn.Linear(16, 24), 8, 4, 0.5)
    x = torch.randn(2, 3, 16)
    sparse = BlockSparseLinear(pack(layer.weight, 8, 4), layer.bias, "gelu")
    with torch.inference_mode():
        assert relative_rms(sparse(x), nn.functional.gelu(exact(layer, x))) < EXACT


def test_state_loads_copies_and_pickles():
    one, other = (BlockSparseLinear(pack(torch.eye(8) * scale, 4, 4), torch.ones(8)) for scale in (2.0, 3.0))
    x = torch.randn(2, 8)
    other(x)
    other.load_state_dict(one.state_dict())
    for layer in (other, copy.deepcopy(one), pickle.loads(pickle.dumps(one))):
        assert relative_rms(layer(x), 2 * x.double() + 1) < EXACT


def test_what_modules_refuse():
    packed = pack(torch.eye(8), 4, 4)
    with pytest.raises(ValueError, match="a linear layer's"):
        BlockSparseConv2d(packed)
    with pytest.raises(ValueError, match="a convolution's"):
        BlockSparseLinear(pack(torch.ones(4, 4, 1, 1), 4, 4))
    with pytest.raises(ValueError, match=r"bias must be \[8\]"):
        BlockSparseLinear(packed, torch.ones(4))
    with pytest.raises(ValueError, match="no activation"):
        BlockSparseLinear(packed, activation="tanh")
    with pytest.raises(ValueError, match="no gradient"):
        BlockSparseLinear(packed)(torch.ones(1, 8, requires_grad=True))
    with pytest.raises(ValueError, match="2 groups"):
        BlockSparseConv2d.from_dense(nn.Conv2d(8, 8, 3, groups=2), 4, 4)
    with pytest.raises(ValueError, match="padding is `reflect`"):
        BlockSparseConv2d.from_dense(nn.Conv2d(8, 8, 3, padding=1, padding_mode="reflect"), 4, 4)


@pytest.mark.parametrize("name", ["plain", "vgg", "Residual", "WideResidual", "Transformer"])
def test_sparsify_computes_the_same(name):
    torch.manual_seed(0)
    model = networks.prune(getattr(networks, name)(), 8, 8, 0.7)
    x = torch.randn(2, 3, 16, 16)
    sparse, decisions = sparsify(model, (8, 8), x, decide="always")
    with torch.inference_mode():
        assert relative_rms(sparse(x), exact(model, x)) < EXACT
    replaced = {
        name for name, layer in sparse.named_modules() if isinstance(layer, (BlockSparseConv2d, BlockSparseLinear))
    }
    assert replaced == {one.name for one in decisions if one.sparse} and len(replaced) >= 3
    assert all(one.density < 1 for one in decisions if one.sparse)


def test_batchnorm_is_folded_behind_convolutions_only():
    model = networks.prune(networks.WideResidual(), 8, 8, 0.5)
    folded, x = fold_batchnorm(model), torch.randn(2, 3, 16, 16)
    left = [name for name, layer in folded.named_modules() if isinstance(layer, nn.BatchNorm2d)]
    # A wide ResNet normalizes sums, and the stem's output, which its first block reads twice.
    assert left == ["body.0.bn1", "body.1.bn1", "body.2.bn1", "body.3.bn1", "bn"]
    with torch.inference_mode():
        assert relative_rms(folded(x), exact(model, x)) < EXACT


def test_sparsify_leaves_dense_what_does_not_pay_and_says_why():
    model = networks.prune(networks.plain(), 8, 8, 0.7)
    x = torch.randn(1, 3, 16, 16)
    _, decisions = sparsify(model, (8, 8), x, threshold=1e9)
    assert not any(one.sparse for one in decisions)
    table = explain(decisions)
    assert "no multiple of bk = 8: the largest bk that would do is 3" in table and "measured gain below 1e+09x" in table
    modelled = sparsify(model, {"6": (8, 8)}, x, threshold=0.01, decide="modelled")[1]
    assert [one.name for one in modelled if one.sparse] == ["6"] and modelled[2].ceiling == 1 / modelled[2].density
    assert modelled[1].reason == "no block is given for it"


def test_a_layer_that_gains_much_becomes_sparse_by_measurement():
    model = nn.Sequential(networks.prune(nn.Linear(512, 512), 32, 32, 0.95))
    _, (decision,) = sparsify(model, (32, 32), torch.randn(64, 512))
    assert decision.sparse and decision.gain > 1.5


@pytest.mark.parametrize(
    ("blocks", "decide", "words"),
    [
        ({"nothing": (8, 8)}, "always", "`nothing` is no convolution or linear layer"),
        ({"0": (8, 8)}, "always", "`0` cannot have blocks of 8 x 8"),
        ((8, 8), "guess", "no way to decide `guess`"),
    ],
)
def test_what_sparsify_refuses(blocks, decide, words):
    with pytest.raises(ValueError, match=words):
        sparsify(networks.plain(), blocks, torch.randn(1, 3, 16, 16), decide=decide)
