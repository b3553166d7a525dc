"""Does the demo's known answer hold for other processors and other seeds?

    python benchmarks/known_answer_anywhere.py [VARIANT ...]

A study that is the demo but for the last bits of its sums, or for its seeds, is trained, predicted and audited for each variant, and
tests/workflow/test_known_answer.py judges its tables. results/known_answer_anywhere.csv has every assertion of every variant with
the numbers that it compared. Needs a finished `snakemake demo`, whose images every variant shares; seven minutes of CPU a variant.
What results/anywhere-VARIANT holds is not trained and predicted again, but the audit is always made anew.
"""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from safetensors import safe_open
from safetensors.torch import save_file

ROOT = Path(__file__).parents[1]
TEST = ROOT / "tests/workflow/test_known_answer.py"
RESULT = ROOT / "benchmarks/results/known_answer_anywhere.csv"
LEVELS = ["dense", "control", "magnitude-0.50", "magnitude-0.90", "block-0.80"]
MODELS = 10

# Variant -> arithmetic, first seed, and what other processors would have the libraries choose.
VARIANTS: dict[str, tuple[str, int, dict[str, str]]] = {
    "portable": ("portable", 0, {}),
    "seeds 10-19": ("portable", 10, {}),
    "seeds 20-29": ("portable", 20, {}),
    "fastest": ("fastest", 0, {}),
    "SSE4.1": ("fastest", 0, {"ONEDNN_MAX_CPU_ISA": "SSE41", "ATEN_CPU_CAPABILITY": "default", "MKL_CBWR": "SSE4_2"}),
    "oneDNN AVX": ("fastest", 0, {"ONEDNN_MAX_CPU_ISA": "AVX"}),
    "ATen default": ("fastest", 0, {"ATEN_CPU_CAPABILITY": "default"}),
    "oneDNN SSE4.1, MKL compatible": ("fastest", 0, {"ONEDNN_MAX_CPU_ISA": "SSE41", "MKL_CBWR": "COMPATIBLE"}),
}


def study_of(variant: str) -> str:
    """The name of a variant's study; the demo itself is the first."""
    return "demo" if variant == "portable" else "anywhere-" + variant.replace(" ", "-").replace(",", "").lower()


def snakemake(variant: str, targets: list[str], models: int = MODELS) -> None:
    """Make targets of a variant's study."""
    arithmetic, _, environment = VARIANTS[variant]
    study = {
        "study": study_of(variant),
        "training": {"arithmetic": arithmetic},
        "population": {"models": models, "cohort": MODELS},
    }
    changes = ROOT / "results" / f"{study_of(variant)}.yaml"
    changes.write_text(json.dumps(study))  # which is YAML too
    command = [str(Path(sys.executable).with_name("snakemake")), "--cores", "1", "--rerun-triggers", "mtime"]
    command += ["--configfile", "tests/known_answer.yaml", str(changes), "--", *targets]
    environment = os.environ | environment | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{variant}:\n{done.stdout}{done.stderr}")


def share_images(results: Path) -> None:
    """The demo's data and corrupted images, which no variant changes, as hard links."""
    for folder in ("data", "corrupted"):
        for source in (ROOT / "results/demo" / folder).rglob("*"):
            target = results / folder / source.relative_to(ROOT / "results/demo" / folder)
            if source.is_file() and not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                target.hardlink_to(source)


def renumbered(path: Path, first: int) -> None:
    """The cohort whose first seed is `first` in the place of the one whose first is 0, so that the study audits it."""
    with safe_open(path, framework="pt") as file:
        description = json.loads(file.metadata()["lacuna"])
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    description["seeds"] = [seed - first for seed in description["seeds"]]
    description["sparsity"] = {str(int(seed) - first): value for seed, value in description["sparsity"].items()}
    renamed = {f"{int(name[:3]) - first:03d}{name[3:]}": tensor for name, tensor in tensors.items()}
    target = path.with_name(f"000-{MODELS - 1:03d}.safetensors")
    save_file(renamed, target, metadata={"lacuna": json.dumps(description, sort_keys=True)})
    path.unlink()


def run(variant: str) -> Path:
    """The variant's results: trained and predicted unless that is done, audited anew."""
    results, first = ROOT / "results" / study_of(variant), VARIANTS[variant][1]
    share_images(results)
    cohorts = {results / f"models/{level}/000-{MODELS - 1:03d}.safetensors" for level in LEVELS} if first else set()
    trained = [
        path.with_name(f"{first:03d}-{first + MODELS - 1:03d}.safetensors") for path in cohorts if not path.exists()
    ]
    if trained:
        snakemake(variant, [str(path.relative_to(ROOT)) for path in trained], first + MODELS)
    for path in trained:
        renumbered(path, first)
    for table in (results / "tables").glob("*"):
        if not table.name.startswith("cost."):
            table.unlink()
    snakemake(variant, ["tables"])
    return results


def shortened(compared: str) -> str:
    """One line, and of whole columns the first numbers."""
    return " ".join(compared.split())[:300]


class Assertions:
    """A plugin of pytest that notes what every assertion of the known answer compared."""

    def __init__(self, variant: str) -> None:
        self.variant, self.rows = variant, []

    def pytest_assertion_pass(self, item, lineno, orig, expl) -> None:
        self.rows.append([self.variant, item.name, "holds", orig, shortened(expl)])

    def pytest_runtest_logreport(self, report) -> None:
        if report.failed:
            self.rows.append([self.variant, report.location[2], "fails", "", str(report.longrepr.reprcrash.message)])


def judge(variant: str, results: Path) -> list[list[str]]:
    """Every assertion of the known answer on a variant's tables: variant, test, outcome, assertion, what it compared."""
    noted = Assertions(variant)
    options = ["-q", "-p", "no:cacheprovider", "-o", "enable_assertion_pass_hook=true", "--demo", str(results)]
    for module in [name for name in sys.modules if name == "test_known_answer"]:
        del sys.modules[module]  # so that its assertions are instrumented anew
    pytest.main([*options, str(TEST)], plugins=[noted])
    return noted.rows


def main() -> None:
    """Run and judge the variants that are named, or all; put them into the table."""
    asked = sys.argv[1:] or list(VARIANTS)
    rows = []
    if RESULT.exists():
        with RESULT.open(newline="", encoding="utf-8") as file:
            rows = [row for row in list(csv.reader(file))[1:] if row[0] not in asked]
    for variant in asked:
        rows += judge(variant, run(variant))
    with RESULT.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["variant", "test", "outcome", "assertion", "compared"])
        writer.writerows(rows)
    failed = [row for row in rows if row[2] == "fails"]
    print(f"{len(rows) - len(failed)} assertions hold, {len(failed)} fail: {RESULT}")
    for row in failed:
        print(*row)


if __name__ == "__main__":
    os.chdir(ROOT)
    main()
