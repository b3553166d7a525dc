"""Lets torchvision be imported beside a torch that its operators were not built for.

torchvision's wheels bring compiled operators for detection. A wheel that was built for CUDA cannot load them beside a torch without
it; torchvision is meant to go on then, but while it is imported it describes two of them, `nms` and `qnms`, to torch, which knows
neither and raises an error. Classifiers need no detection: it is enough that the two are declared. Whoever calls them is still
told by torchvision that they are not there.
"""

import importlib.util
from pathlib import Path

import torch

SIGNATURE = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
OPERATORS = ("nms", "qnms")


def declare_missing_operators() -> list[str]:
    """Declare those of OPERATORS that torch does not have after torchvision's library was tried; returns their names.

    To be called before the first `import torchvision`. Does nothing without torchvision.
    """
    found = importlib.util.find_spec("torchvision")
    if found is None or not found.submodule_search_locations:
        return []
    for library in sorted(Path(found.submodule_search_locations[0]).glob("_C*.*")):
        try:
            torch.ops.load_library(str(library))  # as torchvision does itself; twice is harmless
        except OSError:
            continue
    missing = [name for name in OPERATORS if not hasattr(torch.ops.torchvision, name)]
    for name in missing:
        torch.library.define(f"torchvision::{name}", SIGNATURE)
    return missing
