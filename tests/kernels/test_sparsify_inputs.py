"""What users give to sparsify and plan beside a plain network: each is right, or is refused by one sentence that says what to do."""

import pytest
import torch
from networks import drop_blocks
from torch import nn
from torch.nn.utils import parametrizations, parametrize, prune, spectral_norm, weight_norm

from kernels.cpu.plan import plan
from kernels.layers import BlockSparseConv2d
from kernels.reference import relative_rms
from kernels.sparsify import sparsify

TOLERANCE = 1e-6


def network() -> nn.Sequential:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(8, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 9, 8)).eval()
    for layer in (model[0], model[4]):
        layer.weight.data = drop_blocks(layer.weight, 4, 4, 0.5)
    model[1].running_mean.normal_()
    return model


def images() -> torch.Tensor:
    return torch.randn(2, 8, 5, 5)


@pytest.mark.parametrize(
    "blocks",
    [16, None, True, (16,), (4, 4, 4), (0, 16), (-4, 4), (4.0, 4), ("4", "4"), "44", {"0": 16}, {"0": (4, 0)}],
)
def test_blocks_that_are_none(blocks):
    with pytest.raises(
        ValueError,
        match=r"^(a block|the block of `0`) must be two whole numbers \(bn, bk\) of at least 1, .*, not .*\.$",
    ):
        sparsify(network(), blocks, images())
    if blocks is not None:  # a plan of a network that is sparse already
        with pytest.raises(ValueError, match="must be two whole numbers"):
            plan(network(), 2, (8, 5, 5), blocks=blocks)


@pytest.mark.parametrize("example", [None, [images()], torch.zeros(0, 8, 5, 5)])
def test_examples_that_are_none(example):
    with pytest.raises(
        ValueError, match=r"the example must be a torch\.Tensor, an input of the network with at least one"
    ):
        sparsify(network(), (4, 4), example)


def test_thresholds_that_are_none():
    with pytest.raises(ValueError, match=r"the threshold must be a gain of at least 0, as 1\.1, not nan"):
        sparsify(network(), (4, 4), images(), threshold=float("nan"))


@pytest.mark.filterwarnings("ignore:`torch.nn.utils.weight_norm`:FutureWarning")
@pytest.mark.parametrize("called", [False, True])
@pytest.mark.parametrize(
    "compute", [lambda layer: prune.l1_unstructured(layer, "weight", 0.5), weight_norm, spectral_norm]
)
@pytest.mark.parametrize("layer", ["0", "4"])
def test_weights_that_a_hook_computes(layer, compute, called):
    model = network()
    compute(model.get_submodule(layer))
    if called:
        with torch.no_grad():
            model(images())
    words = rf"^`{layer}\.weight` is computed by a hook at each call: make it permanent before, with torch\.nn\.utils\.prune\.remove"
    with pytest.raises(ValueError, match=words):
        sparsify(model, (4, 4), images())
    with pytest.raises(ValueError, match=words):
        plan(model, 2, (8, 5, 5), blocks=(4, 4))


def test_pruning_that_was_made_permanent():
    model, x = network(), images()
    prune.ln_structured(model[4], "weight", 0.5, n=2, dim=0)
    prune.remove(model[4], "weight")
    sparse, decisions = sparsify(model, (4, 4), x, decide="always")
    assert [one.sparse for one in decisions] == [True, True] and relative_rms(sparse(x), model(x)) <= TOLERANCE


def test_parametrized_weights_stay_dense():
    model, x = network(), images()
    parametrizations.orthogonal(model[4])
    sparse, decisions = sparsify(model, (4, 4), x, decide="always")
    assert [one.sparse for one in decisions] == [True, False]
    assert "call torch.nn.utils.parametrize.remove_parametrizations before" in decisions[1].reason
    assert relative_rms(sparse(x), model(x)) <= TOLERANCE
    with pytest.raises(ValueError, match="`4` cannot have blocks of 4 x 4: a parametrization computes its weight"):
        sparsify(model, {"4": (4, 4)}, x)
    with pytest.raises(ValueError, match=r"^`_4` \(ParametrizedLinear\) cannot be planned.*\.$"):
        plan(model, 2, (8, 5, 5))
    parametrize.remove_parametrizations(model[4], "weight")
    assert sparsify(model, {"4": (1, 1)}, x)[1][1].block == (1, 1)


def double(module, inputs, output):
    return 2 * output


@pytest.mark.parametrize(
    ("where", "sparse"), [("0", [False, True]), ("1", [True, True]), ("4", [True, False]), ("", [True, True])]
)
def test_forward_hooks_count(where, sparse):
    """Of layers that would be replaced, of BatchNorms that would be folded, and of the network."""
    model, x = network(), images()
    model.get_submodule(where).register_forward_hook(double)
    result, decisions = sparsify(model, (4, 4), x, decide="always")
    assert [one.sparse for one in decisions] == sparse
    assert all("it has forward hooks" in one.reason for one in decisions if not one.sparse)
    assert relative_rms(result(x), model(x)) <= TOLERANCE
    with pytest.raises(
        ValueError, match=f"`{where or 'Sequential'}` has forward hooks, which a plan does not call: remove them"
    ):
        plan(model, 2, (8, 5, 5))


class Shared(nn.Module):
    """One convolution under three names."""

    def __init__(self) -> None:
        super().__init__()
        self.one = nn.Conv2d(8, 8, 3, padding=1)
        self.one.weight.data = drop_blocks(self.one.weight, 4, 4, 0.5)
        self.other, self.body = self.one, nn.Sequential(self.one, nn.ReLU())

    def forward(self, x):
        return self.body(self.other(self.one(x)))


def test_shared_layers_stay_shared():
    model, x = Shared().eval(), images()
    sparse, decisions = sparsify(model, (4, 4), x, decide="always")
    assert sparse.one is sparse.other is sparse.body[0] and isinstance(sparse.one, BlockSparseConv2d)
    assert [one.name for one in decisions] == ["one"]
    assert relative_rms(sparse(x), model(x)) <= TOLERANCE


def test_a_network_made_under_inference_mode_is_fit_for_export():
    model, x = network(), images()
    with torch.inference_mode():
        inner = network()
        for made in (sparsify(model, (4, 4), x, decide="always")[0], sparsify(inner, (4, 4), x, decide="always")[0]):
            assert not any(tensor.is_inference() for tensor in made.state_dict().values())
            assert relative_rms(made(x), model(x)) <= TOLERANCE
    with torch.autocast("cpu", torch.bfloat16):
        made, _ = sparsify(model.train(), (4, 4), x, decide="always")
    assert relative_rms(made(x), model.eval()(x)) <= TOLERANCE


def test_zeros_hide_what_is_not_finite():
    """The one difference to the dense network: a block that is left out is not multiplied."""
    layer = nn.Linear(8, 4)
    layer.weight.data[:, :4] = 0
    x = torch.zeros(1, 8)
    x[0, 0] = torch.nan
    sparse, _ = sparsify(layer, (4, 4), x, decide="always")
    assert layer(x).isnan().all() and torch.equal(sparse(x)[0], layer.bias)
    x[0, 7] = torch.nan
    assert sparse(x).isnan().all()
