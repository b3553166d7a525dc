"""What a network costs: multiply-adds, bytes of weights, memory."""

import ctypes
import math
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

from kernels.layers import BlockSparseConv2d, BlockSparseLinear
from scripts.lib.compression.multiply_adds import DENSE, multiply_adds_of_layers
from scripts.lib.compression.quantization import LAYERS, IntegerWeightLayer
from scripts.lib.networks.file_networks import file_bytes, is_file_network

SPARSE = (BlockSparseConv2d, BlockSparseLinear)


# Kind of layer -> the shape that its weights have, whatever is stored; the first kind that a layer is of counts.
SHAPES = (
    {kind: lambda layer: layer.shape for kind in (*SPARSE, IntegerWeightLayer)}
    | {kind: lambda layer: layer.weight.shape for kind in LAYERS.values() if not issubclass(kind, IntegerWeightLayer)}
    | DENSE
)


def multiply_adds(network: nn.Module, example: torch.Tensor) -> tuple[float, float]:
    """For one forward pass: all multiplications of convolutions and dense layers, and those that are left where blocks are skipped.

    NaN for a file that brings its own computation, of which torch sees no layers.
    """
    if is_file_network(network):
        return math.nan, math.nan
    dense = multiply_adds_of_layers(network, example, SHAPES)
    kept = {
        name: round(count * layer.packed.density) if isinstance(layer := network.get_submodule(name), SPARSE) else count
        for name, count in dense.items()
    }
    return sum(dense.values()), sum(kept.values())


def weight_bytes(network: nn.Module) -> int:
    """Bytes of all parameters and buffers, as they would be saved: packed weights with their indices, quantized ones with their scales.

    Of a file that brings its own computation, those of the file.
    """
    tensors = sum(tensor.numel() * tensor.element_size() for tensor in network.state_dict().values())
    return tensors + file_bytes(network)


def peak_bytes(call: Callable[[], object], device: torch.device) -> float:
    """Memory that a call needs beyond what is there before it; NaN where the system does not tell (it does on Linux and on GPUs)."""
    if device.type == "cuda":
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        call()
        torch.cuda.synchronize()
        return float(torch.cuda.max_memory_allocated() - before)
    try:
        call()  # what is allocated once and kept
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:  # give back what the allocator kept, or the call would find its memory there
            trim(0)
        Path("/proc/self/clear_refs").write_text("5")
        before = _status("VmRSS")
        call()
        return float(max(0, _status("VmHWM") - before))
    except OSError:
        return math.nan


def _status(key: str) -> int:
    """An entry of /proc/self/status in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * int(next(line for line in lines if line.startswith(key)).split()[1])
