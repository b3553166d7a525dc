"""How fast and how faithful the corruptions are: ours beside what people use, in one run, on one thread.

    python benchmarks/corruptions.py [--images 84] [--rounds 3]

At 32 pixels the other side is the official functions written plainly (tests/lib/corruptions/plain.py), at 224 pixels
imagecorruptions (severity for severity the same constants; frost and elastic_transform are other algorithms there, and
are compared with the official formula for equality only). Times are CPU milliseconds per image, the median of rounds in
which the two sides take turns. Cold is a fresh process that corrupts two images: CPU seconds with an empty numba cache,
and with a filled one. Writes benchmarks/results/corruptions.csv and .json.
"""

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import cv2
import imagecorruptions.corruptions as ic
import numpy as np
import pandas as pd
from PIL import Image

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "lib" / "corruptions")]

import plain  # noqa: E402
from pictures import pictures  # noqa: E402

from scripts.lib.corruptions import CORRUPTIONS, FAMILIES, constants_for, corrupt  # noqa: E402
from scripts.lib.corruptions.streams import streams  # noqa: E402

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
RESULTS = ROOT / "benchmarks" / "results"
BENCHMARK = [name for family in ("noise", "blur", "weather", "digital") for name in FAMILIES[family]]


def ours(images: np.ndarray, corruption: str, severity: int) -> np.ndarray:
    ids = [str(i) for i in range(len(images))]
    return corrupt(images, corruption, severity, dataset="benchmark", example_ids=ids)


def plainly(images: np.ndarray, corruption: str, severity: int, constants: dict, **options) -> np.ndarray:
    """The official functions, an image at a time, on the streams that ours uses."""
    chances = streams("benchmark", corruption, severity, [str(i) for i in range(len(images))])
    function, arguments = getattr(plain, corruption), constants[corruption][severity - 1]
    pairs = zip(images, chances, strict=True)
    return np.stack([np.uint8(function(image, random, *arguments, **options)) for image, random in pairs])


def by_imagecorruptions(images: np.ndarray, corruption: str, severity: int) -> np.ndarray:
    """The same streams, through NumPy's global one. Impulse noise and glass blur seed their own."""
    function = getattr(ic, corruption)
    seed = {"seed": 1} if corruption in ("impulse_noise", "glass_blur") else {}
    outputs = []
    chances = streams("benchmark", corruption, severity, [str(i) for i in range(len(images))])
    for image, random in zip(images, chances, strict=True):
        np.random.set_state(random.get_state())  # noqa: NPY002
        outputs.append(np.uint8(function(Image.fromarray(image), severity, **seed)))
    return np.stack(outputs)


def milliseconds(function: Callable[[], np.ndarray], images: int) -> tuple[float, np.ndarray]:
    start = time.process_time()
    output = function()
    return (time.process_time() - start) * 1000 / images, output


def compare(size: int, images: np.ndarray, corruption: str, severity: int, rounds: int) -> dict:
    def theirs() -> np.ndarray:
        if size == 224:
            return by_imagecorruptions(images, corruption, severity)
        return plainly(images, corruption, severity, plain.CIFAR_10_C)

    mine = lambda: ours(images, corruption, severity)  # noqa: E731
    # Compiles, reads pictures and tables.
    ours(images[:1], corruption, severity)
    if size == 224 and corruption == "glass_blur" and severity == 1:
        by_imagecorruptions(images[:1], corruption, severity)
    times = {"ours": [], "theirs": []}
    for _ in range(rounds):
        taken, output = milliseconds(mine, len(images))
        times["ours"].append(taken)
        taken, reference = milliseconds(theirs, len(images))
        times["theirs"].append(taken)

    oracle = "plain formula" if size == 32 else "imagecorruptions"
    if corruption == "elastic_transform":
        oracle, warp = "plain formula, OpenCV 2-4 warp", {"warp": plain.warp_of_its_time}
        table = plain.CIFAR_10_C if size == 32 else plain.IMAGENET_C
        reference = plainly(images[:2], corruption, severity, table, **warp)
    elif size == 224 and corruption in plain.IMAGENET_C:
        oracle, reference = "plain formula", plainly(images[:4], corruption, severity, plain.IMAGENET_C)
    elif size == 224 and corruption == "glass_blur":
        # imagecorruptions seeds a generator of its own here, so the plain formula is the oracle; it takes a second an image.
        table = {corruption: [tuple(entry.values()) for entry in constants_for(corruption, size)["severities"]]}
        oracle, reference = "plain formula", plainly(images[:1], corruption, severity, table)
    difference = np.abs(output[: len(reference)].astype(int) - reference)
    return {
        "size": size,
        "corruption": corruption,
        "severity": severity,
        "ours_ms": statistics.median(times["ours"]),
        "theirs_ms": statistics.median(times["theirs"]),
        "oracle": oracle,
        "max_difference": int(difference.max()),
        "share_different": float((difference > 0).mean()),
    }


def cold_seconds(corruption: str) -> dict:
    """CPU seconds of a fresh process, first with an empty numba cache, then with the one it left."""
    code = (
        "import numpy as np; from scripts.lib.corruptions import corrupt; "
        f"corrupt(np.full((2, 32, 32, 3), 100, np.uint8), {corruption!r}, 3, dataset='cold', example_ids=['a', 'b'])"
    )
    seconds = []
    with tempfile.TemporaryDirectory() as cache:
        for _ in range(2):
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            subprocess.run(
                [sys.executable, "-c", code], cwd=ROOT, env=os.environ | {"NUMBA_CACHE_DIR": cache}, check=True
            )
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            seconds.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return {"corruption": corruption, "cold_s": seconds[0], "cached_s": seconds[1]}


def machine() -> dict:
    models = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    packages = ("numpy", "scipy", "numba", "scikit-image", "opencv-python", "pillow", "imagecorruptions-imaug")
    return {
        "processor": models[0].split(":")[1].strip() if models else platform.processor(),
        "python": platform.python_version(),
        **{package: version(package) for package in packages},
    }


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """One row per size and corruption: means over severities, the worst of the differences."""
    rows = table.groupby(["size", "corruption"], sort=False).agg(
        ours_ms=("ours_ms", "mean"),
        theirs_ms=("theirs_ms", "mean"),
        oracle=("oracle", "first"),
        max_difference=("max_difference", "max"),
        share_different=("share_different", "max"),
    )
    rows.insert(2, "times_faster", rows.theirs_ms / rows.ours_ms)
    return rows.round({"ours_ms": 3, "theirs_ms": 3, "times_faster": 1})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=84, help="images of 32 pixels; of 224 a twelfth of them")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    if any(os.environ.get(variable) != "1" for variable in THREADS):
        # They are read when the libraries load, so it takes a new process.
        os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | dict.fromkeys(THREADS, "1"))
    cv2.setNumThreads(1)
    np.seterr(all="ignore")

    rows = []
    for size, count in ((32, options.images), (224, max(2, options.images // 12))):
        images = pictures(count, size, size)
        for corruption in CORRUPTIONS:
            for severity in range(1, 6):
                rows.append(compare(size, images, corruption, severity, options.rounds))
    table = pd.DataFrame(rows)
    cold = pd.DataFrame([cold_seconds(corruption) for corruption in CORRUPTIONS])

    totals = {}
    for size, part in table[table.corruption.isin(BENCHMARK)].groupby("size"):
        mine, theirs = part.ours_ms.sum(), part.theirs_ms.sum()
        totals[f"{size} px, 15 x 5"] = {"ours_ms": mine, "theirs_ms": theirs, "times_faster": theirs / mine}
    benchmark = cold[cold.corruption.isin(BENCHMARK)]
    totals["cold, 15"] = {"cold_s": float(benchmark.cold_s.sum()), "cached_s": float(benchmark.cached_s.sum())}

    print(summary(table).to_string())
    print(cold.round(2).to_string(index=False))
    print(json.dumps(totals, indent=1))
    RESULTS.mkdir(exist_ok=True)
    table.merge(cold, on="corruption").to_csv(RESULTS / "corruptions.csv", index=False)
    report = {"machine": machine(), "images": options.images, "rounds": options.rounds, "totals": totals}
    (RESULTS / "corruptions.json").write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
