"""BatchNorm becomes part of the layer before it."""

import copy
import logging

import torch
from torch import fx, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval, fuse_linear_bn_eval

from kernels.layers import BlockSparseConv2d, BlockSparseLinear, has_hooks

VECTOR_LAYERS = (nn.Linear, BlockSparseLinear, nn.BatchNorm1d, nn.Dropout, nn.Identity, nn.ReLU, nn.GELU)
LOG = logging.getLogger("kernels")


class _Tracer(fx.Tracer):
    """Takes block-sparse layers as one operation."""

    def is_leaf_module(self, module: nn.Module, name: str) -> bool:
        return isinstance(module, (BlockSparseConv2d, BlockSparseLinear)) or super().is_leaf_module(module, name)


def trace(model: nn.Module) -> fx.Graph:
    """The network's operations; raises whatever the network's own code raises when torch.fx runs it with symbols."""
    return _Tracer().trace(model)


def fold_batchnorm(model: nn.Module) -> nn.Module:
    """A copy for inference in which each BatchNorm right behind a convolution or linear layer is part of that layer's weights.

    The network must be traceable by torch.fx; one that is not comes back with its BatchNorms, and the log says so. A BatchNorm
    behind anything else stays, and so does one behind a layer that is used twice or whose weights the network reads itself, and one
    where either has a forward hook.
    A BatchNorm1d normalizes the channels of [B, N] but the tokens of [B, N, N], so behind a linear layer it is folded only where
    what that layer reads was flattened to [B, K] before. Raises ValueError for weights that cannot be copied (refuse_computed).
    """
    try:
        model = copy.deepcopy(model).eval().requires_grad_(False)
    except RuntimeError:
        refuse_computed(model)
        raise
    try:
        graph = trace(model)
    except Exception as error:  # the network's own code runs, and may raise anything
        LOG.warning("BatchNorm stays unfolded: torch.fx cannot trace %s (%s).", type(model).__name__, error)
        return model
    modules = dict(model.named_modules(remove_duplicate=False))
    read = [node.target for node in graph.nodes if node.op == "get_attr"]
    calls = [modules[node.target] for node in graph.nodes if node.op == "call_module"]
    for node in graph.nodes:
        norm = modules[node.target] if node.op == "call_module" else None
        before = node.args[0] if node.args else None
        if not isinstance(norm, (nn.BatchNorm1d, nn.BatchNorm2d)) or norm.running_mean is None:
            continue
        if not isinstance(before, fx.Node) or before.op != "call_module" or len(before.users) != 1:
            continue
        layer = modules[before.target]
        fuse = {nn.Conv2d: fuse_conv_bn_eval, nn.Linear: fuse_linear_bn_eval}.get(type(layer))
        if fuse is None or sum(call is layer for call in calls) > 1 or sum(call is norm for call in calls) > 1:
            continue
        if has_hooks(layer) or has_hooks(norm):
            continue
        if layer.weight.shape[0] != norm.num_features or any(name.startswith(f"{before.target}.") for name in read):
            continue
        if isinstance(layer, nn.Linear) and not _flat(before, modules):
            continue
        replace(model, before.target, fuse(layer, norm))
        replace(model, node.target, nn.Identity())
    return model.requires_grad_(False)


def refuse_computed(model: nn.Module) -> None:
    """ValueError for a weight that a hook computes at each call, as torch.nn.utils.prune, weight_norm and spectral_norm register it."""
    for name, module in model.named_modules():
        for key, tensor in vars(module).items():
            if isinstance(tensor, torch.Tensor) and {f"{key}_orig", f"{key}_g"} & set(module._parameters):
                raise ValueError(
                    f"`{name}.{key}` is computed by a hook at each call: make it permanent before, with torch.nn.utils.prune.remove, "
                    "remove_weight_norm or remove_spectral_norm."
                )


def _flat(node: object, modules: dict[str, nn.Module]) -> bool:
    """Whether a node's result is [B, K] for certain: it was flattened so, and only layers that keep the shape's length followed."""
    while isinstance(node, fx.Node) and node.args:
        module = modules[node.target] if node.op == "call_module" else None
        if isinstance(module, nn.Flatten):
            return (module.start_dim, module.end_dim) == (1, -1)
        if node.target in (torch.flatten, "flatten"):
            return node.args[1:] == (1,) and not node.kwargs
        if not isinstance(module, VECTOR_LAYERS) and node.target not in (torch.relu, functional.relu, "relu", "relu_"):
            return False
        node = node.args[0]
    return False


def replace(model: nn.Module, name: str, module: nn.Module) -> None:
    """Put a module in the place of the one of that dotted name."""
    parent, _, last = name.rpartition(".")
    setattr(model.get_submodule(parent), last, module)
