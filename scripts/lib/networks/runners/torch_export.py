"""Files of torch.export: graphs with their weights, run by torch."""

import importlib
import io
import json
import re
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch

from scripts.lib.jobs.errors import InputError
from scripts.lib.networks.runners.runner import (
    WHOLE_NUMBERS,
    Reads,
    Runner,
    cannot_be_read,
    known_type,
    layout_of,
    name_of,
    of_bytes,
    only_input,
)
from scripts.lib.networks.runners.torchscript import TorchProgram

TYPES = {name_of(each): each for each in (torch.float32, torch.float16, torch.bfloat16, torch.float64, *WHOLE_NUMBERS)}
QUANTIZED = "torch.ao.quantization.fx._decomposed"  # declares the operations of networks that PT2E quantized
OBJECTS = ("custom_obj", "opaque_obj")  # constants that are no tensors
# torch evaluates expressions of sizes, such as Symbol('s1', integer=True), in which classes of sympy are called and nothing else.
LETTERS = re.compile(r"[\w\s+\-*/%(),.<>=&|']*")
OTHER_CALLS = re.compile(r"\b[a-z_]\w*\s*\(|\)\s*\(|\.\s*[A-Za-z_]|__")


def read(path: Path) -> tuple[Runner, Reads]:
    """The program of a file; InputError if torch cannot read it, if it takes anything but images, or if reading it could execute something else."""
    runtime = f"torch {torch.__version__} (torch.export)"
    try:
        _check_harmless(path)
        with suppress(ImportError):  # of torch versions that leave them to torchao
            importlib.import_module(QUANTIZED)
        exported = torch.export.load(str(path))
        program = exported.module()
    except InputError:
        raise
    except Exception as error:  # a graph of another version may raise anything
        raise cannot_be_read(path, runtime, error) from None
    takes = exported.graph_signature.user_inputs
    only_input([str(each) for each in takes], path)
    given = next(
        node.meta["val"] for node in exported.graph.nodes if node.op == "placeholder" and node.name == takes[0]
    )
    # A size that the graph leaves open is no int but a symbol.
    shape = layout_of([each if type(each) is int else None for each in given.shape], path)
    dtype = known_type(name_of(given.dtype), TYPES, path)
    reads = Reads(runtime, dtype=dtype, **shape, **of_bytes(dtype))
    return TorchProgram(path, reads, program), reads


def _check_harmless(path: Path) -> None:
    """Raise InputError for an archive of which torch.export.load would unpickle anything but tensors, or evaluate more than sizes.

    What the format has: https://docs.pytorch.org/docs/stable/user_guide/torch_compiler/export/pt2_archive.html
    """
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if name.endswith(".json"):
                _check_json(json.loads(archive.read(name)), path)
            elif re.search(r"/data/(weights|constants)/.*\.pt$", name) or "/data/aotinductor/" in name:
                raise _refused(path, name)
            elif re.search(r"/data/sample_inputs/.*\.pt$", name):
                try:
                    torch.load(io.BytesIO(archive.read(name)), map_location="cpu", weights_only=True)
                except Exception:  # whatever a pickle raises that is none of tensors
                    raise _refused(path, name) from None


def _check_json(value: Any, path: Path) -> None:
    """Look through a JSON text of the archive."""
    if isinstance(value, list):
        for each in value:
            _check_json(each, path)
    elif isinstance(value, dict):
        if value.get("use_pickle") or str(value.get("path_name", "")).startswith(OBJECTS):
            raise _refused(path, str(value.get("path_name")))
        expression = str(value.get("expr_str", ""))
        if not LETTERS.fullmatch(expression) or OTHER_CALLS.search(expression):
            raise _refused(path, expression)
        for each in value.values():
            _check_json(each, path)


def _refused(path: Path, what: str) -> InputError:
    return InputError(
        f"{path} holds what cannot be read without executing it ({what}): export it again with a torch of today, or as ONNX."
    )
