"""Which weights an ONNX file has, for the share of them that is zero."""

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

# Operation -> the places of its weights and of the whole number that stands for zero among its inputs; None where there is none.
# https://onnx.ai/onnx/operators/
WEIGHTS: dict[str, tuple[int, int | None]] = {
    "Conv": (1, None),
    "Gemm": (1, None),
    "MatMul": (1, None),
    "ConvInteger": (1, 3),
    "MatMulInteger": (1, 3),
    "QLinearConv": (3, 5),
    "QLinearMatMul": (3, 5),
}
DEQUANTIZE = "DequantizeLinear"  # between stored steps and an operation; its inputs are steps, scale, zero


def share_of_zeros(path: Path) -> float:
    """The share of the weights of convolutions and dense layers that are zero; NaN without the package onnx, or if it finds no weights.

    Quantized weights are zero where they are the step that stands for it. Weights that the file computes are not counted.
    """
    if find_spec("onnx") is None:
        return np.nan
    import onnx

    zeros = total = 0
    for values, zero in _weights(onnx.load(str(path)).graph):
        zeros += int((values == zero).sum())
        total += values.size
    return zeros / total if total else np.nan


def _weights(graph: Any) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The weights of each operation as they are stored, and which number among them is zero, of a shape that fits."""
    from onnx import numpy_helper

    stored = {each.name: each for each in graph.initializer}
    made = {node.output[0]: node for node in graph.node if node.op_type == DEQUANTIZE}
    for node in graph.node:
        if node.op_type not in WEIGHTS:
            continue
        place, zero_place = WEIGHTS[node.op_type]
        axis, inputs = 0, list(node.input)
        name = inputs[place]
        zero_name = inputs[zero_place] if zero_place is not None and len(inputs) > zero_place else ""
        if name in made:
            steps = made[name]
            name, zero_name = steps.input[0], steps.input[2] if len(steps.input) > 2 else ""
            axis = next((each.i for each in steps.attribute if each.name == "axis"), 1)
        if name not in stored:
            continue
        values = numpy_helper.to_array(stored[name])
        zero = numpy_helper.to_array(stored[zero_name]) if zero_name in stored else np.zeros(())
        if zero.size > 1:  # one for each channel
            zero = zero.reshape([-1 if each == axis % values.ndim else 1 for each in range(values.ndim)])
        yield values, zero
