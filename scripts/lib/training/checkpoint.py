"""The state of a cohort's training on disk, from which a job that was stopped goes on.

A checkpoint lies beside the file of models that it will become. It is written every few minutes and when the job is told to stop, whole
or not at all, and removed when the models are there. It says what it was made from; with anything else nothing is resumed.
"""

import json
import signal
import time
from pathlib import Path
from pickle import UnpicklingError
from types import FrameType

import torch

from scripts.lib.jobs.files import replacing
from scripts.lib.training.processes import ALONE, Processes

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1)


class Stopped(SystemExit):
    """The job was told to stop, and its checkpoint is written; the exit code is the shell's for the signal."""


class Checkpoint:
    """Where a training was; made once a job, in its main thread.

    SIGTERM and SIGINT (a time limit, a cancelled job, Ctrl-C) save and stop; SIGUSR1, which schedulers can send some time before
    (sbatch --signal=USR1@120), saves and goes on. Of several processes the first one decides for all and writes.
    """

    def __init__(self, models: str | Path, made_from: dict, minutes: float, processes: Processes = ALONE) -> None:
        """models: the file that the job makes. made_from: JSON, all that the result depends on. minutes: between two checkpoints."""
        path = Path(models)
        self.path = path.with_name(f"{path.stem}.checkpoint")
        self.made_from = json.dumps(made_from, sort_keys=True)
        self.seconds = 60 * minutes
        self.saved = time.monotonic()
        self.processes = processes
        self._asked: int | None = None
        for each in SIGNALS:
            signal.signal(each, self._ask)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        """Note a signal; what it asks for happens between two steps. A stop that was asked for stays asked for."""
        if self._asked in (None, signal.SIGUSR1):
            self._asked = number

    @property
    def due(self) -> bool:
        """Whether it is time to save; the same in all processes."""
        number = self.processes.signalled()
        if number is not None:
            self._ask(number, None)
        return bool(self.processes.agreed(self._asked is not None or time.monotonic() - self.saved >= self.seconds))

    def save(self, state: dict) -> None:
        """Write the state: tensors, numbers, texts, lists and dicts. Raises Stopped if the job was told to stop."""
        asked, self._asked = self._asked, None
        if self.processes.rank == 0:
            with replacing(self.path) as beside:
                torch.save({"made_from": self.made_from, "state": state}, beside)
        self.saved = time.monotonic()
        asked = self.processes.agreed(asked or 0)  # and none stops before the file is there
        if asked in (signal.SIGTERM, signal.SIGINT):
            print(
                f"stopped by {signal.Signals(asked).name}; what is done is in {self.path}: run again, and it goes on."
            )
            raise Stopped(128 + asked)

    def load(self) -> dict | None:
        """The state that was saved, on the CPU; None if there is none of this training, and a line in the log that says why."""
        if not self.path.is_file():
            return None
        try:
            saved = torch.load(self.path, map_location="cpu", weights_only=True)
            then = json.loads(saved["made_from"])
        except (RuntimeError, UnpicklingError, EOFError, KeyError, ValueError, OSError) as error:
            print(f"{self.path} cannot be read ({type(error).__name__}), so training begins anew.")
            return None
        now = json.loads(self.made_from)
        other = sorted(key for key in now.keys() | then.keys() if now.get(key) != then.get(key))
        if other:
            print(f"{self.path} is of a training with another {', '.join(other)}, so training begins anew.")
            return None
        return saved["state"]

    def remove(self) -> None:
        """The models are there: the checkpoint is not needed any more, and signals mean what they did before."""
        self.path.unlink(missing_ok=True)
        for each in SIGNALS:
            signal.signal(each, signal.default_int_handler if each == signal.SIGINT else signal.SIG_DFL)
