"""LiteRT's files, which were TensorFlow Lite's, run by LiteRT on CPU threads."""

from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch

from scripts.lib.networks.runners.onnx import as_tensor
from scripts.lib.networks.runners.runner import (
    Reads,
    Runner,
    cannot_be_read,
    known_type,
    layout_of,
    of_bytes,
    only_input,
)

TYPES = {name: getattr(torch, name) for name in ("float32", "float16", "uint8", "int8")}


class LitertNetwork(Runner):
    """An interpreter of LiteRT."""

    def __init__(self, path: Path, reads: Reads, interpreter: Any) -> None:
        super().__init__(path, reads)
        self.interpreter = interpreter
        self.input = interpreter.get_input_details()[0]["index"]
        self.given = -1  # for how many images there is memory

    def compute(self, images: torch.Tensor) -> torch.Tensor | dict[str, torch.Tensor]:
        """The one output, or all by name; quantized ones as the numbers that they stand for."""
        if len(images) != self.given:
            if self.reads.batch is None:
                self.interpreter.resize_tensor_input(self.input, list(images.shape))
            self.interpreter.allocate_tensors()
            self.given = len(images)
        self.interpreter.set_tensor(self.input, images.numpy())
        self.interpreter.invoke()
        outputs = self.interpreter.get_output_details()
        given = {
            each["name"]: dequantized(self.interpreter.get_tensor(each["index"]), *each["quantization"])
            for each in outputs
        }
        return next(iter(given.values())) if len(given) == 1 else given


def dequantized(value: np.ndarray, scale: float, zero: int) -> torch.Tensor:
    """What the numbers of an output stand for, of the same shape, floats in float32; scale: what a step is worth, 0 where they are not quantized."""
    if scale:
        return torch.from_numpy((value.astype(np.float32) - zero) * np.float32(scale))
    return as_tensor(value)


def read(path: Path) -> tuple[Runner, Reads]:
    """The network of a file; InputError if LiteRT cannot read it, or if it reads anything but images."""
    from ai_edge_litert.interpreter import Interpreter

    runtime = f"LiteRT {version('ai-edge-litert')}"
    try:
        interpreter = Interpreter(model_path=str(path), num_threads=torch.get_num_threads())
        interpreter.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        raise cannot_be_read(path, runtime, error) from None
    inputs = interpreter.get_input_details()
    only_input([each["name"] for each in inputs], path)
    wanted = inputs[0]
    dtype = known_type(np.dtype(wanted["dtype"]).name, TYPES, path)
    shape = layout_of([None if each < 0 else int(each) for each in wanted["shape_signature"]], path)
    scale, zero = wanted["quantization"]
    said = of_bytes(dtype, scale or None, zero)
    reads = Reads(runtime, dtype=dtype, scale=scale or None, zero=zero, **shape, **said)
    return LitertNetwork(path, reads, interpreter), reads
