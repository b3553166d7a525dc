"""No job imports what it does not need: start-up is paid once for every job of a study."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = {
    "torch",
    "pandas",
    "numba",
    "cv2",
    "skimage",
    "altair",
    "scipy.stats",
    "imagecorruptions",
    "matplotlib",
    "snakemake",
}
ALLOWED = {
    "train": {"torch"},
    "estimate_study": {"torch"},
    "predict": {"torch"},
    "quantize": {"torch"},
    "pack": {"torch"},
    "blame_layers": {"torch"},
    "exempt_layers": {"torch", "pandas"},
    "import_checkpoints": {"torch"},
    "measure_cost": {"torch", "pandas"},
    "weigh_cost": {"pandas"},
    "draw_cost": {"pandas", "altair"},
    "plan_study": {"pandas"},
    "export_card": {"pandas"},
    "list_changed_images": {"pandas"},
    "find_pies": {"pandas"},
    "summarize_pies": {"pandas"},
    "trace_pies": {"pandas"},
    "score_examples": {"pandas"},
    "summarize_scores": {"pandas"},
    "measure_hardness": {"pandas"},
    "measure_calibration": {"pandas"},
    "compare_kinds": {"pandas"},
    "compare_classes": {"pandas"},
    "compare_subgroups": {"pandas"},
    "compare_annotations": {"pandas"},
    "extract_features": {"torch"},
    "find_slices": {"pandas"},
    "draw_slices": {"pandas"},
    "make_rater_kit": {"pandas"},
    "measure_raters": {"pandas"},
    "measure_robustness": {"pandas"},
    "measure_natural": {"pandas"},
    "measure_real": {"pandas"},
    "compare_layers": {"pandas"},
    "render_tables": {"pandas"},
    "write_report": {"pandas"},
    "judge_promises": {"pandas"},
    "make_gallery": {"pandas"},
    "typeset_tables": {"pandas"},
    "compare_studies": {"pandas", "altair"},
    "compare_pairs": {"pandas"},
    "compare_pair_classes": {"pandas"},
    "compare_pair_groups": {"pandas"},
    "compare_pair_corruptions": {"pandas"},
    "weigh_pair_cost": {"pandas"},
    "draw_flips": {"pandas", "altair"},
    "draw_pair_classes": {"pandas", "altair"},
    "draw_pair_cost": {"pandas", "altair"},
    "draw_pie_rates": {"pandas", "altair"},
    "draw_pie_curve": {"pandas", "altair"},
    "draw_class_impact": {"pandas", "altair"},
    "draw_reliability": {"pandas", "altair"},
    "draw_training": {"pandas", "altair"},
    "draw_robustness": {"pandas", "altair"},
    "draw_layers": {"pandas", "altair"},
}


def allowed(script):
    return ALLOWED.get(script.partition(".")[2], set())


SCRIPTS = sorted(f"{path.parent.name}.{path.stem}" for path in ROOT.glob("scripts/*/*.py") if path.parent.name != "lib")
BY_HEAVY: dict[tuple[str, ...], list[str]] = {}
for script in SCRIPTS:
    BY_HEAVY.setdefault(tuple(sorted(allowed(script))), []).append(script)
# Each script in a process of its own, forked from one that has imported what such scripts may import, because that takes long.
PROGRAM = f"""
import importlib, os, sys
import numpy, pyarrow.parquet


def forked(work, *arguments):
    if os.fork() == 0:
        work(*arguments)
        os._exit(0)
    if os.wait()[1]:
        sys.exit(str(arguments))


def import_script(script):
    importlib.import_module(f"scripts.{{script}}")
    print(script, *(name for name in {sorted(HEAVY)} if name in sys.modules), flush=True)


def import_scripts(heavy, scripts):
    for name in heavy:
        importlib.import_module(name)
    for script in scripts:
        forked(import_script, script)


for heavy, scripts in {list(BY_HEAVY.items())}:
    forked(import_scripts, heavy, scripts)
"""


@pytest.fixture(scope="module")
def imported_by():
    """Script -> the heavy packages that it imports."""
    done = subprocess.run([sys.executable, "-c", PROGRAM], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return {script: set(heavy) for script, *heavy in map(str.split, done.stdout.splitlines())}


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_imports_what_it_needs(imported_by, script):
    assert imported_by[script] <= allowed(script)
