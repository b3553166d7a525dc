"""A whole network on the CPU with static buffers: nothing is allocated or padded between layers.

Every image-like value lives in an NHWC buffer with the halo of zeros that its readers need; a convolution adds bias and residual,
applies ReLU and writes straight into the inside of the next buffer. Images run in micro-batches that stay in the cache, vectors
(after pooling or flattening) in the whole batch. For each layer the fastest of the block-sparse kernel, the same kernel with all
blocks, and torch is measured when the plan is made.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, fx, nn
from torch.nn import functional

from kernels.cpu import block_sparse as cpu
from kernels.layers import BlockSparseConv2d, BlockSparseLinear, pair
from kernels.operations import Operation, Value, check_sizes, largest_micro_batch, network_of, torch_step
from kernels.ownership import Owned
from kernels.packed import Packed, pack, unpack
from kernels.sparsify import Block
from kernels.timing import compare

CACHE = 1 << 20  # bytes of buffers that a micro-batch may need: an L2 cache of today

Step = Callable[[int, int], None]  # of the number of threads and the micro-batch's first image


@dataclass(frozen=True)
class Choice:
    """Which path a layer takes and what each would take, in seconds per micro-batch (linear layers: per batch)."""

    name: str
    shape: tuple[int, ...]
    density: float
    path: str
    seconds: Mapping[str, float]


@dataclass(eq=False)
class Plan(Owned):
    """A network ready to run: `plan(x)` for x float32 [batch, C, H, W], in the thread that made it. Later changes of the network's
    weights do not reach it."""

    batch: int
    micro_batch: int
    input_shape: tuple[int, ...]
    choices: list[Choice] = field(default_factory=list)
    _image_steps: list[Step] = field(default_factory=list)
    _vector_steps: list[Step] = field(default_factory=list)
    _input: Tensor | None = None
    _output: Tensor | None = None

    def __post_init__(self) -> None:
        super().__init__()

    def __call__(self, x: Tensor) -> Tensor:
        """What the network gives for x; ValueError for another batch or shape than was planned for, and from another thread."""
        if tuple(x.shape) != (self.batch, *self.input_shape) or x.dtype != torch.float32 or x.device.type != "cpu":
            raise ValueError(
                f"the plan is for float32 {[self.batch, *self.input_shape]} on the CPU, not {x.dtype} {list(x.shape)} on {x.device}."
            )
        with self.alone(x):
            threads, x = torch.get_num_threads(), x.permute(0, 2, 3, 1)
            for begin in range(0, self.batch, self.micro_batch):
                self._input.copy_(x[begin : begin + self.micro_batch])
                for step in self._image_steps:
                    step(threads, begin)
            for step in self._vector_steps:
                step(threads, 0)
            return self._output.clone()

    def explain(self) -> str:
        """A Markdown table: each layer's weight, density, path, and the measured time of each path."""
        return table(self.choices)


def table(choices: Sequence[Choice]) -> str:
    """The choices of a plan as a Markdown table."""
    lines = ["| layer | weight | density | ceiling | path | us measured |", "|---|---|---|---|---|---|"]
    for one in choices:
        times = ", ".join(f"{name} {seconds * 1e6:.0f}" for name, seconds in one.seconds.items())
        shape, ceiling = "x".join(map(str, one.shape)), 1 / one.density if one.density else math.inf
        lines.append(f"| {one.name} | {shape} | {one.density:.3f} | {ceiling:.1f}x | {one.path} | {times} |")
    return "\n".join(lines)


@torch.inference_mode()
@torch.autocast("cpu", enabled=False)
def plan(
    model: nn.Module,
    batch: int,
    input_shape: Sequence[int],
    blocks: Block | Mapping[str, Block] | None = None,
    micro_batch: int | None = None,
) -> Plan:
    """A plan for a network of convolutions, linear layers, BatchNorm, ReLU, pooling and additions.

    model: dense, or what sparsify gave; batch: number of images; input_shape: (C, H, W).
    blocks: as for sparsify, if the network is dense yet. micro_batch: a divisor of batch; by default as many images as fit the cache.
    Layers are measured with torch.get_num_threads() threads. The plan has the weights as they are now, and belongs to this thread. Raises ValueError that names the operation for networks with anything
    else in them (use sparsify's modules then), and for networks that are not float32 on the CPU.
    """
    _check(model)
    check_sizes(batch, input_shape, micro_batch)
    input_shape = tuple(input_shape)
    example = torch.zeros(1, *input_shape)
    network = network_of(model, example, blocks)
    values, output = network.values, network.output
    size = micro_batch or largest_micro_batch(batch, network.largest_image(4) * 4, CACHE)
    network.place(size, batch, example)
    made = Plan(batch, size, input_shape)
    for operation in network.operations:
        if operation.kind == "input":
            made._input = values[operation.result].inside()
        elif len(values[operation.inputs[0]].shape) == 3:
            made._image_steps.append(_step(operation, values, made))
        else:
            made._vector_steps.append(_step(operation, values, made))
    made._output = torch.empty(batch, *network.result_shape)
    if len(values[output].shape) == 3:
        last_image = values[output].inside().permute(0, 3, 1, 2)
        made._image_steps.append(lambda threads, begin: made._output[begin : begin + size].copy_(last_image))
    else:
        last_vector = values[output].buffer.view(batch, *network.result_shape)
        made._vector_steps.append(lambda threads, begin: made._output.copy_(last_vector))
    return made


def _check(model: nn.Module) -> None:
    for name, module in model.named_modules():
        own = (*module.named_parameters(recurse=False), *module.named_buffers(recurse=False))
        for key, tensor in own:
            packed = key == "values" and isinstance(module, (BlockSparseConv2d, BlockSparseLinear))
            if tensor.device.type != "cpu" or (
                tensor.is_floating_point() and tensor.dtype != torch.float32 and not packed
            ):
                raise ValueError(
                    f"`{name}.{key}` is {tensor.dtype} on {tensor.device}, but a plan is for float32 on the CPU: convert it first."
                )


def _step(operation: Operation, values: Mapping[fx.Node, Value], made: Plan) -> Step:
    """The operation on its buffers."""
    x, y = values[operation.inputs[0]], values[operation.result]
    residual = None if operation.residual is None else values[operation.residual]
    module, relu, size = operation.module, operation.relu, made.micro_batch
    if operation.kind == "convolution":
        add = None if residual is None else residual.inside()
        paths = _convolution(module, x.inside(pair(module.padding)), y.inside(), add, relu)
        return _choose(operation, paths, made)
    if operation.kind == "linear":
        return _choose(operation, _linear(module, x.buffer, y.buffer, residual and residual.buffer, relu), made)
    run = torch_step(operation, values, size)
    return lambda threads, begin: run(begin)


def _choose(operation: Operation, paths: Mapping[str, Callable[[int], object]], made: Plan) -> Step:
    """The fastest path of a layer, noted in the plan."""
    seconds = _measure(paths)
    best = min(seconds, key=seconds.__getitem__)
    packed = operation.module.packed if "sparse" in paths else None
    shape = tuple(operation.module.weight.shape) if packed is None else packed.shape
    density = 1.0 if packed is None else packed.density
    made.choices.append(Choice(str(operation.node.target), shape, density, best, seconds))
    run = paths[best]
    return lambda threads, begin: run(threads)


def _measure(paths: Mapping[str, Callable[[int], object]]) -> dict[str, float]:
    threads = torch.get_num_threads()
    times = compare([lambda path=path: path(threads) for path in paths.values()], rounds=5, seconds=0.002)
    return dict(zip(paths, times, strict=True))


def _convolution(module: nn.Module, x: Tensor, y: Tensor, residual: Tensor | None, relu: bool) -> dict[str, Callable]:
    """The ways to compute a convolution into y."""
    sparse = module.packed if isinstance(module, BlockSparseConv2d) else None
    weight = unpack(sparse).float() if sparse is not None else module.weight
    groups = 1 if sparse is not None else module.groups
    stride, dilation = pair(module.stride), pair(module.dilation)
    images, dense_weight = x.permute(0, 3, 1, 2), weight.contiguous(memory_format=torch.channels_last)

    def dense(threads: int) -> None:
        result = functional.conv2d(images, dense_weight, module.bias, stride, 0, dilation, groups).permute(0, 2, 3, 1)
        _finish(result, y, residual, relu)

    paths = {"torch": dense}
    for name, packed in (("sparse", sparse), ("all blocks", _whole(weight) if groups == 1 else None)):
        if packed is not None:
            paths[name] = _direct(packed, module.bias, x, y, residual, relu, stride, dilation)
    return paths


def _linear(module: nn.Module, x: Tensor, y: Tensor, residual: Tensor | None, relu: bool) -> dict[str, Callable]:
    """The ways to compute a linear layer into y."""
    sparse = module.packed if isinstance(module, BlockSparseLinear) else None
    weight = unpack(sparse).float() if sparse is not None else module.weight
    paths = {"torch": lambda threads: _finish(functional.linear(x, weight, module.bias), y, residual, relu)}
    for name, packed in (("sparse", sparse), ("all blocks", _whole(weight))):
        if packed is not None:
            add = None if residual is None else residual[None, None]
            paths[name] = _direct(packed, module.bias, x[None, None], y[None, None], add, relu, (1, 1), (1, 1))
    return paths


def _finish(result: Tensor, y: Tensor, residual: Tensor | None, relu: bool) -> None:
    if residual is not None:
        result.add_(residual)
    if relu:
        torch.clamp_min(result, 0, out=y)
    else:
        y.copy_(result)


def _whole(weight: Tensor) -> Packed:
    """A weight with all of its blocks, of a shape that suits the C++ kernel."""
    bn, bk = 64, max(size for size in range(1, 17) if weight.shape[1] % size == 0)
    rows, columns = -(-weight.shape[0] // bn), math.prod(weight.shape[1:]) // bk
    return pack(weight, bn, bk, mask=torch.ones(rows, columns, dtype=torch.bool))


def _direct(packed: Packed, bias, x, y, residual, relu, stride, dilation) -> Callable[[int], object]:
    prepared = cpu.prepare(packed, bias)
    if isinstance(prepared, cpu.CpuWeight):
        return prepared.bind(x, y, residual, relu, stride, dilation)
    return lambda threads: prepared(x, y, residual, relu, stride, dilation)
