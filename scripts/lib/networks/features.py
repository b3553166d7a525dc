"""What a network sees in an image: what its last linear layer reads, or, of a network without such a layer, its log-probabilities."""

import numpy as np
import torch
from torch import nn

from scripts.lib.networks.architectures import normalized


def head_of(model: nn.Module, images: torch.Tensor, outputs: int) -> str | None:
    """The name of the linear layer that gives the network's outputs; None if its last layer is none, or cannot be looked into.

    images: uint8[N, H, W, 3], a few to try. outputs: how many the network has. Of several such layers it is the one that runs last.
    """
    ran: list[str] = []
    hooks = [
        layer.register_forward_hook(lambda layer, given, made, name=name: ran.append(name) if made.ndim == 2 else None)
        for name, layer in model.named_modules()
        if isinstance(layer, nn.Linear) and layer.out_features == outputs
    ]
    try:
        with torch.inference_mode():
            model(normalized(images))
    finally:
        for hook in hooks:
            hook.remove()
    return ran[-1] if ran else None


def features_of(model: nn.Module, head: str | None, images: torch.Tensor) -> np.ndarray:
    """Features float32[N, D] of images uint8[N, H, W, 3]: what the layer `head` reads, or the log-probabilities for None."""
    read: list[torch.Tensor] = []
    hook = head and model.get_submodule(head).register_forward_pre_hook(lambda layer, given: read.append(given[0]))
    try:
        with torch.inference_mode():
            logits = model(normalized(images))
    finally:
        if hook:
            hook.remove()
    found = read[-1] if head else torch.log_softmax(logits.float(), dim=1)
    return found.float().cpu().numpy()
