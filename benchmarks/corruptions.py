"""How fast and how faithful the corruptions are: both streams beside what people use, in one run, on one thread.

    python benchmarks/corruptions.py [--images 84] [--rounds 3] [--folder PICTURES]

At 32 pixels the other side of the race is the official functions written plainly (tests/lib/corruptions/plain.py), at
224 pixels the package imagecorruptions. Times are CPU milliseconds per image, the median of rounds in which the sides
take turns. Differences are those of the exact stream from the same random numbers. Cold is the CPU time of fresh
processes, one per corruption and with two small images each, first with a numba cache that starts empty, then with the
one that is left. The images are made from a seed, or the first of a folder, shorter side resized and the centre cut out.

Writes benchmarks/results/corruptions.csv and .json, and the tables of docs/corruptions.md.
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
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from PIL import Image, ImageOps

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "lib" / "corruptions")]

import plain  # noqa: E402
from pictures import pictures  # noqa: E402

from scripts.lib.corruptions import CORRUPTIONS, FAMILIES, IMAGENET_C, constants_for, corrupt  # noqa: E402
from scripts.lib.corruptions.blur import glass_blur  # noqa: E402
from scripts.lib.corruptions.numpy_stream import NumpyStream  # noqa: E402
from scripts.lib.corruptions.streams import seed_words  # noqa: E402

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
RESULTS = ROOT / "benchmarks" / "results"
PAGE = ROOT / "docs" / "corruptions.md"
BENCHMARK = [name for family in IMAGENET_C for name in FAMILIES[family]]
RIVAL = {32: "plain functions", 224: "imagecorruptions"}
COMPARED = {
    32: 12,
    224: 2,
}  # images whose differences are looked at; the plain glass blur takes a second for a large one

# Images and severity in, corrupted images out.
Maker = Callable[[np.ndarray, str, int], np.ndarray]


def ids(images: np.ndarray) -> list[str]:
    return [str(i) for i in range(len(images))]


def exact(images: np.ndarray, corruption: str, severity: int) -> np.ndarray:
    return corrupt(images, corruption, severity, dataset="benchmark", example_ids=ids(images))


def fast(images: np.ndarray, corruption: str, severity: int) -> np.ndarray:
    return corrupt(images, corruption, severity, dataset="benchmark", example_ids=ids(images), stream="fast")


def imagecorruptions(images: np.ndarray, corruption: str, severity: int) -> np.ndarray:
    return corrupt(
        images, corruption, severity, dataset="benchmark", example_ids=ids(images), engine="imagecorruptions"
    )


def official(images: np.ndarray, corruption: str, severity: int) -> np.ndarray:
    """The official functions, an image at a time, with the constants of the images' size."""
    constants = constants_for(corruption, images.shape[1])["severities"][severity - 1]
    options = {}
    if corruption == "elastic_transform":
        arguments = [constants["size"] * constants[name] for name in ("alpha", "sigma", "affine")]
        options["warp"] = plain.warp_of_its_time
    else:
        arguments = list(constants.values())
    chances = plain.random_states("benchmark", corruption, severity, ids(images))
    function = getattr(plain, corruption)
    pairs = zip(images, chances, strict=True)
    return np.stack([np.uint8(function(image, random, *arguments, **options)) for image, random in pairs])


def exact_as_seeded_by_imagecorruptions(images: np.ndarray, corruption: str, severity: int) -> np.ndarray | None:
    """Ours on the random numbers of imagecorruptions; None where it draws them from a generator of another kind."""
    if corruption == "impulse_noise":
        return None
    if corruption != "glass_blur":
        return exact(images, corruption, severity)

    def one_word() -> Iterator[NumpyStream]:
        stream = NumpyStream()
        for example_id in ids(images):
            stream.seed(seed_words("benchmark", corruption, severity, example_id)[0])
            yield stream

    return glass_blur(images, one_word(), **constants_for(corruption, images.shape[1])["severities"][severity - 1])


def milliseconds(maker: Maker, images: np.ndarray, corruption: str, severity: int) -> float:
    start = time.process_time()
    maker(images, corruption, severity)
    return (time.process_time() - start) * 1000 / len(images)


def difference(ours: np.ndarray | None, oracle: np.ndarray, name: str) -> dict:
    if ours is None:
        return {f"{name}_max": None, f"{name}_share": None}
    levels = np.abs(ours.astype(int) - oracle)
    return {f"{name}_max": int(levels.max()), f"{name}_share": float((levels > 0).mean())}


def compare(images: np.ndarray, corruption: str, severity: int, rounds: int) -> dict:
    size = images.shape[1]
    makers = {"exact": exact, "fast": fast, "rival": official if size == 32 else imagecorruptions}
    times = {name: [] for name in makers}
    for maker in makers.values():  # compiles, reads pictures and tables
        maker(images[:1], corruption, severity)
    for _ in range(rounds):
        for name, maker in makers.items():
            times[name].append(milliseconds(maker, images, corruption, severity))
    row = {"size": size, "corruption": corruption, "severity": severity}
    row |= {f"{name}_ms": statistics.median(taken) for name, taken in times.items()}

    few = images[: COMPARED[size]]
    row |= difference(exact(few, corruption, severity), official(few, corruption, severity), "official")
    if size == 224:
        ours = exact_as_seeded_by_imagecorruptions(few, corruption, severity)
        row |= difference(ours, imagecorruptions(few, corruption, severity), "imagecorruptions")
    return row


def cold_seconds() -> pd.DataFrame:
    """CPU seconds of a fresh process per corruption, which share a numba cache as the jobs of a study do."""
    rows = []
    with tempfile.TemporaryDirectory() as cache:
        for column in ("cold_s", "cached_s"):
            for corruption in CORRUPTIONS:
                code = (
                    "import numpy as np; from scripts.lib.corruptions import corrupt; corrupt("
                    f"np.full((2, 32, 32, 3), 100, np.uint8), {corruption!r}, 3, dataset='d', example_ids=['a', 'b'])"
                )
                before = resource.getrusage(resource.RUSAGE_CHILDREN)
                environment = os.environ | {"NUMBA_CACHE_DIR": cache}
                subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, check=True)
                after = resource.getrusage(resource.RUSAGE_CHILDREN)
                seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
                rows.append({"corruption": corruption, "when": column, "seconds": seconds})
    return pd.DataFrame(rows).pivot(index="corruption", columns="when", values="seconds").loc[list(CORRUPTIONS)]


def machine() -> dict:
    models = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    packages = ("numpy", "scipy", "numba", "scikit-image", "pillow", "imagecorruptions-imaug")
    return {
        "processor": models[0].split(":")[1].strip() if models else platform.processor(),
        "python": platform.python_version(),
        **{package: version(package) for package in packages},
        "opencv": cv2.__version__,
    }


def images_of(folder: Path | None, count: int, size: int) -> np.ndarray:
    """uint8[count, size, size, 3]."""
    if folder is None:
        return pictures(count, size, size)
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in (".jpg", ".jpeg", ".png"))[:count]
    if not files:
        raise SystemExit(f"there is no .jpg, .jpeg or .png in {folder}")
    opened = (Image.open(file).convert("RGB") for file in files)
    return np.stack([np.array(ImageOps.fit(image, (size, size), Image.Resampling.BILINEAR)) for image in opened])


def totals(table: pd.DataFrame, cold: pd.DataFrame) -> dict:
    """The 15 corruptions of the benchmark at five severities: milliseconds per image, and how many times faster."""
    sums = {}
    for size, part in table[table.corruption.isin(BENCHMARK)].groupby("size"):
        times = {name: float(part[f"{name}_ms"].sum()) for name in ("rival", "exact", "fast")}
        faster = {f"{name}_times_faster": times["rival"] / times[name] for name in ("exact", "fast")}
        sums[f"{size} px, 15 x 5"] = {"rival": RIVAL[size]} | {f"{name}_ms": t for name, t in times.items()} | faster
    sums["15 processes"] = {column: float(cold.loc[BENCHMARK, column].sum()) for column in ("cold_s", "cached_s")}
    return sums


def speed_table(table: pd.DataFrame, sums: dict) -> str:
    lines = [
        "| milliseconds per image | 32 px: plain functions | exact | fast | 224 px: imagecorruptions | exact | fast |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    means = table.groupby(["corruption", "size"], sort=False)[["rival_ms", "exact_ms", "fast_ms"]].mean()
    for corruption in CORRUPTIONS:
        small, large = means.loc[corruption, 32], means.loc[corruption, 224]
        numbers = [*(f"{time:.3f}" for time in small), *(f"{time:.2f}" for time in large)]
        lines.append(f"| {corruption} | {' | '.join(numbers)} |")
    cells = []
    for size in (32, 224):
        entry = sums[f"{size} px, 15 x 5"]
        cells.append(f"**{entry['rival_ms']:.1f}**")
        for name in ("exact", "fast"):
            cells.append(f"**{entry[f'{name}_ms']:.1f}** ({entry[f'{name}_times_faster']:.1f} times faster)")
    lines.append(f"| **all of the first 15, severities 1 to 5** | {' | '.join(cells)} |")
    cold = sums["15 processes"]
    lines += [
        "",
        f"A fresh process for each of the 15: {cold['cold_s']:.1f} CPU seconds together when everything has to be "
        f"compiled, {cold['cached_s']:.1f} when numba's cache is filled.",
    ]
    return "\n".join(lines)


def fidelity_table(table: pd.DataFrame) -> str:
    def cell(part: pd.DataFrame, name: str) -> str:
        largest, share = part[f"{name}_max"].max(), part[f"{name}_share"].max()
        if pd.isna(largest):
            return "not comparable"
        if largest == 0:
            return "equal"
        percent = f"{100 * share:.1f}" if share >= 0.01 else f"{100 * share:.1g}"
        return f"{largest:.0f} level{'s' if largest > 1 else ''}, {percent} %"

    lines = [
        "| largest difference, share of the values | official formula, 32 px | official formula, 224 px | imagecorruptions, 224 px |",
        "|---|---|---|---|",
    ]
    for corruption in CORRUPTIONS:
        small = table[(table.corruption == corruption) & (table["size"] == 32)]
        large = table[(table.corruption == corruption) & (table["size"] == 224)]
        cells = [cell(small, "official"), cell(large, "official"), cell(large, "imagecorruptions")]
        lines.append(f"| {corruption} | {' | '.join(cells)} |")
    return "\n".join(lines)


def write_between(page: str, name: str, text: str) -> str:
    """The page with the text between its markers `<!-- name -->` and `<!-- end of name -->` replaced."""
    start, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    before, rest = page.split(start)
    return f"{before}{start}\n{text}\n{end}{rest.split(end)[1]}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=84, help="images of 32 pixels; of 224 a twelfth of them")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="pictures to take instead of made ones")
    options = parser.parse_args()
    if any(os.environ.get(variable) != "1" for variable in THREADS):
        # They are read when the libraries load, so it takes a new process.
        os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | dict.fromkeys(THREADS, "1"))
    cv2.setNumThreads(1)
    np.seterr(all="ignore")

    rows = []
    for size, count in ((32, options.images), (224, max(2, options.images // 12))):
        images = images_of(options.folder, count, size)
        for corruption in CORRUPTIONS:
            rows += [compare(images, corruption, severity, options.rounds) for severity in range(1, 6)]
            print(f"{size} px, {corruption}", flush=True)
    table, cold = pd.DataFrame(rows), cold_seconds()
    sums = totals(table, cold)

    RESULTS.mkdir(exist_ok=True)
    table.join(cold, on="corruption").to_csv(RESULTS / "corruptions.csv", index=False)
    pictures_are = "made from a seed" if options.folder is None else f"the first of {options.folder.name}"
    report = {"machine": machine(), "images": options.images, "rounds": options.rounds, "pictures": pictures_are}
    (RESULTS / "corruptions.json").write_text(json.dumps(report | {"totals": sums}, indent=1) + "\n")
    page = PAGE.read_text(encoding="utf-8")
    where = ", ".join(f"{name} {found}" for name, found in machine().items() if name != "processor")
    note = f"On one thread of {machine()['processor']}; {where}. Pictures {pictures_are}."
    page = write_between(page, "fidelity", f"{fidelity_table(table)}\n\n{note}")
    page = write_between(page, "speed", f"{speed_table(table, sums)}\n\n{note}")
    PAGE.write_text(page, encoding="utf-8")
    print(json.dumps(sums, indent=1))


if __name__ == "__main__":
    main()
