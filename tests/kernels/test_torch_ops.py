"""Block-sparse networks in the hands of what records or transforms a network: each gives what the dense network does, or says no."""

import gc
import io
import threading
import weakref

import pytest
import torch
from networks import drop_blocks
from torch import nn
from torch.autograd import forward_ad
from torch.fx.experimental.proxy_tensor import make_fx

from kernels import onnx_export, torch_ops
from kernels.cpu import block_sparse as cpu
from kernels.densify import densify
from kernels.layers import BlockSparseConv2d, BlockSparseLinear
from kernels.packed import pack, unpack
from kernels.reference import relative_rms

TOLERANCE = 1e-6


def dense_network() -> nn.Sequential:
    torch.manual_seed(0)
    conv, linear = nn.Conv2d(8, 12, 3, (2, 1), (1, 2), (1, 2)), nn.Linear(12, 20, bias=False)
    conv.weight.data, linear.weight.data = drop_blocks(conv.weight, 8, 4, 0.5), drop_blocks(linear.weight, 8, 4, 0.5)
    return nn.Sequential(conv, nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), linear, nn.GELU()).requires_grad_(
        False
    )


def sparse_network(dtype: torch.dtype | None = None) -> nn.Sequential:
    """The same, ReLU and GELU as parts of the layers. dtype: of the packed values."""
    conv, _, *between, linear, _ = dense_network()
    steps = (conv.stride, conv.padding, conv.dilation)
    return nn.Sequential(
        BlockSparseConv2d(pack(conv.weight, 8, 4, dtype=dtype), conv.bias, *steps, activation="relu"),
        *between,
        BlockSparseLinear(pack(linear.weight, 8, 4, dtype=dtype), activation="gelu"),
    )


def saved_and_loaded(value, save, load):
    file = io.BytesIO()
    save(value, file)
    file.seek(0)
    return load(file)


def traced(network, x):
    return saved_and_loaded(torch.jit.trace(network, x), torch.jit.save, torch.jit.load)


def exported(network, x):
    program = torch.export.export(network, (x,), dynamic_shapes=({0: torch.export.Dim("batch")},))
    return saved_and_loaded(program, lambda one, file: torch.export.save(one, file), torch.export.load).module()


def compiled(network, x):
    torch._dynamo.reset()
    return torch.compile(network, fullgraph=True, backend="eager")


RECORDERS = {
    "torch.jit.trace": traced,
    "torch.export": exported,
    "torch.compile": compiled,
    "torch.fx": lambda network, x: torch.fx.symbolic_trace(network),
    "make_fx": lambda network, x: make_fx(network)(x),
    "vmap": lambda network, x: lambda z: torch.func.vmap(network, in_dims=2, out_dims=1)(z[:, :, None])[:, 0],
    "vmap of images": lambda network, x: torch.func.vmap(lambda image: network(image[None])[0]),
}


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore:There is a performance drop")
@pytest.mark.parametrize("recorder", RECORDERS)
def test_what_is_recorded_computes_the_same(recorder, monkeypatch):
    """For other values than those it was recorded with, for another batch where that does not record anew, and without a compiler."""
    dense, x = dense_network(), torch.randn(4, 8, 6, 7)
    record, fixed = RECORDERS[recorder](sparse_network(), x), recorder in ("torch.compile", "make_fx")
    batches = [
        torch.randn(4, 8, 6, 7),
        torch.randn(4, 8, 7, 6).transpose(2, 3),
        torch.randn(4 if fixed else 3, 8, 6, 7),
    ]
    for z in batches:
        assert relative_rms(record(z), dense(z)) <= TOLERANCE
    monkeypatch.setattr(cpu, "library", lambda: None)
    if recorder in ("torch.fx", "make_fx", "vmap"):  # which of the kernels it is, no record knows
        assert relative_rms(RECORDERS[recorder](sparse_network(), x)(x), dense(x)) <= TOLERANCE


@pytest.mark.parametrize("residual", [False, True])
def test_torchs_own_checks_of_the_operators(residual):
    """Schema, shapes and strides of the fake implementations against the real ones; sizes as symbols are in torch.export's case."""
    conv, *_, linear = sparse_network(torch.int8)
    image, x = torch.randn(2, 8, 6, 7), torch.randn(5, 2, 12)
    steps = (conv.shape, conv.stride, conv.padding, conv.dilation, None)
    add, other = (torch.randn_like(conv(image)), torch.randn(5, 2, 20)) if residual else (None, None)
    checks = ("test_schema", "test_faketensor")
    weights = [(one.values, one.column, one.first, one.order, one.scale, one.bias) for one in (conv, linear)]
    torch.library.opcheck(torch_ops.block_sparse_conv2d, (image, *weights[0], add, *steps), test_utils=checks)
    torch.library.opcheck(
        torch_ops.block_sparse_linear, (x, *weights[1], other, linear.shape, "gelu"), test_utils=checks
    )


def test_residuals_are_mapped_too():
    conv, *_, linear = sparse_network()
    x, add = torch.randn(3, 5, 12), torch.randn(5, 20)
    y = torch.func.vmap(linear, in_dims=(0, None))(x, add)
    assert relative_rms(y, torch.stack([linear(one, add) for one in x])) <= TOLERANCE
    image = torch.randn(3, 2, 8, 6, 7)
    add = torch.randn_like(conv(image[0]).expand(3, -1, -1, -1, -1).movedim(0, 4))
    y = torch.func.vmap(conv, in_dims=(0, 4))(image, add)
    assert relative_rms(y, torch.stack([conv(image[i], add[..., i]) for i in range(3)])) <= TOLERANCE
    values = linear.values.expand(2, *linear.values.shape)
    with pytest.raises(ValueError, match="cannot be mapped over weights, only over inputs"):
        torch.func.vmap(lambda v: torch.func.functional_call(linear, {"values": v}, (x,)))(values)


def by_dual_numbers(network, x):
    with forward_ad.dual_level():
        return network(forward_ad.make_dual(x, x))


@pytest.mark.parametrize(
    "differentiate",
    [
        lambda network, x: network(x.requires_grad_()),
        lambda network, x: torch.func.grad(lambda z: network(z).sum())(x),
        lambda network, x: torch.func.jvp(network, (x,), (x,)),
        by_dual_numbers,
    ],
)
def test_derivatives_of_both_directions_are_refused(differentiate):
    with pytest.raises(ValueError, match=r"have no gradient: call them under torch\.inference_mode"):
        differentiate(sparse_network(), torch.randn(2, 8, 6, 7))


def test_the_operators_have_no_gradient_either():
    *_, layer = sparse_network()
    weight = (layer.values, layer.column, layer.first, layer.order, None, None)
    with pytest.raises(ValueError, match="operators have no gradient"):
        torch_ops.block_sparse_linear(torch.randn(2, 12).requires_grad_(), *weight, None, layer.shape, None)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore:Converting a tensor")
def test_a_kernel_that_is_called_past_torch_refuses_to_be_recorded():
    conv, *_, linear = sparse_network()
    weights = conv.prepared(), linear.prepared()
    if not isinstance(weights[0], cpu.CpuWeight):
        pytest.skip("gather and bmm are operators of torch themselves")
    with pytest.raises(
        ValueError, match=r"a call of the C\+\+ kernel would be lost: record the network that sparsify gives"
    ):
        torch.jit.trace(lambda x: cpu.linear(x, weights[1]), torch.randn(2, 12))
    with pytest.raises(ValueError, match="would be lost"):
        make_fx(lambda x: cpu.conv2d(x, weights[0]))(torch.randn(2, 6, 7, 8))
    with pytest.raises(ValueError, match=r"torch\.jit\.script cannot compile block-sparse layers: use torch\.export"):
        torch.jit.script(linear)


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize("dtype", [None, torch.int8])
def test_onnx_gets_dense_products(dtype):
    """The decompositions that torch.onnx.export looks up; residuals too."""
    table = {
        getattr(torch.ops.lacuna, name).default: torch._decomp.decomposition_table[
            getattr(torch.ops.lacuna, name).default
        ]
        for name in ("block_sparse_linear", "block_sparse_conv2d")
    }
    sparse, x = sparse_network(dtype), torch.randn(4, 8, 6, 7)
    program = torch.export.export(sparse, (x,)).run_decompositions(table)
    assert not any("lacuna" in str(node.target) for node in program.graph.nodes)
    assert relative_rms(program.module()(x), sparse(x)) <= TOLERANCE
    layer, z, add = sparse[-1], torch.randn(3, 12).half(), torch.randn(3, 20).half()
    weight = (layer.values, layer.column, layer.first, layer.order, layer.scale, layer.bias)
    y = onnx_export.linear(z, *weight, add, layer.shape, "relu")
    expected = torch.relu(z.double() @ unpack(layer.packed).double().T + add.double())
    assert y.dtype == torch.float16 and relative_rms(y, expected) <= 1e-3


def test_onnx_files(tmp_path):
    """Where the packages that it needs are installed, which this project does not need."""
    runtime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    path, x = tmp_path / "network.onnx", torch.randn(4, 8, 6, 7)
    torch.onnx.export(sparse_network(), (x,), path, dynamo=True, input_names=["x"], verbose=False)
    (y,) = runtime.InferenceSession(path).run(None, {"x": x.numpy()})
    assert relative_rms(torch.from_numpy(y), dense_network()(x)) <= TOLERANCE


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_exporter_that_traces_is_refused(monkeypatch):
    """As it would write operators that ONNX does not have."""
    monkeypatch.setattr(torch.onnx, "is_in_onnx_export", lambda: True)
    with pytest.raises(
        ValueError, match=r"densify\(network\)`, the same network with dense weights, or export with dynamo=True"
    ):
        torch.jit.trace(sparse_network(), torch.randn(4, 8, 6, 7))


@pytest.mark.parametrize("dtype", [None, torch.int8, torch.float16])
def test_densified_networks_compute_the_same(dtype):
    sparse, x = sparse_network(dtype), torch.randn(2, 8, 6, 7)
    sparse.again = sparse[0]  # the same layer in two places
    dense = densify(sparse)
    assert isinstance(sparse[0], BlockSparseConv2d)  # itself untouched
    assert not any(isinstance(one, (BlockSparseConv2d, BlockSparseLinear)) for one in dense.modules())
    dense, sparse = dense.float()[:4], sparse[:4]
    assert relative_rms(dense(x), sparse(x)) <= TOLERANCE
    layer = BlockSparseLinear(pack(torch.eye(4), 2, 2), torch.ones(4))
    assert torch.equal(densify(layer)(torch.zeros(1, 4)), torch.ones(1, 4)) and type(densify(layer)) is nn.Linear


def test_autocast_gives_its_own_dtype():
    dense, sparse, x = dense_network(), sparse_network(), torch.randn(2, 8, 6, 7)
    with torch.autocast("cpu", torch.bfloat16):
        assert sparse(x).dtype == dense(x).dtype == sparse_network(torch.int8)(x).dtype == torch.bfloat16
        assert relative_rms(sparse(x), dense.double()(x.double())) <= 4 * torch.finfo(torch.bfloat16).eps
        assert torch.equal(torch.export.export(sparse, (x,)).module()(x), sparse(x))
        with pytest.raises(ValueError, match=r"x must be float32 on cpu, not torch\.int64"):
            sparse(x.long())


def test_a_weight_that_changes_is_laid_out_anew():
    *_, layer = sparse_network()
    layer.activation, x = None, torch.randn(2, 12)
    before, record = layer(x), torch.export.export(layer, (x,)).module()
    assert torch.equal(record(x), before)
    for _ in range(3):  # temporary tensors, which may lie where others lay before
        state = {"values": torch.randn_like(layer.values)}
        own = torch.func.functional_call(layer, state, (x,))
        layer.values, old = state["values"], layer.values
        assert relative_rms(own, x @ unpack(layer.packed).T) <= TOLERANCE
        layer.values = old
    assert torch.equal(layer(x), before)
    layer.values.mul_(2)
    assert torch.equal(layer(x), 2 * before)
    assert torch.equal(record(x), 2 * before)  # it shares the layer's tensors
    layer.bias = torch.ones(20)
    assert relative_rms(layer(x), 2 * before + 1) <= TOLERANCE
    layer.bias.zero_()
    assert relative_rms(layer(x), 2 * before) <= TOLERANCE


def test_layouts_die_with_their_weights():
    *_, layer = sparse_network()
    torch.func.vmap(layer)(torch.randn(2, 3, 12))  # by the operator
    assert layer.values in torch_ops._LAYOUTS
    prepared = weakref.ref(next(iter(torch_ops._LAYOUTS[layer.values]._made.values())))
    del layer
    gc.collect()
    assert prepared() is None


def test_threads_may_share_a_network():
    sparse, x = sparse_network(), torch.randn(2, 8, 6, 7)
    expected, results = dense_network()(x), []
    start = threading.Barrier(4)

    def call() -> None:
        start.wait()  # all lay the weights out at once
        results.extend(sparse(x) for _ in range(10))

    threads = [threading.Thread(target=call) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 40 and all(relative_rms(y, expected) <= TOLERANCE for y in results)


def test_inputs_that_are_no_plain_tensors():
    *_, layer = sparse_network()
    x = torch.randn(3, 12)
    assert torch.equal(layer(nn.Parameter(x, requires_grad=False)), layer(x))
    assert torch.equal(layer(torch._neg_view(-x)), layer(x))  # negated when it is read
    with pytest.raises(TypeError, match=r"must be a torch\.Tensor, not ndarray"):
        layer(x.numpy())
    assert layer(torch.zeros(0, 12)).shape == (0, 20) and layer(torch.zeros(2, 0, 12)).shape == (2, 0, 20)
