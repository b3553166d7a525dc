"""Formats of network files that bring their own computation: what they are called, how they end, which package runs them.

Everything here is said without importing a runtime, so that it can be said before any job.
"""

import json
import re
import zipfile
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from scripts.lib.jobs.errors import InputError
from scripts.lib.jobs.what_is_it import LITERT, OPENVINO, what_file_is

CONFIG = "config.json"  # names a folder as transformers' and timm's save_pretrained write it
EXTRAS = "pip install -r envs/requirements-extras.txt"


@dataclass(frozen=True)
class Format:
    """One format; `network` in a level's `checkpoints` may say its key in FORMATS."""

    title: str  # of its files, for sentences
    endings: tuple[str, ...]  # of names that tell the format
    looks: tuple[str | None, ...]  # what `what_file_is` calls its files
    also: tuple[str, ...] = ()  # endings that are of this format only where `network` says so
    package: str | None = None  # the module that runs it; None for torch itself
    install: str = EXTRAS
    says_normalization: bool = True  # whether a file can say how its images are normalized
    inside: str | None = None  # a file in the archive by which it is known


FORMATS: dict[str, Format] = {
    "onnx": Format(
        "an ONNX file", (".onnx",), (None,), package="onnxruntime", install="pip install -r envs/requirements.txt"
    ),
    "openvino": Format("an OpenVINO file", (".xml",), (OPENVINO,), package="openvino"),
    "torch_export": Format(
        "a file of torch.export", (".pt2",), ("a ZIP archive",), says_normalization=False, inside="archive_format"
    ),
    "torchscript": Format(
        "a TorchScript file",
        (".torchscript", ".ts"),
        ("a ZIP archive",),
        also=(".pt", ".pth"),
        says_normalization=False,
        inside="constants.pkl",
    ),
    "tflite": Format("a LiteRT file", (".tflite",), (LITERT,), package="ai_edge_litert"),
    "transformers": Format("a folder of transformers", (CONFIG,), ("a JSON text",), package="transformers"),
    "timm": Format("a folder of timm", (CONFIG,), ("a JSON text",), package="timm"),
}
ALL_ENDINGS = tuple(dict.fromkeys(ending for each in FORMATS.values() for ending in each.endings))


def brings_computation(checkpoints: dict) -> bool:
    """Whether a level's `checkpoints`, in which `network` is filled in, are files that bring their own computation."""
    return checkpoints["network"] in FORMATS


def format_of(path: str | Path) -> str | None:
    """The format that a file's name tells, a key of FORMATS; None for files of weights.

    Raises InputError for a `config.json` that neither transformers nor timm wrote.
    """
    name = Path(path).name.lower()
    if name == CONFIG:
        return _of_config(Path(path))
    return next((key for key, each in FORMATS.items() if name.endswith(each.endings)), None)


def _of_config(path: Path) -> str:
    """Whose folder a `config.json` is of: transformers writes the kind of model, timm the architecture that its factory takes."""
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        said = None
    if isinstance(said, dict) and "model_type" in said:
        return "transformers"
    if isinstance(said, dict) and "architecture" in said:
        return "timm"
    raise InputError(
        f"{path} has neither `model_type`, as transformers writes it, nor `architecture`, as timm does: name a folder that save_pretrained wrote."
    )


def check_network_file(path: str | Path, key: str) -> None:
    """Raise InputError unless a file begins as those of a format do; key: the format's in FORMATS."""
    wanted = FORMATS[key]
    found = what_file_is(path)
    if found not in wanted.looks:
        raise InputError(
            f"{path} is {found or 'of an unknown kind'} and not {wanted.title}: export it again, or name it by what it is."
        )
    if wanted.endings == (CONFIG,) and (whose := _of_config(Path(path))) != key:
        raise InputError(f"{path} is of {whose} and `network` says {key}: remove `network`.")
    if wanted.inside is None:
        return
    try:
        with zipfile.ZipFile(path) as archive:
            inner = {re.sub(r"^[^/]*/", "", name) for name in archive.namelist()}
    except zipfile.BadZipFile as error:
        raise InputError(f"{path} is damaged, perhaps cut short ({error}): get or export it again.") from None
    if wanted.inside not in inner:
        other = next((each for each in FORMATS.values() if each.inside in inner), None)
        what = other.title if other else "a file of torch.save" if "data.pkl" in inner else "another ZIP archive"
        remedy = (
            "name it by what it is" if other else "a file of weights needs a `network` that builds what they are of"
        )
        raise InputError(f"{path} is {what} and not {wanted.title}: {remedy}.")


def check_runtime(here: str, key: str) -> None:
    """Raise InputError if what runs a format is not installed; here: how an error begins."""
    wanted = FORMATS[key]
    if wanted.package is not None and find_spec(wanted.package) is None:
        raise InputError(
            f"{here}: {wanted.title} needs the package {wanted.package}, which is not installed: {wanted.install}."
        )
