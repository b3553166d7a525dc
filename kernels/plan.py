"""A whole network on the CPU with static buffers: nothing is allocated or padded between layers.

Every image-like value lives in an NHWC buffer with the halo of zeros that its readers need; a convolution adds bias and residual,
applies ReLU and writes straight into the inside of the next buffer. Images run in micro-batches that stay in the cache, vectors
(after pooling or flattening) in the whole batch. For each layer the fastest of the block-sparse kernel, the same kernel with all
blocks, and torch is measured when the plan is made.
"""

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, fx, nn
from torch.nn import functional

from kernels import cpu
from kernels.folding import fold_batchnorm, trace
from kernels.layers import BlockSparseConv2d, BlockSparseLinear, pair
from kernels.packed import Packed, pack, unpack
from kernels.sparsify import Block, sparsify
from kernels.timing import compare

CONVOLUTIONS, LINEARS = (nn.Conv2d, BlockSparseConv2d), (nn.Linear, BlockSparseLinear)
NOTHING = (nn.Identity, nn.Dropout, nn.Dropout2d)
POOLS, MEAN_POOLS = (nn.MaxPool2d, nn.AvgPool2d), (nn.AdaptiveAvgPool2d, functional.adaptive_avg_pool2d)
RELU, ADD = (torch.relu, functional.relu, "relu", "relu_"), (operator.add, operator.iadd, torch.add, "add", "add_")
IN_PLACE = (operator.iadd, "relu_", "add_")
CACHE = 1 << 20  # bytes of buffers that a micro-batch may need: an L2 cache of today

Step = Callable[[int, int], None]  # of the number of threads and the micro-batch's first image


@dataclass
class _Value:
    """The result of an operation: an image [C, H, W] or a vector [K] for each input."""

    shape: tuple[int, ...]
    halo: tuple[int, int] = (0, 0)
    buffer: Tensor | None = None

    def inside(self, padding: tuple[int, int] = (0, 0)) -> Tensor:
        """The image [m, H, W, C] with `padding` of its halo."""
        _, height, width = self.shape
        above, left = self.halo[0] - padding[0], self.halo[1] - padding[1]
        return self.buffer[:, above : above + height + 2 * padding[0], left : left + width + 2 * padding[1]]

    @property
    def key(self) -> tuple:
        return (self.shape, self.halo)


@dataclass
class _Operation:
    """`node`'s operation with what was fused into it; `result` is the last node of those."""

    kind: str
    node: fx.Node
    module: nn.Module | None
    inputs: list[fx.Node]
    result: fx.Node
    residual: fx.Node | None = None
    relu: bool = False

    @property
    def reads(self) -> list[fx.Node]:
        return self.inputs + ([self.residual] if self.residual is not None else [])


@dataclass(frozen=True)
class Choice:
    """Which path a layer takes and what each would take, in seconds per micro-batch (linear layers: per batch)."""

    name: str
    shape: tuple[int, ...]
    density: float
    path: str
    seconds: Mapping[str, float]


@dataclass
class Plan:
    """A network ready to run: `plan(x)` for x float32 [batch, C, H, W]. Not for two threads of Python at once."""

    batch: int
    micro_batch: int
    input_shape: tuple[int, ...]
    choices: list[Choice] = field(default_factory=list)
    _image_steps: list[Step] = field(default_factory=list)
    _vector_steps: list[Step] = field(default_factory=list)
    _input: Tensor | None = None
    _output: Tensor | None = None

    @torch.inference_mode()
    def __call__(self, x: Tensor) -> Tensor:
        """What the network gives for x; ValueError for another batch or shape than was planned for."""
        if tuple(x.shape) != (self.batch, *self.input_shape) or x.dtype != torch.float32 or x.device.type != "cpu":
            raise ValueError(
                f"the plan is for float32 {[self.batch, *self.input_shape]} on the CPU, not {x.dtype} {list(x.shape)} on {x.device}."
            )
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
        lines = ["| layer | weight | density | ceiling | path | us measured |", "|---|---|---|---|---|---|"]
        for one in self.choices:
            times = ", ".join(f"{name} {seconds * 1e6:.0f}" for name, seconds in one.seconds.items())
            shape, ceiling = "x".join(map(str, one.shape)), 1 / one.density if one.density else math.inf
            lines.append(f"| {one.name} | {shape} | {one.density:.3f} | {ceiling:.1f}x | {one.path} | {times} |")
        return "\n".join(lines)


@torch.inference_mode()
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
    Layers are measured with torch.get_num_threads() threads. Raises ValueError that names the operation for networks with anything
    else in them (use sparsify's modules then), and for networks that are not float32 on the CPU.
    """
    _check(model, batch, input_shape, micro_batch)
    input_shape = tuple(input_shape)
    example = torch.zeros(1, *input_shape)
    if blocks is not None:
        model, _ = sparsify(model, blocks, example, decide="always")
    model = fold_batchnorm(model)
    graph = _graph(model)
    modules = dict(model.named_modules(remove_duplicate=False))
    shapes = _Shapes(fx.GraphModule(model, graph)).of(example)
    result_shape = shapes.get(_output(graph), ())[1:]  # the network's own; if it has none, its operation is refused now
    kinds = _simplify(graph, modules, shapes)
    operations, output = _operations(graph, modules, kinds), _output(graph)
    values = _values(operations, shapes)
    # A value whose last reader has run gives its buffer away; a result may take that of its own residual.
    last = {node: index for index, operation in enumerate(operations) for node in operation.reads}
    images = [_image_bytes(values[operation.result]) for operation in operations]
    size = micro_batch or _micro_batch(batch, max(images) * 4)
    made = Plan(batch, size, input_shape)
    free: dict[tuple, list[Tensor]] = {}
    for index, operation in enumerate(operations):
        given = [n for n in dict.fromkeys(operation.reads) if last[n] == index and n is not output]
        early = [n for n in given if n is operation.residual and n not in operation.inputs]
        _release([values[node] for node in early], free)
        _allocate(values[operation.result], size, batch, free)
        _release([values[node] for node in given if node not in early], free)
        step = _step(operation, values, made)
        if operation.kind == "input":
            made._input = values[operation.result].inside()
        elif len(values[operation.inputs[0]].shape) == 3:
            made._image_steps.append(step)
        else:
            made._vector_steps.append(step)
    made._output = torch.empty(batch, *result_shape)
    if len(values[output].shape) == 3:
        last_image = values[output].inside().permute(0, 3, 1, 2)
        made._image_steps.append(lambda threads, begin: made._output[begin : begin + size].copy_(last_image))
    else:
        last_vector = values[output].buffer.view(batch, *result_shape)
        made._vector_steps.append(lambda threads, begin: made._output.copy_(last_vector))
    return made


def _check(model: nn.Module, batch: int, input_shape: Sequence[int], micro_batch: int | None) -> None:
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
    if len(input_shape) != 3 or min(batch, *input_shape) < 1:
        raise ValueError(f"a plan needs images (C, H, W) in a batch of at least 1, not {batch} of {list(input_shape)}.")
    if micro_batch is not None and (micro_batch < 1 or batch % micro_batch):
        raise ValueError(f"micro_batch must divide the batch of {batch}, which {micro_batch} does not.")


def _output(graph: fx.Graph) -> object:
    return next(node for node in graph.nodes if node.op == "output").args[0]


def _graph(model: nn.Module) -> fx.Graph:
    try:
        graph = trace(model)
    except Exception as error:  # the network's own code runs, and may raise anything
        raise ValueError(
            f"torch.fx cannot trace {type(model).__name__} ({error}): use what sparsify gives as it is."
        ) from error
    if not isinstance(_output(graph), fx.Node) or sum(node.op == "placeholder" for node in graph.nodes) != 1:
        raise ValueError("a plan is for networks with one input and one output: use what sparsify gives as it is.")
    return graph


class _Shapes(fx.Interpreter):
    """Runs the network once and notes the shape of each node's result."""

    def of(self, example: Tensor) -> dict[fx.Node, tuple[int, ...]]:
        self.shapes: dict[fx.Node, tuple[int, ...]] = {}
        self.run(example)
        return self.shapes

    def run_node(self, node: fx.Node) -> object:
        result = super().run_node(node)
        if isinstance(result, Tensor):
            self.shapes[node] = tuple(result.shape)
        return result


def _refuse(node: fx.Node, what: object, why: str = "a plan does not know it") -> ValueError:
    return ValueError(f"`{node.name}` ({what}) cannot be planned, as {why}: use what sparsify gives as it is.")


def _kind(node: fx.Node, module: nn.Module | None, shapes: Mapping[fx.Node, tuple[int, ...]]) -> str:
    """What a node does, in the plan's words; ValueError for anything else."""
    if node.op == "placeholder":
        return "input"
    what = node.target if module is None else type(module)
    shown = node.target if module is None else module
    x = node.args[0] if node.args else None
    if node.op == "get_attr" or x not in shapes or node not in shapes:
        raise _refuse(node, shown)
    if module is not None and (len(node.args) > 1 or node.kwargs):
        raise _refuse(node, shown, "it is called with more than one input")
    dims = len(shapes[x])
    if what in NOTHING:
        return "nothing"
    if what in (BlockSparseConv2d, BlockSparseLinear) and module.activation is not None:
        raise _refuse(node, shown, "it has an activation of its own")
    if what is nn.Conv2d and (module.padding_mode != "zeros" or isinstance(module.padding, str)):
        raise _refuse(node, shown, "its padding is not zeros in numbers")
    if what in CONVOLUTIONS:
        return "convolution"
    if what in LINEARS and dims == 2:
        return "linear"
    if what in (nn.ReLU, *RELU) and len(node.args) == 1:
        return "relu"
    if what in ADD and len(node.args) == 2 and not node.kwargs and node.args[1] in shapes:
        if shapes[x] != shapes[node.args[1]]:
            raise _refuse(node, shown, "it adds values of different shapes")
        return "add"
    if what in MEAN_POOLS and shapes[node][2:] == (1, 1):
        return "mean"
    if what in (*POOLS, nn.AdaptiveAvgPool2d):  # one that returns indices too has no shape and was refused above
        return "pool"
    if what is nn.BatchNorm2d and module.running_mean is not None:
        return "norm"
    if what in ("mean", torch.mean) and dims == 4 and set(node.kwargs) <= {"dim", "keepdim"}:
        axes = node.args[1] if len(node.args) > 1 else node.kwargs.get("dim")
        if isinstance(axes, (tuple, list)) and sorted(axis % 4 for axis in axes) == [2, 3]:
            return "mean"
    if what in (nn.Flatten, torch.flatten, "flatten") and shapes[node] == (1, math.prod(shapes[x][1:])):
        return "flatten"
    raise _refuse(node, shown)


def _changes_its_input(node: fx.Node, module: nn.Module | None) -> bool:
    return node.target in IN_PLACE or getattr(module, "inplace", False) or node.kwargs.get("inplace", False)


def _simplify(graph: fx.Graph, modules: Mapping[str, nn.Module], shapes: dict[fx.Node, tuple[int, ...]]) -> dict:
    """The kind of each node. Takes out of the graph what does nothing, and gives vectors the shape [1, K] whatever their ones."""
    kinds: dict[fx.Node, str] = {}
    for node in graph.nodes:
        if node.op != "output":
            kinds[node] = _kind(node, modules[node.target] if node.op == "call_module" else None, shapes)
    vectors: set[fx.Node] = set()
    for node, kind in list(kinds.items()):
        module = modules[node.target] if node.op == "call_module" else None
        of_vectors = {x in vectors for x in node.all_input_nodes}
        if len(of_vectors) > 1 or (True in of_vectors and kind in ("convolution", "pool", "norm", "mean")):
            raise _refuse(node, module or node.target, "it reads an image that was pooled to one pixel")
        read = node
        while _changes_its_input(node, module) and (
            read is node or kinds[read] == "flatten"
        ):  # a flat image is a view of it
            read = read.args[0]
            if len(read.users) > 1:
                raise _refuse(node, module or node.target, "it changes a value in place that others read too")
        if kind == "nothing" or (kind == "flatten" and True in of_vectors):
            node.replace_all_uses_with(node.args[0])
            graph.erase_node(node)
        elif True in of_vectors or kind in ("mean", "flatten"):
            vectors.add(node)
            shapes[node] = shapes[node][:2]
    return kinds


def _operations(graph: fx.Graph, modules: Mapping[str, nn.Module], kinds: Mapping[fx.Node, str]) -> list[_Operation]:
    """The graph as operations in the order in which they can run, residuals and ReLUs fused into what comes before them."""
    operations: dict[fx.Node, _Operation] = {}  # by the node after which they can run
    fused: set[fx.Node] = set()

    def follower(node: fx.Node, kind: str) -> fx.Node | None:
        """The one reader of a node's result, if it is of that kind and not part of another operation yet."""
        users = list(node.users)
        return users[0] if len(users) == 1 and kinds.get(users[0]) == kind and users[0] not in fused else None

    for node in graph.nodes:
        if node.op == "output" or node in fused:
            continue
        module = modules[node.target] if node.op == "call_module" else None
        inputs = list(node.args) if kinds[node] == "add" else node.all_input_nodes
        operation = _Operation(kinds[node], node, module, inputs, node)
        if kinds[node] in ("convolution", "linear"):
            add = follower(node, "add")
            if add is not None and add.args[0] is not add.args[1]:
                operation.residual = next(argument for argument in add.args if argument is not node)
                operation.result = add
                fused.add(add)
        if kinds[node] in ("convolution", "linear", "norm", "add"):
            relu = follower(operation.result, "relu")
            if relu is not None:
                operation.relu, operation.result = True, relu
                fused.add(relu)
        operations[operation.result] = operation
    return [operations[node] for node in graph.nodes if node in operations]


def _values(operations: list[_Operation], shapes: Mapping[fx.Node, tuple[int, ...]]) -> dict[fx.Node, _Value]:
    """The result of each operation, with the halo of its widest reader."""
    values = {}
    for operation in operations:
        values[operation.result] = _Value(shapes[operation.result][1:])
        if operation.kind == "convolution":
            x, padding = values[operation.inputs[0]], pair(operation.module.padding)
            x.halo = (max(x.halo[0], padding[0]), max(x.halo[1], padding[1]))
    return values


def _image_bytes(value: _Value) -> int:
    if len(value.shape) == 1:
        return 0
    channels, height, width = value.shape
    return 4 * channels * (height + 2 * value.halo[0]) * (width + 2 * value.halo[1])


def _micro_batch(batch: int, image_bytes: int) -> int:
    """The largest divisor of batch whose images fit the cache."""
    most = max(1, CACHE // max(image_bytes, 1))
    return max(size for size in range(1, batch + 1) if batch % size == 0 and size <= most)


def _allocate(value: _Value, size: int, batch: int, free: dict[tuple, list[Tensor]]) -> None:
    if len(value.shape) == 1:
        value.buffer = torch.zeros(
            batch, *value.shape
        )  # not empty: numbers of chance may be slow ones when layers are measured
        return
    channels, height, width = value.shape
    waiting = free.get(value.key)
    value.buffer = (
        waiting.pop() if waiting else torch.zeros(size, height + 2 * value.halo[0], width + 2 * value.halo[1], channels)
    )


def _release(values: list[_Value], free: dict[tuple, list[Tensor]]) -> None:
    for value in values:
        if len(value.shape) == 3:
            free.setdefault(value.key, []).append(value.buffer)


def _step(operation: _Operation, values: Mapping[fx.Node, _Value], made: Plan) -> Step | None:
    """The operation on its buffers."""
    if operation.kind == "input":
        return None
    x, y = values[operation.inputs[0]], values[operation.result]
    residual = None if operation.residual is None else values[operation.residual]
    module, relu, size = operation.module, operation.relu, made.micro_batch
    if operation.kind == "convolution":
        add = None if residual is None else residual.inside()
        paths = _convolution(module, x.inside(pair(module.padding)), y.inside(), add, relu)
        return _choose(operation, paths, made)
    if operation.kind == "linear":
        return _choose(operation, _linear(module, x.buffer, y.buffer, residual and residual.buffer, relu), made)
    if operation.kind == "mean":
        read = x.inside()
        return lambda threads, begin: torch.mean(read, (1, 2), out=y.buffer[begin : begin + size])
    if operation.kind == "flatten":
        read = x.inside().permute(0, 3, 1, 2)
        return lambda threads, begin: y.buffer[begin : begin + size].view(size, *x.shape).copy_(read)
    read = [values[node].inside() if len(y.shape) == 3 else values[node].buffer for node in operation.inputs]
    write = y.inside() if len(y.shape) == 3 else y.buffer
    if operation.kind == "pool":
        images = read[0].permute(0, 3, 1, 2)
        return lambda threads, begin: write.copy_(module(images).permute(0, 2, 3, 1))
    if operation.kind == "relu":
        return lambda threads, begin: torch.clamp_min(read[0], 0, out=write)
    if operation.kind == "add":
        run = lambda: torch.add(read[0], read[1], out=write)  # noqa: E731
    else:  # a BatchNorm that could not be folded
        scale = torch.rsqrt(module.running_var + module.eps)
        scale = scale if module.weight is None else scale * module.weight
        shift = -module.running_mean * scale
        shift = shift if module.bias is None else shift + module.bias
        run = lambda: torch.addcmul(shift, read[0], scale, out=write)  # noqa: E731
    if not relu:
        return lambda threads, begin: run()

    def both(threads: int, begin: int) -> None:
        run()
        write.clamp_min_(0)

    return both


def _choose(operation: _Operation, paths: Mapping[str, Callable[[int], object]], made: Plan) -> Step:
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
