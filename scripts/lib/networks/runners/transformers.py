"""Image classifiers of Hugging Face's transformers, from folders that save_pretrained wrote."""

import json
from importlib.metadata import version
from pathlib import Path

from torch import nn

from scripts.lib.jobs.errors import InputError
from scripts.lib.networks.runners.runner import BYTE, Reads, cannot_be_read
from scripts.lib.networks.torchvision_ops import declare_missing_operators
from scripts.lib.networks.weight_files import some

PREPARED = "preprocessor_config.json"


def read(path: Path) -> tuple[nn.Module, Reads]:
    """The network of a folder, whose `config.json` is named, in float32; InputError if transformers cannot read it, or weights are missing.

    Nothing is downloaded, and no code of the folder is run.
    """
    declare_missing_operators()  # transformers imports torchvision
    import torch
    from transformers import AutoModelForImageClassification

    runtime = f"transformers {version('transformers')}"
    try:
        network, loaded = AutoModelForImageClassification.from_pretrained(
            path.parent,
            local_files_only=True,
            trust_remote_code=False,
            dtype=torch.float32,
            output_loading_info=True,
        )
    except Exception as error:  # of a model's own code
        raise cannot_be_read(path.parent, runtime, error) from None
    if loaded["missing_keys"] or loaded["mismatched_keys"]:
        lacking = [str(each) for each in (*loaded["missing_keys"], *loaded["mismatched_keys"])]
        raise InputError(
            f"{path.parent} lacks {len(lacking)} of its network's tensors ({some(sorted(lacking))}): save the classifier after it was trained."
        )
    config = network.config
    size = getattr(config, "image_size", None)
    height, width = size if isinstance(size, list | tuple) else (size, size)
    fixed = (height, width) if isinstance(height, int) and _has_positions(network) else None
    names = config.id2label or {}
    classes = [names[place] for place in sorted(names)] if len(names) == config.num_labels else None
    reads = Reads(
        runtime,
        channels=getattr(config, "num_channels", None),
        size=fixed,
        classes=classes,
        **_normalization(path.parent / PREPARED),
    )
    return network.float(), reads


def _has_positions(network: nn.Module) -> bool:
    """Whether a network's weights are bound to a size of images, as embeddings of positions are."""
    return any("position_embedding" in name for name, _ in network.named_parameters())


def _normalization(path: Path) -> dict[str, list[float]]:
    """`mean` and `std` of images in 0..1, as the folder's preprocessor has them; {} if it has none."""
    if not path.is_file():
        return {}
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        raise InputError(f"{path} is damaged: save the image processor again.") from None
    if said.get("rescale_offset") or said.get("include_top"):
        raise InputError(
            f"{path} normalizes images twice (`rescale_offset`, `include_top`): say `mean` and `std` in the study."
        )
    # A byte becomes (byte * factor - mean) / std; here (byte / 255 - mean) / std with others of both.
    factor = BYTE * (said.get("rescale_factor", 1 / BYTE) if said.get("do_rescale", True) else 1.0)
    mean, std = (
        ([0.0], [1.0]) if not said.get("do_normalize", True) else (said.get("image_mean"), said.get("image_std"))
    )
    if mean is None or std is None:
        return {}
    mean, std = (value if isinstance(value, list) else [value] for value in (mean, std))
    return {"mean": [each / factor for each in mean], "std": [each / factor for each in std]}
