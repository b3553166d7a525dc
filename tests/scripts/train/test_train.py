"""The script that trains a cohort, in two processes."""

from contextlib import redirect_stdout

import numpy as np
import pytest

from scripts.lib.data.dataset import save_examples, save_manifest
from scripts.lib.jobs.errors import InputError
from scripts.lib.jobs.files import sha256
from scripts.train import train


class Names(dict):
    """What a rule gives to a script: names as attributes and as items."""

    __getattr__ = dict.__getitem__


TRAINING = {
    "device": "cpu",
    "arithmetic": "portable",
    "epochs": 1,
    "batch_size": 8,
    "learning_rate": 1e30,
    "warmup": 0,
    "momentum": 0.9,
    "weight_decay": 0,
    "processes": 2,
}


def test_what_stops_two_processes_is_one_sentence(tmp_path):
    input = {"images": "train.npy", "examples": "examples.parquet", "data": "data.json"}
    input = {name: str(tmp_path / file) for name, file in input.items()}
    label = np.arange(32) % 2
    np.save(input["images"], np.random.default_rng(0).integers(0, 256, (32, 8, 8, 3), dtype=np.uint8))
    ids = np.array([f"train/{n:02d}" for n in range(32)])
    numbers = {"label": label, "shown": label, "class_frequency": np.full(32, 16)}
    texts = {"split": np.full(32, "train"), "kind": np.full(32, "typical"), "pixels": np.full(32, "")}
    save_examples(input["examples"], {"example": ids} | texts | numbers)
    digests = {"train": sha256(input["images"]), "examples": sha256(input["examples"])}
    save_manifest(input["data"], {"sha256": digests, "classes": ["cat", "dog"], "image_size": [8, 8]})
    output = {"models": str(tmp_path / "000-000.safetensors"), "epochs": str(tmp_path / "000-000.csv")}
    params = {
        "code": "",
        "level": {"name": "dense", "method": "none"},
        "network": {"name": "plain", "channels": [4, 8]},
        "training": TRAINING,
        "pruning": {},
    }
    files = [Names(each) for each in (input, output, params)]
    said = "level dense, seed 0: the loss is not finite in epoch 1 of 1: lower training.learning_rate"
    with pytest.raises(InputError, match=said), (tmp_path / "log").open("w") as log, redirect_stdout(log):
        train.main(*files, "000-000", 10)
    assert "arithmetic" in (tmp_path / "log").read_text() and "Traceback" not in (tmp_path / "log").read_text()
    assert not list(tmp_path.glob("000-000*"))
