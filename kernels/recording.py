"""Whether torch does anything else with a call than compute it: a kernel that is called past torch would be lost to it then."""

import torch
from torch.autograd import forward_ad

is_compiling = torch.compiler.is_compiling  # own names: looking others up costs a small layer's call a per cent
tracing_state = torch._C._get_tracing_state
dispatch_modes = torch._C._len_torch_dispatch_stack
transform_level = torch._C._functorch.maybe_current_level
autocast = torch._C._is_any_autocast_enabled
grad_enabled = torch.is_grad_enabled


def recording() -> bool:
    """Under torch.compile, torch.export, torch.jit.trace, make_fx, FakeTensorMode and other dispatch modes, torch.func's vmap and jvp."""
    return is_compiling() or tracing_state() is not None or dispatch_modes() > 0 or transform_level() is not None


def observed(x: torch.Tensor) -> bool:
    """Whether a call with x may be more than computing with what lies in memory: recording, autocast, gradients, lazy negation."""
    gradient = (grad_enabled() and x.requires_grad) or forward_ad._current_level >= 0
    return gradient or recording() or autocast() or x.is_neg()


def refuse_recording(what: str) -> None:
    """ValueError while torch records, because `what` would be missing from the record, and its result would be a constant."""
    if recording():
        raise ValueError(
            f"torch is recording or transforming calls, and {what} would be lost: record the network that sparsify gives, "
            "whose layers are operators of torch then."
        )


def refuse_gradient(x: torch.Tensor) -> None:
    """ValueError for an input whose gradient or tangent somebody wants."""
    wanted = torch.is_grad_enabled() and x.requires_grad
    if not wanted and not is_compiling() and forward_ad._current_level >= 0:
        wanted = forward_ad.unpack_dual(x).tangent is not None
    if wanted:
        raise ValueError("block-sparse layers have no gradient: call them under torch.inference_mode().")
