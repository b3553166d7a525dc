"""Which files a level's networks are, told before any job and without their runtimes."""

import json
import zipfile

import pytest

from scripts.lib.jobs.errors import InputError
from scripts.lib.jobs.what_is_it import what_is_it
from scripts.lib.study import formats
from scripts.lib.study.factories import check_checkpoints
from scripts.lib.study.formats import FORMATS, check_network_file, format_of
from scripts.lib.study.network_files import check_quantized_here, network_files
from scripts.lib.study.onnx_files import external_files, operators
from scripts.lib.study.sharded_weights import parts_of_weights, weights_sha256

HERE = "`levels`, `dense`, `checkpoints`"
TFLITE = b"\x1c\0\0\0TFL3" + bytes(40)
XML = b'<?xml version="1.0"?>\n<net name="a" version="11">\n</net>'


def field(number, value):
    """A field of Protocol Buffers, https://protobuf.dev/programming-guides/encoding/: bytes with their length, or a whole number below 128."""
    if isinstance(value, int):
        return bytes([number << 3, value])
    length, size = b"", len(value)
    while size > 127:
        length, size = length + bytes([size & 127 | 128]), size >> 7
    return bytes([number << 3 | 2]) + length + bytes([size]) + value


def onnx(*kinds, places=(), inner=()):
    """ModelProto with a graph of operations, tensors whose values lie in files, and a graph inside an attribute of the first operation."""
    tensors = b"".join(
        field(5, field(1, 3) + field(13, field(1, b"location") + field(2, place.encode()))) for place in places
    )
    subgraph = field(5, field(1, b"then") + field(6, b"".join(field(1, field(4, kind.encode())) for kind in inner)))
    nodes = b"".join(field(1, field(1, b"x") + field(4, kind.encode()) + subgraph) for kind in kinds)
    weights = field(5, field(1, 3) + field(9, bytes(300)))
    return field(1, 9) + field(2, b"pytorch") + field(7, nodes + weights + tensors) + field(14, field(1, b"k"))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """One file of each format, none of which a runtime could read; all runtimes are installed, it seems."""
    (tmp_path / "a.onnx").write_bytes(onnx("Conv"))
    (tmp_path / "a.xml").write_bytes(XML)
    (tmp_path / "a.bin").write_bytes(bytes(8))
    (tmp_path / "a.tflite").write_bytes(TFLITE)
    for name, inside in (("a.pt2", "archive_format"), ("a.ts", "constants.pkl"), ("script.pt", "constants.pkl")):
        with zipfile.ZipFile(tmp_path / name, "w") as archive:
            archive.writestr(f"a/{inside}", "pt2")
            archive.writestr("a/data.pkl", "")
    with zipfile.ZipFile(tmp_path / "weights.pt", "w") as archive:
        archive.writestr("a/data.pkl", "")
    for name, said in (("vit", {"model_type": "vit"}), ("timm", {"architecture": "resnet18"}), ("odd", {})):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").write_text(json.dumps(said))
        (tmp_path / name / "model.safetensors").write_bytes(b"1")
    monkeypatch.setattr(formats, "find_spec", lambda package: package)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("weights", "network"),
    [
        ("a.onnx", "onnx"),
        ("a.xml", "openvino"),
        ("a.pt2", "torch_export"),
        ("a.ts", "torchscript"),
        ("a.tflite", "tflite"),
        ("vit/config.json", "transformers"),
        ("timm/config.json", "timm"),
    ],
)
def test_the_ending_tells_the_format(folder, weights, network):
    for said in ({}, {"network": network}):
        assert network_files(HERE, {"weights": weights} | said) == ([weights], network)


def test_a_folder_is_named_by_what_says_what_it_is(folder):
    assert network_files(HERE, {"weights": ["vit/"]}) == (["vit/config.json"], "transformers")
    (folder / "vit" / "more").mkdir()
    assert [path.name for path in parts_of_weights("vit/config.json")] == ["config.json", "model.safetensors"]
    before = weights_sha256("vit/config.json")
    (folder / "vit" / "model.safetensors").write_bytes(b"2")
    assert weights_sha256("vit/config.json") != before


def test_a_program_may_be_called_as_weights_are(folder):
    assert network_files(HERE, {"network": "torchscript", "weights": "script.pt"}) == (["script.pt"], "torchscript")
    # What builds a network is still named for weights.
    assert network_files(HERE, {"network": "timm:a", "weights": "weights.pt"}) == (["weights.pt"], "timm:a")


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        (
            {"weights": "script.pt"},
            r"lacks `network`, and script.pt does not tell what it is of: write torchvision:NAME",
        ),
        ({"weights": "nothing.onnx"}, r"`weights` is 'nothing.onnx', and there is nothing of that name"),
        ({"weights": ["a.onnx", "a.tflite"]}, r"a.onnx is an ONNX file and a.tflite a LiteRT file: a level's networks"),
        (
            {"weights": "a.onnx", "network": "timm:a"},
            r"`network` is timm:a, and a.onnx is an ONNX file, .*: remove `network`",
        ),
        ({"weights": "a.onnx", "network": "onxx"}, r"`network`, is 'onxx', which is unknown: did you mean onnx\?"),
        (
            {"weights": "a.onnx", "network": "caffe"},
            r"is 'caffe', which is unknown: write torchvision:NAME, .* or one of onnx,",
        ),
        ({"weights": "a.onnx", "network": "tflite"}, r"a.onnx is none of .tflite"),
        (
            {"weights": "weights.pt", "network": "torchscript"},
            r"weights.pt is a file of torch.save and not a TorchScript file",
        ),
        (
            {"weights": "a.onnx", "prefix": "net."},
            r"`prefix`, is of networks that are built here, and an ONNX file brings its own",
        ),
        (
            {"weights": "odd"},
            r"odd/config.json has neither `model_type`, as transformers writes it, nor `architecture`",
        ),
        ({"weights": "vit", "network": "timm"}, r"vit/config.json is of transformers and `network` says timm"),
    ],
)
def test_what_does_not_go_together_is_refused(folder, said, sentence):
    with pytest.raises(InputError, match=sentence):
        network_files(HERE, said)


def test_a_runtime_that_is_not_installed_is_named_before_any_job(folder, monkeypatch):
    monkeypatch.setattr(formats, "find_spec", lambda package: None)
    for weights, package in (
        ("a.onnx", "onnxruntime"),
        ("a.xml", "openvino"),
        ("a.tflite", "ai_edge_litert"),
        ("vit", "transformers"),
    ):
        with pytest.raises(
            InputError, match=f"needs the package {package}, which is not installed: pip install -r envs/"
        ):
            network_files(HERE, {"weights": weights})
    assert network_files(HERE, {"weights": "a.pt2"})[1] == "torch_export"  # torch is here


@pytest.mark.parametrize("name", ["a.onnx", "a.xml", "a.tflite", "a.pt2", "a.ts", "vit/config.json"])
@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"<!DOCTYPE html><html></html>", "an HTML page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n", "a Git LFS pointer"),
        (b"", "an empty file"),
    ],
)
def test_a_file_of_another_kind_is_called_by_its_name(folder, name, data, found):
    (folder / name).write_bytes(data)
    with pytest.raises(InputError, match=f"{name} is {found}|{name} has neither"):
        network_files(HERE, {"weights": name})


@pytest.mark.parametrize("name", ["a.pt2", "a.ts"])
def test_an_archive_that_was_cut_short_is_damaged(folder, name):
    data = (folder / name).read_bytes()
    (folder / name).write_bytes(data[: len(data) // 2])
    with pytest.raises(InputError, match=f"{name} is damaged, perhaps cut short"):
        network_files(HERE, {"weights": name})


def test_one_archive_taken_for_the_other_is_called_by_its_name(folder):
    (folder / "b.pt2").write_bytes((folder / "a.ts").read_bytes())
    with pytest.raises(
        InputError, match=r"b.pt2 is a TorchScript file and not a file of torch.export: name it by what it is"
    ):
        check_network_file("b.pt2", "torch_export")


def test_an_onnx_file_is_walked_over(folder):
    (folder / "a.onnx").write_bytes(onnx("Conv", "If", places=("b.data", "b.data", "a.data"), inner=("Gemm",)))
    assert operators("a.onnx") == {"Conv", "If", "Gemm"}
    with pytest.raises(InputError, match=r"a.onnx names a.data, and that is not beside it"):
        external_files("a.onnx")
    for name in ("a.data", "b.data"):
        (folder / name).write_bytes(b"1")
    assert [path.name for path in parts_of_weights("a.onnx")] == ["a.onnx", "a.data", "b.data"]
    (folder / "a.onnx").write_bytes(onnx("Conv", places=("../b.data",)))
    with pytest.raises(InputError, match="which does not lie beside it: put all files into one folder"):
        external_files("a.onnx")


def test_an_onnx_file_that_ends_anywhere_is_damaged(folder):
    whole = onnx("Conv", inner=("Gemm",))
    ends = [
        at for at in range(1, len(whole) - 5)
    ]  # what is behind the graph may be missing: a file without metadata is whole
    for at in ends:
        (folder / "a.onnx").write_bytes(whole[:at])
        with pytest.raises(InputError, match=r"a.onnx is (damaged or no|no) ONNX file"):
            operators("a.onnx")


def test_weights_of_openvino_lie_beside_it(folder):
    assert [path.name for path in parts_of_weights("a.xml")] == ["a.xml", "a.bin"]
    (folder / "a.bin").unlink()
    with pytest.raises(InputError, match=r"a.xml has its weights in a.bin, and that is not beside it: get both files"):
        parts_of_weights("a.xml")


@pytest.mark.parametrize("network", FORMATS)
def test_normalization_is_asked_for_where_a_file_cannot_say_it(network):
    said = {"network": network}
    if FORMATS[network].says_normalization:
        check_checkpoints("here", said, 1, 1)
    else:
        with pytest.raises(InputError, match="here lacks `mean` and `std`"):
            check_checkpoints("here", said, 1, 1)
    check_checkpoints("here", said | {"mean": [0.0], "std": [1.0]}, 1, 1)
    check_checkpoints("here", said | {"unless_said": "imagenet"}, 1, 1)
    with pytest.raises(InputError, match="here lacks `std`"):
        check_checkpoints("here", said | {"mean": [0.0]}, 1, 1)
    with pytest.raises(InputError, match="here has `classes` and `background`: remove `background`"):
        check_checkpoints("here", said | {"classes": ["a"], "background": "first", "mean": [0.0], "std": [1.0]}, 1, 1)


def test_programs_of_others_are_not_quantized_here():
    dense = {"name": "dense", "method": "none", "checkpoints": {"network": "onnx", "weights": "a.onnx"}}
    int8 = {"name": "int8", "method": "int8_dynamic", "of": "dense"}
    with pytest.raises(
        InputError, match=r"`int8`: the networks of `dense` are files .*: quantize them with their own tools"
    ):
        check_quantized_here([dense, int8])
    brought = {"name": "int8", "method": "none", "of": "dense", "checkpoints": {"network": "onnx"}}
    check_quantized_here([dense, brought])
    check_quantized_here([dense | {"checkpoints": {"network": "torchvision:resnet18"}}, int8])


@pytest.mark.parametrize(
    ("head", "name"), [(TFLITE, "a LiteRT file"), (XML, "an OpenVINO file"), (b"<net>", "an OpenVINO file")]
)
def test_what_a_file_looks_like(head, name):
    assert what_is_it(head) == name


def test_weights_have_no_format_of_their_own():
    assert [format_of(name) for name in ("a.pt", "a.safetensors", "a.pth.tar", "A.ONNX")] == [None, None, None, "onnx"]
