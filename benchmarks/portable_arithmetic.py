"""Portable arithmetic: whether other processors train the same weights, and what it costs.

    python benchmarks/portable_arithmetic.py            # the emulated processors; needs qemu-x86_64 (Debian: qemu-user)
    python benchmarks/portable_arithmetic.py --cost     # training with portable beside fastest arithmetic, on this processor

The tiny study of tests/golden.py runs on processors of other makers, ages and cache sizes, which QEMU emulates to the bit, and its
digests stand beside golden.json's in results/portable_arithmetic.json. QEMU has no AVX-512. `claims AVX-512` is a copy of it that only
says it has: a program that uses one such instruction ends there, so one that comes through used none.
"""

import json
import os
import platform
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
GOLDEN = ROOT / "tests/golden.json"
RESULT = ROOT / "benchmarks/results/portable_arithmetic.json"
STAGES = ("weights", "probabilities", "quantized")
CLAIMS_AVX512 = "claims AVX-512"

# What is emulated -> QEMU's name for it. Data caches, as the libraries see them: level 1, 2 and 3.
PROCESSORS = {
    "AMD Milan (32 KiB, 512 KiB, 32 MiB)": "EPYC-Milan",
    "AMD Naples (32 KiB, 512 KiB, 8 MiB)": "EPYC",
    "Intel Haswell (32 KiB, 4 MiB, 16 MiB)": "Haswell-v4",
    "Intel Skylake (32 KiB, 4 MiB, 16 MiB)": "Skylake-Client-v4",
    f"Intel Skylake server, {CLAIMS_AVX512}": "Skylake-Server-v4",
}
# The libraries that would use AVX-512 whatever torch is told, and that compute nothing here: the C library and numpy.
WITHOUT_AVX512 = {
    "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX512F,-AVX512VL,-AVX512BW,-AVX512DQ,-AVX512CD",
    "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR",
    "OPENBLAS_CORETYPE": "Haswell",
}
FEATURES_7_2 = 0x01D843A9  # leaf 7, EBX, of what QEMU 7.2 emulates
AVX512 = sum(1 << bit for bit in (16, 17, 28, 30, 31))  # F, DQ, CD, BW and VL in it


def claiming_avx512(folder: Path) -> Path:
    """A copy of QEMU 7.2 that says it has AVX-512. ValueError for another version."""
    found = subprocess.run(["which", "qemu-x86_64"], capture_output=True, text=True, check=True).stdout.strip()
    program = Path(found).read_bytes()
    if program.count(struct.pack("<I", FEATURES_7_2)) != 1:
        raise ValueError(f"{found} is not QEMU 7.2, whose table of features this script knows.")
    copy = folder / "qemu-claims-avx512"
    copy.write_bytes(program.replace(struct.pack("<I", FEATURES_7_2), struct.pack("<I", FEATURES_7_2 | AVX512)))
    copy.chmod(0o755)
    return copy


def tiny(arithmetic: str, emulator: list[str], environment: dict[str, str]) -> dict[str, str] | None:
    """The digests of the tiny study; None if the process ended at an instruction that the processor does not have."""
    command = [*emulator, sys.executable, "-W", "ignore", "tests/golden.py", arithmetic]
    environment = os.environ | environment | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return json.loads(done.stdout)
    if done.returncode == -4 or "Illegal instruction" in done.stderr:
        return None
    sys.exit(done.stderr)


def compare(folder: Path) -> dict[str, dict[str, str]]:
    """For each processor and arithmetic, which stages differ from golden.json."""
    golden = json.loads(GOLDEN.read_text())["tiny"]
    found: dict[str, dict[str, str]] = {}
    for name, model in PROCESSORS.items():
        claims = CLAIMS_AVX512 in name
        emulator = [str(claiming_avx512(folder)) if claims else "qemu-x86_64", "-cpu", model]
        found[name] = {}
        for arithmetic in ("portable", "fastest"):
            digests = tiny(arithmetic, emulator, WITHOUT_AVX512 if claims else {})
            if digests is None:
                answer = "ended at an AVX-512 instruction"
            else:
                differ = [stage for stage in STAGES if digests[stage] != golden[stage]]
                answer = f"other {', '.join(differ)}" if differ else "the golden digests"
            found[name][arithmetic] = answer
            print(f"{name}, {arithmetic}: {answer}", flush=True)
    return found


def seconds(arithmetic: str) -> None:
    """Print the CPU seconds of a training like the demo's, round after round, one for each line that is read."""
    import numpy as np
    import torch

    sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
    from golden import NETWORK, TRAINING

    from scripts.lib.networks.arithmetic import set_arithmetic
    from scripts.lib.training.loop import train_model

    torch.set_num_threads(1)
    set_arithmetic(arithmetic)
    random = np.random.Generator(np.random.PCG64(0))
    images = torch.from_numpy(random.integers(0, 256, (3200, 32, 32, 3), dtype=np.uint8))
    labels = torch.from_numpy(random.integers(0, 10, 3200))
    for line in sys.stdin:
        begin = time.process_time()
        train_model(images, labels, 10, {"name": "dense", "method": "none"}, int(line), NETWORK, TRAINING, {})
        print(time.process_time() - begin, flush=True)


def cost(rounds: int = 20) -> dict[str, float | int]:
    """CPU time of portable training over that of fastest training, the two taking turns."""
    import numpy as np

    names = ("portable", "fastest")
    command = [sys.executable, __file__, "--seconds"]
    pipes = {"cwd": ROOT, "stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    processes = {name: subprocess.Popen([*command, name], **pipes) for name in names}
    taken: dict[str, list[float]] = {name: [] for name in names}
    for number in range(rounds + 1):
        for name in names if number % 2 else reversed(names):
            process = processes[name]
            process.stdin.write(f"{number}\n")
            process.stdin.flush()
            taken[name].append(float(process.stdout.readline()))
    for process in processes.values():
        process.stdin.close()
        process.wait()
    ratios = np.array(taken["portable"][1:]) / np.array(taken["fastest"][1:])
    quartiles = np.quantile(ratios, [0.25, 0.5, 0.75]).round(3).tolist()
    return {"rounds": rounds, "ratio": quartiles[1], "quartiles": [quartiles[0], quartiles[2]]}


def main() -> None:
    """Put what was asked for into the result, beside what is there."""
    if sys.argv[1:2] == ["--seconds"]:
        seconds(sys.argv[2])
        return
    import torch

    result = json.loads(RESULT.read_text()) if RESULT.exists() else {}
    if "--cost" in sys.argv:
        processor = f"{torch.cpu.get_capabilities()['cpu_name']}, {torch.backends.cpu.get_cpu_capability()}"
        result["cost"] = result.get("cost", {}) | {processor: cost()}
        print(processor, result["cost"][processor])
    else:
        with tempfile.TemporaryDirectory() as folder:
            result["processors"] = compare(Path(folder))
    result |= {"torch": torch.__version__, "machine": platform.machine()}
    RESULT.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
