"""The layout that the GPU kernel reads holds the same weight as the packed one."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from kernels.packed import pack, unpack

triton_gemm = pytest.importorskip(
    "kernels.gpu.triton_gemm", reason="Triton comes with torch on Linux only", exc_type=ImportError
)


def dense_of(prepared) -> torch.Tensor:
    """[N, K] from the kernel's arrays, tile by tile as the kernel walks them."""
    _, bn, depth = prepared.values.shape
    rows, bk, group = len(prepared.first) - 1, prepared.bk, prepared.group
    matrix = torch.zeros(rows * bn, torch.Size(prepared.shape[1:]).numel())
    for row in range(rows):
        for e in range(int(prepared.first[row]), int(prepared.first[row + 1])):
            for g in range(group):
                column = int(prepared.column[e * group + g]) * bk
                tile = prepared.values[e, :, g * bk : (g + 1) * bk].float()
                matrix[row * bn : (row + 1) * bn, column : column + bk] += tile  # padding adds zeros
    assert depth == bk * group and len(prepared.column) == (len(prepared.values) + 1) * group
    return matrix[: prepared.shape[0]]


@settings(max_examples=50)
@given(
    n=st.integers(1, 70), columns=st.integers(1, 9), bn=st.sampled_from([8, 16, 32]), bk=st.sampled_from([8, 16, 32]),
    group=st.sampled_from([None, 2, 4, 8]), density=st.sampled_from([0.0, 0.3, 1.0]), seed=st.integers(0, 9),
    dtype=st.sampled_from([torch.float32, torch.bfloat16, torch.int8, torch.float8_e4m3fn]),
)  # fmt: skip
def test_the_same_weight(n, columns, bn, bk, group, density, seed, dtype):
    if group and group * bk < (32 if dtype.itemsize == 1 else 16):
        group = 4
    generator = torch.Generator().manual_seed(seed)
    mask = torch.rand(-(-n // bn), columns, generator=generator) < density
    packed = pack(torch.randn(n, columns * bk, generator=generator), bn, bk, mask=mask, dtype=dtype)
    prepared = triton_gemm.prepare(packed, group, "cpu")
    scale = 1 if packed.scale is None else prepared.scale[:, None]
    assert torch.equal(dense_of(prepared) * scale, unpack(packed).float())
    assert prepared.density == packed.density


def test_offsets_of_a_filter():
    packed = pack(torch.ones(16, 32, 2, 3), 16, 16)  # all of its 12 block columns
    prepared = triton_gemm.prepare(packed, 1, "cpu")
    offsets = prepared.offsets(row=20, pixel=2, dilation=(1, 1))  # x has 10 pixels a row, each of 2 blocks
    assert offsets[:12].tolist() == [0, 1, 2, 3, 4, 5, 20, 21, 22, 23, 24, 25]
    assert prepared.offsets(20, 2, (1, 1)) is offsets
    assert prepared.offsets(20, 2, (2, 3))[:12].tolist() == [0, 1, 6, 7, 12, 13, 40, 41, 46, 47, 52, 53]
    with pytest.raises(ValueError, match="cut the image"):
        prepared.offsets(2**28, 2, (1, 1))


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_without_a_gpu_the_kernel_says_so():
    prepared = triton_gemm.prepare(pack(torch.ones(16, 32), 16, 16), device="cpu")
    with pytest.raises(ValueError, match="run on CUDA tensors"):
        triton_gemm.linear(torch.ones(2, 32), prepared)
