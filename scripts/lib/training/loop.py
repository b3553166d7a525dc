"""Train one network from a seed: the same bytes for the same seed, data, settings and thread count, however often it is stopped."""

import math
from collections.abc import Callable, Iterator
from contextlib import nullcontext

import torch
from torch import nn

from scripts.lib.compression.pruning import Mask, pruner_for
from scripts.lib.jobs.errors import InputError
from scripts.lib.jobs.streams import generator, key
from scripts.lib.networks.architectures import build_network, normalized
from scripts.lib.training.augmentation import changes_of
from scripts.lib.training.averaging import MovingAverage
from scripts.lib.training.pictures import Pictures, PicturesInMemory
from scripts.lib.training.processes import ALONE, Processes
from scripts.lib.training.schedules import learning_rate_factor

PRECISIONS = {"float32": None, "bfloat16": torch.bfloat16, "float16": torch.float16}
LOOK = 500  # steps after which a loss that is not finite is noticed, where epochs are longer


class Training:
    """One network on its way, which can be stopped after any step and goes on from `state_dict` as if it had not been.

    An epoch is a random order of the images, cut into whole batches; the few that are left over wait for the next epoch.
    images: uint8[N, H, W, 3], or where else they are kept, and labels: int64[N], on the device to train on. level, network, training,
    pruning: as in the study; keys of `training` that are missing have the schema's defaults.
    Initial weights, batch order and augmentation come from streams keyed by (level, seed), so no two populations share one.
    processes: those that train this network together, all with the same arguments. Each takes its parts of every batch, and all take the
    same step. Batch norm sees the parts, and its running statistics are the first process's, as with torch's DistributedDataParallel.
    Raises InputError for others' networks that do not fit the images, and for schedules without room.
    """

    def __init__(
        self,
        images: torch.Tensor | Pictures,
        labels: torch.Tensor,
        classes: int,
        level: dict,
        seed: int,
        network: dict,
        training: dict,
        pruning: dict,
        processes: Processes = ALONE,
    ) -> None:
        self.pictures = PicturesInMemory(images) if isinstance(images, torch.Tensor) else images
        self.labels, self.level, self.seed, self.training = labels, level, seed, training
        self.device = labels.device
        self.batch_size = min(training["batch_size"], len(self.pictures))
        self.steps_per_epoch = len(self.pictures) // self.batch_size
        self.steps = training.get("steps") or self.steps_per_epoch * training["epochs"]
        self.processes = processes
        self.parts = training.get("accumulation", 1)  # of a batch, in each process
        self.augmentation = training.get("augmentation", "none")
        self.precision = PRECISIONS[training.get("precision", "float32")]

        torch.manual_seed(key("initial weights", level["name"], seed) % 2**63)
        self.model = build_network(network["name"], network.get("channels"), classes, network.get("width", 1.0))
        self.model = self.model.to(self.device, memory_format=torch.channels_last)
        if ":" in network["name"]:  # others' code
            from scripts.lib.networks.trial import try_untrained  # takes a part of a second

            first = self.pictures.batch(torch.arange(min(4, len(self.pictures)), device=self.device), None)
            try_untrained(self.model, network["name"], first, classes)
        size = int(self.pictures.heights[0]), int(self.pictures.widths[0])
        self.pruner = pruner_for(self.model, level, seed, self.steps, pruning, size)
        self.optimizer = torch.optim.SGD(
            parameter_groups(self.model, training["weight_decay"]),
            lr=training["learning_rate"],
            momentum=training["momentum"],
            nesterov=training["momentum"] > 0,
            foreach=True,
        )
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=self.precision is torch.float16)
        decay = training.get("moving_average", 0)
        self.average = MovingAverage(self.model, decay) if decay else None
        self.label_smoothing = training.get("label_smoothing", 0.0)
        self.compute = torch.compile(self.model) if training.get("compile", False) else self.model

        self.step, self.rate = 0, 0.0
        self.total = torch.zeros((), device=self.device)  # of the losses of this epoch
        self.epochs: list[dict] = []  # what became of each epoch: epoch, steps, learning_rate, loss
        self._orders = generator("batches", level["name"], seed)
        self._drawn = 0  # epochs whose order was drawn; the last of them is `_shuffled`

    @property
    def epoch(self) -> int:
        """The epoch that the next step belongs to, from 0."""
        return self.step // self.steps_per_epoch

    def run(self) -> Iterator[int]:
        """Train to the end, yielding the number of steps done after each of them. Raises InputError if the loss is not finite."""
        self.model.train()
        if self.pruner is not None and self.step == 0:
            self.pruner.before_training()
        while self.step < self.steps:
            order, epoch = self._order(), self.epoch
            changes = changes_of(
                self.augmentation, self.level["name"], self.seed, epoch, self.pictures.heights, self.pictures.widths
            )
            batches = self._batches(order, epoch)
            feed = self.pictures.batches((part for parts in batches for part in parts), changes)
            for parts in batches:
                self._train(parts, feed)
                if self.epoch > epoch or self.step == self.steps:
                    self._close_epoch(epoch)
                elif self.step % LOOK == 0:
                    self.mean_loss()
                yield self.step

    def _order(self) -> torch.Tensor:
        """The order of the images in the epoch of the next step. A training that goes on draws those before it once more."""
        while self._drawn <= self.epoch:
            self._shuffled = self._orders.permutation(len(self.pictures))
            self._drawn += 1
        return torch.from_numpy(self._shuffled).to(self.device)

    def _batches(self, order: torch.Tensor, epoch: int) -> list[tuple[torch.Tensor, ...]]:
        """The batches of the steps that are left in an epoch, each in the parts that this process takes."""
        first = self.step - epoch * self.steps_per_epoch
        last = min(self.steps_per_epoch, self.steps - epoch * self.steps_per_epoch)
        batches = order[first * self.batch_size : last * self.batch_size].split(self.batch_size)
        parts, first = self.parts * self.processes.count, self.parts * self.processes.rank
        return [batch.tensor_split(parts)[first : first + self.parts] if parts > 1 else (batch,) for batch in batches]

    def _train(self, parts: tuple[torch.Tensor, ...], feed: Iterator[torch.Tensor]) -> None:
        """One step: the gradient of a batch, in one or several parts, whose images `feed` gives, and what follows from it."""
        settings = self.training
        self.rate = settings["learning_rate"] * learning_rate_factor(
            self.step,
            self.steps,
            settings["warmup"],
            settings.get("schedule", "linear"),
            settings.get("milestones", ()),
            settings.get("factor", 0.1),
        )
        for group in self.optimizer.param_groups:
            group["lr"] = self.rate
        several = self.processes.count > 1
        if several:  # dropout is another in each process, and nothing of it has to be kept for a training that goes on
            torch.manual_seed(key("dropout", self.level["name"], self.seed, self.step, self.processes.rank) % 2**63)
        losses = []
        for number, part in enumerate(parts):
            images = normalized(next(feed))
            with self._autocast():
                logits = self.compute(images)
                loss = nn.functional.cross_entropy(logits, self.labels[part], label_smoothing=self.label_smoothing)
            if several or self.parts > 1:
                loss = loss * (len(part) / self.batch_size)
            if number == 0:
                self.optimizer.zero_grad(set_to_none=True)
            (self.scaler.scale(loss) if self.scaler.is_enabled() else loss).backward()
            losses.append(loss.detach())
        if several:
            gradients = [each.grad for each in self.model.parameters() if each.grad is not None]
            self.processes.add_up([*gradients, *losses])
            self.processes.take_first(self._statistics())
        for loss in losses:
            self.total += loss
        finite = True
        if self.scaler.is_enabled():
            self.scaler.unscale_(self.optimizer)
            finite = all(bool(each.grad.isfinite().all()) for each in self.model.parameters() if each.grad is not None)
        if self.pruner is not None and finite:  # a step whose gradients overflow in float16 is left out by the scaler
            self.pruner.before_step(self.step)
        if self.scaler.is_enabled():
            self.scaler.step(self.optimizer)
            self.scaler.update()
        else:
            self.optimizer.step()
        if self.pruner is not None:
            self.pruner.after_step(self.step)
        if self.average is not None:
            self.average.after_step()
        self.step += 1

    def _statistics(self) -> list[torch.Tensor]:
        """What a forward pass moves: running statistics."""
        masks = {id(module.mask) for module in self.model.modules() if isinstance(module, Mask)}
        return [each for each in self.model.buffers() if each.is_floating_point() and id(each) not in masks]

    def _autocast(self):
        return torch.autocast(self.device.type, self.precision) if self.precision is not None else nullcontext()

    def mean_loss(self) -> float:
        """The mean loss of the current epoch's steps so far, at least one; InputError if it is not finite."""
        epoch = (self.step - 1) // self.steps_per_epoch
        mean = float(self.total) / (self.step - epoch * self.steps_per_epoch)
        if not math.isfinite(mean):
            raise InputError(
                f"level {self.level['name']}, seed {self.seed}: the loss is not finite in epoch {epoch + 1} of "
                f"{math.ceil(self.steps / self.steps_per_epoch)}: lower training.learning_rate (now {self.training['learning_rate']})."
            )
        return mean

    def _close_epoch(self, epoch: int) -> None:
        self.epochs.append(
            {"epoch": epoch + 1, "steps": self.step, "learning_rate": self.rate, "loss": self.mean_loss()}
        )
        self.total = torch.zeros((), device=self.device)

    def finish(self) -> tuple[nn.Module, dict[str, tuple[int, int]]]:
        """The trained network in evaluation mode and (zeros, weights) of each pruned layer."""
        if self.average is not None:
            self.average.finish()
        return self.model.eval(), self.pruner.finish() if self.pruner is not None else {}

    def state_dict(self) -> dict:
        """All that the next step depends on besides the arguments: tensors, numbers and texts."""
        return {
            "step": self.step,
            "total": self.total,
            "epochs": self.epochs,
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scaler": self.scaler.state_dict(),
            "average": None if self.average is None else self.average.state_dict(),
            "pruner": None if self.pruner is None else self.pruner.state_dict(),
            "random": torch.get_rng_state(),  # of dropout
            "random_cuda": torch.cuda.get_rng_state(self.device) if self.device.type == "cuda" else None,
        }

    def load_state_dict(self, state: dict) -> None:
        """Go on from where another training with the same arguments was."""
        self.step, self.epochs = state["step"], list(state["epochs"])
        self.total = state["total"].to(self.device)
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.scaler.load_state_dict(state["scaler"])
        if self.average is not None:
            self.average.load_state_dict(state["average"])
        if self.pruner is not None:
            self.pruner.load_state_dict(state["pruner"])
        torch.set_rng_state(state["random"])
        if self.device.type == "cuda":
            torch.cuda.set_rng_state(state["random_cuda"], self.device)


def train_model(
    images: torch.Tensor | Pictures,
    labels: torch.Tensor,
    classes: int,
    level: dict,
    seed: int,
    network: dict,
    training: dict,
    pruning: dict,
    after_step: Callable[[Training], None] = lambda training: None,
) -> tuple[nn.Module, dict[str, tuple[int, int]]]:
    """A trained network in evaluation mode and (zeros, weights) of each pruned layer; arguments as of `Training`."""
    under_way = Training(images, labels, classes, level, seed, network, training, pruning)
    for _ in under_way.run():
        after_step(under_way)
    return under_way.finish()


def parameter_groups(model: nn.Module, weight_decay: float) -> list[dict]:
    """Weight decay for the weights of convolutions and dense layers, none for batch norm and biases."""
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    return [
        {"params": [parameter for parameter in parameters if parameter.ndim > 1], "weight_decay": weight_decay},
        {"params": [parameter for parameter in parameters if parameter.ndim <= 1], "weight_decay": 0.0},
    ]
