"""What a failed run says on the terminal, told to a logger set up as Snakemake's is."""

import io
import logging

import pytest
from snakemake.logging import DefaultFormatter
from snakemake_interface_logger_plugins.common import LogEvent

from scripts.lib.jobs.terminal import say_errors_once

FAILED = "RuleException:\nCalledProcessError in file \"/lacuna/rules/train.smk\", line 26:\nCommand 'python /lacuna/.snakemake/scripts/tmp.train.py' returned 1."
LAST = "WorkflowError:\nAt least one job did not complete successfully."


class Run:
    """A logger with a terminal, and the jobs that it hears of."""

    def __init__(self, folder):
        self.folder, self.stream = folder, io.StringIO()
        self.logger = logging.Logger("run", logging.INFO)
        handler = logging.StreamHandler(self.stream)
        handler.name = "DefaultStreamHandler"
        handler.setFormatter(DefaultFormatter(show_failed_logs=True))
        self.logger.addHandler(handler)
        self.failures = say_errors_once(self.logger)

    def fails(self, job, log):
        path = self.folder / f"{job}.log"
        path.write_text(log)
        self.logger.error(FAILED, extra={"event": LogEvent.ERROR, "exception": "RuleException"})
        about = dict.fromkeys(("input", "output", "conda_env", "container_img", "shellcmd", "rule_msg"))
        about |= {"event": LogEvent.JOB_ERROR, "rule_name": "train", "jobid": job, "log": [str(path)], "aux": {}}
        self.logger.error(f"Error in rule train, jobid: {job}", extra=about)

    def ends(self):
        for line in ("Shutting down, this might take some time.", "Exiting because a job execution failed. Look above"):
            self.logger.info(line)
        self.stream.write("".join(f"{sentence}\n" for sentence in self.failures.sentences()))  # the hook `onerror`
        for line in ("Complete log(s): /x.log", "Elapsed time: 0:00:06"):
            self.logger.info(line)
        self.logger.error(LAST, extra={"event": LogEvent.ERROR, "exception": "WorkflowError"})
        return self.stream.getvalue().splitlines()


def test_a_job_that_says_why_takes_three_lines_and_the_sentence_is_the_last(tmp_path):
    run = Run(tmp_path)
    run.fails(3, "seed 0\nerror: x.npy is damaged: replace it.\n")
    lines = run.ends()
    assert len(lines) == 3
    assert lines[1:] == [
        f"Job 3 failed: train (log: {tmp_path / '3.log'})",
        f"error: x.npy is damaged: replace it. (log: {tmp_path / '3.log'})",
    ]


def test_one_cause_of_several_jobs_is_said_once(tmp_path):
    run = Run(tmp_path)
    for job in (3, 4, 5):
        run.fails(job, "error: the disk is full: make room.\n")
    run.fails(6, "error: another: mend it.\n")
    assert run.ends()[-2:] == [
        f"error: the disk is full: make room. (log: {tmp_path / '3.log'} and 2 more)",
        f"error: another: mend it. (log: {tmp_path / '6.log'})",
    ]


@pytest.mark.parametrize("log", ["Traceback (most recent call last):\nKeyError: 'y'\n", "seed 0 of 10\n", ""])
def test_of_a_crash_everything_is_shown(tmp_path, log):
    run = Run(tmp_path)
    run.fails(3, log)
    lines = run.ends()
    assert any("Error in rule train" in line for line in lines) and LAST.splitlines()[1] == lines[-1]
    assert all(line in lines for line in log.splitlines()) and "Complete log(s): /x.log" in lines


def test_a_job_that_succeeded_in_the_end_is_no_cause(tmp_path):
    run = Run(tmp_path)
    run.fails(3, "error: out of time: try again.\n")
    run.logger.info("Finished jobid: 3", extra={"event": LogEvent.JOB_FINISHED, "job_id": 3})
    run.fails(4, "error: x is wrong: mend it.\n")
    assert run.failures.sentences() == [f"error: x is wrong: mend it. (log: {tmp_path / '4.log'})"]


@pytest.mark.parametrize(
    "message",
    [
        'StudyError in file "/lacuna/rules/common.smk", line 70:\nconfig key `a` is 9: write 8.\n  File "/x.smk", line 3, in f',
        'InputFunctionException in rule data in file "/lacuna/Snakefile", line 47:\nError:\n  StudyError:\n    config key `a` is 9: '
        'write 8.\nWildcards:\n\nTraceback:\n  File "/x.smk", line 3, in f',
    ],
)
def test_what_is_wrong_with_a_study_is_its_sentence_alone(tmp_path, message):
    run = Run(tmp_path)
    run.logger.error(message, extra={"event": LogEvent.ERROR, "exception": "StudyError"})
    assert run.stream.getvalue() == "error: config key `a` is 9: write 8.\n"
