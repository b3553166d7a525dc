"""The GPU kernel on a machine with a GPU: is it right, and how fast is it beside cuBLAS, cuDNN and torch's own sparse kernel?

    python benchmarks/kernels_gpu.py [--cases 300] [--tune] [--quick]

First, on request, the tuner. Then many random cases against float64; it stops where one is wrong. Then times, layer by layer and for WRN-28-10. A time is
the median of CUDA-event times around a CUDA graph with a cold second-level cache (256 MB are written before each call). Dense
is the faster of eager and torch.compile(mode="max-autotune-no-cudagraphs"), both captured in the same way; images are channels-last.
Beside each ratio stands its physical ceiling: dense time over the least time in which the kept weights can be multiplied and
input, output and kept weights be moved. Block masks are random with equally many blocks in each block row.

WRN-28-10 is measured as a whole, twice: with its 3 x 3 convolutions replaced by kernels.BlockSparseConv2d (what a user gets
without fusing anything) and as a plan with everything fused into the convolutions (kernels/gpu/plan.py), the whole batch at once
and a few images at a time. The sum of its layers' times is printed beside them.

Writes benchmarks/results/kernels_gpu.json.
"""

import argparse
import copy
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.kernels_gpu_cases import balanced_mask, check  # noqa: E402
from kernels.gpu.timing import gpu_seconds, machine  # noqa: E402
from kernels.packed import Packed, pack, unpack  # noqa: E402

RESULT = ROOT / "benchmarks" / "results" / "kernels_gpu.json"
DENSITIES = (0.3, 0.2, 0.1, 0.05)
# float16 operations and bytes a second, from NVIDIA's data sheets; other GPUs get no ceiling.
PEAK = {"H100": (989e12, 3.35e12), "H200": (989e12, 4.8e12), "A100": (312e12, 2.0e12)}


@dataclass(frozen=True)
class Layer:
    """A layer to time; image is None for a linear layer of `batch` rows, else the height and width of its input."""

    name: str
    shape: tuple[int, ...]
    batch: int
    image: int | None
    bn: int
    stride: int = 1
    count: int = 1  # in WRN-28-10

    @property
    def pixels(self) -> int:
        return self.batch if self.image is None else self.batch * (self.image // self.stride) ** 2


LINEAR = [Layer(f"linear {k}, {m} rows", (k, k), m, None, 128) for k in (1024, 2048, 4096) for m in (1, 16, 64, 8192)]
CONV = [
    Layer("conv 160 @ 32", (160, 160, 3, 3), 256, 32, 32, count=7),
    Layer("conv 160-320 / 2", (320, 160, 3, 3), 256, 32, 64, 2),
    Layer("conv 320 @ 16", (320, 320, 3, 3), 256, 16, 64, count=7),
    Layer("conv 320-640 / 2", (640, 320, 3, 3), 256, 16, 128, 2),
    Layer("conv 640 @ 8", (640, 640, 3, 3), 256, 8, 128, count=7),
]
BK = 16
DEVICE = "cuda"
DTYPE = torch.half
MICRO_BATCH = 32  # images whose activations stay in the second-level cache
MEASURE = True  # let the plan choose each layer's path


def moved_and_done(layer: Layer, density: float) -> tuple[float, float]:
    """Bytes that must move and operations that must be done, in float16."""
    weights = torch.Size(layer.shape).numel() * density
    inputs = layer.batch * layer.shape[1] * (1 if layer.image is None else layer.image**2)
    return 2 * (inputs + layer.pixels * layer.shape[0] + weights), 2 * weights * layer.pixels


def least_seconds(layer: Layer, density: float, gpu: str) -> float | None:
    """No kernel can be faster on this GPU; None where its peaks are not known."""
    moved, done = moved_and_done(layer, density)
    peaks = [peak for name, peak in PEAK.items() if name in gpu]
    return max(done / peaks[0][0], moved / peaks[0][1]) if peaks else None


def attempt(call: Callable[[], object]) -> float | str:
    """Seconds, or why there are none: rivals may refuse a shape."""
    try:
        return gpu_seconds(call)
    except Exception as error:
        return f"{type(error).__name__}: {str(error).splitlines()[0][:120]}"


def compiled(module: Callable) -> Callable:
    return torch.compile(module, mode="max-autotune-no-cudagraphs", dynamic=False)


def time_layer(layer: Layer, gpu: str, densities: tuple[float, ...]) -> list[dict]:
    """Seconds of dense and sparse float16 with bias and ReLU, for each density."""
    from kernels.gpu.triton_gemm import conv2d, linear, prepare

    generator = torch.Generator().manual_seed(0)
    weight = torch.randn(layer.shape, generator=generator) / torch.Size(layer.shape[1:]).numel() ** 0.5
    bias = torch.zeros(layer.shape[0], device=DEVICE, dtype=torch.half)
    full = weight.half().to(DEVICE)
    if layer.image is None:
        x = torch.randn(layer.batch, layer.shape[1], device=DEVICE).half()

        def run(x: Tensor, w: Tensor) -> Tensor:
            return functional.linear(x, w, bias).relu()

    else:
        x = torch.randn(layer.batch, layer.shape[1], layer.image, layer.image, device=DEVICE).half()
        x, full = (t.to(memory_format=torch.channels_last) for t in (x, full))

        def run(x: Tensor, w: Tensor) -> Tensor:
            return functional.conv2d(x, w, bias, layer.stride, 1).relu()

    torch._dynamo.reset()
    best = compiled(run)
    rivals = {"eager": attempt(lambda: run(x, full)), "compiled": attempt(lambda: best(x, full))}
    fastest = min(t for t in rivals.values() if isinstance(t, float))
    rows = []
    for density in densities:
        mask = balanced_mask(layer.shape, layer.bn, BK, density, generator)
        packed = pack(weight.half(), layer.bn, BK, mask=mask)
        prepared, bsr = prepare(packed, device=DEVICE), None
        if layer.image is None:
            out = torch.empty(layer.batch, layer.shape[0], device=DEVICE, dtype=torch.half)
            own = gpu_seconds(lambda p=prepared, o=out: linear(x, p, bias, activation="relu", out=o))
            bsr = bsr_seconds(packed, x, bias)
        else:
            halo = functional.pad(x.permute(0, 2, 3, 1), (0, 0, 1, 1, 1, 1)).contiguous()
            out = conv2d(halo, prepared, layer.stride, out_halo=1)  # as in a network: into the next layer's halo
            own = gpu_seconds(
                lambda p=prepared, h=halo, o=out: conv2d(h, p, layer.stride, bias, activation="relu", out=o, out_halo=1)
            )
        least = least_seconds(layer, packed.density, gpu)
        rows.append(
            {
                "layer": layer.name,
                "pixels": layer.pixels,
                "block": f"{layer.bn}x{BK}",
                "group": prepared.group,
                "density": packed.density,
                "sparse": own,
                **rivals,
                "bsr": bsr,
                "speed-up": fastest / own,
                "ceiling": least and fastest / least,
                "bytes": moved_and_done(layer, packed.density)[0],
            }
        )
        ceiling = f" of at most {fastest / least:.1f}x" if least else ""
        beside = (
            f", torch's BSR {fastest / bsr:.2f}x" if isinstance(bsr, float) else f", torch's BSR: {bsr}" if bsr else ""
        )
        print(
            f"{layer.name:24s} {layer.bn}x{BK} density {packed.density:.3f}: dense {fastest * 1e6:8.1f} us, "
            f"sparse {own * 1e6:8.1f} us, {fastest / own:.2f}x{ceiling}{beside}",
            flush=True,
        )
    return rows


def bsr_seconds(packed: Packed, x: Tensor, bias: Tensor) -> float | str:
    """torch's own F.linear with a BSR weight, with the same blocks or, where it refuses, the reason."""
    try:
        weight = unpack(packed).to(DEVICE).to_sparse_bsr((packed.bn, packed.bk))
    except RuntimeError as error:
        return str(error).splitlines()[0][:120]
    return attempt(lambda: functional.linear(x, weight, bias).relu())


class Block(nn.Module):
    """A wide residual block, pre-activation."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.BatchNorm2d(inputs), nn.BatchNorm2d(outputs)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.shortcut = nn.Conv2d(inputs, outputs, 1, stride, bias=False) if inputs != outputs else None

    def forward(self, x: Tensor) -> Tensor:
        z = self.norm1(x).relu()
        x = x if self.shortcut is None else self.shortcut(z)
        return x + self.conv2(self.norm2(self.conv1(z)).relu())


def wide_resnet(depth: int = 28, width: int = 10) -> nn.Sequential:
    """WRN-depth-width for 32 x 32 images and 10 classes."""
    layers, inputs = [nn.Conv2d(3, 16, 3, 1, 1, bias=False)], 16
    for index, channels in enumerate((16 * width, 32 * width, 64 * width)):
        for block in range((depth - 4) // 6):
            layers.append(Block(inputs, channels, 2 if index and not block else 1))
            inputs = channels
    ends = [nn.BatchNorm2d(inputs), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inputs, 10)]
    return nn.Sequential(*layers, *ends).eval()


def masked_copy(
    model: nn.Module, density: float, generator: torch.Generator
) -> tuple[nn.Module, dict[str, tuple[int, int]]]:
    """The model with random blocks of zeros in its 3 x 3 convolutions of 32 and more input channels, and the block of each."""
    model, blocks = copy.deepcopy(model), {}
    for name, conv in model.named_modules():
        if isinstance(conv, nn.Conv2d) and conv.kernel_size == (3, 3) and conv.in_channels >= 32:
            bn = next(bn for bn in (128, 64, 32, 16, 8) if conv.out_channels % bn == 0)
            mask = balanced_mask(tuple(conv.weight.shape), bn, BK, density, generator)
            conv.weight.data = unpack(pack(conv.weight, bn, BK, mask=mask))
            blocks[name] = (bn, BK)
    return model, blocks


def time_network(model: nn.Sequential, batch: int, densities: tuple[float, ...], size: int = 32) -> list[dict]:
    """A WRN-28-10, channels last: dense, with block-sparse modules and as plans, each in a CUDA graph."""
    from kernels.gpu.plan import gpu_plan  # triton is imported where there is a GPU only
    from kernels.sparsify import sparsify

    generator = torch.Generator().manual_seed(0)
    x = torch.randn(batch, 3, size, size).to(DTYPE).to(DEVICE).to(memory_format=torch.channels_last)
    full = copy.deepcopy(model).to(DTYPE).to(DEVICE).to(memory_format=torch.channels_last)
    torch._dynamo.reset()
    best = compiled(full)
    rivals = {"eager": attempt(lambda: full(x)), "compiled": attempt(lambda: best(x))}
    fastest = min(t for t in rivals.values() if isinstance(t, float))
    rows = []
    for density in densities:
        masked, blocks = masked_copy(model, density, generator)
        masked = masked.to(DTYPE).to(DEVICE).to(memory_format=torch.channels_last)
        modules, _ = sparsify(masked, blocks, x[:1], decide="always")
        networks = {"modules": lambda modules=modules: modules(x)}
        for images in sorted({batch, min(batch, MICRO_BATCH)}):
            ready = gpu_plan(masked, batch, x.shape[1:], blocks, images, measure=MEASURE, graph=False)
            networks[f"plan, {images} images at a time"] = lambda ready=ready: ready.run(
                x
            )  # gpu_seconds records the graph
        for name, network in networks.items():
            own = gpu_seconds(network)
            rows.append({"network": f"WRN-28-10, {name}", "batch": batch, "density": density, "sparse": own, **rivals})
            rows[-1]["speed-up"] = fastest / own
            print(
                f"WRN-28-10, {name}, batch {batch}, density {density}: dense {fastest * 1e3:.2f} ms, "
                f"sparse {own * 1e3:.2f} ms, {fastest / own:.2f}x",
                flush=True,
            )
    return rows


def sum_of_layers(rows: list[dict], densities: tuple[float, ...]) -> list[dict]:
    """WRN-28-10's sparse 3 x 3 convolutions together, counted as often as they occur: 23 of 28 layers and nearly all of the time."""
    count = {layer.name: layer.count for layer in CONV}
    total = []
    for index, density in enumerate(densities):
        own = sum(row["sparse"] * count[row["layer"]] for row in rows[index :: len(densities)])
        full = sum(
            min(t for t in (row["eager"], row["compiled"]) if isinstance(t, float)) * count[row["layer"]]
            for row in rows[index :: len(densities)]
        )
        total.append(
            {
                "network": "WRN-28-10, sum of 23 layers",
                "density": density,
                "sparse": own,
                "dense": full,
                "speed-up": full / own,
            }
        )
        print(
            f"WRN-28-10 sum of 23 layers, density {density}: dense {full * 1e3:.2f} ms, {full / own:.2f}x", flush=True
        )
    return total


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=300, help="random cases to check before anything is timed")
    parser.add_argument("--tune", action="store_true", help="first run kernels/gpu/tune.py with its defaults")
    parser.add_argument("--quick", action="store_true", help="90 %% sparsity only")
    arguments = parser.parse_args()
    try:
        about = machine()
    except ValueError as error:
        sys.exit(f"kernels_gpu: {error}")
    if arguments.tune:
        subprocess.run([sys.executable, "-m", "kernels.gpu.tune"], cwd=ROOT, check=True)
    results = {"machine": about, "errors": check(arguments.cases, "cuda")}
    print(
        f"{about['gpu']}: {arguments.cases} random cases agree with float64; largest errors {results['errors']}",
        flush=True,
    )
    densities = (0.1,) if arguments.quick else DENSITIES
    with torch.inference_mode():
        results["linear"] = [row for layer in LINEAR for row in time_layer(layer, about["gpu"], densities)]
        results["conv"] = [row for layer in CONV for row in time_layer(layer, about["gpu"], densities)]
        results["sum"] = sum_of_layers(results["conv"], densities)
        results["network"] = time_network(wide_resnet(), 256, densities)
    results["layers"] = [asdict(layer) for layer in (*LINEAR, *CONV)]
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(results, indent=1) + "\n")
    print(f"written: {RESULT}")


if __name__ == "__main__":
    main()
