"""How many multiplications each layer of a network does; free of kernels, because training asks too, and a kernel must not train anything again."""

import math
from collections.abc import Callable, Mapping, Sequence

import torch
from torch import nn

Shapes = Mapping[type[nn.Module], Callable[[nn.Module], Sequence[int]]]
DENSE: Shapes = {kind: lambda layer: layer.weight.shape for kind in (nn.Conv2d, nn.Linear)}


def multiply_adds_of_layers(network: nn.Module, example: torch.Tensor, shapes: Shapes = DENSE) -> dict[str, int]:
    """For one forward pass: all multiplications of each layer, by its name, whether weights are zero or not.

    example: float32[N, 3, H, W]. shapes: the kinds of layers that count -> the shape of a layer's weights, outputs first.
    """
    counted: dict[str, int] = {}

    def count(name: str, layer: nn.Module, output: torch.Tensor) -> None:
        shape = next(shape_of(layer) for kind, shape_of in shapes.items() if isinstance(layer, kind))
        outputs = output.numel() // shape[0]  # pixels of all images, or rows
        counted[name] = counted.get(name, 0) + outputs * math.prod(shape)

    hooks = [
        module.register_forward_hook(lambda layer, _, output, name=name: count(name, layer, output))
        for name, module in network.named_modules()
        if isinstance(module, tuple(shapes))
    ]
    try:
        with torch.inference_mode():
            network(example)
    finally:
        for hook in hooks:
            hook.remove()
    return counted
