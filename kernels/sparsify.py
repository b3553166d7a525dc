"""Replaces the layers of a trained network whose weights have zero blocks by block-sparse ones, where that pays."""

from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Integral

import torch
from torch import Tensor, nn

from kernels.cost import expected_gain
from kernels.folding import fold_batchnorm, refuse_computed, replace
from kernels.layers import BlockSparseConv2d, BlockSparseLinear, why_not
from kernels.packed import block_mask
from kernels.timing import compare

Block = tuple[int, int]


@dataclass(frozen=True)
class Decision:
    """What became of a layer. gain: time of the dense layer over that of the sparse one, measured or modelled; None if not tried."""

    name: str
    shape: tuple[int, ...]
    block: Block | None
    density: float
    sparse: bool
    gain: float | None
    reason: str

    @property
    def ceiling(self) -> float:
        """The gain if time fell as the number of multiplications: 1 / density."""
        return 1 / self.density if self.density else float("inf")


@torch.inference_mode(False)  # what is made must be fit for torch.compile and torch.export, wherever it is made
@torch.no_grad()
def sparsify(
    model: nn.Module,
    blocks: Block | Mapping[str, Block],
    example: Tensor,
    threshold: float = 1.1,
    decide: str = "measured",
) -> tuple[nn.Module, list[Decision]]:
    """A copy of a trained network for inference, its BatchNorms folded and its layers block-sparse where that pays.

    blocks: (bn, bk) for all convolutions and linear layers that can have it, or for the layers named only.
    example: an input of the batch size that will be used, on the device that will be used; its values do not matter.
    threshold: the least gain for which a layer becomes sparse. Layers are compared one by one: a nn.TransformerEncoderLayer with a
    sparse layer no longer takes torch's fused path.
    decide: "measured" times both layers on this device, "modelled" takes cost.expected_gain, "always" does not ask.
    Returns the network and a Decision for each convolution and linear layer: `print(explain(decisions))`.
    Raises ValueError for an unknown way to decide, for blocks that are none, for names of layers that are not there, or whose weight
    cannot have the block, and for weights that a hook computes, as torch.nn.utils.prune does.
    """
    if decide not in ("measured", "modelled", "always"):
        raise ValueError(f"there is no way to decide `{decide}`: choose `measured`, `modelled` or `always`.")
    if not threshold >= 0:
        raise ValueError(f"the threshold must be a gain of at least 0, as 1.1, not {threshold}.")
    if not isinstance(example, Tensor) or not example.numel():
        raise ValueError("the example must be a torch.Tensor, an input of the network with at least one image or row.")
    blocks = _checked(blocks)
    refuse_computed(model)
    model = fold_batchnorm(model)
    names: dict[nn.Module, list[str]] = {}
    for name, module in model.named_modules(remove_duplicate=False):
        names.setdefault(module, []).append(name)
    layers = {name: layer for name, layer in model.named_modules() if isinstance(layer, (nn.Conv2d, nn.Linear))}
    named = isinstance(blocks, Mapping)
    unknown = sorted(set(blocks) - set(layers)) if named else []
    if unknown:
        raise ValueError(
            f"`{unknown[0]}` is no convolution or linear layer of this network: it has {', '.join(layers)}."
        )
    inputs = _inputs(model, layers, example)
    decisions = []
    for name, layer in layers.items():
        block = blocks.get(name) if named else blocks
        decision = _decide(name, layer, block, inputs.get(name), threshold, decide, named)
        decisions.append(decision)
        if decision.sparse:
            sparse = _sparse(layer, block)
            if not name:  # the network is this one layer
                model = sparse
            else:
                for place in names[layer]:  # a layer that is shared stays so
                    replace(model, place, sparse)
    _keep_slow_path(model)
    return model.eval(), decisions


def explain(decisions: list[Decision]) -> str:
    """A Markdown table: each layer's shape, block, density, ceiling, gain, and what became of it and why."""
    lines = ["| layer | weight | block | density | ceiling | gain | path |", "|---|---|---|---|---|---|---|"]
    for one in decisions:
        block = "–" if one.block is None else f"{one.block[0]}x{one.block[1]}"
        gain = "–" if one.gain is None else f"{one.gain:.2f}x"
        shape, path = "x".join(map(str, one.shape)), "sparse" if one.sparse else "dense"
        lines.append(
            f"| {one.name} | {shape} | {block} | {one.density:.3f} | {one.ceiling:.1f}x | {gain} | {path}: {one.reason} |"
        )
    return "\n".join(lines)


def _checked(blocks: object, what: str = "a block") -> Block | dict[str, Block]:
    """blocks as whole numbers; ValueError for anything else."""
    if isinstance(blocks, Mapping):
        return {name: _checked(block, f"the block of `{name}`") for name, block in blocks.items() if block is not None}
    pair = isinstance(blocks, (tuple, list)) and len(blocks) == 2
    if not pair or not all(isinstance(size, Integral) and size >= 1 for size in blocks):
        raise ValueError(
            f"{what} must be two whole numbers (bn, bk) of at least 1, for instance (64, 16), not {blocks!r}."
        )
    return int(blocks[0]), int(blocks[1])


def _decide(name, layer, block, x, threshold, decide, named) -> Decision:
    def dense(reason: str, density: float = 1.0, gain: float | None = None) -> Decision:
        return Decision(name, tuple(layer.weight.shape), block, density, False, gain, reason)

    if block is None:
        return dense("no block is given for it")
    reason = why_not(layer)
    if reason is None:
        try:
            density = float(block_mask(layer.weight, *block).float().mean())
        except ValueError as error:
            reason = str(error).rstrip(".")
    if reason is not None:
        if named:
            raise ValueError(f"`{name}` cannot have blocks of {block[0]} x {block[1]}: {reason}.")
        return dense(reason)
    if x is None:
        return dense("the network does not call it with this example", density)
    if density == 1:
        return dense("no block of it is zero", density)
    if decide == "always":
        return Decision(name, tuple(layer.weight.shape), block, density, True, None, "as asked")
    if decide == "measured":
        sparse = _sparse(layer, block)
        with torch.inference_mode():
            dense_time, sparse_time = compare([lambda: layer(x), lambda: sparse(x)], device=x.device)
        gain = dense_time / sparse_time
    else:
        gain = expected_gain(layer, block, density, x.shape)
    if gain < threshold:
        return dense(f"{decide} gain below {threshold:g}x", density, gain)
    return Decision(name, tuple(layer.weight.shape), block, density, True, gain, f"{decide} gain")


def _sparse(layer: nn.Module, block: Block) -> nn.Module:
    kind = BlockSparseConv2d if isinstance(layer, nn.Conv2d) else BlockSparseLinear
    return kind.from_dense(layer, *block).eval()


def _keep_slow_path(model: nn.Module) -> None:
    """torch's transformers call their layers one by one, not the fused kernel that reads dense weights, where one is sparse.

    There is no option for it, only conditions that the fused kernel has: an activation that it knows, and nested tensors allowed.
    """
    for module in model.modules():
        if not any(isinstance(one, (BlockSparseConv2d, BlockSparseLinear)) for one in module.modules()):
            continue
        if isinstance(module, nn.TransformerEncoderLayer):
            module.activation_relu_or_gelu = 0
        if isinstance(module, nn.TransformerEncoder):
            module.use_nested_tensor = False


def _inputs(model: nn.Module, layers: Mapping[str, nn.Module], example: Tensor) -> dict[str, Tensor]:
    """What each layer reads when the network sees the example."""
    seen: dict[str, Tensor] = {}

    def remember(name: str, arguments: tuple, keywords: dict) -> None:
        seen.setdefault(name, arguments[0] if arguments else keywords["input"])

    hooks = [
        layer.register_forward_pre_hook(
            lambda _, arguments, keywords, name=name: remember(name, arguments, keywords), with_kwargs=True
        )
        for name, layer in layers.items()
    ]
    try:
        with torch.inference_mode():
            model(example)
    finally:
        for hook in hooks:
            hook.remove()
    return seen
