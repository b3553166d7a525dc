"""Block-sparse layers in the place of dense ones, one by one and in whole networks, and how they are chosen."""

import copy
import io
import logging
import pickle

import pytest
import torch
from networks import Residual, Transformer, WideResidual, drop_blocks, plain, prune, vgg
from torch import nn

from kernels import cost
from kernels import sparsify as sparsify_module
from kernels.folding import fold_batchnorm
from kernels.layers import BlockSparseConv2d, BlockSparseLinear
from kernels.packed import block_mask, load_packed, pack, save_packed, unpack
from kernels.reference import relative_rms
from kernels.sparsify import Decision, explain, sparsify

TOLERANCE = 1e-6
SPARSE = (BlockSparseConv2d, BlockSparseLinear)
NETWORKS = {"plain": plain, "vgg": vgg, "residual": Residual, "wide": WideResidual, "transformer": Transformer}


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def linear(sparsity: float = 0.5, bias: bool = True, inputs: int = 16, outputs: int = 20) -> nn.Linear:
    layer = nn.Linear(inputs, outputs, bias)
    layer.weight.data = drop_blocks(layer.weight.data, 8, 4, sparsity)
    return layer


def conv(sparsity: float = 0.5, **options) -> nn.Conv2d:
    layer = nn.Conv2d(8, 20, **{"kernel_size": 3, **options})
    layer.weight.data = drop_blocks(layer.weight.data, 8, 4, sparsity)
    return layer


def in_double(module: nn.Module, x: torch.Tensor) -> torch.Tensor:
    return copy.deepcopy(module).double()(x.double()).detach()


LAYERS = [
    pytest.param(linear, BlockSparseLinear, (3, 16), id="linear"),
    pytest.param(conv, BlockSparseConv2d, (2, 8, 7, 6), id="conv"),
]


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("shape", [(3, 16), (2, 5, 16), (16,), (0, 16)])
def test_a_linear_layer_is_replaced(shape, bias):
    dense, x = linear(bias=bias), torch.randn(shape)
    layer = BlockSparseLinear.from_dense(dense, 8, 4)
    assert layer.packed.density == 0.5
    assert relative_rms(layer(x), in_double(dense, x)) <= TOLERANCE


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"padding": 1, "bias": False},
        {"stride": 2, "padding": (1, 2)},
        {"stride": (2, 1), "dilation": (1, 2), "padding": 2},
        {"kernel_size": 1},
        {"kernel_size": (3, 1), "padding": (1, 0)},
        {"kernel_size": 5, "padding": 2},
    ],
)
@pytest.mark.parametrize("memory", [torch.contiguous_format, torch.channels_last])
def test_a_convolution_is_replaced(options, memory):
    dense, x = conv(**options), torch.randn(2, 8, 9, 10).to(memory_format=memory)
    y = BlockSparseConv2d.from_dense(dense, 8, 4)(x)
    assert relative_rms(y, in_double(dense, x)) <= TOLERANCE
    assert y.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("activation", [None, "relu", "gelu"])
@pytest.mark.parametrize(("make", "kind", "shape"), LAYERS)
def test_residual_and_activation_are_part_of_the_layer(make, kind, shape, activation):
    dense, x = make(), torch.randn(shape)
    expected = in_double(dense, x)
    residual = torch.randn(expected.shape)
    expected = {"relu": torch.relu, "gelu": nn.functional.gelu, None: lambda y: y}[activation](expected + residual)
    layer = kind(pack(dense.weight, 8, 4), dense.bias, activation=activation)
    assert relative_rms(layer(x, residual), expected) <= TOLERANCE
    assert f"activation={activation}" in repr(layer) and "block=8x4, density=0.5" in repr(layer)


@pytest.mark.parametrize("dtype", [None, torch.int8, torch.float16])
@pytest.mark.parametrize(("make", "kind", "shape"), LAYERS)
def test_the_state_is_all_there_is_to_a_layer(make, kind, shape, dtype):
    dense, x = make(), torch.randn(shape)
    layer = kind(pack(dense.weight, 8, 4, dtype=dtype), dense.bias)
    other = kind(pack(torch.randn_like(dense.weight), 8, 4, mask=other_blocks(dense), dtype=dtype), torch.randn(20))
    y = layer(x)
    assert relative_rms(other(x), y) > 0.1  # lays out weights that must then be forgotten
    file = io.BytesIO()
    torch.save(layer.state_dict(), file)
    file.seek(0)
    other.load_state_dict(torch.load(file, weights_only=True))
    assert torch.equal(other(x), y)
    assert list(layer.parameters()) == []


def other_blocks(dense: nn.Module) -> torch.Tensor:
    """As many blocks per row as the dense layer has, in other places."""
    return block_mask(dense.weight, 8, 4).flip(1)


@pytest.mark.parametrize(("make", "kind", "shape"), LAYERS)
def test_weights_loaded_under_inference_mode_count(make, kind, shape):
    dense, other, x = make(), make(), torch.randn(shape)
    other.bias.data.zero_()
    with torch.inference_mode():
        layer = kind.from_dense(dense, 8, 4)
        layer(x)
        layer.load_state_dict(kind.from_dense(other, 8, 4).state_dict())
        assert relative_rms(layer(x), in_double(other, x)) <= TOLERANCE


@pytest.mark.parametrize("way", [copy.deepcopy, copy.copy, lambda layer: pickle.loads(pickle.dumps(layer))])
@pytest.mark.parametrize(("make", "kind", "shape"), LAYERS)
def test_copies_compute_the_same(make, kind, shape, way):
    layer, x = kind.from_dense(make(), 8, 4), torch.randn(shape)
    y = layer(x)
    other = way(layer)
    assert torch.equal(other(x), y)
    assert other.prepared() is not layer.prepared()


@pytest.mark.parametrize(("make", "kind", "shape"), LAYERS)
def test_a_deep_copy_has_weights_of_its_own(make, kind, shape):
    layer, x = kind.from_dense(make(), 8, 4), torch.randn(shape)
    y = layer(x)
    other = copy.deepcopy(layer)
    other.values.zero_()
    other.bias.zero_()
    assert not other(x).any() and torch.equal(layer(x), y)


@pytest.mark.parametrize(("make", "kind", "shape"), LAYERS)
def test_gradients_are_refused(make, kind, shape):
    layer, x = kind.from_dense(make(), 8, 4), torch.randn(shape, requires_grad=True)
    with pytest.raises(ValueError, match="have no gradient: call them under"):
        layer(x)
    with torch.no_grad():
        y = layer(x)
    with torch.inference_mode():
        assert torch.equal(layer(x), y)
    assert not layer(x.detach()).requires_grad


def test_what_does_not_fit_a_layer_is_refused():
    matrix, kernel = pack(torch.ones(8, 4), 4, 4), pack(torch.ones(8, 4, 3, 3), 4, 4)
    with pytest.raises(ValueError, match="is a convolution's: use BlockSparseConv2d"):
        BlockSparseLinear(kernel)
    with pytest.raises(ValueError, match="is a linear layer's: use BlockSparseLinear"):
        BlockSparseConv2d(matrix)
    with pytest.raises(ValueError, match=r"the bias must be \[8\]"):
        BlockSparseLinear(matrix, torch.ones(4))
    with pytest.raises(ValueError, match="there is no activation `tanh`"):
        BlockSparseLinear(matrix, activation="tanh")
    with pytest.raises(ValueError, match=r"x must be \[B, 4, H, W\], not \[4, 5, 5\]"):
        BlockSparseConv2d(kernel)(torch.ones(4, 5, 5))
    with pytest.raises(ValueError, match=r"residual must be \[2, 8\]"):
        BlockSparseLinear(matrix)(torch.ones(2, 4), torch.ones(8, 2))
    with pytest.raises(ValueError, match="too small for a 3 x 3 kernel"):
        BlockSparseConv2d(kernel)(torch.ones(1, 4, 2, 5))
    for options, words in (
        ({"stride": 0}, r"stride is \(0, 0\) and must be at least 1"),
        ({"dilation": (1, 0)}, r"dilation is \(1, 0\) and must be at least 1"),
        ({"padding": (0, -1)}, r"padding is \(0, -1\) and must be at least 0"),
    ):
        with pytest.raises(ValueError, match=words):
            BlockSparseConv2d(kernel, **options)
    with pytest.raises(AttributeError, match="no dense `weight`, and this network reads it itself"):
        _ = BlockSparseLinear(matrix).weight
    with pytest.raises(AttributeError, match="nothing"):
        _ = BlockSparseLinear(matrix).nothing


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("quantized", [None, torch.int8, torch.float8_e4m3fn])
@pytest.mark.parametrize(("make", "kind", "shape"), LAYERS)
def test_half_precision_is_computed_in_float32(make, kind, shape, quantized, dtype):
    dense, x = make().to(dtype), torch.randn(shape).to(dtype)
    layer = kind(pack(dense.weight.float(), 8, 4, dtype=quantized), dense.bias).to(dtype)
    weight = unpack(layer.packed)
    assert weight.dtype == (
        torch.float32 if quantized else dtype
    )  # quantized values and their scale stay what they are
    expected = dense.double()
    expected.weight.data = weight.double()
    expected = expected(x.double())
    residual = torch.randn_like(expected).to(dtype)
    for y, reference in ((layer(x), expected), (layer(x, residual), expected + residual)):
        assert y.dtype == dtype
        assert relative_rms(y, reference) <= torch.finfo(dtype).eps


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_networks_of_half_precision(dtype):
    model, x = network("residual")
    sparse, _ = sparsify(model.to(dtype), (4, 4), x.to(dtype), decide="always")
    with torch.inference_mode():
        y = sparse(x.to(dtype))
    assert y.dtype == dtype and relative_rms(y, in_double(model, x)) <= 20 * torch.finfo(dtype).eps


class Keywords(nn.Module):
    """A network that calls its layers with keywords."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.linear = conv(), linear(inputs=20)

    def forward(self, x):
        return self.linear(input=self.conv(input=x).mean((2, 3)))


def test_layers_called_with_keywords():
    model, x = Keywords().eval(), torch.randn(2, 8, 6, 6)
    sparse, decisions = sparsify(model, (8, 4), x, decide="always")
    assert [one.sparse for one in decisions] == [True, True]
    with torch.inference_mode():
        assert relative_rms(sparse(x), in_double(model, x)) <= TOLERANCE


@pytest.mark.parametrize("stack", [False, True])
@pytest.mark.parametrize("activation", ["relu", "gelu"])
def test_torchs_own_transformer(activation, stack):
    """Its fused path reads linear1.weight; with a mask a stack of them makes nested tensors, which only that path can read."""
    model = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True, activation=activation)
    model = nn.TransformerEncoder(model, 2) if stack else model
    model, x = prune(model, 4, 4, 0.5), torch.randn(3, 5, 16)
    mask = torch.arange(5) >= torch.tensor([5, 3, 4])[:, None]
    sparse, decisions = sparsify(model, (4, 4), x, decide="always")
    assert [one.sparse for one in decisions] == [False, True, True] * (2 if stack else 1)
    assert "NonDynamicallyQuantizableLinear" in decisions[0].reason
    with torch.inference_mode():
        assert relative_rms(sparse(x), in_double(model, x)) <= TOLERANCE
        kept = ~mask
        y, expected = (
            m(data, src_key_padding_mask=mask) for m, data in ((sparse, x), (copy.deepcopy(model).double(), x.double()))
        )
        assert relative_rms(y[kept], expected[kept]) <= TOLERANCE
        assert relative_rms(model(x, src_key_padding_mask=mask)[kept], expected[kept]) <= TOLERANCE  # itself untouched


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"groups": 2}, "it has 2 groups"),
        ({"padding": "same"}, "its padding is `same`, not zeros in numbers"),
        ({"padding": 1, "padding_mode": "reflect"}, "its padding is `reflect`"),
    ],
)
def test_convolutions_of_other_kinds_are_refused(options, words):
    with pytest.raises(ValueError, match=words):
        BlockSparseConv2d.from_dense(nn.Conv2d(8, 8, 3, **options), 4, 4)


def network(name: str, sparsity: float = 0.5) -> tuple[nn.Module, torch.Tensor]:
    """One of the networks with half of its blocks of 4 x 4 zero, and images for it."""
    return prune(NETWORKS[name](), 4, 4, sparsity), torch.randn(2, 3, 16, 16)


def state(model: nn.Module) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


@pytest.mark.parametrize(("name", "left"), [("plain", 0), ("vgg", 0), ("residual", 0), ("wide", 5), ("transformer", 0)])
def test_batchnorm_is_folded(name, left):
    model, x = network(name)
    before = state(model)
    norms = sum(isinstance(module, nn.BatchNorm2d) for module in model.modules())
    folded = fold_batchnorm(model)
    assert sum(isinstance(module, nn.BatchNorm2d) for module in folded.modules()) == left
    assert norms > left or name == "transformer"
    assert relative_rms(folded(x), in_double(model, x)) <= TOLERANCE
    assert not folded.training and not any(parameter.requires_grad for parameter in folded.parameters())
    after = state(model)
    assert list(after) == list(before) and all(torch.equal(after[key], before[key]) for key in before)


def test_training_mode_and_gradients_of_the_original_stay():
    model, x = network("plain")
    model.train()
    sparsify(model, (4, 4), x, decide="always")
    assert model.training and all(parameter.requires_grad for parameter in model.parameters())
    assert all(module.training for module in model.modules())


class Twice(nn.Module):
    """A convolution that is used twice, and a BatchNorm behind one use."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.bn = nn.Conv2d(3, 3, 3, padding=1), nn.BatchNorm2d(3)

    def forward(self, x):
        return self.conv(self.bn(self.conv(x)))


class SharedNorm(nn.Module):
    """One BatchNorm behind a convolution and once more."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.bn = nn.Conv2d(3, 3, 3, padding=1), nn.BatchNorm2d(3)

    def forward(self, x):
        return self.bn(torch.relu(self.bn(self.conv(x))))


class SeesBoth(nn.Module):
    """A network that reads what comes before the BatchNorm, too."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.bn = nn.Conv2d(3, 3, 3, padding=1), nn.BatchNorm2d(3)

    def forward(self, x):
        y = self.conv(x)
        return y + self.bn(y)


class Tied(nn.Module):
    """A network that reads the weight of a layer with a BatchNorm itself."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.bn = nn.Conv2d(3, 3, 3, padding=1), nn.BatchNorm2d(3)

    def forward(self, x):
        return nn.functional.conv2d(self.bn(self.conv(x)), self.conv.weight)


class Tokens(nn.Module):
    """A BatchNorm over the tokens, not over the channels, that a linear layer gives."""

    def __init__(self, tokens: int = 5) -> None:
        super().__init__()
        self.linear, self.bn, self.tokens = nn.Linear(3, 4), nn.BatchNorm1d(tokens), tokens

    def forward(self, x):
        return self.bn(self.linear(x.flatten(2).transpose(1, 2)[:, : self.tokens]))


class Branches(nn.Module):
    """A network that torch.fx cannot trace."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.bn = nn.Conv2d(3, 3, 3, padding=1), nn.BatchNorm2d(3)

    def forward(self, x):
        return self.bn(self.conv(x)) if x.sum() > 1e9 else self.conv(self.bn(x))


@pytest.mark.parametrize("kind", [Twice, SharedNorm, SeesBoth, Tied, Tokens, Branches])
def test_batchnorm_that_cannot_be_folded_stays(kind):
    model, x = kind(), torch.randn(2, 3, 6, 6)
    for _ in range(3):
        model(x)  # statistics
    model.eval()
    folded = fold_batchnorm(model)
    assert isinstance(folded.bn, type(model.bn))
    assert relative_rms(folded(x), in_double(model, x)) <= TOLERANCE


def test_the_log_says_what_cannot_be_traced(caplog):
    with caplog.at_level(logging.WARNING, "kernels"):
        fold_batchnorm(Branches())
    assert "BatchNorm stays unfolded: torch.fx cannot trace Branches" in caplog.text
    caplog.clear()
    fold_batchnorm(plain())
    assert not caplog.records


def test_batchnorm_behind_a_linear_layer_is_folded():
    model, x = (
        nn.Sequential(nn.Flatten(), nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 8), nn.BatchNorm1d(8)),
        torch.randn(20, 3, 2),
    )
    model(x + 1)
    model.eval()
    folded = fold_batchnorm(model)
    assert isinstance(folded[4], nn.Identity)
    assert relative_rms(folded(x), in_double(model, x)) <= TOLERANCE


@pytest.mark.parametrize("before", [nn.Identity(), nn.Flatten(0, 1), nn.Flatten(2)])
def test_batchnorm_over_as_many_tokens_as_channels_is_not_folded(before):
    """Channels of [B, N] and tokens of [B, N, N] are the same to torch.fx: folded as channels, the second would be wrong."""
    model, x = nn.Sequential(before, nn.Linear(6, 4), nn.BatchNorm1d(4)), torch.randn(3, 4, 6)
    if isinstance(before, nn.Flatten):
        x = x[..., None] if before.start_dim == 2 else x[:, None]
    model(x)
    model.eval()
    folded = fold_batchnorm(model)
    assert isinstance(folded[2], nn.BatchNorm1d)
    assert relative_rms(folded(x), in_double(model, x)) <= TOLERANCE


@pytest.mark.parametrize("sparsity", [0.5, 0.9])
@pytest.mark.parametrize("name", NETWORKS)
def test_a_sparse_network_computes_what_the_dense_one_does(name, sparsity):
    model, x = network(name, sparsity)
    before = state(model)
    sparse, decisions = sparsify(model, (4, 4), x, decide="always")
    with torch.inference_mode():
        assert relative_rms(sparse(x), in_double(model, x)) <= TOLERANCE
    kinds = {name: type(module) for name, module in sparse.named_modules()}
    layers = [name for name, module in model.named_modules() if isinstance(module, (nn.Conv2d, nn.Linear))]
    assert [one.name for one in decisions] == layers
    for one in decisions:
        assert one.sparse == (kinds[one.name] in SPARSE) == (one.shape[1] % 4 == 0), one
        assert one.gain is None and (one.density < 1) == one.sparse
    assert not sparse.training
    after = state(model)
    assert list(after) == list(before) and all(torch.equal(after[key], before[key]) for key in before)
    assert not any(isinstance(module, SPARSE) for module in model.modules())


def test_sparse_networks_travel(tmp_path):
    model, x = network("residual")
    sparse, _ = sparsify(model, (4, 4), x, decide="always")
    y = sparse(x)
    other, _ = sparsify(prune(Residual(), 4, 4, 0.5), (4, 4), x, decide="always")
    assert relative_rms(other(x), y) > 0.1
    other.load_state_dict(sparse.state_dict())
    assert torch.equal(other(x), y)
    assert torch.equal(copy.deepcopy(sparse)(x), y)
    assert torch.equal(pickle.loads(pickle.dumps(sparse))(x), y)
    packed = {name: module.packed for name, module in sparse.named_modules() if isinstance(module, SPARSE)}
    save_packed(tmp_path / "a.safetensors", packed)
    loaded = load_packed(tmp_path / "a.safetensors")
    assert len(loaded) == 10 and all(torch.equal(unpack(loaded[name]), unpack(packed[name])) for name in packed)


@pytest.mark.parametrize(("times", "sparse"), [((2.0, 1.0), True), ((1.0, 1.0), False), ((1.2, 1.0), True)])
def test_what_is_measured_decides(monkeypatch, times, sparse):
    shapes = []

    def compare(calls, device):
        dense, other = (call() for call in calls)  # the dense layer first
        assert relative_rms(other, dense) <= TOLERANCE and device == torch.device("cpu")
        shapes.append(tuple(dense.shape))
        return list(times)

    monkeypatch.setattr(sparsify_module, "compare", compare)
    model, x = network("plain")
    result, decisions = sparsify(model, (4, 4), x, threshold=1.2)
    assert shapes == [(2, 16, 4, 4), (2, 16, 2, 2), (2, 10)]  # on what each layer reads
    tried = [one for one in decisions if one.gain is not None]
    assert len(tried) == 3 and all(one.sparse == sparse and one.gain == times[0] / times[1] for one in tried)
    assert all(one.reason == ("measured gain" if sparse else "measured gain below 1.2x") for one in tried)
    assert sum(isinstance(module, SPARSE) for module in result.modules()) == 3 * sparse


def test_layers_are_measured():
    model, x = network("plain")
    _, decisions = sparsify(model, (4, 4), x, threshold=0.0)
    assert [one.sparse for one in decisions] == [False, True, True, True]
    assert all(one.gain > 0 for one in decisions if one.sparse)
    result, decisions = sparsify(model, (4, 4), x, threshold=1e9)
    assert not any(one.sparse for one in decisions)
    assert not any(isinstance(module, SPARSE) for module in result.modules())


def test_what_is_modelled_decides():
    model = prune(nn.Sequential(nn.Conv2d(64, 64, 3, padding=1), nn.Conv2d(64, 64, 3, padding=1)), 32, 16, 0.0)
    with torch.no_grad():
        model[1].weight.copy_(drop_blocks(model[1].weight, 32, 16, 0.9))
        model[0].weight[:32, :16, 0, 0] = 0  # one block of 72
    x = torch.randn(1, 64, 16, 16)
    result, decisions = sparsify(model, (32, 16), x, decide="modelled")
    assert [one.sparse for one in decisions] == [False, True]
    for one, layer in zip(decisions, model, strict=True):
        assert one.gain == cost.expected_gain(layer, (32, 16), one.density, tuple(x.shape))
    assert decisions[0].reason == "modelled gain below 1.1x" and decisions[1].reason == "modelled gain"
    assert [one.density for one in decisions] == pytest.approx([71 / 72, 4 / 36])
    assert [type(module) for module in result] == [nn.Conv2d, BlockSparseConv2d]


def test_the_modelled_gain_grows_with_sparsity_and_height():
    layer = nn.Conv2d(64, 64, 3, padding=1)
    gains = [cost.expected_gain(layer, (32, 16), density, (1, 64, 16, 16)) for density in (1.0, 0.5, 0.1, 0.0)]
    assert sorted(set(gains)) == gains and gains[0] < 1
    heights = [cost.expected_gain(layer, (height, 16), 0.2, (1, 64, 16, 16)) for height in (4, 8, 16, 32, 64)]
    assert sorted(set(heights)) == heights


def test_named_layers_only():
    model, x = network("plain")
    result, decisions = sparsify(model, {"3": (4, 4), "11": (2, 4)}, x, decide="always")
    assert [(one.name, one.sparse, one.block) for one in decisions] == [
        ("0", False, None),
        ("3", True, (4, 4)),
        ("6", False, None),
        ("11", True, (2, 4)),
    ]
    assert decisions[0].reason == "no block is given for it"
    with torch.inference_mode():
        assert relative_rms(result(x), in_double(model, x)) <= TOLERANCE


@pytest.mark.parametrize(
    ("blocks", "words"),
    [
        ({"13": (4, 4)}, "`13` is no convolution or linear layer of this network: it has 0, 3, 6, 11"),
        ({"1": (4, 4)}, "`1` is no convolution or linear layer"),
        ({"3": (4, 3)}, "`3` cannot have blocks of 4 x 3: 8 input channels are no multiple of bk = 3"),
        ({"0": (4, 4)}, "`0` cannot have blocks of 4 x 4: 3 input channels"),
        ({"3": (0, 4)}, "the block of `3` must be two whole numbers"),
    ],
)
def test_names_and_blocks_that_do_not_fit_are_refused(blocks, words):
    model, x = network("plain")
    with pytest.raises(ValueError, match=words):
        sparsify(model, blocks, x)


def test_an_unknown_way_to_decide_is_refused():
    model, x = network("plain")
    with pytest.raises(ValueError, match="no way to decide `guess`: choose `measured`, `modelled` or `always`"):
        sparsify(model, (4, 4), x, decide="guess")


def test_a_network_may_be_one_layer():
    layer, x = linear(), torch.randn(3, 16)
    sparse, decisions = sparsify(layer, (8, 4), x, decide="always")
    assert isinstance(sparse, BlockSparseLinear) and decisions[0].sparse
    assert relative_rms(sparse(x), in_double(layer, x)) <= TOLERANCE


class Odd(nn.Module):
    """Layers that stay dense for a reason each."""

    def __init__(self) -> None:
        super().__init__()
        self.groups, self.depthwise = (nn.Conv2d(8, 8, 3, padding=1, groups=groups) for groups in (2, 8))
        self.same = nn.Conv2d(8, 8, 3, padding="same")
        self.full, self.unused, self.sparse = nn.Conv2d(8, 8, 1), nn.Conv2d(8, 8, 1), nn.Conv2d(8, 8, 1)
        self.narrow = nn.Linear(6, 6)
        for layer in (self.unused, self.sparse):
            layer.weight.data[:4, :4] = 0

    def forward(self, x):
        x = self.sparse(self.full(self.same(self.depthwise(self.groups(x)))))
        return self.narrow(x)


def test_each_layer_that_stays_dense_has_a_reason():
    model, x = Odd().eval(), torch.randn(1, 8, 6, 6)
    result, decisions = sparsify(model, (4, 4), x, decide="always")
    assert {one.name: one.reason for one in decisions} == {
        "groups": "it has 2 groups",
        "depthwise": "it has 8 groups",
        "same": "its padding is `same`, not zeros in numbers",
        "full": "no block of it is zero",
        "unused": "the network does not call it with this example",
        "sparse": "as asked",
        "narrow": "6 input channels are no multiple of bk = 4: the largest bk that would do is 3",
    }
    assert [name for name, module in result.named_modules() if isinstance(module, SPARSE)] == ["sparse"]
    with torch.inference_mode():
        assert relative_rms(result(x), in_double(model, x)) <= TOLERANCE
    assert "| groups | 8x4x3x3 | 4x4 | 1.000 | 1.0x | – | dense: it has 2 groups |" in explain(decisions)
    assert "| depthwise | 8x1x3x3 | 4x4 | 1.000 | 1.0x | – | dense: it has 8 groups |" in explain(decisions)
    for name in ("groups", "depthwise", "same"):
        with pytest.raises(ValueError, match=f"`{name}` cannot have blocks of 4 x 4"):
            sparsify(model, {name: (4, 4)}, x)


def test_explain_is_a_table():
    decisions = [
        Decision("a", (8, 4, 3, 3), (4, 4), 0.25, True, 2.5, "measured gain"),
        Decision("b", (10, 16), None, 1.0, False, None, "no block is given for it"),
        Decision("c", (10, 16), (2, 4), 0.0, True, None, "as asked"),
    ]
    assert explain(decisions).splitlines()[2:] == [
        "| a | 8x4x3x3 | 4x4 | 0.250 | 4.0x | 2.50x | sparse: measured gain |",
        "| b | 10x16 | – | 1.000 | 1.0x | – | dense: no block is given for it |",
        "| c | 10x16 | 2x4 | 0.000 | infx | – | sparse: as asked |",
    ]
    assert len({line.count("|") for line in explain(decisions).splitlines()}) == 1
