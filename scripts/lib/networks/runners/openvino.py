"""OpenVINO's files, an XML of operations and a `.bin` of weights beside it, run by OpenVINO on CPU threads."""

from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from scripts.lib.jobs.errors import InputError
from scripts.lib.networks.runners.onnx import as_tensor
from scripts.lib.networks.runners.runner import (
    BYTE,
    Reads,
    Runner,
    cannot_be_read,
    known_type,
    layout_of,
    of_bytes,
    only_input,
)

TYPES = {
    "f32": torch.float32,
    "f16": torch.float16,
    "f64": torch.float64,
    "u8": torch.uint8,
    "i8": torch.int8,
}
# Where Intel's Model API and its kin write how images are prepared, in units of bytes.
MODEL_API = "model_info"


class OpenvinoNetwork(Runner):
    """A network that OpenVINO compiled."""

    def __init__(self, path: Path, reads: Reads, compiled: Any) -> None:
        super().__init__(path, reads)
        self.compiled = compiled
        self.outputs = [next(iter(port.names), str(place)) for place, port in enumerate(compiled.outputs)]

    def compute(self, images: torch.Tensor) -> torch.Tensor | dict[str, torch.Tensor]:
        """The one output, or all by name."""
        found = self.compiled(images.numpy())
        given = [as_tensor(found[port]) for port in self.compiled.outputs]
        return given[0] if len(given) == 1 else dict(zip(self.outputs, given, strict=True))


def read(path: Path) -> tuple[Runner, Reads]:
    """The network of a file, in the precision that the file says; InputError if OpenVINO cannot read it, or if it reads anything but images."""
    import openvino

    runtime = f"openvino {version('openvino')}"
    # Without the hint processors with bfloat16 would compute in it, whatever the file says.
    settings = {
        "INFERENCE_NUM_THREADS": torch.get_num_threads(),
        "NUM_STREAMS": 1,
        "INFERENCE_PRECISION_HINT": "f32",
    }
    try:
        core = openvino.Core()
        model = core.read_model(str(path))
        compiled = core.compile_model(model, "CPU", settings)
    except RuntimeError as error:
        raise cannot_be_read(path, runtime, error) from None
    only_input([next(iter(port.names), "?") for port in model.inputs], path)
    shape = [None if each.is_dynamic else each.get_length() for each in model.inputs[0].partial_shape]
    dtype = known_type(model.inputs[0].element_type.get_type_name(), TYPES, path)
    said = _normalization(model, path) or of_bytes(dtype)
    reads = Reads(runtime, dtype=dtype, **layout_of(shape, path), **said)
    return OpenvinoNetwork(path, reads, compiled), reads


def _normalization(model: Any, path: Path) -> dict[str, list[float]]:
    """`mean` and `std` of images in 0..1, where the file has them for Model API."""
    said = {
        key: model.get_rt_info([MODEL_API, key]).astype(str)
        for key in ("mean_values", "scale_values", "reverse_input_channels")
        if model.has_rt_info([MODEL_API, key])
    }
    if said.get("reverse_input_channels", "").lower() in ("true", "yes", "1"):
        raise InputError(
            f"{path} reads blue before green and red (`reverse_input_channels`): export it for red, green, blue."
        )
    try:
        found = {key: [float(each) / BYTE for each in said[key].split()] for key in said if key.endswith("_values")}
    except ValueError:
        found = {}
    if not all(len(found.get(key, [])) in (1, 3) for key in ("mean_values", "scale_values")):
        return {}
    return {"mean": found["mean_values"], "std": found["scale_values"]}
