"""A whole network on the GPU with static buffers, recorded as one CUDA graph.

Operations, buffers and halos are those of the CPU's plan (operations.py). A convolution adds bias and residual, applies ReLU, computes
the BatchNorm and ReLU that a pre-activation network reads next, and writes both straight into the insides of the next buffers. With
micro-batches the activations of one stay in the second-level cache; the graph holds all of them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn import functional

from kernels.cpu.plan import Choice, table
from kernels.gpu import triton_gemm
from kernels.gpu.cuda_graph import Captured, capture
from kernels.gpu.timing import gpu_seconds
from kernels.layers import BlockSparseConv2d, BlockSparseLinear, pair
from kernels.operations import Network, Operation, affine, check_sizes, fuse_seconds, network_of, torch_step
from kernels.ownership import Owned
from kernels.packed import LARGEST, Packed, dequantized, pack, unpack
from kernels.sparsify import Block

DTYPES = (torch.float16, torch.bfloat16, torch.float32)
PREFERRED = ("sparse", "all blocks", "torch")  # where nothing is measured, the first that a layer has
Step = Callable[[int], object]  # of the micro-batch's first image
Call = Callable[[], object]


@dataclass(eq=False)
class GpuPlan(Owned):
    """A network ready to run: `plan(x)` for x [batch, C, H, W] on its GPU, of its dtype, in the thread that made it. Not for two
    streams at once. Later changes of the network's weights do not reach it."""

    batch: int
    micro_batch: int
    input_shape: tuple[int, ...]
    choices: list[Choice] = field(default_factory=list)
    _image_steps: list[Step] = field(default_factory=list)
    _vector_steps: list[Step] = field(default_factory=list)
    _input: Tensor | None = None
    _output: Tensor | None = None
    _captured: Captured | None = None

    def __post_init__(self) -> None:
        super().__init__()

    def __call__(self, x: Tensor) -> Tensor:
        """What the network gives for x; ValueError for another batch, shape, dtype or device than was planned for."""
        own = self._output
        if tuple(x.shape) != (self.batch, *self.input_shape) or x.dtype != own.dtype or x.device != own.device:
            raise ValueError(
                f"the plan is for {own.dtype} {[self.batch, *self.input_shape]} on {own.device}, not {x.dtype} {list(x.shape)} on {x.device}."
            )
        with self.alone(x):
            return (self.run(x) if self._captured is None else self._captured(x)).clone()

    def run(self, x: Tensor) -> Tensor:
        """The same kernel by kernel, without the graph; the result is overwritten by the next call."""
        x = x.permute(0, 2, 3, 1)
        for begin in range(0, self.batch, self.micro_batch):
            self._input.copy_(x[begin : begin + self.micro_batch])
            for step in self._image_steps:
                step(begin)
        for step in self._vector_steps:
            step(0)
        return self._output

    def explain(self) -> str:
        """A Markdown table: each layer's weight, density, path, and the measured time of each path."""
        return table(self.choices)


@torch.inference_mode()
def gpu_plan(
    model: nn.Module,
    batch: int,
    input_shape: Sequence[int],
    blocks: Block | Mapping[str, Block] | None = None,
    micro_batch: int | None = None,
    precision: str = "tf32",
    measure: bool = True,
    graph: bool = True,
) -> GpuPlan:
    """A plan for a network of convolutions, linear layers, BatchNorm, ReLU, pooling and additions, on the GPU where its weights are.

    model: float16, bfloat16 or float32, dense or what sparsify gave; batch: number of images; input_shape: (C, H, W).
    blocks: as for sparsify, if the network is dense yet. micro_batch: a divisor of batch, by default the batch itself.
    precision: for float32, as in triton_gemm. measure: for each layer take the fastest of the block-sparse kernel, the same kernel
    with all blocks, and torch; without, take the first of these that the layer can have. graph: record the whole batch.
    Raises ValueError that names the operation for networks with anything else in them (use sparsify's modules then), for weights of
    other or mixed dtypes or devices, for a graph or measurements without a GPU,
    and under autocast.
    """
    check_sizes(batch, input_shape, micro_batch)
    example = _example(model, tuple(input_shape))
    if not example.is_cuda and (measure or graph):
        raise ValueError(f"the weights are on {example.device}: measuring and CUDA graphs need them on a GPU.")
    if torch.is_autocast_enabled(example.device.type):
        raise ValueError(f"a plan computes in the network's {example.dtype}: make it outside torch.autocast.")
    network = network_of(model, example, blocks)
    fuse_seconds(network)
    size = micro_batch or batch
    network.place(size, batch, example)
    made = GpuPlan(batch, size, tuple(input_shape))
    values, output = network.values, network.output
    for operation in network.operations:
        if operation.kind == "input":
            made._input = values[operation.result].inside()
            continue
        steps = made._image_steps if len(values[operation.inputs[0]].shape) == 3 else made._vector_steps
        if operation.kind in ("convolution", "linear"):
            call = _chosen(operation, _paths(operation, network, precision), made.choices, measure)
            steps.append(lambda begin, call=call: call())
        else:
            steps.append(torch_step(operation, values, size))
    made._output = example.new_empty(batch, *network.result_shape)
    if len(values[output].shape) == 3:
        image = values[output].inside().permute(0, 3, 1, 2)
        made._image_steps.append(lambda begin: made._output[begin : begin + size].copy_(image))
    else:
        vector = values[output].buffer.view(batch, *network.result_shape)
        made._vector_steps.append(lambda begin: made._output.copy_(vector))
    if graph:
        made._captured = capture(made.run, example.new_zeros(batch, *input_shape))
    return made


def _example(model: nn.Module, input_shape: tuple[int, ...]) -> Tensor:
    """One image of zeros of the weights' dtype, on their device; ValueError where these are not the same for all."""
    found: dict[tuple[torch.dtype, torch.device], str] = {}
    for name, module in model.named_modules():
        for key, tensor in (*module.named_parameters(recurse=False), *module.named_buffers(recurse=False)):
            quantized = isinstance(module, (BlockSparseConv2d, BlockSparseLinear)) and module.scale is not None
            if tensor.is_floating_point() and not (quantized and key in ("values", "scale")):
                found.setdefault((tensor.dtype, tensor.device), f"{name}.{key}")
    if len(found) > 1:
        (first, one), (second, other) = list(found.items())[:2]
        raise ValueError(
            f"`{one}` is {first[0]} on {first[1]} and `{other}` {second[0]} on {second[1]}: convert the network first."
        )
    dtype, device = next(iter(found), (torch.float32, torch.device("cpu")))
    if dtype not in DTYPES:
        raise ValueError(f"the weights are {dtype} and must be one of {DTYPES}: convert the network first.")
    return torch.zeros(1, *input_shape, dtype=dtype, device=device)


def _chosen(operation: Operation, paths: dict[str, Call], choices: list[Choice], measure: bool) -> Call:
    """The path that a layer takes, noted among the choices."""
    module = operation.module
    sparse = isinstance(module, (BlockSparseConv2d, BlockSparseLinear))
    seconds = {name: gpu_seconds(call) for name, call in paths.items()} if measure else {}
    path = min(seconds, key=seconds.__getitem__) if measure else next(name for name in PREFERRED if name in paths)
    shape, density = (module.shape, module.packed.density) if sparse else (tuple(module.weight.shape), 1.0)
    choices.append(Choice(str(operation.node.target), shape, density, path, seconds))
    return paths[path]


def _paths(operation: Operation, network: Network, precision: str) -> dict[str, Call]:
    """The ways to compute a layer into its buffers."""
    module, values = operation.module, network.values
    sparse = module.packed if isinstance(module, (BlockSparseConv2d, BlockSparseLinear)) else None
    x, y = values[operation.inputs[0]], values[operation.result]
    weight = (unpack(sparse) if sparse is not None else module.weight).to(y.buffer.dtype)
    residual = None if operation.residual is None else values[operation.residual]
    activation, follow = "relu" if operation.relu else None, None
    if operation.kind == "linear":
        read, write, add = x.buffer, y.buffer, residual and residual.buffer
        groups, options, run = 1, {}, triton_gemm.linear
        dense = lambda: functional.linear(read, weight, module.bias)  # noqa: E731
    else:
        read, write, add = x.inside(pair(module.padding)), y.inside(), residual and residual.inside()
        groups = 1 if sparse is not None else module.groups
        stride, dilation = pair(module.stride), pair(module.dilation)
        if operation.second is not None:
            gain, shift = affine(operation.second.module)
            follow = triton_gemm.Next(gain, shift, values[operation.second.result].inside())
        options, run = {"stride": stride, "dilation": dilation, "next": follow}, triton_gemm.conv2d
        images, last = read.permute(0, 3, 1, 2), weight.contiguous(memory_format=torch.channels_last)
        dense = lambda: functional.conv2d(images, last, module.bias, stride, 0, dilation, groups).permute(0, 2, 3, 1)  # noqa: E731

    def by_torch() -> None:
        result = dense()
        if add is not None:
            result = result.add_(add)
        write.copy_(result.clamp_min_(0) if operation.relu else result)
        if follow is not None:
            follow.out.copy_(torch.addcmul(follow.shift, result, follow.gain).clamp_min_(0))

    options |= {"bias": module.bias, "residual": add, "activation": activation, "precision": precision, "out": write}
    paths = {"torch": by_torch}
    whole = _whole(weight) if groups == 1 else None
    for name, packed in (("sparse", _readable(sparse, write.dtype)), ("all blocks", whole)):
        if packed is not None:
            prepared = triton_gemm.prepare(packed, device=write.device)
            paths[name] = lambda prepared=prepared: run(read, prepared, **options)
    return paths


def _readable(packed: Packed | None, dtype: torch.dtype) -> Packed | None:
    """A weight as the GPU's kernel can read it beside inputs of that dtype; None if its blocks are none for a GPU."""
    if packed is None or packed.bn < 8 or packed.bn & (packed.bn - 1) or packed.bk & (packed.bk - 1):
        return None
    return dequantized(packed, dtype) if packed.values.dtype in LARGEST else packed


def _whole(weight: Tensor) -> Packed | None:
    """A weight with all of its blocks, of a shape that suits the GPU's kernel; None where input channels are too few or odd."""
    bk = max(size for size in (1, 2, 4, 8, 16, 32, 64) if weight.shape[1] % size == 0)
    bn = max(16, min(128, 1 << (weight.shape[0] - 1).bit_length()))
    if bk < 8:
        return None
    rows, columns = -(-weight.shape[0] // bn), weight[0].numel() // bk
    return pack(weight, bn, bk, mask=torch.ones(rows, columns, dtype=torch.bool))
