"""Costs counted by hand, and times and memory that react to what is timed."""

import time
from types import SimpleNamespace as Names

import exported
import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from kernels.sparsify import sparsify
from kernels.timing import interleaved
from scripts.compare.weigh_cost import weigh
from scripts.lib.compression.calibration import calibrate
from scripts.lib.compression.cost import multiply_adds, peak_bytes, weight_bytes
from scripts.lib.compression.quantization import LAYERS, quantize_network
from scripts.lib.networks.file_networks import read_network
from scripts.predict.measure_cost import deployed, measure, speedups

CPU = torch.device("cpu")


def network():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, stride=2, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 4 * 4, 10)
    ).eval()


def test_multiplications_are_counted():
    # 16 output pixels x 8 channels x 27 weights, and 128 x 10; for two images.
    assert multiply_adds(network(), torch.zeros(2, 3, 8, 8)) == (2 * (16 * 8 * 27 + 1280),) * 2


@pytest.mark.parametrize("method", LAYERS)
def test_multiplications_of_quantized_layers_are_counted(method):
    model, images = network().requires_grad_(False), torch.zeros(2, 3, 8, 8)
    quantized = quantize_network(model, method, calibrate(model, images))
    assert multiply_adds(quantized, images) == multiply_adds(model, images)


def test_skipped_blocks_are_not_multiplied():
    model = network()
    model[3].weight.data[:, :64] = 0
    sparse, _ = sparsify(model, {"3": (2, 4)}, torch.zeros(2, 3, 8, 8), decide="always")
    assert multiply_adds(sparse, torch.zeros(2, 3, 8, 8)) == (2 * (3456 + 1280), 2 * (3456 + 640))
    # Half of 1,280 weights, an index for each of 5 x 16 tiles and the spare one, 6 starts and 5 rows, and the biases.
    assert weight_bytes(sparse) == 4 * (8 * 27 + 8 + 640 + 81 + 6 + 5 + 10)
    assert weight_bytes(model) == 4 * (8 * 27 + 8 + 1280 + 10)


@pytest.mark.skipif(not hasattr(time, "CLOCK_BOOTTIME"), reason="the memory of a call is known on Linux only")
def test_memory_of_a_call():
    peak = peak_bytes(lambda: torch.ones(5_000_000).sum(), CPU)
    assert 19e6 < peak < 25e6


def test_calls_take_turns():
    order = []
    calls = [lambda: order.append("a"), lambda: (order.append("b"), time.sleep(0.002))]
    rounds = interleaved(calls, rounds=3, seconds=1e-9)
    assert "".join(order[-6:]) == "ababab" and len(rounds) == 2 and len(rounds[0]) == 3
    assert min(rounds[1]) > 0.0019 > max(rounds[0])


def test_speedups_compare_the_same_rounds():
    level = torch.tensor([1.0] * 8).numpy()
    rivals = {"eager": 4 * level, "compiled": 2 * level}
    columns = speedups(rivals, level, 0.05)
    assert (columns["speedup_eager"], columns["speedup_compiled"], columns["speedup"]) == (4, 2, 2)
    assert columns["best_dense"] == "compiled" and columns["speedup_low"] == columns["speedup_high"] == 2
    alone = speedups({"eager": level}, level, 0.05)
    assert alone["best_dense"] == "eager" and pd.isna(alone["speedup_compiled"])


def test_a_row_for_each_level():
    model = network()
    params = Names(cost={"rounds": 7}, significance=0.05)
    rows = pd.DataFrame(measure({"dense": model, "other": model}, {"eager": model}, torch.zeros(2, 3, 8, 8), params))
    assert rows.level.tolist() == ["dense", "other"] and (rows.ceiling == 1).all()
    assert (
        (rows.latency_ms_low <= rows.latency_ms).all() and (rows.speedup > 0).all() and np.isfinite(rows.speedup).all()
    )
    assert rows.images_per_second.to_numpy() == pytest.approx(2000 / rows.latency_ms.to_numpy())
    assert (rows.multiply_adds == 3456 + 1280).all()


def test_a_quantized_network_costs_its_own_bytes_and_no_time_is_made_up_for_simulated_arithmetic():
    model = network()
    levels = {method: quantize_network(model, method, {}) for method in ("float16", "int8_dynamic")}
    params = Names(cost={"rounds": 7}, significance=0.05)
    rows = pd.DataFrame(measure({"dense": model, **levels}, {"eager": model}, torch.zeros(2, 3, 8, 8), params))
    dense, half, int8 = rows.itertuples()
    weights, outputs = 8 * 27 + 1280, 8 + 10
    assert (dense.weight_bytes, half.weight_bytes) == (4 * (weights + outputs), 2 * (weights + outputs))
    assert int8.weight_bytes == weights + 8 * outputs  # scales and biases
    assert dense.multiply_adds == half.multiply_adds == int8.multiply_adds == int8.kept_multiply_adds
    assert half.timing == "measured" and half.latency_ms > 0 and half.speedup > 0
    assert int8.timing == "not timed: int8 arithmetic is simulated"
    times = ["latency_ms", "latency_ms_low", "images_per_second", "speedup", "speedup_eager", "peak_bytes"]
    assert rows.loc[2, times].isna().all()


def test_cost_is_set_against_forgetting():
    ends = {
        "speedup_low": 1.9,
        "speedup_high": 2.1,
        "significance": 0.05,
        "block_sparse_layers": 2,
        "ceiling": 4.0,
        "timing": "measured",
    }
    cost = pd.DataFrame(
        [
            {"level": level, "batch_size": size, "speedup": 2.0, "weight_bytes": bytes_, **ends}
            for size in (1, 256)
            for level, bytes_ in (("dense", 100), ("control", 100), ("block", 25))
        ]
    )
    pies = pd.DataFrame({"level": ["control", "block"], "sparsity": [0, 0.8], "examples": 9, "level_models": 4})
    pies = pies.assign(excess_rate=[float("nan"), 0.1], excess_rate_low=0.05, excess_rate_high=0.15, verdict="v")
    pies = pies.assign(dense_top1_all=0.8, level_top1_all=[0.8, 0.7])
    classes = pd.DataFrame({"level": ["control"] * 2 + ["block"] * 2, "class": ["a", "b"] * 2})
    classes = classes.assign(
        relative_change=[0.01, -0.01, -0.3, 0.1], relative_change_low=-0.5, relative_change_high=0.5
    )
    table = weigh(cost, pies, classes)
    assert table.level.tolist() == ["control", "block"] * 2 and table.batch_size.tolist() == [1, 1, 256, 256]
    block = table.iloc[3]
    assert (block.worst_class, block.worst_change, block.weights_relative) == ("a", -0.3, 0.25)
    assert block.top1_change == pytest.approx(-0.1) and block.excess_rate == 0.1
    assert (
        table.iloc[0].worst_class == "b" and table.iloc[0].excess_rate == 0 and pd.isna(table.iloc[0].excess_rate_low)
    )


def test_a_file_that_brings_its_own_computation_is_timed_as_it_is_and_its_layers_are_not_counted(tmp_path):
    path = exported.torchscript(tmp_path / "a.ts", np.ones((4, 3)), np.zeros(4))
    brought = read_network(path, "torchscript", [0.5], [0.5])[0]
    example, level = torch.zeros(2, 3, 8, 8), {"name": "brought", "method": "none"}
    networks = deployed({"brought": brought}, {"brought": level}, example, 0.0)
    assert networks["brought"] is brought
    params = Names(cost={"rounds": 3}, significance=0.05)
    (row,) = measure(networks, {"eager": network()}, example, params)
    assert row["latency_ms"] > 0 and row["timing"] == "measured" and row["speedup_eager"] > 0
    assert all(np.isnan(row[name]) for name in ("multiply_adds", "kept_multiply_adds", "ceiling"))
    assert row["weight_bytes"] == (tmp_path / "a.ts").stat().st_size
