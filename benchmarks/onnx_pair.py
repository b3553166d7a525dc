"""How long a pair of ONNX files takes from the command to the report and the gate: ResNet-50, its int8 file by onnxruntime, 2,000 photographs' worth of JPEG.

    python benchmarks/onnx_pair.py

Weights and pictures are made, so what is said of them means nothing; how long it takes does not hang on that. The quantized file is what
`onnxruntime.quantization.quantize_static` makes (QDQ, a scale for each channel, calibrated on 16 pictures). Snakemake runs with two cores in an empty folder. Beside it stands
what the runtime alone takes for the same number of images, one session a core, in arrays that are ready: the least that any tool could take. Results: results/onnx_pair.json.
"""

import json
import platform
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path

import numpy as np
import onnxruntime as ort
import yaml
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process
from PIL import Image

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.audit_scale import processor  # noqa: E402
from benchmarks.corruptions import pictures  # noqa: E402
from benchmarks.runner_overhead import exported  # noqa: E402

RESULT = ROOT / "benchmarks/results/onnx_pair.json"
CLASSES, EACH, SIZE, CORES, BATCH = 1000, 2, 224, 2, 16
CALIBRATED = 16


class Calibration(CalibrationDataReader):
    """Pictures, normalized, one at a time."""

    def __init__(self, images: np.ndarray) -> None:
        self.batches = iter([{"images": image[None]} for image in images])

    def get_next(self) -> dict | None:
        return next(self.batches, None)


def made_files(folder: Path) -> tuple[str, str]:
    """The dense file and the quantized one."""
    dense = exported("resnet50", folder / "dense.onnx")
    inferred, quantized = str(folder / "inferred.onnx"), str(folder / "int8.onnx")
    quant_pre_process(dense, inferred)
    images = np.random.default_rng(1).normal(size=(CALIBRATED, 3, SIZE, SIZE)).astype(np.float32)
    options = {"quant_format": QuantFormat.QDQ, "per_channel": True, "weight_type": QuantType.QInt8}
    quantize_static(inferred, quantized, Calibration(images), **options)
    return dense, quantized


def made_images(folder: Path) -> str:
    """A folder a class with JPEG files of 256 pixels."""
    sources = pictures(64, SIZE + 32, SIZE + 32)
    shift = np.random.default_rng(2)
    for label in range(CLASSES):
        (folder / f"class{label:04d}").mkdir(parents=True)
        for number in range(EACH):
            source = sources[(label * EACH + number) % len(sources)].astype(int) + shift.integers(-30, 30, 3)
            image = Image.fromarray(np.clip(source, 0, 255).astype(np.uint8))
            image.save(folder / f"class{label:04d}" / f"{number}.JPEG", quality=90)
    return str(folder)


def seconds_alone(path: str) -> float:
    """What the runtime takes for all images, one session with one thread on each core, each its share."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    sessions = [ort.InferenceSession(path, options, providers=["CPUExecutionProvider"]) for _ in range(CORES)]
    ready = np.random.default_rng(3).normal(size=(BATCH, 3, SIZE, SIZE)).astype(np.float32)

    def work(session: ort.InferenceSession) -> None:
        for _ in range(CLASSES * EACH // CORES // BATCH):
            session.run(None, {"images": ready})

    start = time.monotonic()
    with ThreadPoolExecutor(CORES) as threads:
        list(threads.map(work, sessions))
    done = CLASSES * EACH // CORES // BATCH * BATCH * CORES
    return (time.monotonic() - start) * CLASSES * EACH / done


def run_pair(folder: Path, dense: str, compressed: str, images: str) -> tuple[float, dict]:
    """Seconds from the command to the report and the gate, and what the gate says."""
    folder.mkdir()
    study = {"pair": {"dense": dense, "compressed": compressed, "images": images}}
    study["audit"] = {"accept": [{"metric": "flips", "margin": 0.05}, {"metric": "bytes", "margin": 0.5}]}
    (folder / "study.yaml").write_text(yaml.safe_dump(study))
    command = [str(Path(sys.executable).with_name("snakemake")), "--snakefile", ROOT / "Snakefile"]
    command += ["--directory", folder, "--workflow-profile", ROOT / "profiles/default", "--cores", str(CORES)]
    command += ["--configfile", folder / "study.yaml", "--keep-going", "--", "all", "gate"]
    start = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    wall = time.monotonic() - start
    results = folder / "results/pair"
    if not ((results / "report.html").exists() and (results / "gate.json").exists()):
        raise SystemExit(done.stdout + done.stderr)
    return wall, json.loads((results / "gate.json").read_text())


def main() -> None:
    """Make the files, run, write the results."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        dense, compressed = made_files(folder)
        images = made_images(folder / "images")
        alone = {"dense": seconds_alone(dense), "int8": seconds_alone(compressed)}
        print(alone, flush=True)
        wall, gate = run_pair(folder / "study", dense, compressed, images)
    found = {
        "machine": {"processor": processor(), "cores": CORES, "python": platform.python_version()},
        "versions": {package: version(package) for package in ("onnxruntime", "onnx", "torch", "snakemake")},
        "images": CLASSES * EACH,
        "command_to_gate_and_report_s": round(wall, 1),
        "runtime_alone_s": {name: round(seconds, 1) for name, seconds in alone.items()},
        "runtime_share_of_wall": round(sum(alone.values()) / wall, 2),
        "gate": {promise["metric"]: promise["verdict"] for promise in gate["promises"]},
    }
    print(json.dumps(found, indent=1))
    RESULT.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
