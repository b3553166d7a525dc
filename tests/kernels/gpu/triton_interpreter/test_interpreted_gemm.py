"""The GPU kernel's results against dense float64, in Triton's interpreter."""

import itertools
from collections.abc import Iterable

import pytest
import torch
from torch.nn import functional

from kernels import reference as dense
from kernels.gpu.configs import Config
from kernels.gpu.triton_gemm import Next, conv2d, linear, prepare
from kernels.packed import Packed, pack, unpack
from kernels.reference import relative_rms

# int8 and float8 are exact until they are scaled in float32.
LIMIT = {
    torch.float32: 1e-6,
    torch.float16: 1e-3,
    torch.bfloat16: 5e-3,
    torch.int8: 1e-6,
    torch.float8_e4m3fn: 1e-6,
}
DTYPES = list(LIMIT)


def normal(*shape, seed=0, dtype=torch.float32):
    values = torch.randn(shape, generator=torch.Generator().manual_seed(seed))
    return (values * 40).round().clamp(-127, 127).to(dtype) if dtype == torch.int8 else values.to(dtype)


def packed(shape, bn, bk, density=0.4, dtype=torch.float32, seed=1) -> Packed:
    """Random weights with random blocks; the density is that of each block's chance."""
    rows, columns = -(-shape[0] // bn), torch.Size(shape[1:]).numel() // bk
    chance = torch.rand(rows, columns, generator=torch.Generator().manual_seed(seed + 100))
    return pack(normal(*shape, seed=seed) / 8, bn, bk, mask=chance < density, dtype=dtype)


def halo(x, padding):
    return functional.pad(x, (0, 0, padding, padding, padding, padding))


def close(y, reference, dtype):
    error = relative_rms(y, reference)
    assert error <= LIMIT[dtype], f"{error:.2e} is more than {LIMIT[dtype]:.0e}"


def tile(bm=16, split=1):
    return Config(bm, warps=4, stages=3, split=split)


ENDS = [(False, False, None), (True, False, "gelu"), (True, True, "relu"), (False, True, "gelu")]


def pairs(others: Iterable) -> list[tuple]:
    """Each dtype with each of the others, and by turns with 0 and 1, so that both meet each dtype and each of the others."""
    pairs = itertools.product(enumerate(DTYPES), enumerate(others))
    return [(dtype, other, (row + column) % 2) for (row, dtype), (column, other) in pairs]


@pytest.mark.parametrize(("dtype", "end", "turn"), pairs(ENDS), ids=str)
def test_linear(dtype, end, turn):
    (bias, residual, activation), split = end, (1, 3)[turn]
    weight, x = packed((48, 128), 16, 16, dtype=dtype), normal(37, 128, dtype=dtype)
    kind = dtype if dtype.itemsize > 1 else torch.float32
    bias = normal(48, seed=2, dtype=kind) if bias else None
    residual = normal(37, 48, seed=3, dtype=kind) if residual else None
    y = linear(x, prepare(weight, device="cpu"), bias, residual, activation, "ieee", tile(32, split))
    assert y.dtype == kind
    close(y, dense.linear(x, unpack(weight), bias, residual, activation), dtype)


@pytest.mark.parametrize(("dtype", "size", "turn"), pairs([1, 3, 5, 7]), ids=str)
def test_conv(dtype, size, turn):
    stride, density = (1, 2)[turn], min(0.4, 4 / size**2)
    weight = packed((24, 32, size, size), 16, 16, density, dtype)  # of the last block row a half is padding
    x, padding = normal(2, 7, 6, 32, dtype=dtype), size // 2
    reference = dense.conv2d(x, unpack(weight), stride=stride, padding=padding, bias=torch.ones(24), activation="relu")
    y = conv2d(halo(x.float(), padding).to(dtype), prepare(weight, device="cpu"), stride, torch.ones(24), None, "relu")
    close(y, reference, dtype)


@pytest.mark.parametrize(("stride", "dilation"), [((2, 1), 1), (1, (1, 2)), (2, 2)])
def test_conv_of_uneven_steps(stride, dilation):
    weight, x = packed((32, 16, 3, 2), 32, 16), normal(1, 9, 8, 16)
    y = conv2d(x, prepare(weight, device="cpu"), stride, dilation=dilation)
    close(y, dense.conv2d(x, unpack(weight), stride=stride, dilation=dilation), torch.float32)


@pytest.mark.parametrize("split", [1, 2])
@pytest.mark.parametrize("density", [0.0, 0.1, 1.0])
def test_no_some_and_all_blocks(density, split):
    weight, x = packed((64, 128), 16, 16, density), normal(5, 128)
    if density == 0.1:
        assert 0 in weight.first.diff() and weight.tiles  # a block row without tiles
    y = linear(x, prepare(weight, device="cpu"), torch.ones(64), config=tile(split=split))
    close(y, dense.linear(x, unpack(weight), torch.ones(64)), torch.float32)


@pytest.mark.parametrize("pixels", [1, 16, 17, 65])
@pytest.mark.parametrize("bm", [16, 64])
def test_any_number_of_pixels(pixels, bm):
    weight, x = packed((32, 64), 16, 16), normal(pixels, 64)
    spare = torch.full((pixels + 2, 32), 7.0)
    linear(x, prepare(weight, device="cpu"), config=tile(bm), out=spare[1:-1])
    close(spare[1:-1], dense.linear(x, unpack(weight)), torch.float32)
    assert (spare[[0, -1]] == 7).all()


@pytest.mark.parametrize(
    ("bn", "bk", "group"),
    [(8, 16, 1), (8, 8, 4), (16, 1, 16), (16, 2, 8), (32, 4, 4), (32, 16, 4), (64, 32, 2), (128, 16, 1), (64, 64, 1)],
)
def test_any_block(bn, bk, group):
    weight, x = packed((100, 64), bn, bk, dtype=torch.float16), normal(9, 64, dtype=torch.float16)
    close(linear(x, prepare(weight, group, "cpu")), dense.linear(x, unpack(weight)), torch.float16)
    filters = packed((100, 64, 3, 3), bn, bk, 0.1, dtype=torch.float16)
    image = normal(1, 5, 5, 64, dtype=torch.float16)
    close(conv2d(image, prepare(filters, group, "cpu")), dense.conv2d(image, unpack(filters)), torch.float16)


def test_integers_are_exact():
    weight, x = packed((32, 256), 16, 32, dtype=torch.int8), normal(17, 256, dtype=torch.int8)
    plain = Packed(weight.values, weight.column, weight.first, weight.order, weight.shape, torch.ones(32))
    exact = dense.linear(x, unpack(plain))
    assert exact.abs().max() > 2**15  # beyond what 16 bits hold
    for split in (1, 2):
        assert torch.equal(linear(x, prepare(plain, device="cpu"), config=tile(split=split)).double(), exact)


def test_integer_output():
    weight, x = packed((32, 64), 16, 32, dtype=torch.int8), normal(9, 64, dtype=torch.int8)
    plain = Packed(weight.values, weight.column, weight.first, weight.order, weight.shape, torch.ones(32))
    exact = dense.linear(x, unpack(plain)) * 0.5
    y = linear(x, prepare(plain, device="cpu"), x_scale=0.5, out_dtype=torch.int8, out_scale=64.0)
    assert torch.equal(y.double(), (exact / 64 + 0.5).floor().clamp(-127, 127))
    assert len(y.unique()) > 20 and y.abs().max() == 127


def test_float8_output():
    """Numbers that float8 has, and one that saturates: the interpreter (triton 3.7) rounds up to powers of two wrongly."""
    weight, x = pack(torch.eye(32), 16, 32, dtype=torch.int8), torch.arange(32).remainder(16).to(torch.int8)
    x[0] = 127
    y = linear(x[None], prepare(weight, device="cpu"), x_scale=2.0, out_dtype=torch.float8_e4m3fn, out_scale=0.25)
    assert torch.equal(y.float()[0], (x * 8.0).clamp(max=448.0))


def test_into_the_next_halo():
    weight, x = packed((32, 16, 3, 3), 16, 16), normal(2, 5, 4, 16)
    out = torch.full((2, 9, 8, 32), 7.0)
    assert conv2d(halo(x, 1), prepare(weight, device="cpu"), out=out, out_halo=2) is out
    close(out[:, 2:-2, 2:-2], dense.conv2d(x, unpack(weight), padding=1), torch.float32)
    assert (out == 7).sum() == out.numel() - 2 * 5 * 4 * 32  # the halo is not touched
    made = conv2d(halo(x, 1), prepare(weight, device="cpu"), out_halo=1)
    assert torch.equal(made[:, 1:-1, 1:-1], out[:, 2:-2, 2:-2])
    assert made.count_nonzero() == made[:, 1:-1, 1:-1].count_nonzero()


@pytest.mark.parametrize("split", [1, 2])
def test_residual_inside_another_halo_and_in_place(split):
    weight, x = packed((16, 16, 3, 3), 16, 16), normal(1, 4, 5, 16)
    buffer = halo(normal(1, 4, 5, 16, seed=5), 2)
    residual = buffer[:, 2:-2, 2:-2]
    reference = dense.conv2d(x, unpack(weight), residual=residual, activation="relu", padding=1)
    options = dict(activation="relu", config=tile(split=split))
    close(conv2d(halo(x, 1), prepare(weight, device="cpu"), residual=residual, **options), reference, torch.float32)
    conv2d(halo(x, 1), prepare(weight, device="cpu"), residual=residual, out=buffer, out_halo=2, **options)
    close(residual, reference, torch.float32)


@pytest.mark.parametrize("split", [1, 2])
def test_next_of_a_pre_activation_network(split):
    weight, x, residual = packed((24, 16, 3, 3), 16, 16), normal(2, 4, 5, 16), normal(2, 4, 5, 24, seed=5)
    out = torch.full((2, 6, 7, 24), 7.0)
    follow = Next(normal(24, seed=6), normal(24, seed=7), out, halo=1)
    prepared = prepare(weight, device="cpu")
    y = conv2d(halo(x, 1), prepared, residual=residual, next=follow, config=tile(split=split))
    reference = dense.conv2d(x, unpack(weight), residual=residual, padding=1)
    close(y, reference, torch.float32)
    close(out[:, 1:-1, 1:-1], (reference * follow.gain + follow.shift).relu(), torch.float32)
    assert (out == 7).sum() == out.numel() - 2 * 4 * 5 * 24
    for wrong, message in (
        (Next(follow.gain, follow.shift, out), "next.out has shape"),
        (Next(follow.gain[:5], follow.shift, out, 1), "next.gain"),
        (Next(follow.gain, follow.shift, out.double(), 1), "next.out must be"),
        (Next(follow.gain, follow.shift.to("meta"), out, 1), "move it there"),
    ):
        with pytest.raises(ValueError, match=message):
            conv2d(halo(x, 1), prepared, next=wrong)


@pytest.mark.parametrize("activation", [None, "relu", "gelu"])
def test_not_a_number_is_seen(activation):
    x = normal(4, 64)
    x[2, 5] = torch.nan
    y = linear(x, prepare(packed((16, 64), 16, 16, 1.0), device="cpu"), activation=activation)
    assert y[2].isnan().all() and not y[[0, 1, 3]].isnan().any()


def test_strided_and_channels_last_inputs():
    weight, wide = packed((32, 64), 16, 16), normal(7, 160)
    x = wide[:, 32:96]
    close(linear(x, prepare(weight, device="cpu")), dense.linear(x, unpack(weight)), torch.float32)
    x = normal(2, 3, 7, 64)
    close(linear(x, prepare(weight, device="cpu")), dense.linear(x, unpack(weight)), torch.float32)
    weight = packed((32, 16, 3, 3), 16, 16)
    x = normal(2, 16, 6, 7).to(memory_format=torch.channels_last).permute(0, 2, 3, 1)
    close(conv2d(x, prepare(weight, device="cpu")), dense.conv2d(x, unpack(weight)), torch.float32)
    inside = x[:, 1:-1, 1:-1]  # of a halo wider than this layer needs
    prepared = prepare(weight, device="cpu")
    close(conv2d(inside, prepared), dense.conv2d(inside, unpack(weight)), torch.float32)
    x = halo(x, 1)  # the same weight with another width of image
    close(conv2d(x, prepared), dense.conv2d(x, unpack(weight)), torch.float32)


def test_beyond_two_to_the_31_elements():
    """Three rows, and three images, far apart in memory that is never touched between them."""
    weight, far = packed((32, 64), 16, 32, 1.0, dtype=torch.int8), 2**30 + 64
    plain = Packed(weight.values, weight.column, weight.first, weight.order, weight.shape, torch.ones(32))
    x = torch.empty(2 * far + 64, dtype=torch.int8).as_strided((3, 64), (far, 1))
    x.copy_(normal(3, 64, dtype=torch.int8))
    y = torch.empty(2 * far + 64, dtype=torch.int8).as_strided((3, 32), (far, 1))
    linear(x, prepare(plain, device="cpu"), out=y, out_scale=256.0)
    exact = (dense.linear(x, unpack(plain)) / 256 + 0.5).floor().clamp(-127, 127)
    assert torch.equal(y.double(), exact)
    y.zero_()
    images, out = (t.as_strided((3, 1, 1, t.shape[1]), (far, far, far, 1)) for t in (x, y))
    filters = Packed(weight.values, weight.column, weight.first, weight.order, (32, 64, 1, 1), torch.ones(32))
    conv2d(images, prepare(filters, device="cpu"), out=out, out_scale=256.0)
    assert torch.equal(y.double(), exact)


def test_same_bits_again():
    weight, x = packed((64, 128), 16, 16), normal(3, 128)
    first, second = (linear(x, prepare(weight, device="cpu"), config=tile(split=4)) for _ in range(2))
    assert torch.equal(first, second)


def test_no_pixels():
    weight = prepare(packed((32, 64), 16, 16), device="cpu")
    assert linear(torch.empty(0, 64), weight).shape == (0, 32)


FLAT = dict(weight=packed((32, 64), 16, 16))
FILTER = dict(weight=packed((32, 16, 3, 3), 16, 16))
BYTES = dict(weight=packed((32, 64), 16, 32, dtype=torch.int8))


@pytest.mark.parametrize(
    ("call", "arguments", "message"),
    [
        (linear, FLAT | dict(x=torch.ones(3, 32)), "the weight wants"),
        (linear, FLAT | dict(x=torch.ones(3, 64).half()), "both must be the same"),
        (linear, FLAT | dict(x=torch.ones(64, 3).T), "channels of x are not contiguous"),
        (linear, FLAT | dict(x=torch.ones(3, 72)[:, :64]), "multiples of the block's 16"),
        (linear, FLAT | dict(x=torch.ones(4, 3, 64).transpose(0, 1)), "is not contiguous"),
        (linear, FLAT | dict(x=torch.ones(3, 64), bias=torch.ones(31)), "bias"),
        (linear, FLAT | dict(x=torch.ones(3, 64), residual=torch.ones(1, 32)), "residual"),
        (linear, FLAT | dict(x=torch.ones(3, 64), out=torch.ones(3, 31)), "out has shape"),
        (linear, FLAT | dict(x=torch.ones(3, 64), out=torch.ones(3, 32), out_dtype=torch.half), "give one"),
        (linear, FLAT | dict(x=torch.ones(3, 64), out_dtype=torch.double), "the output is"),
        (linear, FLAT | dict(x=torch.ones(3, 64), activation="tanh"), "activation"),
        (linear, FLAT | dict(x=torch.ones(3, 64), precision="fp64"), "precision"),
        (linear, FLAT | dict(x=torch.ones(3, 64), x_scale=2.0), "x_scale"),
        (linear, FLAT | dict(x=torch.ones(3, 64), bias=torch.ones(32, device="meta")), "move them to one device"),
        (linear, FILTER | dict(x=torch.ones(3, 64)), "call conv2d"),
        (conv2d, FLAT | dict(x_halo=torch.ones(1, 5, 5, 64)), "call linear"),
        (conv2d, FILTER | dict(x_halo=torch.ones(1, 16, 5, 5)), "channels last"),
        (conv2d, FILTER | dict(x_halo=torch.ones(1, 2, 5, 16)), "too small for a 3 x 3"),
        (conv2d, FILTER | dict(x_halo=torch.ones(1, 5, 5, 16), stride=0), "at least 1"),
        (conv2d, FILTER | dict(x_halo=torch.ones(1, 5, 5, 16), residual=torch.ones(1, 5, 5, 32)), "residual"),
        (
            conv2d,
            FILTER | dict(x_halo=torch.ones(1, 5, 5, 16), out=torch.ones(1, 3, 3, 32), out_halo=1),
            "out has shape",
        ),
        (conv2d, FILTER | dict(x_halo=torch.ones(1, 16, 5, 5).permute(0, 2, 3, 1)), "not contiguous"),
    ],
)
def test_what_does_not_fit(call, arguments, message):
    arguments = arguments | {"weight": prepare(arguments["weight"], device="cpu")}
    with pytest.raises(ValueError, match=message):
        call(**arguments)


@pytest.mark.parametrize(
    ("weight", "group", "message"),
    [
        (packed((32, 64), 4, 16), None, "bn must be a power of two from 8 on"),
        (packed((36, 48), 12, 16), None, "bn must be a power of two"),
        (packed((32, 48), 16, 12), None, "bk any power of two"),
        (packed((32, 64), 16, 4), 2, "at least 4"),
        (packed((32, 64), 16, 16, dtype=torch.int8), 1, "at least 2"),
        (packed((32, 64), 16, 16), 3, "power of two"),
    ],
)
def test_blocks_the_gpu_cannot_take(weight, group, message):
    with pytest.raises(ValueError, match=message):
        prepare(weight, group, "cpu")
