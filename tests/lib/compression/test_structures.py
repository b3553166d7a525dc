"""Masks of each structure against loops, and what every mask has whatever it is made of."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from kernels.packed import block_mask as blocks_kept
from scripts.lib.compression.structures import STRUCTURES, Blocks, OutputChannels, Successive, Unstructured, mask_of

SHAPES = [(16, 8, 3, 3), (10, 6, 3, 3), (8, 8), (5, 3, 1, 1), (4, 1, 3, 3)]
ALL = [Unstructured(), Blocks(4, 4), Blocks(3, 1), Successive(4), OutputChannels()]


def drawn(shape, seed=1):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def mask(structure, weight, sparsity):
    return mask_of(structure, structure.scores(weight), sparsity, weight.shape)


@given(st.integers(0, 2**31), st.floats(0, 0.99))
@settings(max_examples=40)
def test_unstructured_zeroes_the_smallest_exactly(seed, sparsity):
    weight = drawn((6, 5, 3, 3), seed)
    found = mask(Unstructured(), weight, sparsity)
    kept = weight.abs()[found == 1]
    assert int((found == 0).sum()) == round(sparsity * weight.numel())
    if (found == 0).any() and len(kept):
        assert weight.abs()[found == 0].max() <= kept.min()


def test_it_is_exact_among_equal_weights():
    assert mask(Unstructured(), torch.ones(10, 1), 0.5).flatten().tolist() == [0] * 5 + [1] * 5


@pytest.mark.parametrize("shape", SHAPES[:4])
@pytest.mark.parametrize("sparsity", [0.0, 0.5, 0.8])
def test_blocks_against_loops(shape, sparsity):
    weight, rows, columns = drawn(shape), 4, 4
    taps = weight.numpy().reshape(shape[0], shape[1], -1)
    masks = mask(Blocks(rows, columns), weight, sparsity).numpy().reshape(taps.shape)
    for top in range(0, shape[0], rows):
        blocks = []
        for tap in range(taps.shape[2]):
            for left in range(0, shape[1], columns):
                where = (slice(top, top + rows), slice(left, left + columns), tap)
                assert len(np.unique(masks[where])) == 1  # whole blocks only
                blocks.append((np.mean(taps[where] ** 2), masks[where].flat[0]))
        pruned = sorted(score for score, kept in blocks if kept == 0)
        # The same number in every block row, one is always left, and the weakest go.
        assert len(pruned) == min(round(sparsity * len(blocks)), len(blocks) - 1)
        assert pruned == sorted(score for score, _ in blocks)[: len(pruned)]


@pytest.mark.parametrize("shape", SHAPES)
def test_two_of_four_against_loops(shape):
    weight = drawn(shape)
    taps = weight.numpy().reshape(shape[0], shape[1], -1)
    masks = mask(Successive(4), weight, 0.5).numpy().reshape(taps.shape)
    for row in range(shape[0]):
        for tap in range(taps.shape[2]):
            for left in range(0, shape[1], 4):
                here, kept = np.abs(taps[row, left : left + 4, tap]), masks[row, left : left + 4, tap]
                expected = np.zeros(len(here))
                expected[np.argsort(-here)[:2]] = 1  # two of the four, or of those that there are
                assert kept.tolist() == expected.tolist()


def test_output_channels_by_hand():
    weight = torch.tensor([[1.0, -1.0], [3.0, 0.0], [0.5, 0.5]])
    assert mask(OutputChannels(), weight, 2 / 3).tolist() == [[0, 0], [1, 1], [0, 0]]


@given(
    st.sampled_from(ALL),
    st.sampled_from(SHAPES),
    st.integers(0, 2**31),
    st.floats(0, 0.999),
    st.floats(0, 0.999),
)
@settings(max_examples=60)
def test_whatever_is_pruned_counts_are_exact_groups_alike_and_nothing_is_emptied(structure, shape, seed, one, other):
    weight, less, more = drawn(shape, seed), min(one, other), max(one, other)
    sizes = structure.sizes(weight.shape)
    assert sizes.sum() == weight.numel()
    scores = structure.scores(weight).masked_fill(sizes == 0, -torch.inf)
    masks = [mask_of(structure, scores, sparsity, weight.shape) for sparsity in (less, more)]
    for found, sparsity in zip(masks, (less, more), strict=True):
        assert found.shape == weight.shape and set(found.unique().tolist()) <= {0.0, 1.0}
        kept = structure.scores(found)
        assert set(kept.unique().tolist()) <= {0.0, 1.0}  # whole units
        assert torch.equal(structure.spread(kept, weight.shape), found)
        units = kept.shape[1]
        pruned = ((kept == 0) | (sizes == 0)).sum(1)
        assert pruned.tolist() == [min(round(sparsity * units), units - 1)] * len(kept) or (sizes == 0).any()
        assert (pruned >= min(round(sparsity * units), units - 1)).all() and (kept.sum(1) >= 1).all()
        assert int((found == 0).sum()) == int(sizes[kept == 0].sum())
    assert ((masks[0] == 0) <= (masks[1] == 0)).all()  # of the same scores, masks are nested


@pytest.mark.parametrize("shape", [(16, 8, 3, 3), (10, 6, 3, 3), (8, 8)])
def test_blocks_are_those_of_the_kernels(shape):
    weight = drawn(shape)
    found = mask(Blocks(4, 2), weight, 0.6)
    assert int(blocks_kept(weight * found, 4, 2).sum()) == int(Blocks(4, 2).scores(found).sum())


def test_every_structure_is_made_from_its_choices():
    made = {name: make({"block": [3, 2], "n": 2, "m": 4}) for name, make in STRUCTURES.items()}
    assert made == {
        "unstructured": Unstructured(),
        "block": Blocks(3, 2),
        "n_of_m": Successive(4),
        "output_channels": OutputChannels(),
    }
