"""The shortest study: one dense file, one compressed, a folder of images. What it leaves unsaid is filled in here, and shown in the report.

A section `pair`, or its keys on the command line: `snakemake --config dense=a.onnx compressed=b.onnx images=folder`.
"""

import re
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from scripts.lib.jobs.errors import InputError

KEYS = ("dense", "compressed", "images")  # that may stand alone
FOLDER = "image_folder"
# What most classifiers of ImageNet's pictures were trained with; a pair may say something else.
PREPARATION = {"preparation": "resize_then_crop", "size": 224}
MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
OF_CHECKPOINTS = ("network", "options", "channels", "classes", "weights_key", "prefix")
OF_IMAGES = ("test_labels", "file_column", "label_column", "orientation", "broken", "order")
KNOWN = (*KEYS, "control", "name", *PREPARATION, "mean", "std", *OF_CHECKPOINTS, *OF_IMAGES)
# Sections in which config.yaml speaks of its own demo -> what a pair says instead.
COST = {"batch_sizes": [1], "rounds": 15, "compile": False}
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


def with_pair(config: dict, default: dict) -> dict:
    """The study that a pair stands for; any other study as it is.

    config: as merged from config.yaml and what the user says. default: config.yaml alone; of what a pair decides, what a study says otherwise than
    config.yaml stays. Raises InputError for a pair that lacks something, or beside a study that says itself what a pair would.
    """
    alone = {key: config[key] for key in KEYS if key in config}
    pair = config.get("pair")
    if pair is None and not alone:
        return config
    if pair is not None and alone:
        raise InputError(f"config keys `pair` and `{next(iter(alone))}`: the pair has it all, so remove one of them.")
    pair = alone if pair is None else pair
    where = "config key `pair" if pair is config.get("pair") else "config key `"
    if not isinstance(pair, dict):
        raise InputError("config key `pair` must be a section with `dense`, `compressed` and `images`.")
    unknown = next((key for key in pair if key not in KNOWN), None)
    if unknown is not None:
        near = get_close_matches(str(unknown), KNOWN, n=1)
        remedy = f"did you mean `{near[0]}`?" if near else f"it may be one of {', '.join(KNOWN)}."
        raise InputError(f"config key `pair.{unknown}` is unknown: {remedy}")
    for key in KEYS:
        if not pair.get(key):
            name = f"{where}.{key}`" if where.endswith("pair") else f"{where}{key}`"
            raise InputError(
                f"{name} is missing: a pair names a `dense` file, a `compressed` one and a folder of `images`, one folder a class."
            )
    for key in ("data", "levels"):
        if config[key] != default[key]:
            raise InputError(f"config key `{key}`: `pair` says it already, so remove one of them.")
    left = {key: value for key, value in config.items() if key not in ("pair", *KEYS)}
    filled = {
        "study": "pair",
        "data": {"source": FOLDER, FOLDER: _images(pair)},
        "population": {"models": 1, "cohort": 1},
        "levels": _levels(pair),
        "cost": COST,
        "corruptions": default["corruptions"] | {"names": []},
        "audit": config["audit"]
        | ({"subgroups": []} if config["audit"]["subgroups"] == default["audit"]["subgroups"] else {}),
    }
    return left | {key: value for key, value in filled.items() if key == "audit" or config[key] == default[key]}


def _images(pair: dict) -> dict[str, Any]:
    named = {key: pair[key] for key in OF_IMAGES if key in pair}
    prepared = PREPARATION | {key: pair[key] for key in PREPARATION if key in pair}
    if prepared["preparation"] == "as_is":
        prepared.pop("size")
    return {"name": pair.get("name", "images"), "test": str(pair["images"]), **prepared, **named}


def _levels(pair: dict) -> list[dict]:
    """The dense level, those of the compressed files, and the control where the pair names one."""
    said = {key: pair[key] for key in OF_CHECKPOINTS if key in pair}
    said |= {"mean": pair.get("mean", MEAN), "std": pair.get("std", STD)}
    levels = [{"name": "dense", "method": "none", "checkpoints": {**said, "weights": pair["dense"]}}]
    if "control" in pair:
        levels.append({"name": "control", "method": "none", "checkpoints": {**said, "weights": pair["control"]}})
    return levels + [
        {"name": name, "method": "none", "of": "dense", "checkpoints": {**said, "weights": path}}
        for name, path in _named(pair["compressed"]).items()
    ]


def _named(compressed: str | list | dict) -> dict[str, str]:
    """The compressed files by the names of their levels: as the study calls them, or else after the files."""
    if isinstance(compressed, str):
        return {"compressed": compressed}
    if isinstance(compressed, dict):
        return compressed
    names = [re.sub(r"[^A-Za-z0-9_.-]+", "-", Path(path).stem).lstrip("-._") for path in compressed]
    unfit = next((path for path, name in zip(compressed, names, strict=True) if not NAME.fullmatch(name)), None)
    if unfit is not None or len(set(names)) < len(names):
        raise InputError(
            "config key `compressed` lists files whose names do not tell them apart: write {name: path, other: path} instead."
        )
    return dict(zip(names, compressed, strict=True))
