"""Grouping of channels against planted structure and brute force, and networks whose channels are renumbered."""

import copy
import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import Residual, WideResidual, plain, prune, vgg
from torch import nn

from kernels.reference import relative_rms
from scripts.lib.compression.grouping import group_channels, kept_energy, rows_of
from scripts.lib.compression.renumbering import Hidden, columns_in_order, hidden_channels, renumber


@given(st.integers(1, 20), st.integers(1, 8), st.integers(1, 6), st.integers(0, 8), st.integers(0, 2**31))
@settings(max_examples=80, deadline=None)
def test_never_less_is_kept(channels, columns, bn, kept, seed):
    energy, kept = np.random.default_rng(seed).exponential(size=(channels, columns)), min(kept, columns)
    order = group_channels(energy, bn, kept)
    assert sorted(order) == list(range(channels))
    assert kept_energy(energy, order, bn, kept) >= kept_energy(energy, np.arange(channels), bn, kept) * (1 - 1e-12)
    for row in rows_of(channels, bn):
        assert list(order[row]) == sorted(order[row])


def test_near_the_best_of_all_groupings():
    """All 35 groupings of 8 channels into 2 rows, for 30 random energies."""
    shares = []
    for seed in range(30):
        energy = np.random.default_rng(seed).exponential(size=(8, 6))
        all_of_them = [
            kept_energy(energy, np.array([*one, *sorted(set(range(8)) - set(one))]), 4, 2)
            for one in itertools.combinations(range(8), 4)
        ]
        mine = kept_energy(energy, group_channels(energy, 4, 2), 4, 2)
        shares.append((mine - np.median(all_of_them)) / (max(all_of_them) - np.median(all_of_them)))
    assert np.mean(shares) > 0.75 and max(shares) == pytest.approx(1)


@pytest.mark.parametrize("channels", [64, 60])
@pytest.mark.parametrize("seed", range(5))
def test_planted_groups_are_found(channels, seed):
    """Channels that read the same 4 of 16 columns, dealt at random: grouping brings them together again, whatever their number."""
    random = np.random.default_rng(seed)
    group = np.arange(channels) // 16
    energy = 0.01 * random.exponential(size=(channels, 16))
    for one in range(4):
        energy[group == one, 4 * one : 4 * one + 4] += random.uniform(0.5, 1.5, size=(sum(group == one), 4))
    best = kept_energy(energy, np.arange(channels), 16, 4)
    shuffled = random.permutation(channels)
    assert kept_energy(energy[shuffled], np.arange(channels), 16, 4) < 0.5 * best
    order = group_channels(energy[shuffled], 16, 4)
    assert kept_energy(energy[shuffled], order, 16, 4) == pytest.approx(best)
    found = group[shuffled][order]
    if channels == 64:
        assert all(len(set(found[row])) == 1 for row in rows_of(channels, 16))


def test_by_hand():
    energy = np.array([[9, 0], [0, 9], [8, 0], [0, 8.0]])
    assert group_channels(energy, 2, 1).tolist() in ([0, 2, 1, 3], [1, 3, 0, 2])
    assert group_channels(energy, 2, 2).tolist() == group_channels(energy, 4, 1).tolist() == [0, 1, 2, 3]
    with pytest.raises(ValueError, match="3 of 2 columns"):
        group_channels(energy, 2, 3)


class Tied(nn.Module):
    """The first weight is read by the network itself, the others share one."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.c, self.d = (nn.Conv2d(3, 3, 1) for _ in range(4))
        self.c.weight = self.b.weight

    def forward(self, x):
        return self.d(self.c(self.b(self.a(x)))) + self.a.weight.sum()


@pytest.mark.parametrize(
    ("model", "names"),
    [
        (plain(), ["0", "3", "6"]),
        (vgg(), ["0", "4"]),
        (Residual(), ["body.0.conv1", "body.1.conv1", "body.2.conv1", "body.3.conv1"]),
        (WideResidual(), ["body.0.conv1", "body.1.conv1", "body.2.conv1", "body.3.conv1"]),
        (Tied(), []),
        (nn.Sequential(nn.Conv2d(3, 4, 1), nn.Conv2d(4, 4, 1, groups=2)), []),
        (nn.Sequential(nn.Conv2d(3, 4, 1), nn.Softmax(1), nn.Conv2d(4, 4, 1)), []),
        (nn.Sequential(nn.Conv2d(3, 4, 1), nn.Linear(4, 4)), []),
    ],
)
def test_a_network_computes_the_same_with_renumbered_channels(model, names):
    torch.manual_seed(0)
    model = prune(copy.deepcopy(model), 2, 2, 0.3)
    hidden = hidden_channels(model)
    assert list(hidden) == names
    other, x = copy.deepcopy(model), torch.randn(2, 3, 16, 16)
    orders = {name: torch.randperm(model.get_submodule(name).out_channels) for name in hidden}
    renumber(other, orders, hidden)
    for name, order in orders.items():
        now, before = other.get_submodule(name).weight, model.get_submodule(name).weight
        for producer, behind in orders.items():
            if name in hidden[producer].readers:
                before = columns_in_order(before, behind)
        assert torch.equal(now, before[order])
    with torch.inference_mode():
        if names:
            assert relative_rms(other.double()(x.double()), model.double()(x.double())) < 1e-12


def test_readers_and_norms():
    assert hidden_channels(plain())["6"] == Hidden(("7",), ("11",))
    with pytest.raises(ValueError, match=r"torch\.fx cannot trace"):
        hidden_channels(Branches())


class Branches(nn.Module):
    def forward(self, x):
        return x if x.sum() > 0 else -x
