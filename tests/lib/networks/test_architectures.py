"""Whatever network a study may name can be pruned, folded and quantized, and is built from its seed alone."""

import pytest
import torch

from kernels.folding import fold_batchnorm
from scripts.lib.compression.pruning import prunable
from scripts.lib.compression.quantization import LAYERS, calibrate, quantize_network
from scripts.lib.compression.renumbering import hidden_channels
from scripts.lib.networks.architectures import NETWORKS, build_network, normalized

CLASSES = 3
IMAGES = normalized(
    torch.randint(0, 256, (8, 32, 32, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
)


@pytest.fixture(params=NETWORKS)
def network(request):
    """In evaluation mode, with batch norms that have seen images."""
    torch.manual_seed(0)
    model = build_network(request.param, [4, 8], CLASSES).requires_grad_(False)
    model(IMAGES)
    return model.eval()


def test_it_gives_one_logit_a_class_and_an_image_does_not_depend_on_its_batch(network):
    logits = network(IMAGES)
    assert logits.shape == (len(IMAGES), CLASSES) and logits.dtype == torch.float32
    torch.testing.assert_close(network(IMAGES[:1]), logits[:1])


@pytest.mark.parametrize("name", NETWORKS)
def test_it_is_built_from_torchs_global_stream(name):
    states = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        states.append(torch.cat([each.flatten() for each in build_network(name, [4, 8], CLASSES).parameters()]))
    assert torch.equal(states[0], states[1]) and not torch.equal(states[0], states[2])


def test_it_is_compressed_by_every_means(network):
    logits = network(IMAGES)
    torch.testing.assert_close(fold_batchnorm(network)(IMAGES), logits)
    assert prunable(network, "convolutions") and prunable(network, "convolutions_but_first")
    hidden_channels(network)  # torch.fx can trace it
    for method in LAYERS:
        quantized = quantize_network(network, method, calibrate(network, IMAGES))(IMAGES)
        assert quantized.shape == logits.shape and bool(quantized.isfinite().all()), method
