"""The range of what each layer reads, from images that the network sees before it is quantized.

Memory is bounded: the network sees some images at a time, and of what a layer reads only the two ends and a histogram are kept. All
counts are whole numbers and every sum is in float64, so the result does not depend on the order of anything.
"""

from collections.abc import Callable

import torch
from torch import nn

from scripts.lib.compression.quantization import affine, quantizable, whole

Range = tuple[torch.Tensor, torch.Tensor]  # smallest and largest value, float32 scalars
BATCH = 100  # images that the network sees at a time
BINS = 8192  # of a histogram: 32 in each step of int8
STEPS = 50  # fractions of each end that `range_of_least_error` tries


def calibrate(model: nn.Module, images: torch.Tensor, range: str = "min_max", **options: float) -> dict[str, Range]:
    """What each quantizable layer is to read, by name, when a network in evaluation mode sees images.

    images: float32 [n, 3, H, W] as the network reads them. range: `min_max`, the smallest and the largest value that the layer reads, or a
    name of CLIPPING, called with the options. Raises ValueError, which names the layer, for undefined numbers and for a layer
    that is never used.
    """
    ends = _ends(model, images)
    if range == "min_max":
        return ends
    clipped = CLIPPING[range]
    return {name: clipped(counts, *ends[name], **options) for name, counts in _histograms(model, images, ends).items()}


def percentile_range(counts: torch.Tensor, low: torch.Tensor, high: torch.Tensor, percentile: float) -> Range:
    """The narrowest range between edges of bins beyond which, at each end, lie at most 100 - percentile in a hundred values.

    counts: int64 [B], values in B bins of equal width from low to high. percentile: above 50, at most 100. Calibration by percentiles
    is that of Wu et al. 2020 (arXiv 2004.09602), there of magnitudes, here of both ends.
    """
    beyond = float(counts.sum()) * (100 - percentile) / 100 + 1e-6  # a whole number stays one in spite of rounding
    edges = torch.linspace(float(low), float(high), len(counts) + 1, dtype=torch.float64)
    below, above = counts.cumsum(0), counts.flip(0).cumsum(0)
    cut_low, cut_high = int((below <= beyond).sum()), int((above <= beyond).sum())
    return edges[cut_low].float(), edges[len(counts) - cut_high].float()


def range_of_least_error(counts: torch.Tensor, low: torch.Tensor, high: torch.Tensor) -> Range:
    """The range with which the values in a histogram, rounded to 8 bits, have the least squared error.

    counts: int64 [B], values in B bins of equal width from low to high, each taken for its bin's middle. Each end is tried at all its
    fiftieths, independently of the other; of equal ones the widest stays. The criterion is that of Nagel et al. 2021 (arXiv 2106.08295,
    on setting quantization ranges), the search a grid.
    """
    edges = torch.linspace(float(low), float(high), len(counts) + 1, dtype=torch.float64)
    filled = counts > 0
    middles, weights = ((edges[1:] + edges[:-1]) / 2)[filled], counts[filled].double()
    fractions = torch.arange(STEPS, 0, -1, dtype=torch.float64)[:, None] / STEPS
    zero = torch.zeros(1, 1, dtype=torch.float64)
    lows, highs = (fractions * float(low) if low < 0 else zero), (fractions * float(high) if high > 0 else zero)
    best, least = (low, high), float("inf")
    for one in lows:
        scale, zero_point = affine(one.expand_as(highs), highs)
        errors = (whole(middles, scale, zero_point) * scale - middles).square() @ weights
        error = float(errors.min())
        if error < least:
            best, least = (one[0].float(), highs[errors.argmin(), 0].float()), error
    return best


CLIPPING: dict[str, Callable[..., Range]] = {
    "percentile": percentile_range,  # which needs the percentile
    "mse": range_of_least_error,
}


def _ends(model: nn.Module, images: torch.Tensor) -> dict[str, Range]:
    """The smallest and the largest value that each layer reads; ValueError as `calibrate` says."""
    read: dict[str, list[torch.Tensor]] = {name: [] for name in quantizable(model)}
    _observe(model, images, lambda name, x: read[name].extend(torch.aminmax(x)))
    ranges = {}
    for name, ends in read.items():
        if not ends:
            raise ValueError(f"layer {name}: the network never uses it, so it cannot be calibrated")
        if not bool(torch.stack(ends).isfinite().all()):
            raise ValueError(f"layer {name}: it reads undefined numbers")
        ranges[name] = (torch.stack(ends).min(), torch.stack(ends).max())
    return ranges


def _histograms(model: nn.Module, images: torch.Tensor, ends: dict[str, Range]) -> dict[str, torch.Tensor]:
    """How many of the values that each layer reads lie in each of BINS bins between its ends, int64 [BINS] by name."""
    counts = {name: torch.zeros(BINS, dtype=torch.int64) for name in ends}

    def count(name: str, x: torch.Tensor) -> None:
        low, high = (float(end) for end in ends[name])
        width = (high - low) / BINS or 1.0  # of a layer that reads one value only
        for image in x:  # one at a time, because the numbers of bins take more memory than the values
            bins = ((image.double() - low) / width).long().clamp_(0, BINS - 1)
            counts[name] += torch.bincount(bins.flatten(), minlength=BINS)

    _observe(model, images, count)
    return counts


def _observe(model: nn.Module, images: torch.Tensor, see: Callable[[str, torch.Tensor], None]) -> None:
    """Call see(name, x) for everything that each quantizable layer reads, some images at a time."""
    hooks = [
        layer.register_forward_pre_hook(lambda _, inputs, name=name: see(name, inputs[0]))
        for name, layer in quantizable(model).items()
    ]
    try:
        with torch.no_grad():
            for batch in images.split(BATCH):
                model(batch)
    finally:
        for hook in hooks:
            hook.remove()
