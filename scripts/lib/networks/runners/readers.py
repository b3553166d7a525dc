"""Format of network files -> what reads them: the network, and what the file says of the images that it reads."""

from collections.abc import Callable
from pathlib import Path

from torch import nn

from scripts.lib.networks.runners import litert, onnx, openvino, timm, torch_export, torchscript, transformers
from scripts.lib.networks.runners.runner import Reads

READERS: dict[str, Callable[[Path], tuple[nn.Module, Reads]]] = {
    "onnx": onnx.read,
    "openvino": openvino.read,
    "torch_export": torch_export.read,
    "torchscript": torchscript.read,
    "tflite": litert.read,
    "transformers": transformers.read,
    "timm": timm.read,
}
