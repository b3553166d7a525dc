"""What a whole ImageNet-C costs: from picture files to 75 variants of each as JPEG files, as `snakemake corruptions` makes them.

    python benchmarks/imagenet_c.py [--images 400] [--rounds 2] [--data FOLDER_OR_PARQUET]

Runs the workflow on one core and on two in turn, each time from nothing, and counts the CPU time of every process it starts. Beside it,
in the same run and on one thread, the way it is done with the package imagecorruptions: decode, corrupt, save, for each variant anew.
The pictures are made from a seed (500 x 375 pixels, JPEG), or those of an image folder or of a Hugging Face parquet file.

Writes benchmarks/results/imagenet_c.json and the table of docs/corruptions.md.
"""

import argparse
import csv
import hashlib
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import yaml
from PIL import Image

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

from corruptions import BENCHMARK, PAGE, RESULTS, THREADS, machine, pictures, write_between  # noqa: E402

from scripts.lib.corruptions import corrupt  # noqa: E402
from scripts.lib.data.preparations import resize_then_crop  # noqa: E402

RIVAL_IMAGES = 3


def make_pictures(folder: Path, count: int) -> None:
    """An image folder of JPEG files of 500 x 375 pixels."""
    for index, image in enumerate(pictures(count, 375, 500)):
        path = folder / f"{index % 10}" / f"{index}.JPEG"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(path, quality=90)


def study_of(data: Path, shards: int) -> dict:
    """The study whose corruptions are made."""
    source = "parquet" if data.is_file() else "image_folder"
    options = {"name": "benchmark", "test": str(data), "preparation": "resize_then_crop", "size": 224}
    corruptions = {"layout": "imagenet-c", "names": BENCHMARK, "subset": "all", "shards": shards}
    return {"study": "benchmark", "data": {"source": source, source: options}, "corruptions": corruptions}


def cpu_seconds() -> float:
    """CPU time of all finished children."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def run_workflow(folder: Path, study: dict, cores: int) -> dict:
    """`snakemake corruptions` in an empty folder."""
    folder.mkdir()
    (folder / "study.yaml").write_text(yaml.safe_dump(study))
    command = [Path(sys.executable).with_name("snakemake"), "--snakefile", ROOT / "Snakefile", "--directory", folder]
    command += ["--workflow-profile", ROOT / "profiles" / "default", "--cores", str(cores)]
    command += ["--configfile", folder / "study.yaml", "--", "corruptions"]
    before, start = cpu_seconds(), time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    wall, cpu = time.monotonic() - start, cpu_seconds() - before
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)
    root = folder / "results" / "benchmark" / "corrupted"
    manifest = json.loads((root / "manifest.json").read_text())
    files = [path for path in root.rglob("*.JPEG") if "clean" not in path.relative_to(root).parts[:1]]
    digest = hashlib.sha256("".join(path.read_text() for path in sorted(root.rglob("*.sha256"))).encode()).hexdigest()
    memory = [
        float(row["max_rss"])
        for path in (folder / "results" / "benchmark" / "benchmarks").rglob("*.tsv")
        for row in csv.DictReader(path.open(), delimiter="\t")
        if row["max_rss"] != "NA"
    ]
    return {
        "images": manifest["examples"],
        "wall_s": wall,
        "cpu_ms_per_image": 1000 * cpu / manifest["examples"],
        "files": len(files),
        "mb_per_image": sum(path.stat().st_size for path in files) / 2**20 / manifest["examples"],
        "largest_job_mb": max(memory) if memory else None,
        "digest": digest,
    }


def rival_ms(folder: Path) -> float:
    """CPU milliseconds per image of decoding, corrupting with imagecorruptions and saving, once for each variant."""
    files = sorted(folder.rglob("*.JPEG"))[: RIVAL_IMAGES + 1]
    times = []
    with tempfile.TemporaryDirectory() as made:
        for number, file in enumerate(files):  # the first compiles
            start = time.process_time()
            for corruption in BENCHMARK:
                for severity in range(1, 6):
                    picture = resize_then_crop(Image.open(file).convert("RGB"), 224)
                    options = {"dataset": "benchmark", "example_ids": [file.name], "engine": "imagecorruptions"}
                    image = corrupt(np.asarray(picture)[None], corruption, severity, **options)[0]
                    target = Path(made, corruption, str(severity), file.name)
                    target.parent.mkdir(parents=True, exist_ok=True)
                    Image.fromarray(image).save(target, quality=85, optimize=True)
            if number:
                times.append(1000 * (time.process_time() - start))
    return statistics.mean(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--images", type=int, default=400, help="pictures that are made; with --data all of it is taken"
    )
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--shards", type=int, default=2)
    parser.add_argument("--data", type=Path, help="pictures to take instead of made ones")
    options = parser.parse_args()
    if any(os.environ.get(variable) != "1" for variable in THREADS):
        os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | dict.fromkeys(THREADS, "1"))
    np.seterr(all="ignore")

    with tempfile.TemporaryDirectory() as temporary:
        here = Path(temporary)
        make_pictures(here / "few", max(4, RIVAL_IMAGES + 1))
        data = options.data.resolve() if options.data else here / "pictures"
        if not options.data:
            make_pictures(data, options.images)
        run_workflow(here / "warm", study_of(here / "few", 1), 2)  # compiles for all that follow
        study = study_of(data, options.shards)
        runs: dict[int, list[dict]] = {1: [], 2: []}
        for number in range(options.rounds):
            for cores in runs:
                runs[cores].append(run_workflow(here / f"{cores}-{number}", study, cores))
                print(cores, "cores:", json.dumps(runs[cores][-1]), flush=True)
        rival = rival_ms(here / "few")

    everything = [run for made in runs.values() for run in made]
    if len({run["digest"] for run in everything}) != 1:
        raise SystemExit("the runs made different files")
    first = everything[0]
    wall = {cores: statistics.median(run["wall_s"] for run in made) for cores, made in runs.items()}
    cpu = statistics.median(run["cpu_ms_per_image"] for run in runs[1])
    result = {
        "machine": machine(),
        "pictures": options.data.name if options.data else "made from a seed, 500 x 375",
        "images": first["images"],
        "files": first["files"],
        "mb_per_image": first["mb_per_image"],
        "shards": options.shards,
        "rounds": options.rounds,
        "cpu_ms_per_image": cpu,
        "imagecorruptions_ms_per_image": rival,
        "times_faster": rival / cpu,
        "wall_s": wall,
        "two_cores_times_faster": wall[1] / wall[2],
        "largest_job_mb": max(run["largest_job_mb"] or 0 for run in everything),
        "runs": runs,
    }
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "imagenet_c.json").write_text(json.dumps(result, indent=1) + "\n")
    where = ", ".join(f"{name} {found}" for name, found in machine().items() if name != "processor")
    text = "\n".join(
        [
            f"| {first['images']} images, 75 variants each | |",
            "|---|--:|",
            f"| CPU time per image, start-up of all jobs included | {cpu:.0f} ms |",
            f"| the same with imagecorruptions, decoding for each variant ({RIVAL_IMAGES} images) | {rival:.0f} ms |",
            f"| ratio | {rival / cpu:.1f} |",
            f"| wall time on one core, on two | {wall[1]:.0f} s, {wall[2]:.0f} s: {wall[1] / wall[2]:.2f} times faster |",
            f"| files per image | {first['mb_per_image']:.2f} MB |",
            f"| memory of the largest job | {result['largest_job_mb']:.0f} MB |",
            "",
            f"Median of {options.rounds} rounds, equal files in all of them. {machine()['processor']}; {where}. "
            f"Pictures: {result['pictures']}.",
        ]
    )
    PAGE.write_text(write_between(PAGE.read_text(encoding="utf-8"), "end to end", text), encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
