"""Features are what the last linear layer reads: it makes the logits of them. Networks without such a layer have log-probabilities."""

import numpy as np
import pytest
import torch
from torch import nn

from scripts.lib.networks.answers import Answer
from scripts.lib.networks.architectures import build_network, normalized
from scripts.lib.networks.checkpoints import Normalized
from scripts.lib.networks.features import features_of, head_of

IMAGES = torch.randint(0, 256, (5, 16, 16, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


class Squeezed(nn.Module):
    """A network whose only linear layers weigh channels; its last layer is a convolution."""

    def __init__(self):
        super().__init__()
        self.squeeze = nn.Linear(3, 6)
        self.head = nn.Conv2d(6, 4, 1)

    def forward(self, images):
        weights = self.squeeze(images.mean((2, 3)))
        return self.head(torch.sigmoid(weights)[:, :, None, None]).flatten(1)


class OutOfOrder(nn.Module):
    """A network whose head was made before a layer that has as many outputs."""

    def __init__(self):
        super().__init__()
        self.head, self.body = nn.Linear(4, 4), nn.Linear(3, 4)

    def forward(self, images):
        return self.head(torch.relu(self.body(images.mean((2, 3)))))


@pytest.mark.parametrize("name", ["plain", "resnet20"])
def test_the_last_layer_makes_the_logits_of_the_features(name):
    network = build_network(name, [4, 8] if name == "plain" else None, 3).eval()
    head = head_of(network, IMAGES, 3)
    layer = network.get_submodule(head)
    features = features_of(network, head, IMAGES)
    assert features.shape == (5, layer.in_features) and features.dtype == np.float32
    with torch.inference_mode():
        assert torch.allclose(layer(torch.from_numpy(features)), network(normalized(IMAGES)), atol=1e-5)
    assert not layer._forward_hooks and not layer._forward_pre_hooks  # nothing is left behind


def test_the_layer_that_runs_last_counts():
    network = OutOfOrder().eval()
    assert head_of(network, IMAGES, 4) == "head"


def test_of_a_brought_network_with_other_classes_it_is_the_same_layer():
    network = Normalized(OutOfOrder(), [0.5] * 3, [0.2] * 3, Answer(columns=(2, 0))).eval()
    assert head_of(network, IMAGES, 4) == "network.head"
    assert features_of(network, "network.head", IMAGES).shape == (5, 4)


def test_a_network_without_a_last_linear_layer_has_log_probabilities():
    network = Squeezed().eval()
    assert head_of(network, IMAGES, 4) is None
    features = features_of(network, None, IMAGES)
    assert features.shape == (5, 4) and np.exp(features).sum(axis=1) == pytest.approx(1, abs=1e-5)
