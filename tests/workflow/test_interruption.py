"""A run that is killed, however and wherever, is completed by the next one, with the tables of an undisturbed run."""

import os
import signal
import subprocess
import time
from pathlib import Path

OUTPUTS_BETWEEN_KILLS = 26


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


def test_kill_anything_at_any_point(project, finished_once):
    killed = {"snakemake": 0, "job": 0, "everything": 0}
    victims = list(killed)
    for attempt in range(40):
        process = subprocess.Popen(
            project.command("tables"),
            cwd=project.folder,
            env=project.environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        already = len(outputs(project)) if (project.folder / "results").exists() else 0
        if not wait_for_outputs(project, process, already + OUTPUTS_BETWEEN_KILLS):
            assert process.wait() == 0
            break
        victim = victims[attempt % len(victims)]
        try:
            if victim == "snakemake":  # its jobs live on and meet those of the next run
                os.kill(process.pid, signal.SIGKILL)
            elif victim == "job":
                os.kill(descendants(process.pid)[-1], signal.SIGKILL)
            else:
                os.killpg(process.pid, signal.SIGKILL)
            killed[victim] += 1
        except (ProcessLookupError, IndexError):  # the job ended by itself just before
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert min(killed.values()) >= 1, killed
    assert project.warm_snakemake("tables").returncode == 0
    assert project.would_run("tables") == {}
    assert project.tables() == finished_once.tables()
    assert not [
        path for path in (project.folder / "results").rglob(".*") if path.is_file()
    ]  # no half-written leftovers
