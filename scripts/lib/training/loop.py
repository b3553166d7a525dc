"""Train one network from a seed: the same bytes for the same seed, data, settings and thread count."""

import math

import numpy as np
import torch
from torch import nn

from scripts.lib.compression.pruning import pruner_for
from scripts.lib.jobs.errors import InputError
from scripts.lib.jobs.streams import generator, key
from scripts.lib.networks.architectures import build_network, normalized
from scripts.lib.networks.trial import try_untrained


def learning_rate_factor(step: int, steps: int, warmup: float) -> float:
    """Linear from near 0 to 1 over the first `warmup` fraction of the steps, then linear to near 0."""
    rising = max(1, round(warmup * steps))
    return min((step + 1) / rising, (steps - step) / max(1, steps - rising))


def train_model(
    images: torch.Tensor,
    labels: torch.Tensor,
    classes: int,
    level: dict,
    seed: int,
    network: dict,
    training: dict,
    pruning: dict,
) -> tuple[nn.Module, dict[str, tuple[int, int]]]:
    """A trained network in evaluation mode and (zeros, weights) of each pruned layer.

    An epoch is a random order of the images, cut into whole batches; the few that are left over wait for the next epoch.
    images: uint8[N, H, W, 3] and labels: int64[N], on the device to train on. level, network, training, pruning: as in the study.
    Initial weights and batch order come from a stream keyed by (level, seed), so no two populations share one.
    Raises InputError if the loss is not finite.
    """
    torch.manual_seed(key("initial weights", level["name"], seed) % 2**63)
    model = build_network(network["name"], network.get("channels"), classes, network.get("width", 1.0))
    model = model.to(images.device, memory_format=torch.channels_last)
    if ":" in network["name"]:  # others' code
        try_untrained(model, network["name"], images, classes)
    order = generator("batches", level["name"], seed)
    batch = min(training["batch_size"], len(images))
    per_epoch = len(images) // batch
    steps = per_epoch * training["epochs"]
    pruner = pruner_for(model, level, seed, steps, pruning, tuple(images.shape[1:3]))
    optimizer = torch.optim.SGD(
        parameter_groups(model, training["weight_decay"]),
        lr=training["learning_rate"],
        momentum=training["momentum"],
        nesterov=training["momentum"] > 0,
        foreach=True,
    )
    model.train()
    if pruner is not None:
        pruner.before_training()
    step = 0
    for epoch in range(training["epochs"]):
        shuffled = torch.from_numpy(order.permutation(len(images))).to(images.device)
        total = torch.zeros((), device=images.device)
        for start in range(0, per_epoch * batch, batch):
            chosen = shuffled[start : start + batch]
            for group in optimizer.param_groups:
                group["lr"] = training["learning_rate"] * learning_rate_factor(step, steps, training["warmup"])
            loss = nn.functional.cross_entropy(model(normalized(images[chosen])), labels[chosen])
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            if pruner is not None:
                pruner.before_step(step)
            optimizer.step()
            if pruner is not None:
                pruner.after_step(step)
            total += loss.detach()
            step += 1
        if not math.isfinite(float(total)):
            raise InputError(
                f"level {level['name']}, seed {seed}: the loss is not finite in epoch {epoch + 1} of {training['epochs']}: "
                f"lower training.learning_rate (now {training['learning_rate']})."
            )
    return model.eval(), pruner.finish() if pruner is not None else {}


def parameter_groups(model: nn.Module, weight_decay: float) -> list[dict]:
    """Weight decay for the weights of convolutions and dense layers, none for batch norm and biases."""
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    return [
        {"params": [parameter for parameter in parameters if parameter.ndim > 1], "weight_decay": weight_decay},
        {"params": [parameter for parameter in parameters if parameter.ndim <= 1], "weight_decay": 0.0},
    ]


def as_tensors(images: np.ndarray, labels: np.ndarray, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    """uint8 images and integer labels on a device."""
    return torch.from_numpy(images).to(device), torch.from_numpy(labels.astype(np.int64)).to(device)
