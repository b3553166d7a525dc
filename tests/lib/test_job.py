"""The edge of a script: its log, its errors, and its predecessor that is still running."""

import subprocess
import sys

import pytest

from scripts.lib.errors import InputError
from scripts.lib.job import Progress, logged

JOB = """
import sys, time
from scripts.lib.files import write_text
from scripts.lib.job import logged
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
    "error, shown, traceback",
    [
        (InputError("x is wrong: mend it."), "error: x is wrong: mend it.", False),
        (KeyError("y"), "error: KeyError: 'y'", True),
    ],
)
def test_an_error_is_a_sentence_that_names_the_log(tmp_path, capsys, error, shown, traceback):
    with pytest.raises(SystemExit) as stop, logged(str(tmp_path / "x.log")):
        raise error
    assert stop.value.code == 1
    assert capsys.readouterr().err == f"{shown} (log: {tmp_path / 'x.log'})\n"
    assert ("Traceback" in (tmp_path / "x.log").read_text()) == traceback


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
