"""What the demo's numbers are on every x86-64 processor with AVX2: digests of its data, models, predictions and tables.

    snakemake demo && python tests/golden.py     # writes golden.json anew from results/demo, after a change that is meant to change them

A digest that differs names the stage that differs first: what a stage reads was the same if its own stage's digest is.
"""

import hashlib
import json
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

GOLDEN = Path(__file__).with_name("golden.json")
LEVEL = {"name": "tiny", "method": "block", "sparsity": 0.5, "block": [5, 5]}
NETWORK = {"name": "plain", "channels": [5, 10, 20, 20]}
PRUNING = {"begin": 0.2, "end": 0.8, "every": 2, "layers": "convolutions_but_first"}
TRAINING = {"epochs": 2, "batch_size": 64, "learning_rate": 0.2, "warmup": 0.15, "momentum": 0.9, "weight_decay": 5e-4}


def digest(*parts: bytes) -> str:
    """The first 16 hexadecimal digits of SHA-256."""
    return hashlib.sha256(b"".join(parts)).hexdigest()[:16]


def digest_of_arrays(arrays) -> str:
    """Of the arrays' dtypes, shapes and bytes."""
    return digest(*(f"{a.dtype.str}{a.shape}".encode() + np.ascontiguousarray(a).tobytes() for a in arrays))


def tiny(arithmetic: str) -> dict[str, str]:
    """A second's training of one model on made images, and what it predicts before and after it is quantized.

    In a process of its own, because the arithmetic is chosen once. Every kind of operation that the demo trains and predicts with is in it.
    """
    import torch

    from scripts.lib.compression.calibration import calibrate
    from scripts.lib.compression.quantization import quantize_network
    from scripts.lib.networks.architectures import normalized
    from scripts.lib.networks.arithmetic import set_arithmetic
    from scripts.lib.networks.predicting import probabilities
    from scripts.lib.training.loop import train_model

    torch.set_num_threads(1)
    computes_with = set_arithmetic(arithmetic)
    random = np.random.Generator(np.random.PCG64(0))
    labels = torch.arange(512) % 10
    noise = random.integers(0, 100, (512, 32, 32, 3), dtype=np.uint8)
    images = torch.from_numpy(noise) + (15 * labels[:, None, None, None]).to(torch.uint8)
    model, _ = train_model(images, labels, 10, LEVEL, 0, NETWORK, TRAINING, PRUNING)
    quantized = quantize_network(model, "int8_static", calibrate(model, normalized(images[:100])))
    return {
        "arithmetic": computes_with,
        "weights": digest_of_arrays(tensor.numpy() for tensor in model.state_dict().values()),
        "probabilities": digest_of_arrays([probabilities(model, images)]),
        "quantized": digest_of_arrays([probabilities(quantized, images)]),
    }


def demo(results: Path) -> dict[str, dict[str, str]]:
    """Of a finished demo, stage by stage; tables of times aside."""
    import pyarrow.parquet as pq
    from safetensors.numpy import load_file

    def level(path: Path) -> str:
        return "/".join(path.relative_to(results).with_suffix("").parts[1:])

    def tensors(path: Path) -> str:
        return digest_of_arrays(array for _, array in sorted(load_file(path).items()))

    def columns(path: Path) -> str:
        table = pq.read_table(path)
        return digest(*(name.encode() + repr(table[name].to_pylist()).encode() for name in table.column_names))

    models = sorted((results / "models").rglob("*.safetensors"))
    predictions = sorted((results / "predictions").rglob("clean.parquet"))
    tables = sorted(path for path in (results / "tables").glob("*.csv") if not path.stem.startswith("cost"))
    return {
        "data": json.loads((results / "data/manifest.json").read_text())["sha256"],
        "models": {level(path): tensors(path) for path in models},
        "predictions": {level(path): columns(path) for path in predictions},
        "tables": {path.stem: digest(path.read_bytes()) for path in tables},
    }


def main() -> None:
    """Print the tiny study's digests with an arithmetic, or write golden.json from a folder of results."""
    if sys.argv[1:2] in (["portable"], ["fastest"]):
        print(json.dumps(tiny(sys.argv[1])))
        return
    import torch

    results = Path(sys.argv[1] if len(sys.argv) > 1 else "results/demo")
    found = {"torch": torch.__version__.partition("+")[0], "tiny": tiny("portable"), "demo": demo(results)}
    GOLDEN.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
