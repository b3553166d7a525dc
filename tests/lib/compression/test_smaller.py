"""A dense network with as many weights or multiply-adds as a pruned one keeps: counted by hand, and the nearest there is."""

import pytest
import torch

from scripts.lib.compression.multiply_adds import multiply_adds_of_layers
from scripts.lib.compression.smaller import EQUAL, kept_by, sized, widths_of
from scripts.lib.networks.architectures import build_network

PRUNING = {"begin": 0.2, "end": 0.8, "every": 2, "layers": "convolutions_but_first"}
PLAIN = {"name": "plain", "channels": [4, 8]}
HALF = {"name": "m", "method": "magnitude", "sparsity": 0.5}
SIZE = (32, 32)


def wanted(level, network, equal, **pruning):
    return network | {"equal": equal, "as": level, "pruning": PRUNING | pruning}


def test_what_a_pruned_network_keeps_by_hand():
    # Convolutions 3 -> 4 and 4 -> 8 of 3x3 with batch norms, a dense layer of 10 classes; 16x16 and 8x8 pixels.
    weights = 108 + 2 * 4 + 288 // 2 + 2 * 8 + 90
    assert kept_by(HALF, PRUNING, PLAIN, "weights", 10, SIZE) == weights
    assert kept_by(HALF, PRUNING, PLAIN, "multiply_adds", 10, SIZE) == 108 * 256 + 144 * 64 + 80
    blocks = {"name": "b", "method": "block", "sparsity": 0.5, "block": [4, 4]}  # of 9 blocks in each row 4 go
    assert kept_by(blocks, PRUNING, PLAIN, "weights", 10, SIZE) == weights + 144 - 4 * 2 * 16
    two_of_four = {"name": "2of4", "method": "prune", "structure": "n_of_m", "n": 2, "m": 4}
    assert kept_by(two_of_four, PRUNING | {"layers": "convolutions"}, PLAIN, "weights", 10, SIZE) == weights - 36
    spread = {
        "name": "g",
        "method": "prune",
        "distribution": "global",
        "sparsity": 0.5,
        "score": "gradient_times_weight",
    }
    everything = PRUNING | {"layers": "convolutions"}
    assert kept_by(spread, everything, PLAIN, "weights", 10, SIZE) == (108 + 288) // 2 + 2 * 4 + 2 * 8 + 90


def test_nothing_is_drawn_from_torchs_global_stream():
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    sized(wanted(HALF, PLAIN, "weights"), 10, SIZE)
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize(
    ("network", "equal"), [(PLAIN, "weights"), (PLAIN, "multiply_adds"), ({"name": "wide_resnet-10-1"}, "weights")]
)
def test_no_width_comes_nearer(equal, network):
    ninety = {"name": "m", "method": "magnitude", "sparsity": 0.9}
    section, found = sized(wanted(ninety, network, equal), 10, SIZE)
    assert section == network | {"width": section["width"]} and found["equal"] == equal and found["as"] == "m"

    def count(width):
        with torch.device("meta"):
            return sum(EQUAL[equal](build_network(network["name"], network.get("channels"), 10, width), SIZE).values())

    assert found["reached"] == count(section["width"])
    counts = [count(one) for one in widths_of(network, 10)]
    assert counts == sorted(counts) and len(set(counts)) == len(counts)  # each another network
    assert min(abs(one - found["wanted"]) for one in counts) == abs(found["reached"] - found["wanted"])
    assert counts[-1] == count(1.0)


@pytest.mark.parametrize("name", ["plain", "resnet20", "resnet18_3x3", "vgg16_bn", "wide_resnet-10-2"])
@pytest.mark.parametrize("width", [0.01, 0.3])
def test_a_narrow_network_has_the_same_layers(name, width):
    channels = [16, 32, 64] if name == "plain" else None
    network, narrow = (build_network(name, channels, 10, each).eval() for each in (1.0, width))
    image = torch.zeros(1, 3, 16, 16)
    full, fewer = (multiply_adds_of_layers(each, image) for each in (network, narrow))
    assert set(full) == set(fewer) or width == 0.01  # of one channel everywhere, shortcuts may be identities
    for layer in fewer:
        wide, thin = (each.get_submodule(layer) for each in (network, narrow))
        if isinstance(wide, torch.nn.Conv2d):
            assert thin.stride == wide.stride and thin.out_channels == max(1, round(width * wide.out_channels))


def test_a_network_of_its_own_size_stays():
    assert sized(PLAIN, 10, SIZE) == (PLAIN, {})
    half = PLAIN | {"width": 0.5}  # channels 2 and 4
    assert sized(half, 10, SIZE) == (half, {"equal": "weights", "reached": 54 + 2 * 2 + 72 + 2 * 4 + 50})
