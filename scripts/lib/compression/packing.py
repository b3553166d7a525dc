"""From a trained network with zero blocks to one that skips them: what is packed, and the network that reads it."""

import torch
from torch import nn

from kernels.cpu import block_sparse as cpu
from kernels.folding import fold_batchnorm
from kernels.layers import BlockSparseConv2d, BlockSparseLinear
from kernels.packed import Packed, load_packed
from kernels.sparsify import Decision, sparsify
from scripts.lib.jobs.errors import InputError


def pack_model(
    model: nn.Module, block: tuple[int, int], example: torch.Tensor, layers: str, least_gain: float
) -> tuple[dict[str, Packed], list[Decision]]:
    """The packed weights of the layers that become block-sparse, by name, and why each layer did or did not.

    example: float32 [B, 3, H, W], an input of the batch size that will be predicted. layers: `modelled` or `always`, as `sparsify`
    decides; nothing is timed, because a study's numbers must not depend on how busy the machine was.
    """
    network, decisions = sparsify(model, block, example, threshold=least_gain, decide=layers)
    sparse = {
        name: layer.packed
        for name, layer in network.named_modules()
        if isinstance(layer, BlockSparseConv2d | BlockSparseLinear)
    }
    return sparse, decisions


def packed_network(model: nn.Module, weights: dict[str, Packed]) -> nn.Module:
    """A copy of a trained network for inference: batch norms folded, and the named layers reading packed weights."""
    network = fold_batchnorm(model)
    for name, packed in weights.items():
        layer = network.get_submodule(name)
        if isinstance(layer, nn.Conv2d):
            sparse: nn.Module = BlockSparseConv2d(packed, layer.bias, layer.stride, layer.padding, layer.dilation)
        else:
            sparse = BlockSparseLinear(packed, layer.bias)
        parent, _, last = name.rpartition(".")
        setattr(network.get_submodule(parent), last, sparse)
    return network.eval()


def kernel_in_use(device: torch.device) -> str:
    """What block-sparse layers run on, for the log."""
    if device.type == "cuda":
        return "Triton on the GPU"
    return "C++ on the CPU" if cpu.library() is not None else "gather and bmm in torch, for want of a C++ compiler"


def load_packed_networks(models: dict[int, nn.Module], path: str) -> dict[int, nn.Module]:
    """The networks of some models, by seed, that read the packed weights in a file; InputError if it is damaged."""
    try:
        weights = load_packed(path)
    except ValueError as error:
        raise InputError(f"{error} Delete {path}, and snakemake makes it again.") from None
    networks = {}
    for seed, model in models.items():
        prefix = f"{seed:03d}."
        own = {name.removeprefix(prefix): weight for name, weight in weights.items() if name.startswith(prefix)}
        networks[seed] = packed_network(model, own)
    return networks
