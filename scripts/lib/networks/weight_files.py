"""What a file of weights holds, read so that nothing in it is executed; a file that holds none is called by its name.

Beside tensors, training programs save their arguments, schedulers and scores. Only tensors, numbers, texts and plain containers are
read; of anything else there is an `Inert` stand-in that knows the name of its class and does nothing.
"""

import pickle
import pickletools
import zipfile
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from scripts.lib.jobs.errors import InputError
from scripts.lib.jobs.what_is_it import what_file_is
from scripts.lib.study.sharded_weights import parts_of_weights

# Formats that torch.load reads begin as one of these.
OF_TORCH = ("a ZIP archive", "a pickle", None)
NONE_OF_TORCH = "save model.state_dict() with torch.save or safetensors"
SHOWN = 3  # names in a sentence
LEGACY_PICKLES = 4  # magic number, protocol, machine and the object; then come bytes of storages
# Containers that are read as the plain ones that they extend, because weights and their names may lie in them.
CONTAINERS: dict[str, type] = {
    "collections.defaultdict": OrderedDict,
    "collections.deque": list,
    "lightning.fabric.utilities.data.AttributeDict": OrderedDict,
    "lightning_fabric.utilities.data.AttributeDict": OrderedDict,
    "pytorch_lightning.utilities.parsing.AttributeDict": OrderedDict,
    "easydict.EasyDict": OrderedDict,
    "addict.addict.Dict": OrderedDict,
    "munch.Munch": OrderedDict,
    "mmengine.config.config.ConfigDict": OrderedDict,
}


class Inert:
    """Stands for an object whose class is none of torch's own containers: takes anything, does nothing."""

    full_name = ""

    def __new__(cls, *_: Any, **__: Any) -> "Inert":
        return super().__new__(cls)

    def __init__(self, *_: Any, **__: Any) -> None:
        pass

    def __setstate__(self, _: Any) -> None:
        pass


def _stand_in(name: str) -> type:
    """The class that stands for one in a file; name: its full name."""
    if name in CONTAINERS:
        return type("Container", (), {"__new__": lambda cls, *_, **__: CONTAINERS[name]()})
    return type(name.rpartition(".")[2], (Inert,), {"full_name": name})


def kind_of(value: object) -> str:
    """The name of a value's class for a sentence, of what was not read too."""
    return value.full_name if isinstance(value, Inert) else type(value).__name__


def read_file(path: str | Path) -> Any:
    """What a file of weights holds: tensors in plain containers, numbers, texts, `Inert` for all else.

    Raises InputError for a file that is not there, is damaged, or is of another kind, which is named.
    """
    index, *shards = parts_of_weights(path)
    if not shards:
        return _read_one(index, path)
    weights: dict[str, torch.Tensor] = {}
    for shard in shards:
        found = _read_one(shard, shard)
        if not isinstance(found, dict):
            raise InputError(f"{shard} holds a {kind_of(found)} and no tensors by name: get the file anew.")
        twice = next((name for name in found if name in weights), None)
        if twice is not None:
            raise InputError(f"{path}: two of its files hold {twice}: get all files of one model.")
        weights |= found
    return weights


def _read_one(path: Path, shown: str | Path) -> Any:
    if not path.is_file():
        raise InputError(f"{shown} is not there: correct the level's `weights`.")
    found = what_file_is(path)
    safetensors = path.suffix.lower() == ".safetensors"
    if safetensors and found == "a ZIP archive":
        raise InputError(f"{shown} is no safetensors file but one of torch.save: call it .pt.")
    if found == "a safetensors file" and not safetensors:
        raise InputError(f"{shown} is a safetensors file: call it .safetensors.")
    if found not in (("a safetensors file", None) if safetensors else OF_TORCH):
        raise InputError(f"{shown} is {found} and no file of weights: {_remedy(found)}.")
    if found == "a ZIP archive":
        _check_archive(path, shown)
    classes: list[str] = []
    try:
        if safetensors:
            return load_file(path)
        classes = _classes(path)
        # torch looks its own harmless classes up first, so no stand-in takes the place of one.
        with torch.serialization.safe_globals([(_stand_in(name), name) for name in classes]):
            return torch.load(path, map_location="cpu", weights_only=True)
    except (SafetensorError, OSError, EOFError, RuntimeError) as error:
        raise InputError(f"{shown} is damaged or no file of weights ({one_line(error)}): save it again.") from None
    except Exception as error:  # UnpicklingError, or whatever a damaged pickle raises
        # A file of before torch 1.6 names torch's own classes for tensors too.
        foreign = [
            name
            for name in classes
            if not name.startswith(("builtins.", "collections.", "torch._")) and "Storage" not in name
        ]
        if any(name.startswith("torchao.") for name in foreign):
            raise InputError(of_quantized(shown, f"it holds {some(foreign)}")) from None
        what = some(foreign) if foreign else one_line(error)
        raise InputError(f"{shown} holds what cannot be read without executing it ({what}): {NONE_OF_TORCH}.") from None


def of_quantized(path: str | Path, seen: str) -> str:
    """What is said of the weights of a network that was quantized elsewhere; seen: what tells so."""
    return (
        f"{path} is of a quantized network ({seen}), whose layers are not built here: bring the weights before they were quantized and add a "
        "level such as {name: int8, method: int8_static, of: dense}, or export the quantized network, as ONNX or with torch.export.save, and bring "
        "that file (docs/formats.md), or what it predicts."
    )


def _remedy(found: str) -> str:
    if "LFS" in found:
        return "get the file itself"
    return "download it again, from the address of the file itself" if found == "an HTML page" else NONE_OF_TORCH


def _check_archive(path: Path, shown: str | Path) -> None:
    """Raise InputError for ZIP archives that torch writes and that hold programs, and for those of others."""
    try:
        with zipfile.ZipFile(path) as archive:
            inner = {name.partition("/")[2] for name in archive.namelist()}
    except zipfile.BadZipFile as error:
        raise InputError(f"{shown} is damaged, perhaps cut short ({error}): get or save it again.") from None
    if "constants.pkl" in inner:
        raise InputError(
            f"{shown} is a TorchScript archive, a program with its weights: write `network: torchscript`, or save "
            "torch.jit.load(...).state_dict() with torch.save."
        )
    if "archive_format" in inner:
        raise InputError(
            f"{shown} is a torch.export archive, a program with its weights: call it .pt2 and leave out `network`."
        )
    if "data.pkl" not in inner:
        raise InputError(f"{shown} is a ZIP archive that torch.save did not write: unpack it, or {NONE_OF_TORCH}.")


def _classes(path: Path) -> list[str]:
    """Full names of the classes and functions in a file of torch.save, without importing any; those of torch may be among them."""
    if zipfile.is_zipfile(path):
        return sorted(torch.serialization.get_unsafe_globals_in_checkpoint(path))
    with path.open("rb") as file:
        return sorted({name.replace("__builtin__.", "builtins.") for name in _legacy_globals(file)})


def _legacy_globals(file: BinaryIO) -> Iterator[str]:
    """The names in the pickles that a file of torch before 1.6 begins with."""
    try:
        for _ in range(LEGACY_PICKLES):
            for opcode, argument, _ in pickletools.genops(file):
                if opcode.name == "GLOBAL":
                    yield argument.replace(" ", ".")
    except (ValueError, pickle.UnpicklingError):  # cut short: torch.load says what is wrong with it
        return


def one_line(error: BaseException) -> str:
    """What an error says, as part of a sentence."""
    text = " ".join(str(error).split())
    return text if len(text) < 200 else f"{text[:197]}..."


def some(names: Iterable[str]) -> str:
    """The first few of some names."""
    names = list(names)
    return ", ".join(names[:SHOWN]) + (", …" if len(names) > SHOWN else "")
