"""A change reruns what it touches, and nothing else."""

import re

import pytest

REPORTED = {"write_report": 1}
FROM_CLEAN = {
    "find_pies": 1,
    "summarize_pies": 1,
    "trace_pies": 1,
    "score_examples": 1,
    "summarize_scores": 1,
    "measure_hardness": 1,
    "measure_calibration": 1,
    "compare_kinds": 1,
    "compare_classes": 1,
    "compare_subgroups": 1,
    "compare_annotations": 1,
    "draw_pie_rates": 1,
    "draw_pie_curve": 1,
    "weigh_cost": 1,
    "draw_class_impact": 1,
    "draw_reliability": 1,
    "draw_cost": 1,
}
ROBUSTNESS = {"measure_robustness": 1, "draw_robustness": 1, "render_tables": 1}
EVERY_TABLE = FROM_CLEAN | ROBUSTNESS | REPORTED
AND_COST = EVERY_TABLE | {"measure_cost": 1}
STUDY = "tests/miniature.yaml"


def edit(project, name, before, after):
    path = project.folder / name
    text = path.read_text()
    assert text.count(before) == 1, f"{before!r} is {text.count(before)} times in {name}"
    path.write_text(text.replace(before, after))


def test_nothing_changed(finished):
    assert finished.would_run() == {}


def test_a_warm_start_says_what_the_command_line_says(finished):
    """All other dry runs here start warm. That jobs do the same is held by test_interruption.py, whose jobs do not start warm."""

    def said(done):  # jobs are listed in any order, and with the time
        return done.returncode, sorted(
            line for line in (done.stdout + done.stderr).splitlines() if not line.startswith("[")
        )

    edit(finished, STUDY, "\n  models: 2", "\n  models: 3")
    assert said(finished.warm_snakemake("--dry-run")) == said(finished.snakemake("--dry-run"))
    edit(finished, STUDY, "\n  models: 3", "\n  models: none")
    refused = said(finished.warm_snakemake())
    assert refused == said(finished.snakemake()) and refused[0] == 1


CHANGES = {
    "one more seed": (
        (STUDY, "models: 2", "models: 3"),
        {"train": 4, "pack": 1, "quantize": 1, "predict": 15} | EVERY_TABLE,
    ),
    "one more corruption": (
        (STUDY, "contrast]", "contrast, pixelate]"),
        {"corrupt": 1, "describe_corruptions": 1, "predict": 5, **ROBUSTNESS} | REPORTED,
    ),
    "layers to be blamed": (
        (STUDY, "subsets: 10", "subsets: 10\n  layers: {levels: [int8-static], images: 50, margin: 0.2}"),
        {"blame_layers": 1, "exempt_layers": 1, "compare_layers": 1, "draw_layers": 1, "render_tables": 1} | REPORTED,
    ),
    "another stream of the corruptions": (
        (STUDY, "severities: [1, 5]", "severities: [1, 5]\n  stream: fast"),
        {"corrupt": 3, "describe_corruptions": 1, "predict": 10, **ROBUSTNESS} | REPORTED,
    ),
    "one more level": (
        (STUDY, "  - {name: block", "  - {name: magnitude-0.50, method: magnitude, sparsity: 0.5}\n  - {name: block"),
        {"train": 1, "predict": 3} | AND_COST,
    ),
    "another sparsity of one level": (
        (STUDY, "sparsity: 0.50", "sparsity: 0.60"),
        {"train": 1, "pack": 1, "predict": 3} | AND_COST,
    ),
    "channels grouped before blocks are pruned": (
        (STUDY, "every: 2", "every: 2\n  permutation: output_channels"),
        {"train": 1, "pack": 1, "predict": 3} | AND_COST,
    ),
    "other pruning": (
        (STUDY, "every: 2", "every: 3"),
        {"train": 2, "pack": 1, "predict": 6} | AND_COST,
    ),
    "fewer images to calibrate on": (
        (STUDY, "execution:", "quantization:\n  calibration: {images: 50}\n\nexecution:"),
        {"quantize": 1, "predict": 3} | AND_COST,
    ),
    "another method of a quantized level": (
        (STUDY, "method: int8_static", "method: float16"),
        {"quantize": 1, "predict": 3} | AND_COST,
    ),
    "a level that quantizes models of its own": (
        (STUDY, "method: int8_static, of: dense", "method: int8_static"),
        {"train": 1, "quantize": 1, "predict": 3} | AND_COST,
    ),
    "another significance": (
        (STUDY, "permutations: 200", "permutations: 200\n  significance: 0.01"),
        {rule: 1 for rule in FROM_CLEAN if rule not in ("find_pies", "score_examples")}
        | ROBUSTNESS
        | {"measure_cost": 1, "render_tables": 1}
        | REPORTED,
    ),
    "other groups of images": (
        (STUDY, "permutations: 200", "permutations: 200\n  smallest_group: 10"),
        {"compare_subgroups": 1, "render_tables": 1} | REPORTED,
    ),
    "what the ledger keeps of clean images": (
        (STUDY, "permutations: 200", "permutations: 200\n  probabilities: top5"),
        {"predict": 5} | FROM_CLEAN | {"measure_robustness": 1, "draw_robustness": 1, "render_tables": 1} | REPORTED,
    ),
    "a figure's style": (
        ("scripts/lib/pages/charts.py", "#0b6e99", "#0b6e98"),
        {"draw_pie_rates": 1, "draw_pie_curve": 1, "draw_class_impact": 1, "draw_cost": 1, "draw_robustness": 1}
        | {"draw_training": 1, "draw_reliability": 1}
        | REPORTED,
    ),
    "the report's words": (
        ("report/report.html.jinja", "<h3>What this does not show</h3>", "<h3>What is not shown</h3>"),
        REPORTED,
    ),
    "the mathematics of one table": (
        ("scripts/lib/audit/classes.py", "difference.round(12)", "difference.round(11)"),
        {"compare_classes": 1, "draw_class_impact": 1, "weigh_cost": 1, "draw_cost": 1, "render_tables": 1} | REPORTED,
    ),
    "a corruption's code": (
        ("scripts/lib/corruptions/digital.py", "import numpy as np", "import numpy as np\n\nCHANGED = True"),
        {"corrupt": 1, "describe_corruptions": 1, "predict": 5, **ROBUSTNESS} | REPORTED,
    ),
    "how networks are trained": (
        ("scripts/lib/training/loop.py", "foreach=True", "foreach=False"),
        {"train": 4, "pack": 1, "quantize": 1, "predict": 15} | AND_COST,
    ),
    "what a study answers": (
        ("scripts/lib/study/study.py", "import Any\n", "import Any\n\nCHANGED = True\n"),
        {},
    ),
    "what of a study only its images need": (
        ("scripts/lib/study/images.py", 'ARRAYS = "cifar-10-c"', 'CHANGED = True\nARRAYS = "cifar-10-c"'),
        {},
    ),
    "how blocks are computed never trains again": (
        ("kernels/packed.py", "import math\n", "import math\n\nCHANGED = True\n"),
        {"pack": 1, "quantize": 1, "predict": 15} | AND_COST,
    ),
    "the CPU kernel": (
        ("kernels/cpu/block_sparse.cpp", "#include <algorithm>", "#include <algorithm>\n#include <cstring>"),
        {"predict": 3} | AND_COST,
    ),
    "what the kernels cost on other sizes": (
        (STUDY, "batch_sizes: [1, 8]", "batch_sizes: [1, 16]"),
        {"measure_cost": 1, "weigh_cost": 1, "draw_cost": 1, "render_tables": 1} | REPORTED,
    ),
    "a helper that everything shares": (
        ("scripts/lib/jobs/files.py", "path = Path(path)\n    path.parent", "path = Path(str(path))\n    path.parent"),
        {"prepare_data": 1, "join_annotations": 1, "choose_examples": 1, "corrupt": 3, "describe_corruptions": 1}
        | {"train": 4, "pack": 1, "quantize": 1, "predict": 15, "draw_exemplars": 1}
        | AND_COST,
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_reruns_what_it_touches(finished, change):
    (name, before, after), expected = CHANGES[change]
    edit(finished, name, before, after)
    drawn = {"draw_training": 1} if "train" in expected else {}
    drawn |= {"make_gallery": 1} if {"predict", "corrupt", "score_examples"} & set(expected) else {}
    assert finished.would_run() == expected | drawn


def test_comments_docstrings_and_formatting_rerun_nothing(finished):
    for path in (finished.folder / "scripts").rglob("*.py"):
        text = path.read_text()
        assert text.startswith('"""')
        path.write_text("# A comment.\n" + text.replace('"""', '"""More words. ', 1) + "\n\n# Another.\n")
    for path in [finished.folder / "Snakefile", *(finished.folder / "rules").iterdir()]:
        path.write_text(path.read_text() + "\n\n\n# A comment.\n")
    (finished.folder / STUDY).write_text("# A comment.\n" + (finished.folder / STUDY).read_text())
    assert finished.would_run() == {}


def test_a_touch_or_a_fresh_checkout_reruns_nothing(finished):
    for path in finished.folder.rglob("*"):
        if path.is_file() and ".snakemake" not in path.parts:
            path.touch()
    assert finished.would_run() == {}


def test_a_table_that_was_deleted_is_made_again_alone(finished):
    table = finished.folder / "results/miniature/tables/pie_curve.csv"
    before = table.read_bytes()
    table.unlink()
    assert finished.would_run() == {"trace_pies": 1, "draw_pie_curve": 1, "render_tables": 1} | REPORTED
    assert finished.warm_snakemake().returncode == 0
    assert table.read_bytes() == before and finished.would_run() == {}


def test_a_checkout_that_was_moved_reruns_nothing(finished):
    home = finished.folder
    moved = home.rename(home.with_name("moved with spaces"))
    finished.folder = moved
    try:
        assert finished.would_run() == {}
    finally:
        finished.folder = moved.rename(home)


def test_runs_from_another_directory(finished, tmp_path):
    done = finished.snakemake(f"--directory={tmp_path}", "--dry-run")
    assert done.returncode == 0, done.stderr
    assert re.search(r"^total +54$", done.stdout + done.stderr, flags=re.MULTILINE)


def test_what_a_rater_says_makes_its_table_and_what_shows_it(finished):
    answers = finished.folder / "answers.csv"
    answers.write_text(
        "kit,rater,image,label_correct,several_objects,corrupt,abstract,fine_grained,hard\nk,Ada,a,yes,no,no,no,no,no\n"
    )
    with (finished.folder / STUDY).open("a") as study:
        study.write("\nraters: {answers: [answers.csv]}\n")
    assert finished.would_run() == {"make_rater_kit": 1, "measure_raters": 1, "render_tables": 1} | REPORTED
