"""Files that are no files of weights are called by their names, and a model in several files is read as one."""

import io
import json
import tarfile
import zipfile

import pytest
import torch
from safetensors.torch import save_file

from scripts.lib.jobs.errors import InputError
from scripts.lib.jobs.files import sha256
from scripts.lib.networks.weight_files import read_file
from scripts.lib.study.sharded_weights import parts_of_weights, weights_sha256

STATE = {"a": torch.arange(4000.0), "b": torch.ones(2)}


def torch_bytes(**options):
    held = io.BytesIO()
    torch.save(STATE, held, **options)
    return held.getvalue()


def safetensors_bytes(folder):
    save_file(STATE, folder / "made.safetensors")
    return (folder / "made.safetensors").read_bytes()


@pytest.mark.parametrize("name", ["a.pth", "a.safetensors", "a.pth.tar"])
@pytest.mark.parametrize(
    "content, sentence",
    [
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:0000\nsize 9\n",
            "is a Git LFS pointer, which stands for the file (`git lfs pull` gets it) and no file of weights: get the file itself.",
        ),
        (
            b"<!DOCTYPE html><html>Sign in</html>",
            "is an HTML page and no file of weights: download it again, from the address",
        ),
        (b"", "is an empty file and no file of weights"),
        (b"\x93NUMPY\x01\x00", "is a NumPy array and no file of weights: save model.state_dict()"),
        (b"\x89HDF\r\n\x1a\n", "is an HDF5 file and no file of weights"),
        (b"no weights at all", "is a text and no file of weights"),
        (bytes(range(200, 256)), "is damaged or no file of weights|holds what cannot be read without executing it"),
    ],
)
def test_other_files_are_called_by_their_names(tmp_path, name, content, sentence):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError) as error:
        read_file(tmp_path / name)
    assert any(each in str(error.value) for each in sentence.split("|")) and str(tmp_path / name) in str(error.value)


def archive(folder, *names):
    with zipfile.ZipFile(folder / "made.zip", "w") as made:
        for name in names:
            made.writestr(name, b"")
    return (folder / "made.zip").read_bytes()


def tar(folder):
    with tarfile.open(folder / "made.tar", "w") as made:
        (folder / "x").write_text("x")
        made.add(folder / "x", "x")
    return (folder / "made.tar").read_bytes()


@pytest.mark.parametrize(
    "made, sentence",
    [
        (
            lambda _: archive(_, "m/data.pkl", "m/constants.pkl", "m/code/m.py"),
            "is a TorchScript archive, a program with its weights: write `network: torchscript`, or save torch.jit.load(...).state_dict()",
        ),
        (
            lambda _: archive(_, "m/archive_format", "m/models/model.json"),
            "is a torch.export archive, a program with its weights: call it .pt2",
        ),
        (lambda _: archive(_, "weights/a.bin"), "is a ZIP archive that torch.save did not write: unpack it"),
        (tar, "is a tar archive and no file of weights"),
        (safetensors_bytes, "is a safetensors file: call it .safetensors."),
        (lambda _: torch_bytes()[:8000], "is damaged, perhaps cut short"),
        (lambda _: torch_bytes(_use_new_zipfile_serialization=False)[:8000], "is damaged or no file of weights"),
        (lambda _: torch_bytes(_use_new_zipfile_serialization=False)[:100], ""),
    ],
)
def test_what_torch_and_others_write_beside_state_dicts(tmp_path, made, sentence):
    (tmp_path / "a.pt").write_bytes(made(tmp_path))
    with pytest.raises(InputError) as error:
        read_file(tmp_path / "a.pt")
    assert sentence in str(error.value)


def test_safetensors_that_are_none_or_cut_short(tmp_path):
    path = tmp_path / "a.safetensors"
    path.write_bytes(torch_bytes())
    with pytest.raises(InputError, match="is no safetensors file but one of torch"):
        read_file(path)
    path.write_bytes(safetensors_bytes(tmp_path)[:-10])
    with pytest.raises(InputError, match="is damaged or no file of weights"):
        read_file(path)
    with pytest.raises(InputError, match=r"gone\.pt is not there: correct the level's `weights`"):
        read_file(tmp_path / "gone.pt")


def spread(folder, first="model-00001-of-00002.safetensors", second="model-00002-of-00002.safetensors"):
    index = folder / "model.safetensors.index.json"
    index.write_text(json.dumps({"metadata": {}, "weight_map": {"a": first, "b": second}}))
    return index


def test_a_model_in_several_files_is_read_as_one(tmp_path):
    index = spread(tmp_path)
    first, second = (tmp_path / f"model-0000{part}-of-00002.safetensors" for part in (1, 2))
    save_file({"a": STATE["a"]}, first)
    with pytest.raises(
        InputError, match=r"names model-00002-of-00002\.safetensors, and that is not beside it: get all files"
    ):
        read_file(index)
    save_file({"b": STATE["b"]}, second)
    assert parts_of_weights(index) == [index, first, second]
    read = read_file(index)
    assert set(read) == {"a", "b"} and all(torch.equal(read[name], STATE[name]) for name in STATE)
    before = weights_sha256(index)
    save_file({"b": STATE["b"] + 1}, second)
    assert weights_sha256(index) != before and weights_sha256(first) == sha256(first)
    save_file(STATE, second)
    with pytest.raises(InputError, match="two of its files hold a: get all files of one model"):
        read_file(index)
    spread(tmp_path, second="../b.safetensors")
    with pytest.raises(InputError, match="which does not lie beside it"):
        read_file(index)
    for content in ("{", "[]", '{"weight_map": 3}'):
        index.write_text(content)
        with pytest.raises(
            InputError, match="is no index of files of weights but a JSON text: it must be JSON with a `weight_map`"
        ):
            read_file(index)
