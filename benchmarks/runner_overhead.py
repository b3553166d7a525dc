"""Images a second of a network file predicted here, beside the file's runtime asked alone.

    python benchmarks/runner_overhead.py

A torchvision resnet18 and resnet50 with random weights, exported to ONNX. Alone: onnxruntime's session is given float32 arrays that are
ready, [N, 3, 224, 224]. Ours: `probabilities` with the network that `read_network` makes of the file, from the study's bytes: normalized, laid
out anew, asked, softmax. One thread each, in turns in one process, processor time of the thread, so that other work on the machine counts little. Results:
results/runner_overhead.json, with quartiles of ours over the runtime's own, round by round. Needs the packages onnx and onnxruntime.
"""

import json
import platform
import statistics
import sys
import tempfile
import time
import warnings
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.audit_scale import processor  # noqa: E402
from kernels.timing import interleaved  # noqa: E402
from scripts.lib.networks.checkpoints import IMAGENET  # noqa: E402
from scripts.lib.networks.file_networks import read_network  # noqa: E402
from scripts.lib.networks.predicting import batch_of, probabilities  # noqa: E402
from scripts.lib.networks.torchvision_ops import declare_missing_operators  # noqa: E402

RESULT = ROOT / "benchmarks/results/runner_overhead.json"
SIZE, ROUNDS = 224, 15


def exported(name: str, path: Path) -> str:
    """An ONNX file of a network of torchvision that takes batches of any size."""
    declare_missing_operators()
    from torchvision.models import get_model

    torch.manual_seed(0)
    network, example = get_model(name, weights=None).eval(), torch.zeros(2, 3, SIZE, SIZE)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network,
            (example,),
            str(path),
            dynamo=False,
            input_names=["images"],
            output_names=["logits"],
            dynamic_axes={"images": {0: "n"}},
        )
    return str(path)


def measure(name: str, batch: int, path: str) -> dict:
    """Images a second of both and the quartiles of ours over the runtime's own."""
    network, _ = read_network(path, "onnx", *IMAGENET)
    random = np.random.default_rng(0)
    images = torch.from_numpy(random.integers(0, 256, (batch, SIZE, SIZE, 3), dtype=np.uint8))
    ready = random.normal(size=(batch, 3, SIZE, SIZE)).astype(np.float32)
    runner = network.network
    calls = [lambda: probabilities(network, images), lambda: runner.session.run(None, {runner.input: ready})]
    ours, alone = interleaved(calls, ROUNDS, seconds=0, clock=time.thread_time)
    low, middle, high = statistics.quantiles([other / own for own, other in zip(ours, alone, strict=True)], n=4)
    return {
        "network": name,
        "batch": batch,
        "ours_images_per_second": round(batch / statistics.median(ours), 2),
        "runtime_images_per_second": round(batch / statistics.median(alone), 2),
        "ratio": round(middle, 3),
        "ratio_quartiles": [round(low, 3), round(high, 3)],
        "rounds": ROUNDS,
    }


def main() -> None:
    """Measure, write the results."""
    torch.set_num_threads(1)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for name in ("resnet18", "resnet50"):
            path = exported(name, Path(folder) / f"{name}.onnx")
            for batch in (1, batch_of(SIZE, SIZE)):
                rows.append(measure(name, batch, path))
                print(rows[-1], flush=True)
    machine = {
        "processor": processor(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "onnxruntime": version("onnxruntime"),
    }
    RESULT.write_text(json.dumps({"machine": machine, "rows": rows}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
