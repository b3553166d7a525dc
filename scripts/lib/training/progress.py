"""What the log of a cohort says while its models train: a line for each, and one every few seconds on the way there."""

import time

from scripts.lib.jobs.job import Progress, clock
from scripts.lib.training.loop import Training

SECONDS = 10.0  # between two lines on the way


class TrainingProgress:
    """Where a cohort is, how well it goes and how long it will take, at the pace of this job so far."""

    def __init__(self, models: int) -> None:
        self.models, self.done = models, 0  # done: finished by this job or before it
        self.finished = Progress(models, "model")
        self.start = self.said = time.monotonic()
        self.steps = 0  # taken by this job

    def skip(self) -> None:
        """A model was finished before this job."""
        self.done += 1
        self.finished.total -= 1

    def begin(self, training: Training) -> None:
        """The turn of the next model."""
        self.training = training

    def end(self, what: str) -> None:
        """The model is finished."""
        self.done += 1
        self.finished.step(what)

    def after_step(self) -> None:
        """Count a step, and say so every SECONDS."""
        self.steps += 1
        now = time.monotonic()
        if now - self.said >= SECONDS:
            self.said = now
            print(self.line(now - self.start), flush=True)

    def line(self, elapsed: float) -> str:
        """What is said after so many seconds of this job."""
        training, rate = self.training, self.steps / max(elapsed, 1e-9)
        left = training.steps - training.step + (self.models - self.done - 1) * training.steps
        last = training.mean_loss() if training.step % training.steps_per_epoch else training.epochs[-1]["loss"]
        return (
            f"seed {training.seed} (model {self.done + 1} of {self.models}): step {training.step:,} of {training.steps:,}, loss {last:.3f}, "
            f"{rate * training.batch_size:,.0f} images/s, about {clock(left / rate)} left"
        )
