"""ONNX files, run by onnxruntime on CPU threads."""

from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from scripts.lib.networks.runners.metadata import normalization
from scripts.lib.networks.runners.onnx_weights import share_of_zeros
from scripts.lib.networks.runners.runner import (
    Reads,
    Runner,
    cannot_be_read,
    known_type,
    layout_of,
    of_bytes,
    only_input,
)
from scripts.lib.study.onnx_files import operators

TYPES = {
    "tensor(float)": torch.float32,
    "tensor(float16)": torch.float16,
    "tensor(double)": torch.float64,
    "tensor(uint8)": torch.uint8,
    "tensor(int8)": torch.int8,
}
# Takes the range of all images of a batch together, so that the answer for one depends on the others.
OVER_BATCH = "DynamicQuantizeLinear"
ERRORS_ONLY = 3  # of onnxruntime's levels of logging


class OnnxNetwork(Runner):
    """A session of onnxruntime."""

    def __init__(self, path: Path, reads: Reads, session: Any) -> None:
        super().__init__(path, reads)
        self.session = session
        self.input = session.get_inputs()[0].name
        self.outputs = [output.name for output in session.get_outputs()]

    def compute(self, images: torch.Tensor) -> torch.Tensor | dict[str, torch.Tensor]:
        """The one output, or all by name."""
        given = [as_tensor(each) for each in self.session.run(None, {self.input: images.numpy()})]
        return given[0] if len(given) == 1 else dict(zip(self.outputs, given, strict=True))

    def zeros(self) -> float:
        """Of convolutions and dense layers."""
        return share_of_zeros(Path(self.path))


def as_tensor(value: Any) -> Any:
    """An array as a tensor, in float32 if it holds floating point numbers; of other values themselves."""
    if not hasattr(value, "dtype"):
        return value
    tensor = torch.from_numpy(value)
    return tensor.float() if tensor.is_floating_point() else tensor


def read(path: Path) -> tuple[Runner, Reads]:
    """The network of a file; InputError if onnxruntime cannot read it, or if it reads anything but images."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.inter_op_num_threads = 1
    options.log_severity_level = ERRORS_ONLY
    runtime = f"onnxruntime {version('onnxruntime')}"
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # of classes that only onnxruntime has
        raise cannot_be_read(path, runtime, error) from None
    inputs = session.get_inputs()
    only_input([each.name for each in inputs], path)
    dtype = known_type(inputs[0].type, TYPES, path)
    # A dimension of any size has a name, or none.
    shape = layout_of([each if isinstance(each, int) else None for each in inputs[0].shape], path)
    notes = ()
    if shape["batch"] is None and OVER_BATCH in operators(path):
        shape["batch"] = 1
        notes = (f"it takes ranges over all that it is given ({OVER_BATCH}), so it is given one image at a time",)
    said = normalization(session.get_modelmeta().custom_metadata_map, str(path)) or of_bytes(dtype)
    reads = Reads(runtime, dtype=dtype, notes=notes, **shape, **said)
    return OnnxNetwork(path, reads, session), reads
