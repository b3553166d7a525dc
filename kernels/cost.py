"""What a block-sparse layer is expected to gain on a CPU, from counts alone.

    time = call + multiplications / peak * penalty + bytes of activations / bandwidth

with the density of the weight as a factor of the multiplications if it is sparse. torch computes 16 output and 8 input channels at
a time, so a dense layer of few channels multiplies more than its weights. Measured with one thread on an AVX-512 machine;
`sparsify(decide="measured")` needs no such constants.
"""

import math

from torch import nn

from kernels.geometry import output_size

PEAK = 50e9  # multiply-adds a second of one thread
BANDWIDTH = 10e9  # bytes a second of one thread
DENSE_CALL, SPARSE_CALL = 8e-6, 22e-6  # seconds that a layer takes however small it is
DENSE_CHANNELS = (16, 8)  # output and input channels that torch computes at a time
DENSE_PENALTY = 1.1  # what torch needs more than the peak says
NARROW = {4: 4.6, 8: 2.4, 16: 1.4, 32: 1.2}  # the same for block rows of that many channels; 1.1 for taller ones


def expected_seconds(
    layer: nn.Conv2d | nn.Linear, block: tuple[int, int], density: float | None, size: tuple[int, ...]
) -> float:
    """Modelled seconds of the block-sparse layer, or of torch's dense one where density is None.

    block: (bn, bk); density: share of blocks kept; size: of the layer's input, [..., K] or [B, C, H, W].
    """
    n = layer.weight.shape[0]
    pixels, halo = math.prod(size[:-1]), 0
    if isinstance(layer, nn.Conv2d):
        padded = tuple(size[2 + i] + 2 * layer.padding[i] for i in (0, 1))
        pixels = size[0] * math.prod(output_size(padded, layer.kernel_size, layer.stride, layer.dilation))
        halo = 2 * 4 * math.prod(size) if any(layer.padding) else 0  # read and written once more
    traffic = (4 * math.prod(size) + 4 * pixels * n) / BANDWIDTH
    work = pixels * layer.weight.numel() / PEAK
    if density is None:
        outputs, inputs = (
            -(-count // step) * step / count for count, step in zip(layer.weight.shape, DENSE_CHANNELS, strict=False)
        )
        return DENSE_CALL + DENSE_PENALTY * outputs * inputs * work + traffic
    narrow = next((penalty for height, penalty in NARROW.items() if block[0] <= height), 1.1)
    return SPARSE_CALL + density * narrow * work + traffic + halo / BANDWIDTH


def expected_gain(layer: nn.Conv2d | nn.Linear, block: tuple[int, int], density: float, size: tuple[int, ...]) -> float:
    """Modelled time of the dense layer over that of the block-sparse one; arguments as for expected_seconds."""
    return expected_seconds(layer, block, None, size) / expected_seconds(layer, block, density, size)
