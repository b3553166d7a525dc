"""What goes wrong is said in one sentence, before expensive work where that is possible."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    "before, after, sentence",
    [
        ("epochs: 2", "epoch: 2", "config key `training.epoch` is unknown: did you mean `epochs`?"),
        ("sparsity: 0.90", "sparsity: 1.2", "config key `levels[2].sparsity` is 1.2: it must be less than 1."),
        ("[gaussian_noise, contrast]", "[gauss]", "config key `corruptions.names[0]` is 'gauss', which is unknown"),
        ("models: 2", "models: 0", "config key `population.models` is 0: it must be at least 1."),
        ("  - {name: dense, method: none}\n", "", "config key `levels` has no `dense`"),
    ],
)
def test_a_wrong_study_stops_before_any_job(project, before, after, sentence):
    path = project.folder / "tests/miniature.yaml"
    assert before in path.read_text()
    path.write_text(path.read_text().replace(before, after))
    done = project.warm_snakemake()
    assert done.returncode != 0
    shown = (done.stdout + done.stderr).splitlines()
    assert len(shown) <= 6 and shown[-1].startswith(f"error: {sentence}")
    assert not (project.folder / "results").exists()


def test_a_job_that_fails_says_why_and_names_its_log(project):
    path = project.folder / "tests/miniature.yaml"
    path.write_text(path.read_text().replace("epochs: 2", "epochs: 2\n  learning_rate: 1.0e+30"))
    target = "results/miniature/models/dense/000-001.safetensors"
    done = project.snakemake(target)
    assert done.returncode != 0
    shown = done.stderr.splitlines()
    started = max(number for number, line in enumerate(shown) if line.startswith("Job ") and " failed" not in line)
    assert len(shown) - started - 1 <= 6 and done.stderr.count("the loss is not finite") == 1
    assert shown[-1].startswith("error: level dense, seed 0: the loss is not finite in epoch 1 of 2")
    assert shown[-1].endswith("(log: logs/miniature/train/dense/000-001.log)")
    assert not (project.folder / target).exists()


def test_a_damaged_file_is_named(finished):
    images = finished.folder / "results/miniature/corrupted/contrast.npy"
    whole = images.read_bytes()
    target = "results/miniature/predictions/dense/000-001/digital.parquet"
    images.write_bytes(whole[:-1000])
    try:
        done = finished.snakemake("--forcerun=predict", target)
        assert done.returncode != 0
        assert (
            "contrast.npy is not the file that its manifest describes: delete it, and snakemake makes it again"
            in done.stderr
        )
    finally:
        images.write_bytes(whole)
        assert finished.warm_snakemake().returncode == 0


def test_two_runs_at_once_are_refused(finished):
    holder = "import sys, time; sys.path.insert(0, '.'); from pathlib import Path; from scripts.lib.jobs.run_lock import take_run_lock\ntake_run_lock(Path('.snakemake')); print('held', flush=True); time.sleep(120)"
    process = subprocess.Popen([sys.executable, "-c", holder], cwd=finished.folder, stdout=subprocess.PIPE)
    try:
        assert process.stdout.readline() == b"held\n"
        done = finished.snakemake("--forcerun=find_pies")
        assert done.returncode != 0 and "another snakemake is running" in done.stdout + done.stderr
        assert finished.would_run() == {}  # looking is allowed
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
