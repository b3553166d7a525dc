"""One tiny network in every format: the mean of each channel, and a dense layer on them."""

import warnings
from pathlib import Path

import numpy as np
import torch
from torch import nn


class Mean(nn.Module):
    """Reads [N, C, H, W], gives logits."""

    def __init__(self, weight, bias):
        super().__init__()
        self.head = nn.Linear(weight.shape[1], len(weight))
        self.head.load_state_dict({"weight": torch.as_tensor(weight).float(), "bias": torch.as_tensor(bias).float()})

    def forward(self, images):
        return self.head(images.mean((2, 3)))


def torchscript(path, weight, bias):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.jit.save(torch.jit.trace(Mean(weight, bias).eval(), torch.zeros(2, weight.shape[1], 8, 8)), str(path))
    return str(path)


def torch_export(path, weight, bias, batch=None):
    """batch: the number of images that it is bound to; None for any."""
    example = torch.zeros(batch or 2, weight.shape[1], 8, 8)
    dynamic = None if batch else ({0: torch.export.Dim("images", min=1, max=4096)},)
    torch.export.save(torch.export.export(Mean(weight, bias).eval(), (example,), dynamic_shapes=dynamic), str(path))
    return str(path)


def onnx(
    path, weight, bias, shape=("n", 3, 8, 8), type="FLOAT", softmax=False, inputs=1, outputs=1, external=None, said=None
):
    """A file whose input has a shape and a type of onnx.TensorProto; external: the file of its larger tensors, said: its metadata."""
    from onnx import TensorProto, helper, numpy_helper, save

    pixels = [1, 2] if shape[-1] == 3 else [2, 3]
    tensors = {"weight": np.float32(weight).T.copy(), "bias": np.float32(bias), "pixels": np.array(pixels)}
    nodes = [
        helper.make_node("Cast", ["images"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["floats", "pixels"], ["means"], keepdims=0),
        helper.make_node("MatMul", ["means", "weight"], ["products"]),
        helper.make_node("Add", ["products", "bias"], ["sums"]),
        helper.make_node("Softmax" if softmax else "Identity", ["sums"], ["logits"]),
        helper.make_node("Identity", ["means"], ["features"]),
    ]
    read = [helper.make_tensor_value_info("images", getattr(TensorProto, type), shape)]
    read += [helper.make_tensor_value_info(f"more_{n}", TensorProto.FLOAT, [1]) for n in range(inputs - 1)]
    given = [
        helper.make_tensor_value_info("logits", TensorProto.FLOAT, [shape[0], len(bias)]),
        helper.make_tensor_value_info("features", TensorProto.FLOAT, [shape[0], weight.shape[1]]),
    ][:outputs]
    held = [numpy_helper.from_array(value, name) for name, value in tensors.items()]
    graph = helper.make_graph(nodes[: 5 + (outputs > 1)], "mean", read, given, held)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    for key, value in (said or {}).items():
        model.metadata_props.add(key=key, value=value)
    beside = {"save_as_external_data": True, "location": external, "size_threshold": 64} if external else {}
    save(model, str(path), **beside)
    return str(path)


def openvino(path, weight, bias, shape=(-1, 3, 8, 8), dtype=np.float32):
    import openvino as ov
    from openvino import opset13 as ops

    images = ops.parameter(list(shape), dtype, name="images")
    floats = ops.convert(images, np.float32)
    means = ops.reduce_mean(floats, np.array([1, 2] if shape[-1] == 3 else [2, 3]), False)
    logits = ops.add(ops.matmul(means, np.float32(weight), False, True), np.float32(bias))
    ov.save_model(ov.Model([ops.result(logits)], [images]), str(path), compress_to_fp16=False)
    return str(path)


def tflite(path, weight, bias, size=(8, 8), quantized=None):
    """NHWC, one image at a time. quantized: scale and zero of a uint8 input, which is dequantized first."""
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    names: list[str] = []
    model, graph = schema.ModelT(), schema.SubGraphT()
    model.version, model.subgraphs, model.buffers = 3, [graph], [schema.BufferT()]
    graph.tensors, graph.operators, model.operatorCodes = [], [], []

    def tensor(name, shape, type=schema.TensorType.FLOAT32, value=None, steps=None):
        each = schema.TensorT()
        each.name, each.shape, each.type, each.buffer = name, list(shape), type, 0
        if steps:
            each.quantization = schema.QuantizationParametersT()
            each.quantization.scale, each.quantization.zeroPoint = [steps[0]], [steps[1]]
        if value is not None:
            each.buffer = len(model.buffers)
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(value.tobytes(), np.uint8)
            model.buffers.append(buffer)
        graph.tensors.append(each)
        names.append(name)
        return len(names) - 1

    def operator(code, inputs, outputs, kind=None, options=None, version=1):
        each, opcode = schema.OperatorT(), schema.OperatorCodeT()
        opcode.builtinCode, opcode.deprecatedBuiltinCode, opcode.version = code, min(code, 127), version
        each.opcodeIndex, each.inputs, each.outputs = len(model.operatorCodes), inputs, outputs
        if options is not None:
            each.builtinOptionsType, each.builtinOptions = kind, options
        model.operatorCodes.append(opcode)
        graph.operators.append(each)

    images = floats = tensor(
        "images", [1, *size, 3], *([schema.TensorType.UINT8, None, quantized] if quantized else [])
    )
    if quantized:
        floats = tensor("floats", [1, *size, 3])
        operator(schema.BuiltinOperator.DEQUANTIZE, [images], [floats])
    pixels = tensor("pixels", [2], schema.TensorType.INT32, np.array([1, 2], np.int32))
    means, logits = tensor("means", [1, 3]), tensor("logits", [1, len(bias)])
    held = [
        tensor("weight", weight.shape, value=np.float32(weight)),
        tensor("bias", [len(bias)], value=np.float32(bias)),
    ]
    reduce = schema.ReducerOptionsT()
    reduce.keepDims = False
    operator(schema.BuiltinOperator.MEAN, [floats, pixels], [means], schema.BuiltinOptions.ReducerOptions, reduce)
    full = schema.FullyConnectedOptionsT()
    kind = schema.BuiltinOptions.FullyConnectedOptions
    operator(schema.BuiltinOperator.FULLY_CONNECTED, [means, *held], [logits], kind, full)
    graph.inputs, graph.outputs, graph.name = [images], [logits], "mean"
    builder = flatbuffers.Builder(4096)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    Path(path).write_bytes(bytes(builder.Output()))
    return str(path)
