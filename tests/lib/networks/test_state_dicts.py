"""What people save their weights in, and what is read of it: the same tensors every time, or one sentence that says what to do."""

import argparse
import collections
import enum
import os
import pathlib
import sys
import types
import warnings

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn.utils import prune
from torch.optim.swa_utils import AveragedModel

from scripts.lib.jobs.errors import InputError
from scripts.lib.networks.state_dicts import read_weights
from scripts.lib.networks.weight_files import Inert, read_file


def tiny():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 3, bias=False), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4 * 4, 3))


PLAIN = tiny().state_dict()


def saved(path, value, legacy=False):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.save(value, path, _use_new_zipfile_serialization=not legacy)
    return path


def same(weights):
    assert list(weights) and set(weights) == set(PLAIN)
    return all(torch.equal(weights[name], PLAIN[name]) for name in PLAIN)


class Colour(enum.Enum):
    """Of a training program, which is not there where the file is read."""

    RED = 1


class Settings:
    """As above."""

    def __init__(self):
        self.colour = Colour.RED


def beside():
    """What training programs save beside weights."""
    counts = collections.defaultdict(list)
    counts["a"].append(1)
    return {
        "args": argparse.Namespace(lr=0.1, output=pathlib.PurePosixPath("out")),
        "best": np.float64(71.2),
        "history": np.arange(3.0),
        "settings": Settings(),
        "counts": counts,
        "queue": collections.deque([1]),
        "optimizer": torch.optim.Adam(tiny().parameters()).state_dict(),
        "epoch": 3,
    }


@pytest.mark.parametrize("legacy", [False, True])
def test_what_lies_beside_the_weights_does_not_matter(tmp_path, legacy):
    path = saved(tmp_path / "model_best.pth.tar", beside() | {"state_dict": PLAIN}, legacy)
    weights, notes = read_weights(path)
    assert same(weights)
    assert notes == [
        "the state dict is that under `state_dict`, beside args, best, history, settings, counts, queue, optimizer, epoch"
    ]
    read = read_file(path)
    assert isinstance(read["args"], Inert) and read["args"].full_name == "argparse.Namespace" and read["epoch"] == 3
    assert read["counts"] == {"a": [1]} and read["queue"] == [1]


@pytest.mark.parametrize("legacy", [False, True])
def test_nothing_in_a_file_is_executed(tmp_path, legacy):
    marked = tmp_path / "executed"

    class Program:
        def __init__(self, *call):
            self.call = call

        def __reduce__(self):
            return self.call

    for number, call in enumerate(((eval, (f"open({str(marked)!r}, 'w')",)), (exec, (f"open({str(marked)!r}, 'w')",)))):
        path = saved(tmp_path / f"{number}.pt", {"state_dict": PLAIN, "x": Program(*call)}, legacy)
        assert same(read_weights(path)[0]) and not marked.exists()
    path = saved(tmp_path / "os.pt", {"state_dict": PLAIN, "x": Program(os.system, (f"touch {marked}",))}, legacy)
    with pytest.raises(
        InputError, match=r"os\.pt holds what cannot be read without executing it .*posix\.system.*: save model"
    ):
        read_weights(path)
    assert not marked.exists()


def compiled():
    return {f"_orig_mod.{name}": value for name, value in PLAIN.items()}


@pytest.mark.parametrize(
    "held, said",
    [
        (PLAIN, []),
        ({"model": PLAIN}, ["the state dict is that under `model`"]),
        ({"epoch": 1, "my_weights": PLAIN}, ["the state dict is that under `my_weights`, beside epoch"]),
        ({"state": {"model": PLAIN}}, ["the state dict is that under `state.model`"]),
        (nn.DataParallel(tiny()).state_dict(), ["`module.` before every name was taken off"]),
        (compiled(), ["`_orig_mod.` in names was taken off"]),
        (
            {"state_dict": {f"module.{name}": value for name, value in compiled().items()}},
            [
                "the state dict is that under `state_dict`",
                "`module.` before every name was taken off",
                "`_orig_mod.` in names was taken off",
            ],
        ),
        (AveragedModel(tiny()).state_dict(), ["`module.` before every name was taken off"]),
        ({"ema_state_dict": PLAIN, "epoch": 1}, ["the state dict is that under `ema_state_dict`, beside epoch"]),
        (
            {"state_dict": PLAIN, "state_dict_ema": compiled()},
            [
                "the state dict is that under `state_dict`, beside state_dict_ema",
                "averaged weights under `state_dict_ema` are not taken; `weights_key: state_dict_ema` takes them",
            ],
        ),
        (
            {name: value.to_sparse() if value.ndim == 2 else value for name, value in PLAIN.items()},
            [],
        ),
    ],
)
def test_the_state_dict_is_found(tmp_path, held, said):
    weights, notes = read_weights(saved(tmp_path / "a.pt", held))
    assert same(weights) and notes == said


@pytest.mark.parametrize("key", ["ema", "model_ema", "modelEMA", "EMAModel", "swa.state", "params_avg"])
def test_averaged_weights_are_known_by_a_word(tmp_path, key):
    notes = read_weights(saved(tmp_path / "a.pt", {"semantic": PLAIN, key: PLAIN}))[1]
    assert (
        notes[0] == f"the state dict is that under `semantic`, beside {key}"
        and f"`weights_key: {key}` takes" in notes[1]
    )


def test_averaged_weights_and_others_are_taken_by_choice(tmp_path):
    averaged = {name: value + 1 for name, value in PLAIN.items()}
    path = saved(tmp_path / "a.ckpt", {"model": PLAIN, "model_ema": averaged, "ema": {"module": averaged}})
    for key in ("model_ema", "ema.module"):
        weights, notes = read_weights(path, key)
        assert torch.equal(weights["0.weight"], averaged["0.weight"])
        assert notes == [f"the state dict is that under `{key}`, as `weights_key` says"]
    for key, sentence in (
        ("emma", "there is nothing of that name: it holds model, model_ema, ema."),
        ("ema", "that is a dict without"),
    ):
        with pytest.raises(InputError, match=f"`weights_key` is '{key}', and in .*{sentence}"):
            read_weights(path, key)
    two = saved(tmp_path / "two.pt", {"student": PLAIN, "teacher": averaged})
    with pytest.raises(
        InputError, match=r"two\.pt holds 2 state dicts \(student, teacher\): say which with `weights_key`"
    ):
        read_weights(two)
    assert torch.equal(read_weights(two, "teacher")[0]["0.weight"], averaged["0.weight"])


def test_a_prefix_is_taken_off_where_the_study_says_so(tmp_path):
    held = {f"model.{name}": value for name, value in PLAIN.items()} | {"loss.weight": torch.ones(3)}
    path = saved(
        tmp_path / "a.ckpt", {"state_dict": held, "callbacks": {"best": {"score": torch.tensor(0.5)}}, "loops": {}}
    )
    weights, notes = read_weights(path, prefix="model.")
    assert same(weights)
    assert notes == [
        "the state dict is that under `state_dict`, beside callbacks, loops",
        "`model.` was taken off 5 names, as `prefix` says; 1 others are left out (loss.weight)".replace(
            "5", str(len(PLAIN))
        ),
    ]
    wrapped = saved(tmp_path / "b.pt", {f"module.model.{name}": value for name, value in compiled().items()})
    assert same(read_weights(wrapped, prefix="model.")[0]) and same(read_weights(wrapped, prefix="module.model.")[0])
    with pytest.raises(
        InputError, match=r"`prefix` is 'net\.', and no name in .* begins so: they are model\.0\.weight"
    ):
        read_weights(path, prefix="net.")


def test_names_that_the_network_has_stay_as_they_are(tmp_path):
    held = {f"module.{name}": value for name, value in PLAIN.items()}
    weights, notes = read_weights(saved(tmp_path / "a.pt", held), expected=held)
    assert set(weights) == set(held) and notes == []


def test_weights_are_multiplied_by_their_masks(tmp_path):
    model = tiny()
    prune.l1_unstructured(model[0], "weight", 0.5)
    prune.random_unstructured(model[3], "weight", 0.25)
    weights, notes = read_weights(saved(tmp_path / "a.pt", model.state_dict()))
    assert notes == ["2 weights were multiplied by their masks (0.weight, 3.weight)"]
    for layer in (0, 3):
        prune.remove(model[layer], "weight")  # torch's own way to multiply them
    assert set(weights) == set(PLAIN)
    assert all(torch.equal(weights[name], value) for name, value in model.state_dict().items())
    held = {
        f"0.parametrizations.weight.{name}": value
        for name, value in (("original", torch.ones(2)), ("0.mask", torch.tensor([0.0, 1.0])))
    }
    assert read_weights(saved(tmp_path / "b.pt", held))[0]["0.weight"].tolist() == [0, 1]
    saved(tmp_path / "c.pt", {"a_orig": torch.ones(2), "a_mask": torch.tensor([0.0, 0.5])})
    with pytest.raises(InputError, match="a_mask is no mask of a_orig"):
        read_weights(tmp_path / "c.pt")


@pytest.fixture
def torchao(monkeypatch):
    """Stands for torchao while a file is written; it is gone when the file is read."""
    module = types.ModuleType("torchao.quantization")
    module.Int8Tensor = type("Int8Tensor", (), {"__module__": module.__name__})
    monkeypatch.setitem(sys.modules, "torchao", types.ModuleType("torchao"))
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return module


def test_weights_of_quantized_networks_are_refused_with_what_to_do(tmp_path, torchao):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        of_torch = torch.quantize_per_tensor(torch.ones(2, 2), 0.1, 0, torch.qint8)
    for held, what in (
        ({"0.weight": of_torch}, "0.weight is a torch.qint8"),
        (
            {"0.scale": torch.ones(1), "0._packed_params._packed_params": (torch.ones(1), None)},
            "0._packed_params._packed_params is a tuple",
        ),
        ({"0.weight": torch.ones(2, dtype=torch.int8), "0.SCB": torch.ones(2)}, "0.SCB is a Tensor"),
        (
            {"0.weight": torch.ones(2, 2), "0.weight_fake_quant.scale": torch.ones(1)},
            "0.weight_fake_quant.scale is a Tensor",
        ),
        (
            {"0.weight": torch.ones(2, 2), "activation_post_process_0.min_val": torch.zeros(())},
            "activation_post_process_0.min_val is a Tensor",
        ),
        (
            {"0.weight": torchao.Int8Tensor(), "0.bias": torch.ones(2)},
            "0.weight is a torchao.quantization.Int8Tensor",
        ),
    ):
        path = saved(tmp_path / "a.pt", held)
        with warnings.catch_warnings(), pytest.raises(InputError) as error:
            warnings.simplefilter("ignore")
            read_weights(path)
        assert f"a.pt is of a quantized network ({what}), whose layers" in str(error.value)
        assert "method: int8_static, of: dense}, or export the quantized network, as ONNX or with torch." in str(
            error.value
        )


@pytest.mark.parametrize(
    "held, sentence",
    [
        (
            tiny(),
            "holds a whole object of the class torch.nn.modules.container.Sequential, which only its program can read: load it there and save",
        ),
        ({"model": tiny(), "epoch": 1}, "holds a whole object of the class torch.nn.modules.container.Sequential"),
        (
            torch.optim.SGD(tiny().parameters(), 0.1).state_dict(),
            "holds the state of an optimizer (`param_groups`) and no weights: name the file",
        ),
        (
            {"epoch": 3, "lr": 0.1},
            "holds no tensors by name, but epoch (of type int), lr (of type float): save model.state_dict(), alone",
        ),
        ({"weights": torch.zeros(1), "epoch": 3}, "has 'epoch', a value of type int, among its tensors"),
        ([torch.zeros(1)], "holds no state dict but a list: save model.state_dict()."),
        ({}, "holds no state dict but a dict"),
        (nn.Linear(2, 2, device="meta").state_dict(), "weight has a shape and no numbers (device meta)"),
    ],
)
def test_files_of_torch_without_weights(tmp_path, held, sentence):
    with pytest.raises(InputError) as error:
        read_weights(saved(tmp_path / "a.pt", held))
    assert sentence in str(error.value)


def test_a_whole_network_in_the_old_format_is_called_so(tmp_path):
    with pytest.raises(
        InputError, match=r"cannot be read without executing it \(torch\.nn\.modules\..*: save model\.state_dict"
    ):
        read_weights(saved(tmp_path / "a.pt", tiny(), legacy=True))


def test_safetensors_with_metadata(tmp_path):
    save_file(PLAIN, tmp_path / "a.safetensors", metadata={"format": "pt", "arch": "tiny"})
    weights, notes = read_weights(tmp_path / "a.safetensors")
    assert same(weights) and notes == []
