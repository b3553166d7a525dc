"""The packed format: nothing is lost on the way there and back, and what does not fit is refused in a sentence that helps."""

import dataclasses

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from kernels.packed import LARGEST, Packed, as_matrix, block_mask, load_packed, pack, save_packed, unpack
from kernels.reference import relative_rms

FLOATING = [torch.float32, torch.float16, torch.bfloat16]


@st.composite
def weights(draw):
    """(weight, bn, bk): linear or convolution, any kernel size, N often no multiple of bn, from no block kept to all of them."""
    bn, bk = draw(st.integers(1, 9)), draw(st.integers(1, 5))
    n, channels = draw(st.integers(1, 20)), bk * draw(st.integers(1, 4))
    taps = draw(st.one_of(st.just(()), st.tuples(st.integers(1, 4), st.integers(1, 4))))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 1000)))
    weight = torch.randn(n, channels, *taps, generator=generator)
    rows, columns = -(-n // bn), weight[0].numel() // bk
    kept = torch.rand(rows, columns, generator=generator) < draw(st.sampled_from([0.0, 0.2, 0.7, 1.0]))
    kept[draw(st.integers(0, rows - 1))] &= draw(st.booleans())  # often an empty block row
    return unpack(pack(weight, bn, bk, mask=kept)), bn, bk


@given(weights(), st.sampled_from(FLOATING))
def test_floating_weights_come_back_to_the_bit(case, dtype):
    weight, bn, bk = case
    weight = weight.to(dtype)
    packed = pack(weight, bn, bk).check()
    assert packed.values.dtype == dtype and unpack(packed).dtype == dtype
    assert torch.equal(unpack(packed), weight)
    assert packed.tiles == int(block_mask(weight, bn, bk).sum())


@given(weights(), st.sampled_from(list(LARGEST)))
def test_quantized_weights_come_back_within_half_a_step(case, dtype):
    weight, bn, bk = case
    packed = pack(weight, bn, bk, dtype=dtype).check()
    error = (unpack(packed) - weight).abs().flatten(1).amax(1)
    largest = weight.abs().flatten(1).amax(1)
    half_step = 0.5 / 127 if dtype == torch.int8 else 2.0**-4  # fp8 e4m3: three bits behind the point
    assert bool((error <= largest * half_step * 1.001).all())


@given(weights())
def test_each_tile_is_the_block_it_says(case):
    weight, bn, bk = case
    packed = pack(weight, bn, bk)
    matrix = torch.nn.functional.pad(as_matrix(weight), (0, 0, 0, packed.rows * bn - weight.shape[0]))
    for row in range(packed.rows):
        for e in range(int(packed.first[row]), int(packed.first[row + 1])):
            column = int(packed.column[e])
            block = matrix[row * bn : (row + 1) * bn, column * bk : (column + 1) * bk]
            assert torch.equal(packed.values[e], block)
    work = packed.first.diff()[packed.order.long()]
    assert bool((work.diff() <= 0).all())


def test_k_order_is_kernel_row_kernel_column_channel():
    weight = torch.zeros(4, 8, 3, 2)
    weight[1, 5, 2, 1] = 7.0
    packed = pack(weight, 4, 4)
    assert packed.column.tolist() == [(2 * 2 + 1) * 2 + 1, 0]
    assert packed.values[0, 1, 1] == 7.0


def test_mask_decides_what_is_kept():
    weight = torch.zeros(4, 8)
    weight[0, 0] = 1.0
    mask = torch.tensor([[False, True]])
    packed = pack(weight, 4, 4, mask=mask)
    assert packed.tiles == 1 and packed.density == 0.5 and not unpack(packed).any()


@given(case=weights(), dtype=st.sampled_from([*FLOATING, *LARGEST]))
def test_files_hold_all_of_it(tmp_path_factory, case, dtype):
    weight, bn, bk = case
    path = tmp_path_factory.getbasetemp() / "weights.safetensors"
    packed = {"body.0": pack(weight.to(torch.float32), bn, bk, dtype=dtype), "head": pack(torch.eye(4), 2, 2)}
    save_packed(path, packed)
    loaded = load_packed(path)
    assert list(loaded) == list(packed)
    for name, weight in packed.items():
        assert loaded[name].shape == weight.shape
        for field, tensor in weight.tensors().items():
            assert loaded[name].tensors()[field].dtype == tensor.dtype
            assert torch.equal(loaded[name].tensors()[field].double(), tensor.double()), field


def test_saving_leaves_one_file(tmp_path):
    save_packed(tmp_path / "a.safetensors", {"a": pack(torch.eye(4), 2, 2)})
    assert [path.name for path in tmp_path.iterdir()] == ["a.safetensors"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((torch.ones(4, 10), 4, 4), "10 input channels are no multiple of bk = 4: the largest bk that would do is 2"),
        ((torch.ones(4, 7, 3, 3), 4, 4), "the largest bk that would do is 1"),
        ((torch.ones(4, 3), 4, 4), "the largest bk that would do is 3"),
        ((torch.ones(4), 4, 4), "it must be"),
        ((torch.ones(0, 4), 4, 4), "not empty"),
        ((torch.ones(4, 4), 0, 4), "at least 1"),
        ((torch.ones(4, 4, dtype=torch.int8), 4, 4), "floating point"),
        ((torch.ones(4, 4, dtype=torch.float64), 4, 4), "values cannot be torch.float64"),
        ((torch.full((4, 4), float("nan")), 4, 4), "NaN or infinity"),
    ],
)
def test_what_cannot_be_packed_is_refused(arguments, words):
    with pytest.raises(ValueError, match=words):
        pack(*arguments)


@pytest.mark.parametrize("mask", [torch.ones(1, 3, dtype=torch.bool), torch.ones(1, 2)])
def test_a_mask_of_another_shape_or_dtype_is_refused(mask):
    with pytest.raises(ValueError, match=r"must be bool \[1, 2\]"):
        pack(torch.ones(4, 8), 4, 4, mask=mask)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"values": torch.ones(4, 4)}, "values must be"),
        ({"values": torch.ones(3, 2, 2, dtype=torch.float64)}, "values cannot be"),
        ({"values": torch.ones(3, 2, 3)}, "no multiple of bk = 3"),
        ({"values": torch.ones(3, 2, 2, dtype=torch.int8)}, "need a scale"),
        ({"scale": torch.ones(4)}, "take no scale"),
        ({"column": torch.zeros(3, dtype=torch.int32)}, "column must be"),
        ({"first": torch.zeros(3)}, "first must be"),
        ({"order": torch.zeros(3, dtype=torch.int32)}, "order must be"),
        ({"shape": (4, 4, 4)}, "cannot be packed"),
    ],
)
def test_contradictions_are_refused(changes, words):
    packed = pack(torch.ones(4, 4), 2, 2, mask=torch.tensor([[True, False], [True, True]]))
    with pytest.raises(ValueError, match=words):
        dataclasses.replace(packed, **changes)


@pytest.mark.parametrize(
    ("field", "entries", "words"),
    [
        ("column", [0, 0, 2, 0], "different numbers of 0 .. 1"),
        ("column", [0, 1, 1, 0], "different numbers of 0 .. 1"),
        ("column", [0, 0, 1, 1], "spare last entry"),
        ("first", [0, 2, 1], "first must rise"),
        ("first", [0, 1, 2], "first must rise"),
        ("order", [0, 0], "order must hold"),
    ],
)
def test_indices_out_of_range_are_found(field, entries, words):
    packed = pack(torch.ones(4, 4), 2, 2, mask=torch.tensor([[True, False], [True, True]]))
    with pytest.raises(ValueError, match=words):
        dataclasses.replace(packed, **{field: torch.tensor(entries, dtype=torch.int32)}).check()


def test_files_that_are_not_ours_are_refused(tmp_path):
    path = tmp_path / "a.safetensors"
    with pytest.raises(FileNotFoundError, match="there is no file"):
        load_packed(path)
    path.write_bytes(b"not at all")
    with pytest.raises(ValueError, match="not a safetensors file"):
        load_packed(path)
    save_file({"a": torch.ones(1)}, path)
    with pytest.raises(ValueError, match="holds no packed weights"):
        load_packed(path)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda tensors: tensors.pop("a.first"), "lacks `a.first`"),
        (lambda tensors: tensors["a.column"].fill_(9), "`a` in .* is damaged"),
        (lambda tensors: tensors.update(b=torch.ones(1)), "`b`, which belongs to no weight"),
    ],
)
def test_damaged_files_are_refused(tmp_path, change, words):
    from safetensors import safe_open

    path = tmp_path / "a.safetensors"
    save_packed(path, {"a": pack(torch.eye(4), 2, 2)})
    with safe_open(path, "pt") as file:
        metadata = file.metadata()
    assert len(metadata) == 1  # of which the order cannot change from one run to the next
    tensors = load_file(path)
    change(tensors)
    save_file(tensors, path, metadata)
    with pytest.raises(ValueError, match=words):
        load_packed(path)


def test_relative_rms_knows_shapes_and_zeros():
    assert relative_rms(torch.tensor([3.0, 4.5]), torch.tensor([3.0, 4.0])) == pytest.approx(0.1)
    assert relative_rms(torch.zeros(2), torch.zeros(2)) == 0.0
    assert relative_rms(torch.ones(2), torch.zeros(2)) == float("inf")
    with pytest.raises(ValueError, match="cannot be compared"):
        relative_rms(torch.ones(2), torch.ones(1, 2))


def test_packed_is_one_object_on_one_device():
    assert isinstance(pack(torch.eye(4), 2, 2).to("cpu"), Packed)
