"""Block-sparse layers on the GPU's path, whose kernel the interpreter runs."""

import pytest
import torch
from torch import nn

from kernels import layout, torch_ops
from kernels import reference as dense
from kernels.gpu import triton_gemm
from kernels.layers import BlockSparseConv2d, BlockSparseLinear
from kernels.packed import pack, unpack
from kernels.reference import relative_rms
from kernels.sparsify import sparsify


@pytest.fixture(autouse=True)
def gpu(monkeypatch):
    torch.manual_seed(0)
    for module in (layout, torch_ops):
        monkeypatch.setattr(module, "on_gpu", lambda tensor: True)
    monkeypatch.setattr(layout.cpu, "prepare", lambda *_: pytest.fail("the CPU's kernel is called"))


@pytest.mark.parametrize("quantized", [None, torch.int8, torch.float8_e4m3fn])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_layers(dtype, quantized):
    """Floating inputs and an 8-bit weight, too: it is laid out in their dtype, as on the CPU."""
    limit = 1e-6 if dtype == torch.float32 else 1e-3
    matrix = pack(torch.randn(24, 32).to(dtype), 8, 16, mask=torch.rand(3, 2) < 0.7, dtype=quantized)
    filters = pack(torch.randn(24, 16, 3, 3).to(dtype), 8, 16, mask=torch.rand(3, 9) < 0.4, dtype=quantized)
    bias, x, image = (
        torch.randn(24, dtype=dtype),
        torch.randn(2, 5, 32, dtype=dtype),
        torch.randn(2, 16, 5, 4, dtype=dtype),
    )
    with torch.inference_mode():
        for residual in (None, torch.randn(2, 5, 24, dtype=dtype)):
            y = BlockSparseLinear(matrix, bias, activation="gelu")(x, residual)
            assert y.dtype == dtype
            assert relative_rms(y, dense.linear(x, unpack(matrix), bias, residual, "gelu")) <= limit
        for residual in (None, torch.randn(2, 24, 3, 2, dtype=dtype)):
            y = BlockSparseConv2d(filters, bias, 2, 1, activation="relu")(image, residual)
            add = None if residual is None else residual.permute(0, 2, 3, 1)
            expected = dense.conv2d(image.permute(0, 2, 3, 1), unpack(filters), bias, add, "relu", stride=2, padding=1)
            assert y.dtype == dtype and relative_rms(y.permute(0, 2, 3, 1), expected) <= limit


def test_a_weight_is_laid_out_once_for_each_dtype():
    layer = BlockSparseLinear(pack(torch.randn(16, 32), 8, 16, dtype=torch.int8))
    assert layer.prepared(torch.float16) is layer.prepared(torch.float16)
    assert layer.prepared(torch.float16).values.dtype == torch.float16
    assert layer.prepared(torch.float32).values.dtype == torch.float32
    plain = BlockSparseLinear(pack(torch.randn(16, 32), 8, 16))
    assert plain.prepared(torch.float32) is plain.prepared(torch.float16)
    with pytest.raises(ValueError, match=r"x is torch.float16 and the weight torch.float32"):
        plain(torch.ones(2, 32, dtype=torch.float16))


def test_a_sparse_network_of_half_precision():
    model = nn.Sequential(nn.Conv2d(16, 16, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(16 * 9, 8))
    for layer, columns in ((model[0], 9), (model[3], 9)):
        layer.weight.data = unpack(
            pack(layer.weight, 8, 16, mask=torch.rand(-(-layer.weight.shape[0] // 8), columns) < 0.6)
        )
    x = torch.randn(2, 16, 3, 3).half()
    model = model.half().eval()
    sparse, decisions = sparsify(model, (8, 16), x, decide="always")
    assert [one.sparse for one in decisions] == [True, True]
    with torch.inference_mode():
        assert relative_rms(sparse(x), model.double()(x.double())) <= 2e-3


def test_operators_and_autocast():
    """What records a network gets operators, which call Triton's kernel; under autocast a layer gives autocast's dtype."""
    torch.manual_seed(0)
    network = nn.Sequential(
        BlockSparseConv2d(
            pack(torch.randn(16, 16, 3, 3), 8, 16, mask=torch.rand(2, 9) < 0.5), torch.randn(16), padding=1
        ),
        nn.Flatten(),
        BlockSparseLinear(pack(torch.randn(8, 16 * 9), 8, 16, mask=torch.rand(1, 9) < 0.5, dtype=torch.int8)),
    )
    x, z = torch.randn(2, 16, 3, 3), torch.randn(2, 16, 3, 3)
    program = torch.export.export(network, (x,))
    assert [str(node.target).split(".")[1] for node in program.graph.nodes if "lacuna" in str(node.target)] == [
        "block_sparse_conv2d", "block_sparse_linear",
    ]  # fmt: skip
    assert torch.equal(program.module()(z), network(z))
    with torch.autocast("cpu", torch.bfloat16):
        y = network(z)
    assert y.dtype == torch.bfloat16 and relative_rms(y, network(z)) <= torch.finfo(torch.bfloat16).eps


def test_a_launch_past_torch_refuses_to_be_recorded():
    weight = BlockSparseLinear(pack(torch.randn(16, 32), 8, 16)).prepared()
    with pytest.raises(ValueError, match="a launch of Triton's kernel would be lost"):
        torch.func.vmap(lambda x: triton_gemm.linear(x, weight))(torch.zeros(2, 3, 32))
