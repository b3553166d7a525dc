"""Do the models of a cohort train sooner together, each convolution of all of them one grouped convolution, or one by one?

    python benchmarks/cohort_together.py

Ten networks on batches of 64 images of noise, 32 x 32, each network with batches of its own, on one CPU thread: forward, backward and SGD with
Nesterov momentum. One by one is what `train` does. Together, each layer's weights lie one after the other, groups keep the networks apart, batch norms
have as many channels as all networks together, and dense layers are one batched product; so all that differs is rounding, which is checked
after the first step. They take turns; a ratio is of neighbouring turns. Wall time, so the machine must be quiet.
Results: results/cohort_together.json.
"""

import json
import platform
import statistics
import sys
import time
from pathlib import Path

import torch
from torch import nn

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.audit_scale import processor  # noqa: E402
from scripts.lib.networks.architectures import build_network  # noqa: E402
from scripts.lib.training.loop import parameter_groups  # noqa: E402

RESULT = ROOT / "benchmarks/results/cohort_together.json"
NETWORKS = {
    "plain 5-10-20-20 (the demo's)": [5, 10, 20, 20],
    "plain 16-32-64": [16, 32, 64],
    "plain 32-64-128": [32, 64, 128],
}
MODELS, BATCH, STEPS, ROUNDS = 10, 64, 12, 9


class Dense(nn.Module):
    """The last layers of all networks as one batched product: float[B, K * C] to [B, K, classes]."""

    def __init__(self, layers: list[nn.Linear]) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.stack([layer.weight.detach() for layer in layers]))
        self.bias = nn.Parameter(torch.stack([layer.bias.detach() for layer in layers]))

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """[B, K * C] to [B, K, classes]."""
        of_each = features.unflatten(1, (len(self.weight), -1)).transpose(0, 1)
        return torch.baddbmm(self.bias[:, None], of_each, self.weight.transpose(1, 2)).transpose(0, 1)


def together(models: list[nn.Sequential]) -> nn.Sequential:
    """One network that is all of them, in channels-last memory."""
    layers: list[nn.Module] = []
    for each in zip(*models, strict=True):
        first = each[0]
        if isinstance(first, nn.Conv2d):
            inputs, outputs = first.in_channels * len(each), first.out_channels * len(each)
            layer = nn.Conv2d(inputs, outputs, 3, first.stride, 1, groups=len(each), bias=False)
            layer.weight = nn.Parameter(torch.cat([one.weight.detach() for one in each]))
        elif isinstance(first, nn.BatchNorm2d):
            layer = nn.BatchNorm2d(first.num_features * len(each))
        elif isinstance(first, nn.Linear):
            layer = Dense(list(each))
        else:
            layer = first
        layers.append(layer)
    return nn.Sequential(*layers).to(memory_format=torch.channels_last)


def optimizer(model: nn.Module) -> torch.optim.Optimizer:
    """As `Training` has it."""
    return torch.optim.SGD(parameter_groups(model, 5e-4), lr=0.05, momentum=0.9, nesterov=True)


def step(model: nn.Module, sgd: torch.optim.Optimizer, images: torch.Tensor, labels: torch.Tensor) -> None:
    """One step; the losses of several networks are added up, so that each has its own gradients."""
    sgd.zero_grad(set_to_none=True)
    logits = model(images)
    loss = nn.functional.cross_entropy(logits.flatten(0, -2), labels.flatten(), reduction="sum") / len(images)
    loss.backward()
    sgd.step()


def measure(name: str, channels: list[int]) -> dict:
    """Steps of one model a second, both ways."""
    torch.manual_seed(0)
    models = [build_network("plain", channels, 10).to(memory_format=torch.channels_last) for _ in range(MODELS)]
    grouped = together(models)
    images = torch.randn(MODELS, BATCH, 3, 32, 32)
    labels = torch.randint(0, 10, (BATCH, MODELS))
    own = [(images[k].contiguous(memory_format=torch.channels_last), labels[:, k]) for k in range(MODELS)]
    stacked = images.transpose(0, 1).flatten(1, 2).contiguous(memory_format=torch.channels_last)
    optimizers, of_all = [optimizer(model) for model in models], optimizer(grouped)

    def one_by_one() -> None:
        for model, sgd, (batch, targets) in zip(models, optimizers, own, strict=True):
            step(model, sgd, batch, targets)

    def all_at_once() -> None:
        step(grouped, of_all, stacked, labels)

    one_by_one(), all_at_once()
    weights = torch.cat([model[0].weight.detach() for model in models])
    difference = float((weights - grouped[0].weight.detach()).abs().max() / weights.abs().max())
    assert difference < 1e-4, difference
    taken: dict[str, list[float]] = {"one by one": [], "together": []}
    for turn in range(ROUNDS):
        for way, run in list({"one by one": one_by_one, "together": all_at_once}.items())[:: 1 if turn % 2 else -1]:
            begin = time.perf_counter()
            for _ in range(STEPS):
                run()
            taken[way].append(time.perf_counter() - begin)
    ratios = [alone / both for alone, both in zip(taken["one by one"], taken["together"], strict=True)]
    low, middle, high = statistics.quantiles(ratios, n=4)
    return {
        "network": name,
        "models": MODELS,
        "batch": BATCH,
        "milliseconds_of_a_model_step": round(1000 * statistics.median(taken["one by one"]) / STEPS / MODELS, 3),
        "together_times_faster": round(middle, 2),
        "quartiles": [round(low, 2), round(high, 2)],
        "relative_difference_after_a_step": difference,
        "rounds": ROUNDS,
    }


def main() -> None:
    """Measure all and write the results."""
    torch.set_num_threads(1)
    rows = [measure(name, channels) for name, channels in NETWORKS.items()]
    for row in rows:
        print(row)
    machine = {"processor": processor(), "python": platform.python_version(), "torch": torch.__version__, "threads": 1}
    RESULT.write_text(json.dumps({"machine": machine, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
