"""A static call as one CUDA graph: at small batches launching 50 kernels one by one takes longer than running them."""

from collections.abc import Callable

import torch
from torch import Tensor


class Captured:
    """A captured call. Inputs are copied into its own; the result is its own too, and is overwritten by the next call."""

    def __init__(self, graph: torch.cuda.CUDAGraph, inputs: tuple[Tensor, ...], result) -> None:
        self.graph, self.inputs, self.result = graph, inputs, result

    def __call__(self, *inputs: Tensor):
        """The result for inputs of the shapes and dtypes it was captured with; without inputs, for those it holds."""
        if inputs and len(inputs) != len(self.inputs):
            raise ValueError(f"{len(inputs)} inputs were given to a call captured with {len(self.inputs)}.")
        for own, new in zip(self.inputs, inputs, strict=False):
            if new.shape != own.shape or new.dtype != own.dtype:
                raise ValueError(
                    f"an input is {new.dtype} {list(new.shape)} and the graph was captured with {own.dtype} {list(own.shape)}: "
                    "capture the call for it."
                )
            own.copy_(new)
        self.graph.replay()
        return self.result


def capture(call: Callable, *inputs: Tensor, warmup: int = 3) -> Captured:
    """Record call(*inputs) once, to be repeated without Python.

    call: reads only its inputs and what stays where it is in memory (weights, halo buffers), and does not wait for the GPU.
    warmup: calls before recording, which compile kernels, lay weights out and fill caches. Raises ValueError without a GPU.
    """
    if not torch.cuda.is_available() or any(not x.is_cuda for x in inputs):
        raise ValueError("CUDA graphs need a GPU and inputs on it.")
    inputs = tuple(x.clone() for x in inputs)
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream), torch.inference_mode():
        for _ in range(warmup):
            call(*inputs)
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph), torch.inference_mode():
        result = call(*inputs)
    return Captured(graph, inputs, result)
