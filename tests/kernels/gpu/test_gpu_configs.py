"""Which config the GPU kernel runs with: what was measured, else a rule that never asks for what a GPU lacks."""

import json

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from kernels.gpu import configs, tune
from kernels.gpu.configs import Config, choose, choose_group, key, rule

powers = st.sampled_from([8, 16, 32, 64, 128, 256])


@given(
    size=st.sampled_from([1, 2, 4]), bn=powers, depth=st.sampled_from([16, 32, 64, 128]), rows=st.integers(1, 500),
    pixels=st.integers(1, 10**6), groups=st.integers(0, 10**5), processors=st.sampled_from([46, 108, 132]),
    memory=st.sampled_from([101376, 166912, 232448]),
)  # fmt: skip
def test_the_rule_asks_for_what_there_is(size, bn, depth, rows, pixels, groups, processors, memory):
    config = rule(size, bn, depth, rows, pixels, groups, processors, memory)
    assert config.bm in (16, 32, 64, 128) and config.bm < 2 * max(16, pixels)
    assert config.bm * bn <= 128 * 128 and config.warps in (4, 8)
    assert 1 <= config.stages <= 4
    assert config.stages == 1 or config.stages * (config.bm + bn) * depth * size <= memory
    assert config.split == 1 or (pixels <= 256 and groups / rows / config.split >= 4)


def test_the_rule_where_it_matters():
    h100 = {"processors": 132, "memory": 232448}
    assert rule(2, 64, 64, 10, 65536, 1000, **h100) == Config(128, 4, 4, 1)  # convolutions at batch 256
    assert rule(2, 128, 64, 32, 8192, 2000, **h100) == Config(128, 8, 4, 1)
    assert rule(2, 128, 64, 32, 1, 32 * 64, **h100) == Config(16, 4, 4, 16)  # one image: slices fill the GPU
    assert rule(4, 64, 32, 10, 65536, 1000, **h100).warps == 8


@given(
    st.lists(st.integers(0, 200), min_size=1, max_size=50),
    st.sampled_from([1, 2, 4, 8, 16, 32, 64, 128]),
    st.sampled_from([1, 2, 4]),
)
def test_groups_are_deep_enough_and_waste_little(tiles, bk, size):
    group = choose_group(tiles, bk, size)
    least = 32 if size == 1 else 16
    assert group & (group - 1) == 0 and group * bk >= least
    padding = sum(-count % group for count in tiles)
    assert group == max(1, least // bk) or 8 * padding <= sum(tiles)


def test_what_was_measured_is_used(tmp_path, monkeypatch):
    file, device = tmp_path / "configs.json", torch.device("cpu")
    case = {"dtype": torch.float16, "bn": 64, "bk": 16, "group": 4, "pixels": 65536, "density": 0.1}
    name = key("none", **case)
    assert name == "none/float16/64x16/4/16/0.1"
    file.write_text(json.dumps({"configs": {name: {"bm": 256, "warps": 8, "stages": 3, "split": 1, "us": 12.5}}}))
    monkeypatch.setattr(configs, "FILE", file)
    measured = Config(256, 8, 3, 1)
    assert choose(device, **case, rows=10, groups=1000) == measured
    assert choose(device, **case | {"density": 0.09, "pixels": 60000}, rows=10, groups=1000) == measured  # same bucket
    assert choose(device, **case | {"density": 0.11}, rows=10, groups=1000) != measured
    assert choose(device, **case | {"group": 2}, rows=10, groups=1000) != measured


def test_the_file_that_ships():
    contents = json.loads(configs.FILE.read_text())
    assert set(contents) == {"note", "machines", "configs"}
    for name, entry in contents["configs"].items():
        assert name.split("/")[0] in contents["machines"] and set(entry) == {"bm", "warps", "stages", "split", "us"}


@pytest.mark.parametrize("pixels", [1, 64, 1024, 65536])
def test_candidates_of_the_tuner(pixels):
    found = tune.candidates(pixels)
    assert 12 <= len(found) == len(set(found)) <= 18
    assert all(config.bm < 64 for config in found) == (pixels < 64)


@pytest.mark.parametrize(
    ("bk", "size", "groups"), [(16, 2, [2, 4]), (16, 1, [4, 8]), (64, 2, [1]), (8, 4, [2, 4]), (32, 1, [2, 4])]
)
def test_groups_of_the_tuner(bk, size, groups):
    assert tune.groups(bk, size) == groups


def test_weights_of_the_tuner():
    packed = tune.balanced(100, 320, 32, 16, 0.1, torch.float16)
    assert packed.first.diff().tolist() == [2, 2, 2, 2] and packed.shape == (100, 320)
