"""Hidden channels in another order: the same function, at no cost, because every layer that reads them is renumbered too."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import fx, nn
from torch.nn import functional

NORMS = (nn.BatchNorm2d,)
CHANNELWISE = (
    nn.ReLU, nn.ReLU6, nn.GELU, nn.SiLU, nn.Identity, nn.Dropout, nn.Dropout2d, nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d,
)  # fmt: skip
FUNCTIONS = (
    torch.relu, functional.relu, "relu", "relu_", functional.max_pool2d, functional.avg_pool2d, functional.adaptive_avg_pool2d,
)  # fmt: skip


@dataclass(frozen=True)
class Hidden:
    """Who must be renumbered together with a convolution's output channels."""

    norms: tuple[str, ...]
    readers: tuple[str, ...]  # convolutions and linear layers, by their input channels


def hidden_channels(model: nn.Module) -> dict[str, Hidden]:
    """The convolutions whose output channels only other layers read, by name in the order of the network.

    Between a convolution and its readers there may be BatchNorms, activations, pools and flattening. What is added to something else,
    as in residual streams, grouped, used twice, tied, or given back, keeps its order. Raises ValueError for a network that torch.fx cannot
    trace.
    """
    try:
        graph = fx.Tracer().trace(model)
    except Exception as error:  # the network's own code runs, and may raise anything
        raise ValueError(
            f"torch.fx cannot trace {type(model).__name__} ({error}): its channels cannot be renumbered."
        ) from error
    modules = dict(model.named_modules(remove_duplicate=False))
    calls = [modules[node.target] for node in graph.nodes if node.op == "call_module"]
    owner = {id(tensor) for node in graph.nodes if node.op == "get_attr" for tensor in [_attribute(model, node.target)]}
    shared = _shared(model)

    def alone(module: nn.Module) -> bool:
        """Whether the module is called once and nothing else reads its tensors."""
        own = [id(tensor) for tensor in (*module.parameters(), *module.buffers())]
        return sum(call is module for call in calls) == 1 and not (owner | shared).intersection(own)

    found = {}
    for node in graph.nodes:
        module = modules[node.target] if node.op == "call_module" else None
        if type(module) is not nn.Conv2d or module.groups != 1 or not alone(module):
            continue
        hidden = _follow(node, modules, alone)
        if hidden is not None and hidden.readers:
            found[node.target] = hidden
    return found


def _attribute(model: nn.Module, name: str) -> object:
    for part in name.split("."):
        model = getattr(model, part)
    return model


def _shared(model: nn.Module) -> set[int]:
    """The tensors that more than one module holds."""
    holders: dict[int, set[int]] = {}
    for module in model.modules():
        for tensor in (*module.parameters(recurse=False), *module.buffers(recurse=False)):
            holders.setdefault(id(tensor), set()).add(id(module))
    return {tensor for tensor, modules in holders.items() if len(modules) > 1}


def _follow(node: fx.Node, modules: Mapping[str, nn.Module], alone) -> Hidden | None:
    """What reads a convolution's channels; None where something does that cannot be renumbered."""
    norms, readers, ahead = [], [], [(user, node, False) for user in node.users]
    while ahead:
        user, source, flat = ahead.pop(0)
        module = modules[user.target] if user.op == "call_module" else None
        if user.all_input_nodes != [source] or not user.args or user.args[0] is not source:
            return None
        if type(module) in (nn.Conv2d, nn.Linear) and alone(module):
            if (type(module) is nn.Linear) != flat or getattr(module, "groups", 1) != 1:
                return None
            readers.append(user.target)
            continue
        if type(module) in NORMS and alone(module) and not flat:
            norms.append(user.target)
        elif not flat and _flattens(user, module):
            flat = True
        elif not (type(module) in CHANNELWISE or (module is None and user.target in FUNCTIONS)):
            return None
        ahead += [(follower, user, flat) for follower in user.users]
    return Hidden(tuple(norms), tuple(readers))


def _flattens(node: fx.Node, module: nn.Module | None) -> bool:
    """Whether an image [B, C, H, W] becomes [B, C x pixels] or, by its mean, [B, C]."""
    if isinstance(module, nn.Flatten):
        return (module.start_dim, module.end_dim) == (1, -1)
    if node.target in (torch.flatten, "flatten"):
        return node.args[1:] == (1,) and not node.kwargs
    axes = node.args[1] if len(node.args) > 1 else node.kwargs.get("dim", ())
    return (
        node.target in ("mean", torch.mean)
        and len(node.args) <= 2
        and not node.kwargs.get("keepdim")
        and isinstance(axes, (tuple, list))
        and list(axes) in ([2, 3], [-2, -1])
    )


@torch.no_grad()
def renumber(model: nn.Module, orders: Mapping[str, torch.Tensor], hidden: Mapping[str, Hidden]) -> None:
    """Put the output channels of convolutions in another order, in place; the network computes the same function.

    orders: int64 [N] for each convolution, the old number of each new channel; hidden: of hidden_channels for this network.
    """
    for name, order in orders.items():
        conv = model.get_submodule(name)
        for tensor in (conv.weight, conv.bias):
            if tensor is not None:
                tensor.copy_(tensor[order.to(tensor.device)])
        for norm in (model.get_submodule(one) for one in hidden[name].norms):
            for tensor in (norm.weight, norm.bias, norm.running_mean, norm.running_var):
                if tensor is not None:
                    tensor.copy_(tensor[order.to(tensor.device)])
        for reader in (model.get_submodule(one) for one in hidden[name].readers):
            reader.weight.copy_(columns_in_order(reader.weight, order))


def columns_in_order(weight: torch.Tensor, order: torch.Tensor) -> torch.Tensor:
    """A weight whose input channels are in another order; those of a linear layer behind flattened images are C x pixels."""
    apart = weight.reshape(weight.shape[0], len(order), -1)
    return apart[:, order.to(weight.device)].reshape(weight.shape)
