"""What reading training pictures from shards costs beside decoding them.

    python benchmarks/decode_shards.py [--rounds 41] [--batches 1] [--batch 256] [--data PARQUET]

Both sides make the same images of the same pictures in the same order: uint8[224, 224, 3] of a random box of each (8 to 100 % of its area, as
random resized crops have), every second one flipped. `pure` has the JPEG files in memory as a list of bytes and does nothing but open
them, resize the box and turn it into an array, with as many threads, each with an equal part of them, and throws the array away. `pipeline` is
ShardedImages.batch: it finds, reads and checks the files too, and puts the images into one array. They take turns in each round; a
round's result is the ratio of their images per second, and beside it that of their CPU times, which other programs on the machine disturb
less. The bytes of both are compared before.

The pictures are made from a seed (500 x 375 pixels before they are stored), or those of a Hugging Face parquet file.
Writes benchmarks/results/decode_shards.json.
"""

import argparse
import io
import json
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from PIL import Image

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

from corruptions import machine, pictures  # noqa: E402

from scripts.lib.data.shard_writing import stored  # noqa: E402
from scripts.lib.data.shards import ShardedImages, decoder, read_index, writing_shards  # noqa: E402

RESULTS = ROOT / "benchmarks" / "results" / "decode_shards.json"
SIZE, SHARDS = 224, 4


def made(count: int) -> list[Image.Image]:
    """Pictures of the sizes that photographs have."""
    return [Image.fromarray(image) for image in pictures(count, 375, 500)]


def brought(path: Path) -> list[Image.Image]:
    """The pictures of a Hugging Face parquet file."""
    return [Image.open(io.BytesIO(cell["bytes"])).convert("RGB") for cell in pq.read_table(path)["image"].to_pylist()]


def random_boxes(sizes: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Boxes of 8 to 100 % of the area and 3:4 to 4:3, cut to the picture, float64[B, 4]; sizes: int64[B, 2], heights and widths."""
    area = sizes.prod(axis=1) * random.uniform(0.08, 1, len(sizes))
    ratio = np.exp(random.uniform(np.log(3 / 4), np.log(4 / 3), len(sizes)))
    extent = np.minimum(np.stack([np.sqrt(area / ratio), np.sqrt(area * ratio)], axis=1), sizes)
    begin = (sizes - extent) * random.random(sizes.shape)
    return np.concatenate([begin[:, ::-1], (begin + extent)[:, ::-1]], axis=1)


def decode(data: bytes, box: list[float], flip: bool) -> np.ndarray:
    """One image by plain means."""
    with Image.open(io.BytesIO(data)) as picture:
        image = np.asarray(picture.resize((SIZE, SIZE), Image.Resampling.BILINEAR, box))
    return image[:, ::-1] if flip else image


def pure(files: list[bytes], boxes: list[list[float]], flips: list[bool], threads: int) -> None:
    """Decode all, and keep nothing."""

    def part(first: int) -> None:
        for row in range(first, len(files), threads):
            decode(files[row], boxes[row], flips[row])

    if threads == 1:
        part(0)
        return
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(part, range(threads)))


def seconds(function: Callable[[], object]) -> np.ndarray:
    """How long a call takes and how much CPU time, float64[2]."""
    wall, cpu = time.perf_counter(), time.process_time()
    function()
    return np.array([time.perf_counter() - wall, time.process_time() - cpu])


def measure(images: ShardedImages, files: list[bytes], arguments: argparse.Namespace) -> dict:
    """Images per second of both, for one thread and two, and the ratios of the rounds."""
    random = np.random.default_rng(0)
    chosen = [random.integers(0, len(images), arguments.batch) for _ in range(arguments.batches)]
    boxes = [random_boxes(images.sizes[batch], random) for batch in chosen]
    flips = np.arange(arguments.batch) % 2 == 1
    wanted = [[files[position] for position in batch] for batch in chosen]
    for row in range(arguments.batch):
        plain = decode(wanted[0][row], boxes[0][row].tolist(), bool(flips[row]))
        assert np.array_equal(
            images.batch(chosen[0][row : row + 1], boxes[0][row : row + 1], SIZE, flips[row : row + 1])[0], plain
        )
    found = {}
    for threads in (1, 2):

        def pipeline(threads: int = threads) -> None:
            for batch, box in zip(chosen, boxes, strict=True):
                images.batch(batch, box, SIZE, flips, threads)

        def alone(threads: int = threads) -> None:
            for data, box in zip(wanted, boxes, strict=True):
                pure(data, box.tolist(), flips.tolist(), threads)

        alone(), pipeline()
        rounds = []
        for number in range(arguments.rounds):
            first, second = (alone, pipeline) if number % 2 else (pipeline, alone)
            took = {first: seconds(first), second: seconds(second)}
            rounds.append((took[alone], took[pipeline]))
        took = np.array(rounds)  # round, side, wall or CPU
        ratios = took[:, 0] / took[:, 1]
        per_second = arguments.batch * arguments.batches / np.median(took[:, :, 0], axis=0)
        found[str(threads)] = {
            "pure_images_per_s": float(per_second[0]),
            "pipeline_images_per_s": float(per_second[1]),
            "ratio": float(np.median(ratios[:, 0])),
            "ratio_of_cpu_time": float(np.median(ratios[:, 1])),
            "ratios": ratios[:, 0].tolist(),
        }
        print(threads, "threads:", {name: value for name, value in found[str(threads)].items() if name != "ratios"})
    return found


def main() -> None:
    """Store, measure, write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=41)
    parser.add_argument("--batches", type=int, default=1)
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--images", type=int, default=400)
    parser.add_argument("--data", type=Path)
    arguments = parser.parse_args()
    originals = made(arguments.images) if arguments.data is None else brought(arguments.data)
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{shard}.jpegs" for shard in range(SHARDS)]
        start = time.perf_counter()
        with writing_shards(paths) as shards:
            for number, picture in enumerate(originals):
                shards[number * SHARDS // len(originals)].put(str(number), 0, stored(picture, 256, 90))
        milliseconds = 1000 * (time.perf_counter() - start) / len(originals)
        images = ShardedImages(paths)
        content = [(path.read_bytes(), read_index(path)[0]) for path in paths]
        files = [whole[row["offset"] : row["offset"] + row["length"]] for whole, index in content for row in index]
        results = {
            "machine": machine(),
            "decoder": decoder(),
            "pictures": "made" if arguments.data is None else arguments.data.name,
            "images": len(images),
            "kb_per_picture": sum(map(len, files)) / 1000 / len(files),
            "shrink_and_encode_ms": milliseconds,
            "size": SIZE,
            "batch": arguments.batch,
            "rounds": arguments.rounds,
            "threads": measure(images, files, arguments),
        }
    RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
