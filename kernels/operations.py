"""A network as operations on static buffers: traced, simplified, with residuals and ReLUs fused, for plans on CPU and GPU.

Every image-like value lies in an NHWC buffer with the halo of zeros that its readers need. Buffers are given on to later values of the
same shape and halo, and nothing writes a halo, so it stays zero.
"""

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, fx, nn
from torch.nn import functional

from kernels.folding import fold_batchnorm, refuse_computed, trace
from kernels.layers import BlockSparseConv2d, BlockSparseLinear, has_hooks, pair
from kernels.sparsify import Block, sparsify

CONVOLUTIONS, LINEARS = (nn.Conv2d, BlockSparseConv2d), (nn.Linear, BlockSparseLinear)
NOTHING = (nn.Identity, nn.Dropout, nn.Dropout2d)
POOLS, MEAN_POOLS = (nn.MaxPool2d, nn.AvgPool2d), (nn.AdaptiveAvgPool2d, functional.adaptive_avg_pool2d)
RELU, ADD = (torch.relu, functional.relu, "relu", "relu_"), (operator.add, operator.iadd, torch.add, "add", "add_")
IN_PLACE = (operator.iadd, "relu_", "add_")


@dataclass
class Value:
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
        """What buffers must share to take each other's place."""
        return (self.shape, self.halo)

    def bytes(self, element: int) -> int:
        """Of one image; 0 for a vector."""
        if len(self.shape) == 1:
            return 0
        channels, height, width = self.shape
        return element * channels * (height + 2 * self.halo[0]) * (width + 2 * self.halo[1])


@dataclass
class Operation:
    """`node`'s operation with what was fused into it; `result` is the last node of those.

    second: a BatchNorm, with ReLU, of the result, which the same operation computes too (fuse_seconds).
    """

    kind: str
    node: fx.Node
    module: nn.Module | None
    inputs: list[fx.Node]
    result: fx.Node
    residual: fx.Node | None = None
    relu: bool = False
    second: "Operation | None" = None

    @property
    def results(self) -> list[fx.Node]:
        """The nodes whose values it computes."""
        return [self.result] + ([self.second.result] if self.second is not None else [])

    @property
    def reads(self) -> list[fx.Node]:
        """The nodes whose values it needs."""
        return self.inputs + ([self.residual] if self.residual is not None else [])


@dataclass
class Network:
    """A network's operations in the order in which they run, the node that is its result, and each result's value."""

    operations: list[Operation]
    output: fx.Node
    values: dict[fx.Node, Value]
    result_shape: tuple[int, ...]  # for one image

    def largest_image(self, element: int) -> int:
        """Bytes of the largest value for one image."""
        return max(value.bytes(element) for value in self.values.values())

    def place(self, micro_batch: int, batch: int, like: Tensor) -> None:
        """Give every value its buffer, of the dtype and on the device of `like`: images for a micro-batch, vectors for the batch.

        A value whose last reader has run gives its buffer away; a result may take that of its own residual.
        """
        last = {node: index for index, operation in enumerate(self.operations) for node in operation.reads}
        free: dict[tuple, list[Tensor]] = {}
        for index, operation in enumerate(self.operations):
            given = [n for n in dict.fromkeys(operation.reads) if last[n] == index and n is not self.output]
            early = [n for n in given if n is operation.residual and n not in operation.inputs]
            _release([self.values[node] for node in early], free)
            for result in operation.results:
                _allocate(self.values[result], micro_batch, batch, free, like)
            _release([self.values[node] for node in given if node not in early], free)


def check_sizes(batch: int, input_shape: Sequence[int], micro_batch: int | None) -> None:
    """ValueError unless a plan can be made for them."""
    if len(input_shape) != 3 or min(batch, *input_shape) < 1:
        raise ValueError(f"a plan needs images (C, H, W) in a batch of at least 1, not {batch} of {list(input_shape)}.")
    if micro_batch is not None and (micro_batch < 1 or batch % micro_batch):
        raise ValueError(f"micro_batch must divide the batch of {batch}, which {micro_batch} does not.")


def network_of(model: nn.Module, example: Tensor, blocks: Block | Mapping[str, Block] | None) -> Network:
    """A network's operations, its BatchNorms folded.

    example: one image; blocks: as for sparsify, if the network is dense yet. Raises ValueError that names the operation for networks
    with anything but convolutions, linear layers, BatchNorm, ReLU, pooling and additions, and for forward hooks.
    """
    refuse_computed(model)
    for name, module in model.named_modules():
        if has_hooks(module):
            raise ValueError(
                f"`{name or type(module).__name__}` has forward hooks, which a plan does not call: remove them before."
            )
    if blocks is not None:
        model, _ = sparsify(model, blocks, example, decide="always")
    model = fold_batchnorm(model)
    graph = graph_of(model)
    modules = dict(model.named_modules(remove_duplicate=False))
    shapes = Shapes(fx.GraphModule(model, graph)).of(example)
    result_shape = shapes.get(output_of(graph), ())[
        1:
    ]  # the network's own; if it has none, its operation is refused now
    kinds = _simplify(graph, modules, shapes)
    operations = _operations(graph, modules, kinds)
    return Network(operations, output_of(graph), _values(operations, shapes), result_shape)


def fuse_seconds(network: Network) -> None:
    """Let convolutions compute the BatchNorm and ReLU of their result, too, as pre-activation networks need both."""
    producer = {one.result: one for one in network.operations if one.kind == "convolution"}
    for operation in [one for one in network.operations if one.kind == "norm" and one.relu]:
        before = producer.get(operation.inputs[0])
        if before is not None and before.second is None:
            before.second = operation
            network.operations.remove(operation)


def affine(norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """BatchNorm in inference as a multiplication and an addition: (gain, shift), each [C]."""
    gain = torch.rsqrt(norm.running_var + norm.eps)
    gain = gain if norm.weight is None else gain * norm.weight
    shift = -norm.running_mean * gain
    return gain.detach(), (shift if norm.bias is None else shift + norm.bias).detach()


def output_of(graph: fx.Graph) -> object:
    """What the graph returns: a node, or a structure of nodes."""
    return next(node for node in graph.nodes if node.op == "output").args[0]


def graph_of(model: nn.Module) -> fx.Graph:
    """The network as torch.fx traces it; ValueError unless it can be traced and has one input and one output."""
    try:
        graph = trace(model)
    except Exception as error:  # the network's own code runs, and may raise anything
        raise ValueError(
            f"torch.fx cannot trace {type(model).__name__} ({error}): use what sparsify gives as it is."
        ) from error
    if not isinstance(output_of(graph), fx.Node) or sum(node.op == "placeholder" for node in graph.nodes) != 1:
        raise ValueError("a plan is for networks with one input and one output: use what sparsify gives as it is.")
    return graph


class Shapes(fx.Interpreter):
    """Runs the network once and notes the shape of each node's result."""

    def of(self, example: Tensor) -> dict[fx.Node, tuple[int, ...]]:
        """The shape of each node's result for this input."""
        self.shapes: dict[fx.Node, tuple[int, ...]] = {}
        self.run(example)
        return self.shapes

    def run_node(self, node: fx.Node) -> object:
        """torch.fx's own, with the shape of the result noted."""
        result = super().run_node(node)
        if isinstance(result, Tensor):
            self.shapes[node] = tuple(result.shape)
        return result


def refuse(node: fx.Node, what: object, why: str = "a plan does not know it") -> ValueError:
    """The error, to be raised, that names a node which no plan can have."""
    what = type(what).__name__ if "\n" in repr(what) else what  # one line, whatever the module's own repr is
    return ValueError(f"`{node.name}` ({what}) cannot be planned, as {why}: use what sparsify gives as it is.")


def _kind(node: fx.Node, module: nn.Module | None, shapes: Mapping[fx.Node, tuple[int, ...]]) -> str:
    """What a node does, in the plan's words; ValueError for anything else."""
    if node.op == "placeholder":
        return "input"
    what = node.target if module is None else type(module)
    shown = node.target if module is None else module
    x = node.args[0] if node.args else None
    if node.op == "get_attr" or x not in shapes or node not in shapes:
        raise refuse(node, shown)
    if module is not None and (len(node.args) > 1 or node.kwargs):
        raise refuse(node, shown, "it is called with more than one input")
    dims = len(shapes[x])
    if what in NOTHING:
        return "nothing"
    if what in (BlockSparseConv2d, BlockSparseLinear) and module.activation is not None:
        raise refuse(node, shown, "it has an activation of its own")
    if what is nn.Conv2d and (module.padding_mode != "zeros" or isinstance(module.padding, str)):
        raise refuse(node, shown, "its padding is not zeros in numbers")
    if what in CONVOLUTIONS:
        return "convolution"
    if what in LINEARS and dims == 2:
        return "linear"
    if what in (nn.ReLU, *RELU) and len(node.args) == 1:
        return "relu"
    if what in ADD and len(node.args) == 2 and not node.kwargs and node.args[1] in shapes:
        if shapes[x] != shapes[node.args[1]]:
            raise refuse(node, shown, "it adds values of different shapes")
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
    raise refuse(node, shown)


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
            raise refuse(node, module or node.target, "it reads an image that was pooled to one pixel")
        read = node
        while _changes_its_input(node, module) and (
            read is node or kinds[read] == "flatten"
        ):  # a flat image is a view of it
            read = read.args[0]
            if len(read.users) > 1:
                raise refuse(node, module or node.target, "it changes a value in place that others read too")
        if kind == "nothing" or (kind == "flatten" and True in of_vectors):
            node.replace_all_uses_with(node.args[0])
            graph.erase_node(node)
        elif True in of_vectors or kind in ("mean", "flatten"):
            vectors.add(node)
            shapes[node] = shapes[node][:2]
    return kinds


def _operations(graph: fx.Graph, modules: Mapping[str, nn.Module], kinds: Mapping[fx.Node, str]) -> list[Operation]:
    """The graph as operations in the order in which they can run, residuals and ReLUs fused into what comes before them."""
    operations: dict[fx.Node, Operation] = {}  # by the node after which they can run
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
        operation = Operation(kinds[node], node, module, inputs, node)
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


def _values(operations: list[Operation], shapes: Mapping[fx.Node, tuple[int, ...]]) -> dict[fx.Node, Value]:
    """The result of each operation, with the halo of its widest reader."""
    values = {}
    for operation in operations:
        values[operation.result] = Value(shapes[operation.result][1:])
        if operation.kind == "convolution":
            x, padding = values[operation.inputs[0]], pair(operation.module.padding)
            x.halo = (max(x.halo[0], padding[0]), max(x.halo[1], padding[1]))
    return values


def largest_micro_batch(batch: int, image_bytes: int, cache: int) -> int:
    """The largest divisor of batch whose images fit a cache of so many bytes."""
    most = max(1, cache // max(image_bytes, 1))
    return max(size for size in range(1, batch + 1) if batch % size == 0 and size <= most)


def _allocate(value: Value, micro_batch: int, batch: int, free: dict[tuple, list[Tensor]], like: Tensor) -> None:
    # Zeros, not empty: halos must be zero, and numbers of chance may be slow ones when layers are measured.
    if len(value.shape) == 1:
        value.buffer = like.new_zeros(batch, *value.shape)
        return
    channels, height, width = value.shape
    size = (micro_batch, height + 2 * value.halo[0], width + 2 * value.halo[1], channels)
    waiting = free.get(value.key)
    value.buffer = waiting.pop() if waiting else like.new_zeros(size)


def _release(values: list[Value], free: dict[tuple, list[Tensor]]) -> None:
    for value in values:
        if len(value.shape) == 3:
            free.setdefault(value.key, []).append(value.buffer)


def torch_step(operation: Operation, values: Mapping[fx.Node, Value], micro_batch: int) -> Callable[[int], object]:
    """An operation that is no layer on its buffers, called with the micro-batch's first image."""
    x, y, module = values[operation.inputs[0]], values[operation.result], operation.module
    if operation.kind == "mean":
        read = x.inside()
        return lambda begin: torch.mean(read, (1, 2), out=y.buffer[begin : begin + micro_batch])
    if operation.kind == "flatten":
        read = x.inside().permute(0, 3, 1, 2)
        return lambda begin: y.buffer[begin : begin + micro_batch].view(micro_batch, *x.shape).copy_(read)
    read = [values[node].inside() if len(y.shape) == 3 else values[node].buffer for node in operation.inputs]
    write = y.inside() if len(y.shape) == 3 else y.buffer
    if operation.kind == "pool":
        images = read[0].permute(0, 3, 1, 2)
        return lambda begin: write.copy_(module(images).permute(0, 2, 3, 1))
    if operation.kind == "relu":
        return lambda begin: torch.clamp_min(read[0], 0, out=write)
    if operation.kind == "add":
        run = lambda: torch.add(read[0], read[1], out=write)  # noqa: E731
    else:  # a BatchNorm that could not be folded
        gain, shift = affine(module)
        run = lambda: torch.addcmul(shift, read[0], gain, out=write)  # noqa: E731
    if not operation.relu:
        return lambda begin: run()

    def both(begin: int) -> None:
        run()
        write.clamp_min_(0)

    return both
