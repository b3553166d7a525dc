"""Plans compute what the dense network computes, batch after batch, and refuse what they do not know."""

import copy

import pytest
import torch
from torch import nn

from kernels import cpu
from kernels.plan import plan
from kernels.reference import relative_rms
from kernels.sparsify import sparsify
from tests.kernels import networks

EXACT = 1e-6


@pytest.mark.parametrize("name", ["plain", "vgg", "Residual", "WideResidual"])
@pytest.mark.parametrize(("batch", "micro_batch"), [(1, None), (4, 2), (3, 1)])
def test_plan_is_exact(name, batch, micro_batch):
    torch.manual_seed(batch)
    model = networks.prune(getattr(networks, name)(), 8, 8, 0.7)
    planned = plan(model, batch, (3, 16, 16), (8, 8), micro_batch)
    for _ in range(2):  # what one run leaves in the buffers must not reach the next
        x = torch.randn(batch, 3, 16, 16)
        with torch.inference_mode():
            assert relative_rms(planned(x), copy.deepcopy(model).double()(x.double())) < EXACT


def test_every_path_of_every_layer_is_exact(monkeypatch):
    """Each of the paths that a plan measures is taken once, whichever is fastest here."""
    torch.manual_seed(0)
    model, x = networks.prune(networks.Residual(), 8, 8, 0.7), torch.randn(2, 3, 16, 16)
    expected = copy.deepcopy(model).double()(x.double())
    taken = set()
    for favourite in range(3):
        monkeypatch.setattr(
            "kernels.plan.compare",
            lambda calls, favourite=favourite, **_: [float(i != favourite % len(calls)) for i in range(len(calls))],
        )
        planned = plan(model, 2, (3, 16, 16), (8, 8))
        taken |= {choice.path for choice in planned.choices}
        assert relative_rms(planned(x), expected) < EXACT
    assert taken == {"torch", "sparse", "all blocks"}


def test_plan_takes_sparsified_networks_and_works_without_a_compiler(monkeypatch):
    model, x = networks.prune(networks.plain(), 8, 8, 0.7), torch.randn(2, 3, 16, 16)
    sparse, _ = sparsify(model, (8, 8), x, decide="always")
    monkeypatch.setattr(cpu, "library", lambda: None)
    planned = plan(sparse, 2, (3, 16, 16))
    assert relative_rms(planned(x), copy.deepcopy(model).double()(x.double())) < EXACT


def test_image_like_outputs_and_odd_structures():
    class Odd(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Conv2d(4, 8, 3, padding=1), nn.Conv2d(8, 8, 5, padding=2)
            self.c = nn.Conv2d(8, 8, 3, padding=1, groups=2)

        def forward(self, x):
            a = self.a(x)
            b = torch.relu(self.b(a)) + a  # the sum cannot be fused: ReLU comes first
            return self.c(b) + b + a

    model, x = Odd().eval(), torch.randn(2, 4, 7, 9)
    assert relative_rms(plan(model, 2, (4, 7, 9))(x), copy.deepcopy(model).double()(x.double())) < EXACT


def test_results_stay_when_the_plan_runs_again():
    planned = plan(networks.prune(networks.plain(), 8, 8, 0.5), 1, (3, 16, 16))
    first = planned(torch.randn(1, 3, 16, 16))
    kept = first.clone()
    planned(torch.randn(1, 3, 16, 16))
    assert torch.equal(first, kept)


def test_explain_names_every_layer_and_its_path():
    planned = plan(networks.prune(networks.plain(), 8, 8, 0.7), 1, (3, 16, 16), (8, 8))
    table = planned.explain()
    assert len(table.splitlines()) == 2 + 4
    for choice in planned.choices:
        assert choice.path == min(choice.seconds, key=choice.seconds.get) and choice.path in table


class TwiceRead(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.relu = nn.Conv2d(3, 3, 1), nn.ReLU(inplace=True)

    def forward(self, x):
        x = self.conv(x)
        return self.relu(x) + x


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (networks.Transformer(), "cannot be planned"),
        (nn.Sequential(nn.Conv2d(3, 4, 1), nn.Sigmoid()), "Sigmoid.*a plan does not know it"),
        (nn.Sequential(nn.Conv2d(3, 4, 3, padding=1, padding_mode="circular")), "padding is `circular`"),
        (nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(3, 3, 1)), "pooled to one pixel"),
        (TwiceRead(), "changes a value in place"),
        (nn.Conv2d(3, 4, 1).double(), "float32 on the CPU"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_a_plan_does_not_know_is_refused(model, words):
    with pytest.raises(ValueError, match=words):
        plan(model.eval(), 1, (3, 16, 16))


def test_another_batch_than_planned_is_refused():
    planned = plan(networks.plain(), 2, (3, 16, 16))
    with pytest.raises(ValueError, match=r"the plan is for float32 \[2, 3, 16, 16\]"):
        planned(torch.zeros(1, 3, 16, 16))
    with pytest.raises(ValueError, match="micro_batch must divide"):
        plan(networks.plain(), 4, (3, 16, 16), micro_batch=3)
