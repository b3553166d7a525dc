"""What is packed predicts what the dense network with its zero blocks predicts."""

import numpy as np
import pytest
import torch

from kernels.packed import save_packed
from scripts.lib.compression.packing import kernel_in_use, load_packed_networks, pack_model, packed_network
from scripts.lib.compression.structures import Blocks, mask_of
from scripts.lib.jobs.errors import InputError
from scripts.lib.networks.architectures import build_network
from scripts.lib.networks.predicting import probabilities

IMAGES = torch.from_numpy(np.random.default_rng(0).integers(0, 255, (40, 32, 32, 3), dtype=np.uint8))
EXAMPLE = torch.zeros(40, 3, 32, 32).to(memory_format=torch.channels_last)


def pruned(seed, block=(5, 5)):
    """A network with batch norms that are not the identity, and with blocks of zeros in all convolutions but the first."""
    torch.manual_seed(seed)
    network = build_network("plain", [5, 10, 20, 20], 10)
    network.train()
    for _ in range(3):
        network(torch.randn(16, 3, 32, 32))
    for layer in list(network)[3:-1]:
        if isinstance(layer, torch.nn.Conv2d):
            blocks, weight = Blocks(*block), layer.weight.data
            weight *= mask_of(blocks, blocks.scores(weight), 0.8, weight.shape)
    return network.eval()


@pytest.mark.parametrize("layers", ["always", "modelled"])
def test_packed_networks_predict_the_same(layers):
    network = pruned(0)
    weights, decisions = pack_model(network, (5, 5), EXAMPLE, layers, 1.1)
    assert set(weights) == {decision.name for decision in decisions if decision.sparse}
    if layers == "always":
        assert set(weights) == {"3", "6", "9"}  # the first and the last layer have no blocks of zeros
    dense, sparse = probabilities(network, IMAGES), probabilities(packed_network(network, weights), IMAGES)
    assert np.abs(dense - sparse).max() < 1e-6 and np.array_equal(dense.argmax(1), sparse.argmax(1))


def test_a_network_is_left_as_it_was():
    network = pruned(0)
    before = probabilities(network, IMAGES)
    packed_network(network, pack_model(network, (5, 5), EXAMPLE, "always", 1.1)[0])
    assert np.array_equal(probabilities(network, IMAGES), before)


def test_the_log_says_which_kernel_is_used(monkeypatch):
    assert kernel_in_use(torch.device("cuda")) == "Triton on the GPU"
    monkeypatch.setattr("kernels.cpu.block_sparse.library", lambda: None)
    assert kernel_in_use(torch.device("cpu")) == "gather and bmm in torch, for want of a C++ compiler"
    monkeypatch.setattr("kernels.cpu.block_sparse.library", lambda: object())
    assert kernel_in_use(torch.device("cpu")) == "C++ on the CPU"


def test_decisions_do_not_depend_on_the_moment():
    first, second = (pack_model(pruned(0), (5, 5), EXAMPLE, "modelled", 1.0)[1] for _ in range(2))
    assert first == second


def test_every_model_of_a_cohort_reads_its_own_weights(tmp_path):
    models = {seed: pruned(seed) for seed in (0, 7)}
    packed = {
        f"{seed:03d}.{name}": weight
        for seed, model in models.items()
        for name, weight in pack_model(model, (5, 5), EXAMPLE, "always", 1.1)[0].items()
    }
    path = str(tmp_path / "packed.safetensors")
    save_packed(path, packed)
    networks = load_packed_networks(models, path)
    for seed, model in models.items():
        assert np.abs(probabilities(networks[seed], IMAGES) - probabilities(model, IMAGES)).max() < 1e-6
    (tmp_path / "packed.safetensors").write_bytes(b"x" * 100)
    with pytest.raises(
        InputError, match=r"packed.safetensors .* Delete .*packed.safetensors, and snakemake makes it again"
    ):
        load_packed_networks(models, path)
