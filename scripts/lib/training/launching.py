"""A job of several processes: torchrun starts them, the job passes signals on, and what stops them is said by the job, in one sentence.

The job is the process that snakemake started; it trains nothing itself. The first process inherits its standard output, the rule's log. What
the others say, and torchrun, is kept aside and shown only where no sentence says what went wrong.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from scripts.lib.jobs.errors import InputError
from scripts.lib.jobs.project import ROOT
from scripts.lib.training.checkpoint import SIGNALS, Stopped
from scripts.lib.training.processes import Processes, Together

JOB, ASIDE, SENTENCE, STOPPED = (
    "job.json",
    "aside",
    "sentence",
    "stopped",
)  # files of a folder that job and processes share


def launch(module: str, job: dict, processes: int, device: str) -> None:
    """Run `python -m module FOLDER` in so many processes, which call `take_part` with the folder, and wait for them.

    job: JSON. device: `cpu` or `cuda`. Raises InputError for too few GPUs and for what a process raises it for, Stopped where they were told to
    stop and did, and RuntimeError, after what they said, where they failed otherwise.
    """
    if device == "cuda" and torch.cuda.device_count() < processes:
        raise InputError(
            f"config key `training.processes` is {processes} and torch finds {torch.cuda.device_count()} GPUs here: "
            f"write a smaller number, or run where there are {processes}."
        )
    with TemporaryDirectory() as shared:
        folder = Path(shared)
        (folder / JOB).write_text(json.dumps({"device": device, "work": job}), encoding="utf-8")
        torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--local-addr", "localhost"]
        paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        sys.stdout.flush()
        with (folder / ASIDE).open("wb") as aside, _signals_to_a_pipe() as told:
            code = subprocess.run(
                [*torchrun, "--nproc-per-node", str(processes), "--module", module, shared],
                stdin=told,
                stdout=sys.stdout,
                stderr=aside,
                env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)},
                start_new_session=True,  # Ctrl-C reaches the job alone, which passes it on
                check=False,
            ).returncode
        for sentence in sorted(folder.glob(f"{SENTENCE}.*")):
            raise InputError(sentence.read_text(encoding="utf-8"))
        if (folder / STOPPED).is_file():
            raise Stopped(int((folder / STOPPED).read_text()))
        if code:
            print((folder / ASIDE).read_text(encoding="utf-8", errors="replace"))
            raise RuntimeError(
                f"of {processes} processes that train a model together one failed; what they said is above."
            )


@contextmanager
def _signals_to_a_pipe() -> Iterator[int]:
    """The end to read from of a pipe into which each signal's number is written, one byte each."""
    read, write = os.pipe()
    before = {each: signal.signal(each, lambda number, frame: os.write(write, bytes([number]))) for each in SIGNALS}
    try:
        yield read
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
        os.close(read)
        os.close(write)


def take_part(shared: str, work: Callable[[dict, Processes], None]) -> None:
    """Do the work of one process that `launch` started: of its job, together with the others.

    What stops the work leaves a file in the shared folder, from which the job learns of it.
    """
    folder, rank = Path(shared), int(os.environ["RANK"])
    if rank == 0:
        sys.stdout.reconfigure(line_buffering=True)
        sys.stderr = sys.stdout
    else:
        sys.stdout = sys.stderr
    try:
        job = json.loads((folder / JOB).read_text(encoding="utf-8"))
        work(job["work"], Together(job["device"]))
    except InputError as error:
        (folder / f"{SENTENCE}.{rank}").write_text(str(error), encoding="utf-8")
        sys.exit(1)  # and torchrun ends the others
    except Stopped as stopped:
        if rank == 0:
            (folder / STOPPED).write_text(str(stopped.code))
