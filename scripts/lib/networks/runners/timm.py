"""Networks of timm from folders as its save_for_hf writes them: config.json beside the weights."""

import json
from importlib.metadata import version
from pathlib import Path

from torch import nn

from scripts.lib.jobs.errors import InputError
from scripts.lib.networks.checkpoints import load_weights
from scripts.lib.networks.runners.runner import Reads, cannot_be_read
from scripts.lib.networks.torchvision_ops import declare_missing_operators

WEIGHTS = ("model.safetensors", "pytorch_model.bin")  # the first one that is there


def read(path: Path) -> tuple[nn.Module, Reads]:
    """The network of a folder, whose `config.json` is named; InputError if timm has none such, or the weights do not fit."""
    declare_missing_operators()  # timm imports torchvision
    import timm

    runtime = f"timm {version('timm')}"
    said = json.loads(path.read_text(encoding="utf-8"))
    weights = next((path.parent / name for name in WEIGHTS if (path.parent / name).is_file()), None)
    if weights is None:
        raise InputError(f"{path.parent} has neither {' nor '.join(WEIGHTS)}: get all files of the network.")
    options = {key: said[key] for key in ("num_classes",) if key in said} | (said.get("model_args") or {})
    try:
        network = timm.create_model(said["architecture"], pretrained=False, **options)
    except Exception as error:  # of an architecture's own code
        raise cannot_be_read(path, runtime, error) from None
    notes = load_weights(network, weights)
    described = said.get("pretrained_cfg") or {}
    known = {key: list(described[key]) for key in ("mean", "std") if key in described}
    reads = Reads(
        runtime,
        channels=options.get("in_chans"),
        classes=said.get("label_names"),
        notes=tuple(notes),
        **(known if len(known) == 2 else {}),
    )
    return network, reads
