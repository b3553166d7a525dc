"""The models of a cohort, trained one after the other in one job that may be stopped and started again."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import torch

from scripts.lib.jobs.errors import InputError
from scripts.lib.training.checkpoint import Checkpoint
from scripts.lib.training.loop import Training
from scripts.lib.training.progress import TrainingProgress


@dataclass(frozen=True)
class Trained:
    """A model that is finished."""

    weights: dict[str, torch.Tensor]
    sparsity: dict[str, float]  # of each pruned layer, and of `all` of them together
    epochs: list[dict]  # as `Training.epochs`


def train_cohort(begin: Callable[[int], Training], seeds: Sequence[int], checkpoint: Checkpoint) -> dict[int, Trained]:
    """The trained models by seed. begin: a training that has not taken a step.

    Goes on from the checkpoint and writes it when it is due. The last checkpoint is left to be removed once the models are on disk.
    Raises InputError for what `Training` refuses and for a GPU whose memory is too small, and Stopped.
    """
    saved = checkpoint.load() or {"finished": {}, "under_way": None}
    finished = {seed: Trained(**each) for seed, each in saved["finished"].items()}
    under_way = saved["under_way"]
    progress = TrainingProgress(len(seeds))
    if finished:
        print(f"of {len(seeds)} models {len(finished)} were finished before")

    def save(training: Training | None) -> None:
        checkpoint.save(
            {
                "finished": {seed: asdict(each) for seed, each in finished.items()},
                "under_way": None if training is None else {"seed": training.seed, "state": training.state_dict()},
            }
        )

    for seed in seeds:
        if seed in finished:
            progress.skip()
            continue
        training = begin(seed)
        if under_way is not None and under_way["seed"] == seed:
            training.load_state_dict(under_way["state"])
            under_way = None
            print(f"seed {seed} goes on after step {training.step:,} of {training.steps:,}", flush=True)
        progress.begin(training)
        try:
            for _ in training.run():
                progress.after_step()
                if checkpoint.due and training.step < training.steps:
                    save(training)
        except torch.OutOfMemoryError:
            settings = training.training
            raise InputError(
                f"level {training.level['name']}, seed {seed}: the memory of the GPU is too small for batches of {settings['batch_size']} images in "
                f"{settings.get('accumulation', 1)} parts: raise training.accumulation, or lower training.batch_size."
            ) from None
        model, pruned = training.finish()
        zeros, weights = map(sum, zip(*pruned.values(), strict=True)) if pruned else (0, 0)
        sparsity = {name: layer[0] / layer[1] for name, layer in pruned.items()}
        sparsity["all"] = zeros / weights if pruned else 0.0
        finished[seed] = Trained(model.state_dict(), sparsity, training.epochs)
        reached = ", ".join(f"{name} {value:.1%}" for name, value in sparsity.items())
        progress.end(f"{training.level['name']}, seed {seed}; sparsity of the pruned layers: {reached}")
        if checkpoint.due:
            save(None)
    return finished
