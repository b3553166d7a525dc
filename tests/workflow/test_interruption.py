"""A run that is killed, however and wherever, is completed by the next one, with the tables of an undisturbed run."""

import os
import signal
import subprocess
import time
from pathlib import Path

KILLED_AT = {"snakemake": 18, "a job": 42, "everything": 66}  # victim -> how many outputs of about 95 there are by then


def outputs(project):
    results = project.folder / "results"
    return {path for path in results.rglob("*") if path.is_file() and not path.name.startswith(".")}


def descendants(pid):
    """Process ids of all children of a process, their children and so on."""
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        children = [int(child) for task in tasks for child in (task / "children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):  # it has just ended
        return []
    return [*children, *(below for child in children for below in descendants(child))]


def wait_for_outputs(project, process, count):
    """Wait until that many outputs exist while jobs are running; False if the run ended first."""
    while process.poll() is None:
        if len(outputs(project)) >= count and descendants(process.pid):
            return True
        time.sleep(0.05)
    return False


def kill(victim, process):
    """Kill snakemake alone, whose jobs live on and meet those of the next run; one of its jobs; or all together."""
    if victim == "snakemake":
        os.kill(process.pid, signal.SIGKILL)
    elif victim == "everything":
        os.killpg(process.pid, signal.SIGKILL)
    while victim == "a job":
        try:
            return os.kill(descendants(process.pid)[-1], signal.SIGKILL)
        except (ProcessLookupError, IndexError):  # it ended by itself just before: the next one
            assert process.poll() is None, "the run ended before one of its jobs could be killed"


def test_kill_anything_at_any_point(project, finished_once):
    for victim, count in KILLED_AT.items():
        process = subprocess.Popen(
            project.command("tables"),
            cwd=project.folder,
            env=project.environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        assert wait_for_outputs(project, process, count), f"the run ended before {victim} could be killed"
        kill(victim, process)
        process.wait()
    assert project.warm_snakemake("tables").returncode == 0
    assert project.would_run("tables") == {}
    assert project.tables() == finished_once.tables()
    assert not [
        path for path in (project.folder / "results").rglob(".*") if path.is_file()
    ]  # no half-written leftovers
