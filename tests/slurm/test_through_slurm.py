"""Studies through profiles/slurm: the same bytes as without it, and nothing lost when jobs or snakemake are stopped."""

import os
import re
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from copies import SNAKEMAKE, Project, copy_project

# The cluster has two cores or more, and its answers are waited for as short as the plugin lets one.
HERE = ["--workflow-profile", "profiles/slurm", "--max-threads", "2", "--slurm-init-seconds-before-status-checks", "1"]
MODELS = "results/slow/models/dense/000-001.safetensors"
LOG = "logs/slow/train/dense/000-001.log"
CHECKPOINT = Path(MODELS).with_suffix(".checkpoint")
PATIENCE = 120  # seconds until something must have happened


def command(project: Project, *arguments: str) -> list[str]:
    return [SNAKEMAKE, *HERE, "--configfile", project.study, *arguments]


def on_slurm(project: Project, *arguments: str) -> str:
    """What snakemake says of a run on the cluster that ends well."""
    done = subprocess.run(
        command(project, *arguments),
        cwd=project.folder,
        env=project.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=500,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def begin(project: Project, *arguments: str) -> subprocess.Popen:
    output = (project.folder / "output.txt").open("w")
    return subprocess.Popen(
        command(project, *arguments),
        cwd=project.folder,
        env=project.environment(),
        stdout=output,
        stderr=subprocess.STDOUT,
    )


def wait_for(what, said: str) -> None:
    end = time.monotonic() + PATIENCE
    while not what():
        assert time.monotonic() < end, f"waited in vain until {said}"
        time.sleep(0.2)


def has_said(project: Project, what: str) -> bool:
    """Whether the log of training has a text."""
    log = project.folder / LOG
    return log.is_file() and what in log.read_text()


def running() -> list[str]:
    """The numbers of the jobs that run on the cluster or are being ended."""
    return subprocess.run(
        ["squeue", "-h", "-t", "running,completing", "-o", "%i"], capture_output=True, text=True, check=True
    ).stdout.split()


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """The slow study, trained here, and its data."""
    project = copy_project(tmp_path_factory.mktemp("slow") / "lacuna", study=str(Path(__file__).with_name("slow.yaml")))
    done = project.snakemake(MODELS)
    assert done.returncode == 0, done.stdout + done.stderr
    return project


@pytest.fixture
def slow(cluster, undisturbed, tmp_path):
    """A copy of it in which the models are to be trained."""
    shutil.copytree(undisturbed.folder, tmp_path / "lacuna", symlinks=True)
    for name in ("results/slow/models", "results/slow/epochs", "logs"):
        shutil.rmtree(tmp_path / "lacuna" / name)
    return Project(tmp_path / "lacuna", undisturbed.study)


def test_a_job_over_its_time_limit_is_tried_again_with_more_and_goes_on(slow, undisturbed):
    """SLURM sends a signal up to a minute early (sbatch(1), --signal): at the first attempt it comes while the job trains."""
    said = on_slurm(
        slow, "--set-resources", "train:runtime=attempt", "train:slurm_extra='--signal=TERM@20'", "--", MODELS
    )
    assert "Trying to restart job" in said
    assert "stopped by SIGTERM" in said  # the log of the attempt that failed is shown
    assert has_said(slow, "goes on after step")
    assert (slow.folder / MODELS).read_bytes() == (undisturbed.folder / MODELS).read_bytes()
    assert not (slow.folder / CHECKPOINT).exists()


def test_snakemake_is_killed_and_a_job_is_cancelled(slow, undisturbed):
    first = begin(slow, "--", MODELS)
    try:
        wait_for(lambda: has_said(slow, "step"), "the job trains")
        second = slow.snakemake(MODELS)
        assert second.returncode != 0 and "another snakemake is running" in second.stdout + second.stderr
    finally:
        first.kill()
        first.wait()
    (job,) = running()
    subprocess.run(["scancel", job], check=True)  # what nobody waits for any more, as a user would
    wait_for(lambda: not running(), "the job is gone")
    assert (slow.folder / CHECKPOINT).is_file()

    again = begin(slow, "--", MODELS)
    try:
        wait_for(lambda: has_said(slow, "goes on after step"), "the job trains again")
        (job,) = running()
        subprocess.run(["scancel", job], check=True)  # and this one snakemake tries again by itself
        assert again.wait(timeout=PATIENCE) == 0, (slow.folder / "output.txt").read_text()
    finally:
        again.kill()
        again.wait()
    assert "Trying to restart job" in (slow.folder / "output.txt").read_text()
    assert has_said(slow, "goes on after step")
    assert (slow.folder / MODELS).read_bytes() == (undisturbed.folder / MODELS).read_bytes()


def test_accounting_that_is_off_is_said_before_a_job_is_submitted(slow):
    done = subprocess.run(
        command(slow, "--slurm-status-command", "sacct", "--", MODELS),
        cwd=slow.folder,
        env=slow.environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    assert done.returncode != 0
    assert "SLURM keeps no accounts here" in done.stderr and "has been submitted" not in done.stderr


def test_the_miniature_has_the_same_tables(cluster, tmp_path):
    """Groups spare the cluster a start of snakemake for each of the many short jobs."""
    here, there = copy_project(tmp_path / "here"), copy_project(tmp_path / "there")
    began = time.monotonic()
    done = here.snakemake("tables")
    assert done.returncode == 0, done.stdout + done.stderr
    between = time.monotonic()
    said = on_slurm(
        there,
        "--groups",
        "predict=predict",
        "--group-components",
        "predict=5",
        "--cores",
        str(os.cpu_count()),
        "--",
        "tables",
    )
    print(f"miniature: {between - began:.0f} s here, {time.monotonic() - between:.0f} s through SLURM")
    assert len(set(re.findall(r"SLURM jobid (\d+)", said))) < 20
    assert there.tables() == here.tables() and there.tables()
