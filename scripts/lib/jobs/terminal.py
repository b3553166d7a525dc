"""What a failed run says on the terminal: one sentence for each cause, once, and last.

Snakemake reports a job that fails four times over: the exception of its script, the rule with all its files, the log, and that not all
jobs completed. Where a job's log ends in a sentence of ours, that sentence is what the user needs. A crash has none, and there
everything of Snakemake's stays. Snakemake's own log file under .snakemake/log keeps everything in any case.
"""

import logging
import re
import time
from pathlib import Path

# How the last line of a job's log begins when the job stopped with a sentence (scripts/lib/jobs/job.py).
MARK = "error: "
LAST = "At least one job did not complete successfully."
# What Snakemake adds after a failure, which says nothing new once the sentence is there.
AFTERWARDS = ("Shutting down, ", "Exiting because a job execution failed", "Complete log(s): ", "Elapsed time: ")
SCRIPT_FAILED = re.compile(r"^(RuleException:\n)?CalledProcessError in file .*\.snakemake/scripts/", re.DOTALL)
# A StudyError raised while the rules are read, and one raised by a function of wildcards.
AT_THE_DOOR = re.compile(r"^StudyError[^\n]*:\n(?P<sentence>.+?)(\n  File .*)?$", re.DOTALL)
OF_WILDCARDS = re.compile(r"^InputFunctionException.*\n\s*StudyError:\s+(?P<sentence>.+?)\nWildcards:", re.DOTALL)


def sentence_of(log: str) -> str | None:
    """The sentence in which a job's log ends; None where the job stopped without one."""
    try:
        lines = Path(log).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return None
    return lines[-1] if lines and lines[-1].startswith(MARK) else None


class Failures(logging.Handler):
    """The jobs that failed and why, told from Snakemake's log records, whatever is shown of these."""

    def __init__(self) -> None:
        super().__init__()
        self.explained: dict[int, tuple[str, str]] = {}  # job -> sentence, log
        self.unexplained = False

    def emit(self, record: logging.LogRecord) -> None:
        """Take in that a job failed, or that it succeeded when it was tried again."""
        event = _event(record)
        if event == "job_finished":
            self.explained.pop(getattr(record, "job_id", None), None)
        if event == "job_error":
            sentences = [(sentence, log) for log in record.log if (sentence := sentence_of(log))]
            if sentences:
                self.explained[record.jobid] = sentences[0]
            else:
                self.unexplained = True

    def all_explained(self) -> bool:
        """Whether jobs failed and each of them said why."""
        return bool(self.explained) and not self.unexplained

    def sentences(self) -> list[str]:
        """One line for each cause, with the logs that say it."""
        logs: dict[str, list[str]] = {}
        for sentence, log in self.explained.values():
            logs.setdefault(sentence, []).append(log)
        return [
            f"{sentence} (log: {found[0]}{f' and {len(found) - 1} more' if len(found) > 1 else ''})"
            for sentence, found in logs.items()
        ]


class OnlyOnce(logging.Filter):
    """Drops what would say a failure again."""

    def __init__(self, failures: Failures) -> None:
        super().__init__()
        self.failures = failures

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether a record is shown."""
        message = record.getMessage()
        if _event(record) == "error" and SCRIPT_FAILED.match(message):
            return False
        if self.failures.all_explained():
            return not (message.startswith(AFTERWARDS) or message.endswith(LAST))
        return True


class InOneSentence(logging.Formatter):
    """Formats failures that have a sentence, and leaves the rest to Snakemake's formatter."""

    def __init__(self, failures: Failures, snakemakes: logging.Formatter) -> None:
        super().__init__()
        self.failures, self.snakemakes = failures, snakemakes

    def format(self, record: logging.LogRecord) -> str:
        """The text that is shown."""
        event, message = _event(record), record.getMessage()
        if event == "job_error" and record.jobid in self.failures.explained:
            _, log = self.failures.explained[record.jobid]
            return f"[{time.asctime()}]\nJob {record.jobid} failed: {record.rule_name} (log: {log})"
        if event == "error":
            for pattern in (AT_THE_DOOR, OF_WILDCARDS):
                if found := pattern.match(message):
                    return f"{MARK}{found['sentence']}"
        return self.snakemakes.format(record)


def say_errors_once(logger: logging.Logger) -> Failures:
    """Gather the failures of a run, and have Snakemake's terminal handler show them as above; other handlers stay as they are.

    Returns the failures, whose `sentences` the workflow prints at its end.
    """
    failures = Failures()
    logger.handlers.insert(0, failures)  # before those that show
    for handler in logger.handlers:
        if handler.name == "DefaultStreamHandler":
            handler.addFilter(OnlyOnce(failures))
            handler.setFormatter(InOneSentence(failures, handler.formatter))
    return failures


def _event(record: logging.LogRecord) -> str | None:
    """Snakemake's name of what a record reports."""
    return getattr(getattr(record, "event", None), "value", None)
