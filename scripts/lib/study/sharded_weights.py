"""A network may lie in several files: weights spread over some with an index, an ONNX file with weights beside it, a folder."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

from scripts.lib.jobs.errors import InputError
from scripts.lib.jobs.files import sha256
from scripts.lib.jobs.what_is_it import what_file_is
from scripts.lib.study.formats import CONFIG
from scripts.lib.study.onnx_files import external_files
from scripts.lib.study.sources import expanded

INDEX = ".index.json"  # how an index's name ends
IN_FOLDER = (".json", ".safetensors", ".bin")  # what is read of a folder of transformers or timm


def parts_of_weights(path: str | Path) -> list[Path]:
    """The files that a brought network consists of: itself, and those that belong to it, sorted.

    Raises InputError if a file is damaged or one of them is not there.
    """
    path = expanded(str(path))
    further = next((find for ending, find in FURTHER.items() if path.name.lower().endswith(ending)), None)
    return [path, *(further(path) if further else [])]


def _named_by_index(path: Path) -> list[Path]:
    """The files that an index of tensors names beside it."""
    try:
        names = sorted({str(name) for name in json.loads(path.read_text(encoding="utf-8"))["weight_map"].values()})
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        found = what_file_is(path)
        raise InputError(
            f"{path} is no index of files of weights{f' but {found}' if found else ''}: it must be JSON with a `weight_map`, as "
            "Hugging Face's save_pretrained writes it."
        ) from None
    for name in names:
        if Path(name).name != name:
            raise InputError(f"{path} names {name!r}, which does not lie beside it: put all files into one folder.")
        if not (path.parent / name).is_file():
            raise InputError(f"{path} names {name}, and that is not beside it: get all files of the model.")
    return [path.parent / name for name in names]


def _weights_of_openvino(path: Path) -> list[Path]:
    """The weights of a network whose operations an XML file lists."""
    weights = path.with_suffix(".bin")
    if not weights.is_file():
        raise InputError(f"{path} has its weights in {weights.name}, and that is not beside it: get both files.")
    return [weights]


def _in_folder(path: Path) -> list[Path]:
    """What else a folder of transformers or timm holds that is read."""
    return sorted(
        each for each in path.parent.iterdir() if each.is_file() and each.suffix in IN_FOLDER and each.name != path.name
    )


# Ending of a name -> what finds the further files.
FURTHER: dict[str, Callable[[Path], list[Path]]] = {
    INDEX: _named_by_index,
    ".xml": _weights_of_openvino,
    ".onnx": external_files,
    CONFIG: _in_folder,
}


def weights_sha256(path: str | Path) -> str:
    """SHA-256 of a file of weights; of one that is spread over several, of their digests one after another."""
    parts = [sha256(part) for part in parts_of_weights(path)]
    return parts[0] if len(parts) == 1 else hashlib.sha256("".join(parts).encode()).hexdigest()
