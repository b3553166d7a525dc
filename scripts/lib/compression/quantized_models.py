"""Cohorts of quantized models on disk, in the format of trained ones; the description says `quantization`."""

from collections import defaultdict
from pathlib import Path

import torch
from torch import nn

from scripts.lib.compression.quantization import quantize_network
from scripts.lib.networks.cohorts import blank_network, load_cohort, read_cohort


def load_networks(path: str | Path) -> tuple[dict[int, nn.Module], dict]:
    """The models of a cohort by seed, trained or quantized, in evaluation mode, and their description; InputError if the file is damaged."""
    states, description = read_cohort(path)
    if "quantization" not in description:
        return load_cohort(path)
    quantization = description["quantization"]
    shaping = {key: quantization[key] for key in ("exempt", "group") if key in quantization}
    anything = torch.tensor(-1.0), torch.tensor(1.0)
    networks = {}
    for seed, state in states.items():
        networks[seed] = quantize_network(
            blank_network(description), quantization["method"], defaultdict(lambda: anything), **shaping
        )
        networks[seed].load_state_dict(state)
    return networks, description
