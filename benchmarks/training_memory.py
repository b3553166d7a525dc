"""How much memory a job that trains on ImageNet's image size needs, whatever the number of its pictures.

    python benchmarks/training_memory.py

ResNet-50 on random 224-pixel windows of pictures in shards, batches of 64 in 4 parts, on one CPU thread with two threads that decode. Each number of
pictures has a process of its own; what is stated is the largest resident memory of the whole process (getrusage), with Python, torch and all.
Pictures are those of the benchmarks of corruptions, stored again and again under other names. Results: results/training_memory.json.
"""

import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from PIL import Image

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

from corruptions import machine, pictures  # noqa: E402

from scripts.lib.data.shard_writing import stored  # noqa: E402
from scripts.lib.data.shards import EVALUATION, ShardedImages, writing_shards  # noqa: E402

RESULT = ROOT / "benchmarks/results/training_memory.json"
COUNTS = (512, 4096, 16384)
STEPS, CLASSES = 2, 1000
SETTINGS = {
    "epochs": 1,
    "steps": STEPS,
    "batch_size": 64,
    "accumulation": 4,
    "learning_rate": 0.1,
    "warmup": 0.0,
    "momentum": 0.9,
    "weight_decay": 1e-4,
    "augmentation": "random_resized_crop",
}


def store(count: int, path: Path) -> None:
    """So many pictures in one shard."""
    files = [stored(Image.fromarray(image), 256, 90) for image in pictures(32, 375, 500)]
    with writing_shards([path]) as (shard,):
        for number in range(count):
            shard.put(str(number), number % CLASSES, files[number % len(files)])


def train(path: Path) -> None:
    """Two steps; prints how much memory the process took at most, in bytes."""
    from scripts.lib.training.loop import Training
    from scripts.lib.training.pictures import PicturesInShards

    torch.set_num_threads(1)
    images = ShardedImages([path])
    boxes = EVALUATION["resize_then_crop"](images.sizes)
    labels = torch.from_numpy(np.arange(len(images)) % CLASSES)
    level, network = {"name": "dense", "method": "none"}, {"name": "resnet50_v1"}
    training = Training(
        PicturesInShards(images, boxes, 224, 2, torch.device("cpu")), labels, CLASSES, level, 0, network, SETTINGS, {}
    )
    for _ in training.run():
        pass
    print(1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def main() -> None:
    """Measure each number of pictures, write the results."""
    if len(sys.argv) > 1:
        train(Path(sys.argv[1]))
        return
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for count in COUNTS:
            path = Path(folder) / f"{count}.jpegs"
            store(count, path)
            said = subprocess.run(
                [sys.executable, __file__, str(path)], check=True, capture_output=True, text=True
            ).stdout
            found[count] = int(said.split()[-1])
            print(f"{count} pictures, {path.stat().st_size / 1e6:.0f} MB: {found[count] / 1e9:.2f} GB")
            path.unlink()
    results = {
        "machine": machine(),
        "network": "resnet50_v1",
        "size": 224,
        "steps": STEPS,
        "settings": SETTINGS,
        "peak_resident_bytes": found,
    }
    RESULT.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
