"""GPU seconds of a call: CUDA events around a CUDA graph, with a cold cache, so that neither Python nor the last call is measured."""

import statistics
import subprocess
from collections.abc import Callable

import torch

from kernels.gpu.cuda_graph import capture

CACHE = 256 * 2**20  # bytes written between calls: five times the second-level cache of an H100


def gpu_seconds(call: Callable[[], object], repeats: int = 30, cold: bool = True) -> float:
    """Median seconds of call() on the current GPU. cold: overwrite the second-level cache before each."""
    captured = capture(call)
    flush = torch.empty(CACHE, dtype=torch.int8, device="cuda")
    events = [[torch.cuda.Event(enable_timing=True) for _ in range(2)] for _ in range(repeats)]
    for begin, end in events:
        if cold:
            flush.zero_()
        begin.record()
        captured()
        end.record()
    torch.cuda.synchronize()
    return statistics.median(begin.elapsed_time(end) for begin, end in events) / 1e3


def machine() -> dict[str, str]:
    """What a measurement must name: GPU, driver, versions. Raises ValueError without a GPU."""
    if not torch.cuda.is_available():
        raise ValueError("there is no GPU here: run this on a machine with one.")
    import triton  # only where there is a GPU

    query = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    driver = subprocess.run(query, capture_output=True, text=True, check=False).stdout.split()
    return {
        "gpu": torch.cuda.get_device_name(),
        "driver": driver[0] if driver else "unknown",
        "torch": torch.__version__,
        "cuda": str(torch.version.cuda),
        "cudnn": str(torch.backends.cudnn.version()),
        "triton": triton.__version__,
    }
