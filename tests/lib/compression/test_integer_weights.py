"""Weights as whole numbers: scales by hand, the least error by search, and two numbers in a byte."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from scripts.lib.compression.integer_weights import (
    dequantized_weight,
    grouped_weight,
    one_in_a_byte,
    quantized_weight,
    scale_of_largest,
    scale_of_least_error,
    two_in_a_byte,
)


@given(st.integers(0, 2**32 - 1), st.sampled_from([(4, 3), (3, 2, 3, 3)]), st.integers(-8, 8))
def test_each_channel_has_its_own_scale(seed, shape, power):
    weight = torch.from_numpy(np.random.default_rng(seed).standard_normal(shape).astype(np.float32))
    weight[1] = 0
    q, scale = quantized_weight(weight)
    columns = scale.reshape(-1, *[1] * (weight.ndim - 1))
    assert q.dtype == torch.int8 and q.int().abs().flatten(1).amax(1).tolist() == [
        127 if channel != 1 else 0 for channel in range(shape[0])
    ]
    assert ((q * columns - weight).abs() <= columns * 0.5001).all()
    order = torch.arange(shape[0]).flip(0)
    again, scales = quantized_weight(weight[order])
    assert torch.equal(again, q[order]) and torch.equal(scales, scale[order])
    louder = weight.clone()
    louder[0] *= 2.0**power  # of one channel: the others do not notice
    again, scales = quantized_weight(louder)
    assert torch.equal(again, q) and scales[0] == scale[0] * 2.0**power and torch.equal(scales[1:], scale[1:])


def test_groups_by_hand():
    """Two channels of five weights in groups of two: 7 and -3.5, -0.7 and 0.1, and one that is left."""
    weight = torch.tensor([[7.0, -3.4, -0.7, 0.1, 14.0], [0, 0, 0.7, 0.36, -1.4]])
    integers, scale = grouped_weight(weight, 2, 7)
    assert integers.tolist() == [[7, -3, -7, 1, 7], [0, 0, 7, 4, -7]]
    assert scale.flatten().tolist() == pytest.approx([1, 0.1, 2, 1, 0.1, 0.2])
    expected = [7, -3, -0.7, 0.1, 14, 0, 0, 0.7, 0.4, -1.4]
    assert dequantized_weight(integers, scale, 2).flatten().tolist() == pytest.approx(expected)
    integers, scale = grouped_weight(weight, None, 7)
    assert scale.tolist() == [[2.0], [pytest.approx(0.2)]] and integers[0].tolist() == [4, -2, 0, 0, 7]
    assert torch.equal(grouped_weight(weight, 100, 7)[0], integers)


@given(st.integers(0, 2**32 - 1), st.integers(1, 40), st.integers(1, 50), st.sampled_from([7, 127]))
def test_a_group_is_quantized_as_if_it_were_alone(seed, inputs, group, largest):
    weight = torch.from_numpy(np.random.default_rng(seed).standard_normal((3, inputs)).astype(np.float32))
    integers, scale = grouped_weight(weight, group, largest)
    assert integers.shape == weight.shape and scale.shape == (3, -(-inputs // group))
    for index in range(scale.shape[1]):
        part = slice(index * group, (index + 1) * group)
        alone, its = grouped_weight(weight[:, part], None, largest)
        assert torch.equal(alone, integers[:, part]) and torch.equal(its[:, 0], scale[:, index])


def test_the_scale_of_least_error_by_hand():
    """Many weights 0.5 to 3.5 in halves are whole numbers of the scale 0.5, for which one weight of 7 is cut to 3.5.

    With the scale 1 of the largest, seven in eight hundred weights are off by a half: 400 * 0.25 = 100, against 3.5 * 3.5 for the cut one.
    """
    row = torch.cat([torch.arange(8).repeat(100) / 2, torch.tensor([7.0])])[None]
    assert scale_of_largest(row, 7).item() == 1 and scale_of_least_error(row, 7).item() == 0.5
    assert quantized_weight(row, weight_range="mse")[0].max() == 127  # at eight bits nothing is worth cutting
    # Where there are few of them, the largest is worth more than they are.
    few = torch.tensor([[1.0, 2.0, 3.0, 7.0]])
    assert scale_of_least_error(few, 7).item() == 1


@given(st.integers(0, 2**32 - 1), st.sampled_from([7, 127]), st.sampled_from([2.0, 30.0]))
def test_clipping_never_adds_to_the_error_and_is_that_of_a_plain_search(seed, largest, degrees):
    rows = np.random.default_rng(seed).standard_t(degrees, (3, 50)).astype(np.float32)
    found = scale_of_least_error(torch.from_numpy(rows), largest).double().numpy()

    def error(row, scale):
        return ((np.clip(np.rint(row / scale), -largest, largest) * scale - row) ** 2).sum()

    for row, scale in zip(rows.astype(np.float64), found, strict=True):
        whole = np.abs(row).max() / largest
        assert 0.2 * whole * 0.999 <= scale <= whole * 1.001
        least = min(error(row, whole * hundredths / 100) for hundredths in range(20, 101))
        assert error(row, scale) <= least * 1.01 + 1e-9  # a weight at the middle of two numbers may go either way


@given(st.integers(0, 2**32 - 1), st.integers(1, 9))
def test_two_numbers_in_a_byte_come_out_as_they_went_in(seed, inputs):
    integers = torch.from_numpy(np.random.default_rng(seed).integers(-8, 8, (3, inputs), dtype=np.int8))
    pairs = two_in_a_byte(integers)
    assert pairs.dtype == torch.uint8 and pairs.shape == (3, (inputs + 1) // 2)
    assert torch.equal(one_in_a_byte(pairs, inputs), integers)


def test_two_numbers_in_a_byte_by_hand():
    integers = torch.tensor([[1, -1, 7, -8, 5]], dtype=torch.int8)
    assert two_in_a_byte(integers).tolist() == [[0xF1, 0x87, 0x05]]
