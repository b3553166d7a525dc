"""A plan gives what the network gives, whatever ran in its buffers before, and refuses what it does not understand."""

import copy
from collections.abc import Sequence

import pytest
import torch
from networks import Residual, Transformer, WideResidual, plain, prune, vgg
from torch import nn
from torch.nn import functional

from kernels.cpu import block_sparse as cpu
from kernels.cpu import plan as plan_module
from kernels.cpu.plan import plan
from kernels.layers import BlockSparseConv2d, BlockSparseLinear
from kernels.packed import pack
from kernels.reference import relative_rms
from kernels.sparsify import sparsify

SHAPE = (3, 16, 16)
NETWORKS = {"plain": plain, "vgg": vgg, "residual": Residual, "wide residual": WideResidual}
PATHS = ("torch", "sparse", "all blocks")


class Calls(nn.Module):
    """A network whose forward is a function of the module and x."""

    def __init__(self, forward, **modules: nn.Module) -> None:
        super().__init__()
        self.function = forward
        for name, module in modules.items():
            setattr(self, name, module)

    def forward(self, x):
        return self.function(self, x)


def conv(before=3, after=4, size=3, **options) -> nn.Conv2d:
    return nn.Conv2d(before, after, size, padding=options.pop("padding", size // 2), **options)


def pruned(name: str, block=(4, 4)) -> nn.Module:
    torch.manual_seed(0)
    return prune(NETWORKS[name](), *block, 0.6)


def random(batch=2, shape=SHAPE) -> torch.Tensor:
    return torch.randn(batch, *shape)


def assert_equal(made, model: nn.Module, x: torch.Tensor) -> None:
    """The plan gives what the dense network gives in float64."""
    with torch.inference_mode():
        expected = copy.deepcopy(model).eval().double()(x.double())
    assert relative_rms(made(x), expected) < 1e-6


def assert_planned(model: nn.Module, shape=SHAPE, batch=2, **options) -> None:
    """A plan of a network is right, also behind images so large that whatever is left of them would be seen."""
    torch.manual_seed(0)
    made = plan(model, batch, shape, **options)
    made(1e6 * random(batch, shape))
    assert_equal(made, model, random(batch, shape))


@pytest.fixture
def force(monkeypatch):
    """force(path): the path is chosen for each layer that has it, and nothing is measured. Returns the names of all that were offered."""

    def to(path: str) -> list[str]:
        offered = []

        def measure(paths):
            offered.extend(paths)
            return {name: float(name != path) for name in paths}

        monkeypatch.setattr(plan_module, "_measure", measure)
        return offered

    return to


@pytest.fixture(params=PATHS)
def path(request, force) -> str:
    force(request.param)
    return request.param


@pytest.fixture(autouse=True)
def threads():
    """One thread, unless the test asks for more with threads(count): small layers on busy machines wait for their threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield torch.set_num_threads
    torch.set_num_threads(before)


def rotated(*others: Sequence) -> list[tuple]:
    """Each network by each path; what is behind them takes turns, so that each network and each path meets all of it."""
    pairs = [(name, path, row + column) for row, name in enumerate(NETWORKS) for column, path in enumerate(PATHS)]
    return [(name, path, *[values[turn % len(values)] for values in others]) for name, path, turn in pairs]


@pytest.mark.parametrize(("name", "path", "block"), rotated([(4, 4), (8, 4), (16, 4)]))
@pytest.mark.parametrize("given", ["dense", "sparsified"])
def test_a_plan_is_equal_to_the_dense_network(name, block, given, path, force):
    force(path)
    model = pruned(name, block)
    if given == "dense":
        made = plan(model, 2, SHAPE, blocks=block)
    else:
        sparse, _ = sparsify(model, block, random(1), decide="always")
        made = plan(sparse, 2, SHAPE)
    assert path in {choice.path for choice in made.choices}
    assert_equal(made, model, random())


@pytest.mark.parametrize(("name", "path", "first"), rotated([0, 1, 2]))
def test_nothing_is_left_of_the_call_before(name, path, first, force):
    """Each network and each path with every batch and micro-batch."""
    force(path)
    for batch, micro_batch in [(1, None), (3, 1), (8, 2), (1, 1), (3, None), (8, None), (8, 1)][first::3]:
        assert_planned(pruned(name), batch=batch, micro_batch=micro_batch, blocks=(4, 4))


@pytest.mark.parametrize("name", ["vgg", "residual"])
def test_what_is_measured_is_right(name):
    model = pruned(name)
    made = plan(model, 2, SHAPE, blocks=(4, 4))
    for choice in made.choices:
        assert choice.path == min(choice.seconds, key=choice.seconds.get) and min(choice.seconds.values()) > 0
    assert_equal(made, model, random())


def test_the_default_micro_batch_divides_the_batch_and_fits_the_cache(force, monkeypatch):
    force("torch")
    assert plan(plain(), 6, SHAPE).micro_batch == 6
    monkeypatch.setattr(
        plan_module, "CACHE", 5 * 4 * 4 * 3 * 18 * 18
    )  # five times four buffers of the input, the largest
    assert plan(plain(), 6, SHAPE).micro_batch == 3
    monkeypatch.setattr(plan_module, "CACHE", 1)
    assert plan(plain(), 6, SHAPE).micro_batch == 1


@pytest.mark.parametrize("name", ["vgg", "residual"])
def test_the_result_is_the_callers(name, force):
    force("sparse")
    model = pruned(name)
    made = plan(model, 2, SHAPE, blocks=(4, 4))
    first = made(random())
    kept = first.clone()
    second = made(random())
    assert torch.equal(first, kept) and not torch.equal(first, second)
    x = random()
    with torch.inference_mode():
        made(x).fill_(7)
    assert_equal(made, model, x)


def test_an_image_as_the_result_is_the_callers(path):
    model = Calls(lambda m, x: m.b(torch.relu(m.a(x))), a=conv(4, 8), b=conv(8, 4))
    made = plan(prune(model, 4, 4, 0.5), 4, (4, 6, 5), blocks=(4, 4), micro_batch=2)
    x = random(4, (4, 6, 5))
    first = made(x)
    kept = first.clone()
    made(random(4, (4, 6, 5)))
    assert torch.equal(first, kept)
    assert_equal(made, model, x)


@pytest.mark.parametrize(
    "layout",
    [
        lambda x: x.contiguous(memory_format=torch.channels_last),
        lambda x: torch.stack([x, x + 1], -1)[..., 0],
        lambda x: x.transpose(2, 3).contiguous().transpose(2, 3),
        lambda x: x[:, :1].expand(-1, 3, -1, -1),
    ],
    ids=["channels last", "every second", "transposed", "expanded"],
)
def test_any_strides_of_the_input(layout, force):
    force("sparse")
    model = pruned("plain")
    made = plan(model, 4, SHAPE, blocks=(4, 4), micro_batch=2)
    x = layout(random(4))
    kept = x.clone()
    assert_equal(made, model, x)
    assert torch.equal(x, kept)


@pytest.mark.parametrize("name", ["vgg", "wide residual"])
def test_threads(name, path, threads):
    model = pruned(name)
    made = plan(model, 2, SHAPE, blocks=(4, 4))
    threads(2)
    assert_equal(made, model, random())


def test_without_a_compiler(force, monkeypatch):
    monkeypatch.setattr(cpu, "library", lambda: None)
    for one in ("sparse", "all blocks"):
        force(one)
        assert_planned(pruned("residual"), blocks=(4, 4))


@pytest.mark.parametrize("dtype", [torch.float16, torch.int8])
def test_weights_of_few_bits(dtype, path):
    torch.manual_seed(0)
    dense = conv(4, 8)
    packed = pack(dense.weight, 4, 4, dtype=dtype)
    model = nn.Sequential(BlockSparseConv2d(packed, dense.bias, padding=1))
    x = random(2, (4, 6, 6))
    with torch.inference_mode():
        expected = model(x)
    assert relative_rms(plan(model, 2, (4, 6, 6))(x), expected) < 1e-6


def test_each_layer_has_its_paths(force):
    offered = force("torch")
    plan(nn.Sequential(conv(4, 4, groups=2)), 1, (4, 5, 5))
    assert offered == ["torch"]
    offered.clear()
    plan(nn.Sequential(conv(4, 4)), 1, (4, 5, 5))
    assert offered == ["torch", "all blocks"]
    offered.clear()
    plan(prune(nn.Sequential(conv(4, 4)), 2, 2, 0.5), 1, (4, 5, 5), blocks=(2, 2))
    assert sorted(offered) == sorted(PATHS)


# Structures that share buffers, halos and values.
STRUCTURES = {
    "a value read by three layers of other paddings": Calls(
        lambda m, x: m.c(y := m.a(x)) + m.b(y) + m.d(y), a=conv(), b=conv(4, 4, 5), c=conv(4, 4), d=conv(4, 4, 1)
    ),
    "halos around what a pool, a sum, a ReLU and a BatchNorm write": Calls(
        lambda m, x: m.d(m.norm(m.c(torch.relu(x1 := m.b(m.pool(m.a(x)))) + x1))),
        a=conv(), pool=nn.MaxPool2d(3, 1, 1), b=conv(4, 4, 5), c=conv(4, 4), norm=nn.BatchNorm2d(4), d=conv(4, 4, 7),
    ),
    "a residual read again later": Calls(
        lambda m, x: m.d((z := m.b(y := m.a(x)) + y) + m.c(z)) + y, a=conv(), b=conv(4, 4), c=conv(4, 4), d=conv(4, 4)
    ),
    "a residual that its own convolution reads": Calls(
        lambda m, x: torch.relu(m.b(y := m.a(x)) + y), a=conv(), b=conv(4, 4)
    ),
    "the residual first": Calls(lambda m, x: functional.relu((y := m.a(x)) + m.b(y)), a=conv(), b=conv(4, 4)),
    "both sides are convolutions": Calls(lambda m, x: torch.relu(m.a(x) + m.b(x)), a=conv(), b=conv(3, 4, 5)),
    "a convolution and itself": Calls(lambda m, x: m.b((y := m.a(x)) + y), a=conv(), b=conv(4, 4)),
    "a residual without ReLU": Calls(lambda m, x: m.b(y := m.a(x)) + y, a=conv(), b=conv(4, 4)),
    "ReLU before a residual": Calls(lambda m, x: torch.relu(m.b(y := m.a(x))) + y, a=conv(), b=conv(4, 4)),
    "what is read before ReLU and behind it": Calls(
        lambda m, x: m.b(torch.relu(y := m.a(x))) + m.c(y), a=conv(), b=conv(4, 4), c=conv(4, 4)
    ),
    "a chain of residuals": Calls(
        lambda m, x: (z := torch.relu(m.b(y := m.a(x)) + y)) + torch.relu(m.c(z) + z) + m.d(torch.relu(m.c(z) + y)),
        a=conv(), b=conv(4, 4), c=conv(4, 4), d=conv(4, 4),
    ),
    "the input is a residual": Calls(lambda m, x: m.b(m.a(x)) + x, a=conv(3, 3), b=conv(3, 3)),
    "a layer used twice": Calls(lambda m, x: m.a(torch.relu(m.a(x))), a=conv(3, 3)),
    "strides and dilation": Calls(
        lambda m, x: m.b(torch.relu(m.a(x))), a=conv(3, 4, 3, stride=(2, 1), dilation=(1, 2), padding=(1, 2)),
        b=conv(4, 4, 1, stride=2),
    ),
    "a BatchNorm behind ReLU": Calls(lambda m, x: torch.relu(m.n(torch.relu(m.a(x)))), a=conv(), n=nn.BatchNorm2d(4)),
    "groups": Calls(lambda m, x: torch.relu(m.b(y := m.a(x)) + y), a=conv(), b=conv(4, 4, groups=4)),
    "ReLU in place": nn.Sequential(conv(), nn.ReLU(inplace=True), conv(4, 4), nn.ReLU(inplace=True)),
    "two pools": nn.Sequential(conv(), nn.AvgPool2d(3, 2, 1, ceil_mode=True), nn.MaxPool2d(2), conv(4, 4)),
    "vectors added": Calls(
        lambda m, x: torch.relu(m.b(y := m.a(x.mean((2, 3)))) + y) + m.c(y), a=nn.Linear(3, 8), b=nn.Linear(8, 8), c=nn.Linear(8, 8)
    ),
    "a mean over parts": nn.Sequential(conv(), nn.AdaptiveAvgPool2d((3, 2)), conv(4, 4), nn.AdaptiveAvgPool2d(1), nn.Flatten()),
    "an image, flat": nn.Sequential(conv(), nn.Flatten(), nn.ReLU(), nn.Linear(4 * 63, 8)),
    "a mean that keeps its ones": nn.Sequential(conv(), nn.AdaptiveAvgPool2d(1)),
    "ones that a ReLU keeps": Calls(lambda m, x: torch.relu(m.a(x).mean((-1, -2), keepdim=True)), a=conv()),
    "a mean, flat": Calls(
        lambda m, x: m.b((y := functional.adaptive_avg_pool2d(m.a(x), 1)).flatten(1)) + (y + y).flatten(1), a=conv(), b=nn.Linear(4, 4)
    ),
    "nothing": nn.Identity(),
}  # fmt: skip


@pytest.mark.parametrize("name", STRUCTURES)
def test_structures(name, path):
    torch.manual_seed(0)
    assert_planned(prune(copy.deepcopy(STRUCTURES[name]), 2, 2, 0.5), (3, 9, 7), 4, blocks=(2, 2), micro_batch=2)


@pytest.mark.parametrize("name", STRUCTURES)
def test_the_result_has_the_networks_shape(name, force):
    force("torch")
    model, x = copy.deepcopy(STRUCTURES[name]).eval(), random(2, (3, 9, 7))
    assert plan(model, 2, (3, 9, 7))(x).shape == model(x).shape


def test_a_batchnorm_without_weights(path):
    torch.manual_seed(0)
    norm = nn.BatchNorm2d(4, affine=False)
    norm.running_mean.normal_()
    norm.running_var.uniform_(0.5, 1.5)
    assert_planned(nn.Sequential(nn.ReLU(), conv(3, 4), nn.ReLU(), norm))


def test_random_graphs_of_residuals(path):
    """Values are read in any order, any number of times: no buffer may be given away too early."""
    for seed in range(6):
        torch.manual_seed(seed)
        steps = torch.randint(0, 1000, (12, 4)).tolist()

        def forward(m, x, steps=steps):
            values = [m.c0(x)]
            for layer, a, b, relu in steps:
                y = getattr(m, f"c{1 + layer % 3}")(values[-1 - a % min(3, len(values))])
                y = y + values[-1 - b % len(values)] if b % 4 else y
                values.append(torch.relu(y) if relu % 2 else y)
            return values[-1]

        model = Calls(forward, c0=conv(3, 4), c1=conv(4, 4), c2=conv(4, 4, 1), c3=conv(4, 4, 5))
        assert_planned(prune(model, 2, 2, 0.5), (3, 5, 4), blocks=(2, 2), micro_batch=1)


@pytest.mark.parametrize(
    ("model", "named"),
    [
        (Transformer(), "flatten"),
        (nn.Sequential(conv(), nn.Sigmoid()), "Sigmoid"),
        (Calls(lambda m, x: torch.sigmoid(m.a(x)), a=conv()), "sigmoid"),
        (Calls(lambda m, x: m.a(x) + 1, a=conv()), "add"),
        (Calls(lambda m, x: m.a(x) * m.a(x), a=conv()), "mul"),
        (Calls(lambda m, x: torch.add(m.a(x), m.a(x), alpha=2), a=conv()), "add"),
        (Calls(lambda m, x: m.a(x) + m.a(x).mean((2, 3), keepdim=True), a=conv()), "different shapes"),
        (Calls(lambda m, x: m.a(x) + x.mean((2, 3), keepdim=True), a=conv(3, 3, 16, padding=0)), "one pixel"),
        (Calls(lambda m, x: m.a(x.mean((2, 3), keepdim=True)), a=conv()), "one pixel"),
        (Calls(lambda m, x: x.mean(2)), "mean"),
        (Calls(lambda m, x: x.mean((2, 3), dtype=torch.float64)), "mean"),
        (Calls(lambda m, x: functional.adaptive_avg_pool2d(m.a(x), 2), a=conv()), "adaptive_avg_pool2d"),
        (nn.Sequential(nn.MaxPool2d(2, return_indices=True)), "MaxPool2d"),
        (nn.Sequential(nn.BatchNorm2d(3, track_running_stats=False)), "BatchNorm2d"),
        (nn.Sequential(nn.Linear(16, 4)), "Linear"),
        (nn.Sequential(conv(3, 4, padding="same")), "padding"),
        (nn.Sequential(conv(3, 3, groups=3, padding_mode="reflect")), "padding"),
        (Calls(lambda m, x: functional.relu(y := m.a(x), True) + y, a=conv()), "relu"),
        (Calls(lambda m, x: functional.relu(y := m.a(x), inplace=True) + y, a=conv()), "in place"),
        (Calls(lambda m, x: (y := m.a(x)).flatten(1).relu_() + y.flatten(1), a=conv()), "in place"),
        (Calls(lambda m, x: m.i(y := m.a(x)).relu_() + y, a=conv(), i=nn.Identity()), "in place"),
        (Calls(lambda m, x: m.a(input=x), a=conv()), "Conv2d"),
        (nn.Sequential(BlockSparseConv2d(pack(torch.ones(4, 3, 1, 1), 1, 1), activation="relu")), "activation"),
        (
            Calls(
                lambda m, x: m.a(x.mean((2, 3)), x.mean((2, 3))),
                a=BlockSparseLinear(pack(torch.ones(3, 3), 1, 1)),
            ),
            "more than one input",
        ),
        (Calls(lambda m, x: (m.a(x), x), a=conv()), "one output"),
        (nn.Bilinear(3, 3, 3), "one input"),
        (Calls(lambda m, x: m.a(x) if x.sum() > 0 else x, a=conv()), "cannot trace"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_it_does_not_understand_is_refused(model, named):
    with pytest.raises(ValueError, match=named) as error:
        plan(model, 2, SHAPE)
    assert str(error.value).endswith("use what sparsify gives as it is.")


@pytest.mark.parametrize("to", [torch.float64, torch.float16, torch.bfloat16, "meta"])
@pytest.mark.parametrize("model", [nn.Sequential(conv()), nn.Sequential(nn.BatchNorm2d(3))], ids=["conv", "norm"])
def test_other_types_and_devices_are_refused(model, to):
    with pytest.raises(ValueError, match=r"`0.weight` is .* but a plan is for float32 on the CPU"):
        plan(copy.deepcopy(model).to(to), 2, SHAPE)


@pytest.mark.parametrize("micro_batch", [0, -1, 3, 8])
def test_a_micro_batch_that_does_not_divide_the_batch_is_refused(micro_batch):
    with pytest.raises(ValueError, match=f"must divide the batch of 4, which {micro_batch} does not"):
        plan(plain(), 4, SHAPE, micro_batch=micro_batch)


@pytest.mark.parametrize(("batch", "shape"), [(0, SHAPE), (1, (3,)), (1, (3, 0, 5)), (1, (1, 3, 5, 5))])
def test_only_images_are_planned_for(batch, shape):
    with pytest.raises(ValueError, match="images"):
        plan(plain(), batch, shape)


@pytest.mark.parametrize(
    "x",
    [torch.zeros(3, *SHAPE), torch.zeros(1, *SHAPE), torch.zeros(2, 3, 16, 15), torch.zeros(SHAPE),
     torch.zeros(2, *SHAPE, dtype=torch.float64), torch.zeros(2, *SHAPE, device="meta")],
    ids=["more", "fewer", "smaller", "no batch", "float64", "meta"],
)  # fmt: skip
def test_other_inputs_than_planned_for_are_refused(x, force):
    force("torch")
    made = plan(plain(), 2, SHAPE)
    with pytest.raises(ValueError, match=r"the plan is for float32 \[2, 3, 16, 16\] on the CPU, not"):
        made(x)


def test_explain_names_each_layer_with_its_path_and_times():
    model = pruned("residual")
    made = plan(model, 2, SHAPE, blocks=(4, 4))
    layers = [name for name, module in model.named_modules() if isinstance(module, (nn.Conv2d, nn.Linear))]
    rows = {line.split("|")[1].strip(): line for line in made.explain().splitlines()[2:]}
    assert sorted(rows) == sorted(layers) and len(made.choices) == len(layers)
    for choice in made.choices:
        cells = [cell.strip() for cell in rows[choice.name].strip("|").split("|")]
        weight = model.get_submodule(choice.name).weight
        assert choice.shape == tuple(weight.shape) and cells[1] == "x".join(map(str, weight.shape))
        assert cells[4] == choice.path
        for name, seconds in choice.seconds.items():
            assert f"{name} {seconds * 1e6:.0f}" in cells[5]
    density = {choice.name: choice.density for choice in made.choices}
    assert (
        density["stem"] == 1 and density["head"] == 0.5
    )  # 3 channels cannot have the block; 2 of 4 blocks in a row are left
    assert "| 2.0x |" in rows["head"]


@pytest.mark.parametrize("training", [True, False])
def test_the_network_given_is_untouched_and_not_read_again(training, path):
    model = pruned("residual").train(training)
    modules, state = list(model.modules()), {name: tensor.clone() for name, tensor in model.state_dict().items()}
    made = plan(model, 2, SHAPE, blocks=(4, 4))
    x = random()
    first = made(x)
    assert list(model.modules()) == modules and all(module.training == training for module in modules)
    assert all(parameter.requires_grad for parameter in model.parameters())
    assert all(torch.equal(tensor, state[name]) for name, tensor in model.state_dict().items())
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
    assert torch.equal(made(x), first)
