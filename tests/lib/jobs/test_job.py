"""The edge of a script: its log, its errors, and its predecessor that is still running."""

import subprocess
import sys

import pytest

from scripts.lib.jobs.errors import InputError
from scripts.lib.jobs.job import ImageProgress, Progress, logged

JOB = """
import sys, time
from scripts.lib.jobs.files import write_text
from scripts.lib.jobs.job import logged
with logged(sys.argv[1]):
    print("started", file=sys.__stdout__, flush=True)
    time.sleep(float(sys.argv[4]))
    write_text(sys.argv[2], sys.argv[3])
"""


def test_what_is_printed_is_in_the_log(tmp_path, capsys):
    with logged(str(tmp_path / "new" / "x.log")):
        print("first")
        Progress(2, "model").step("seed 0")
    assert capsys.readouterr().out == ""
    log = (tmp_path / "new" / "x.log").read_text()
    assert log.startswith("first\nmodel 1 of 2: seed 0; ") and "left" in log
    with logged(str(tmp_path / "new" / "x.log")):
        print("second")
    assert (tmp_path / "new" / "x.log").read_text() == "second\n"


@pytest.mark.parametrize(
    "error, last, traceback",
    [
        (InputError("x is wrong:\n  mend it."), "error: x is wrong: mend it.", False),
        (KeyError("y"), "KeyError: 'y'", True),
    ],
)
def test_the_log_of_a_failed_job_ends_in_the_reason_and_the_terminal_is_left_to_the_workflow(
    tmp_path, capsys, error, last, traceback
):
    with pytest.raises(SystemExit) as stop, logged(str(tmp_path / "x.log")):
        raise error
    assert stop.value.code == 1 and capsys.readouterr().err == ""
    lines = (tmp_path / "x.log").read_text().splitlines()
    assert lines[-1] == last and lines[0].startswith("Traceback") == traceback


def test_a_job_waits_for_the_one_before_it_and_writes_last(tmp_path):
    def start(text, seconds):
        command = [sys.executable, "-c", JOB, tmp_path / "x.log", tmp_path / "x.txt", text, str(seconds)]
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    orphan = start("old", 1.5)
    assert orphan.stdout.readline() == "started\n"
    successor = start("new", 0)
    assert successor.wait() == 0 and orphan.wait() == 0
    assert (tmp_path / "x.txt").read_text() == "new"
    orphan.stdout.close()
    successor.stdout.close()


def test_the_bar_says_how_fast_and_how_long(monkeypatch, capsys):
    clock = iter([0.0, 0.5, 2.0, 40.0, 80.0])
    monkeypatch.setattr("scripts.lib.jobs.job.time.monotonic", lambda: next(clock))
    monkeypatch.setattr("scripts.lib.jobs.job.sys.__stderr__", sys.stderr)
    progress = ImageProgress(1000, "fog")
    for _ in range(4):
        progress.advance(250)
    shown = capsys.readouterr()
    assert shown.out.splitlines() == [  # the first is too soon after the start
        "fog: [##########..........] 500 of 1,000 images, 250 images/s, about 2 s left",
        "fog: [###############.....] 750 of 1,000 images, 19 images/s, about 13 s left",
        "fog: [####################] 1,000 of 1,000 images, 12 images/s, about 0 s left",
    ]
    assert len(shown.err.splitlines()) == 2  # the terminal hears of it every half minute


def test_long_times_are_in_minutes_and_hours():
    progress = ImageProgress(1_000_000, "fog")
    progress.done = 1000
    assert progress.line(1).endswith("about 17 min left") and progress.line(100).endswith("about 27.8 h left")


def test_a_log_that_cannot_be_written_does_not_hide_the_error(tmp_path, capsys):
    (tmp_path / "x.log").symlink_to("/dev/full")
    with pytest.raises(SystemExit) as stop, logged(str(tmp_path / "x.log")):
        raise InputError("x is wrong: mend it.")
    assert stop.value.code == 1 and capsys.readouterr().err.startswith("error: x is wrong: mend it. (log: ")
