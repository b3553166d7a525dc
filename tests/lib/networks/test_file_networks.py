"""Networks of every format answer as the same network in torch does; those of which the runtime is not here are skipped."""

import json
from importlib.util import find_spec

import exported
import numpy as np
import pytest
import torch

from scripts.lib.jobs.errors import InputError
from scripts.lib.networks.answers import Answer
from scripts.lib.networks.file_networks import (
    background_of,
    check_size,
    is_file_network,
    read_network,
    zeros_or_unknown,
)
from scripts.lib.networks.predicting import probabilities
from scripts.lib.networks.runners.litert import dequantized
from scripts.lib.networks.runners.onnx_weights import share_of_zeros
from scripts.lib.networks.runners.runner import Reads
from scripts.lib.study.formats import FORMATS

RANDOM = np.random.default_rng(0)
WEIGHT, BIAS = RANDOM.normal(size=(4, 3)).astype(np.float32), RANDOM.normal(size=4).astype(np.float32)
IMAGES = RANDOM.integers(0, 256, (7, 8, 8, 3), dtype=np.uint8)
MEAN, STD = [0.4, 0.5, 0.6], [0.2, 0.3, 0.4]
CHANNELS = {"mean": MEAN, "std": STD}


def needs(*packages):
    missing = [package for package in packages if find_spec(package) is None]
    return pytest.mark.skipif(bool(missing), reason=f"not installed: {', '.join(missing)}")


ONNX, OPENVINO = needs("onnx", "onnxruntime"), needs("openvino")
LITERT = needs("ai_edge_litert", "flatbuffers")
TRANSFORMERS, TIMM = needs("transformers"), needs("timm")


def expected(mean=MEAN, std=STD, images=IMAGES):
    """Softmax probabilities of the network, computed in double precision."""
    means = ((images / 255 - mean) / std).mean((1, 2))
    logits = means @ WEIGHT.T.astype(float) + BIAS
    exponents = np.exp(logits - logits.max(1, keepdims=True))
    return exponents / exponents.sum(1, keepdims=True)


def predicted(path, network, **said):
    found, reads = read_network(path, network, **said)
    return probabilities(found, torch.from_numpy(IMAGES)), reads, found


CASES = {
    "torchscript": ("a.ts", exported.torchscript, {}),
    "torch_export": ("a.pt2", exported.torch_export, {}),
    "torch_export, 3 at a time": ("a.pt2", exported.torch_export, {"batch": 3}),
    "onnx": ("a.onnx", exported.onnx, {}),
    "onnx, 4 at a time": ("a.onnx", exported.onnx, {"shape": (4, 3, 8, 8)}),
    "onnx, NHWC": ("a.onnx", exported.onnx, {"shape": ("n", 8, 8, 3)}),
    "onnx, float16": ("a.onnx", exported.onnx, {"type": "FLOAT16"}),
    "onnx, of any size": ("a.onnx", exported.onnx, {"shape": ("n", 3, "h", "w")}),
    "openvino": ("a.xml", exported.openvino, {}),
    "openvino, NHWC, 2 at a time": ("a.xml", exported.openvino, {"shape": (2, 8, 8, 3)}),
    "tflite": ("a.tflite", exported.tflite, {}),
}
MARKS = {"onnx": ONNX, "openvino": OPENVINO, "tflite": LITERT}


@pytest.mark.parametrize("case", [pytest.param(case, marks=MARKS.get(case.split(",")[0], ())) for case in CASES])
def test_a_file_answers_as_the_network_that_it_was_made_of(case, tmp_path):
    name, export, options = CASES[case]
    path = export(tmp_path / name, WEIGHT, BIAS, **options)
    found, reads, network = predicted(path, case.split(",")[0], **CHANNELS)
    assert np.allclose(found, expected(), atol=2e-3 if "float16" in case else 1e-5)
    assert is_file_network(network) and not list(network.parameters())
    assert reads.layout == ("NHWC" if "NHWC" in case or "tflite" in case else "NCHW")
    at_a_time = [int(word) for word in case.split() if word.isdigit()] or ([1] if case == "tflite" else [None])
    assert reads.batch == at_a_time[0]
    if "torchscript" not in case:  # which does not say it
        assert reads.size == (None if "any size" in case else (8, 8))


@ONNX
def test_bytes_are_given_to_a_file_that_reads_bytes(tmp_path):
    path = exported.onnx(tmp_path / "a.onnx", WEIGHT, BIAS, type="UINT8", shape=("n", 8, 8, 3))
    found, reads, network = predicted(path, "onnx")
    assert reads.dtype == torch.uint8 and network.mean == [0.0] * 3
    # Its logits are of bytes as they are.
    assert np.allclose(found, expected(mean=[0.0] * 3, std=[1 / 255] * 3), atol=1e-5)


@LITERT
@pytest.mark.parametrize(("scale", "zero"), [(1 / 127.5, 128), (0.02, 100)])
def test_a_quantized_input_gets_the_bytes_of_the_image(tmp_path, scale, zero):
    path = exported.tflite(tmp_path / "a.tflite", WEIGHT, BIAS, quantized=(scale, zero))
    found, _, network = predicted(path, "tflite")
    assert np.allclose(found, expected([zero / 255] * 3, [1 / (255 * scale)] * 3), atol=1e-5)
    # What it is given, seen from within, is the image to the byte.
    seen = []
    network.network.compute = lambda images: seen.append(images) or torch.zeros(len(images), 4)
    probabilities(network, torch.from_numpy(IMAGES))
    assert torch.equal(torch.cat(seen), torch.from_numpy(IMAGES))


def test_quantized_outputs_are_the_numbers_that_they_stand_for():
    assert dequantized(np.uint8([[0, 3, 255]]), 0.5, 3).tolist() == [[-1.5, 0, 126]]
    assert dequantized(np.int8([[-128, 127]]), 1 / 256, -128).tolist() == [[0, 255 / 256]]
    found = dequantized(np.float16([[1, 2]]), 0.0, 0)
    assert found.dtype == torch.float32 and found.tolist() == [[1, 2]]


@ONNX
@pytest.mark.parametrize(
    ("said", "mean", "std"),
    [
        ({"mean": "[0.4, 0.5, 0.6]", "std": "[0.2, 0.3, 0.4]"}, MEAN, STD),
        ({"Image.NominalPixelRange": "Normalized_1_1", "Image.BitmapPixelFormat": "Rgb8"}, [0.5] * 3, [0.5] * 3),
        ({"Image.NominalPixelRange": "Normalized_0_1"}, [0.0] * 3, [1.0] * 3),
        ({"Image.NominalPixelRange": "NominalRange_0_255"}, [0.0] * 3, [1 / 255] * 3),
    ],
)
def test_what_an_onnx_file_says_of_its_images_is_done(tmp_path, said, mean, std):
    path = exported.onnx(tmp_path / "a.onnx", WEIGHT, BIAS, said=said)
    found, _, network = predicted(path, "onnx")
    assert np.allclose(network.mean, mean) and np.allclose(network.std, std)
    assert np.allclose(found, expected(mean, std), atol=1e-5)
    # The study has the last word.
    assert read_network(path, "onnx", [0.1], [0.2])[0].mean == [0.1] * 3


@ONNX
@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"inputs": 3}, r"reads 3 inputs \(images, more_0, more_1\) and must read images alone"),
        ({"shape": ("n", 4, 8, 8)}, r"reads \[any, 4, 8, 8\]: it must read images of 1 or 3 channels"),
        ({"type": "INT64"}, r"reads tensor\(int64\): it must read images as float32, float16, float64, uint8, int8"),
        ({"said": {"Image.BitmapPixelFormat": "Bgr8"}}, "is Bgr8: export it for Gray8 or Rgb8"),
        ({"said": {"mean": "red", "std": "[1]"}}, "says `mean` is 'red': it must be a list of 1 or 3 numbers"),
        ({}, "does not say how images are normalized: add `mean` and `std` to the level's `checkpoints`"),
    ],
)
def test_an_onnx_file_that_cannot_be_used_is_refused(tmp_path, options, sentence):
    weight = np.ones((4, options.get("shape", (1, 3))[1]))
    path = exported.onnx(tmp_path / "a.onnx", weight, BIAS, **options)
    with pytest.raises(InputError, match=sentence):
        read_network(path, "onnx")


@ONNX
def test_zeros_of_an_onnx_file_are_counted(tmp_path):
    weight = WEIGHT.copy()
    weight[:, 0] = 0
    network, _ = read_network(exported.onnx(tmp_path / "a.onnx", weight, BIAS), "onnx", **CHANNELS)
    assert zeros_or_unknown(network) == 4 / 12


@ONNX
@pytest.mark.parametrize("per_channel", [False, True])
def test_quantized_zeros_of_an_onnx_file_are_the_steps_that_stand_for_zero(tmp_path, per_channel):
    from onnx import TensorProto, helper, numpy_helper, save

    # Two output channels of 3 weights; zero is step 5, or step 5 and step 7.
    steps = np.array([[5, 5, 9], [7, 7, 7]], np.uint8).reshape(2, 3, 1, 1)
    zero = np.array([5, 7], np.uint8) if per_channel else np.array(5, np.uint8)
    held = {"steps": steps, "scale": np.ones_like(zero, np.float32), "zero": zero}
    nodes = [
        helper.make_node("DequantizeLinear", ["steps", "scale", "zero"], ["weight"], axis=0),
        helper.make_node("Conv", ["images", "weight"], ["found"]),
    ]
    read = [helper.make_tensor_value_info("images", TensorProto.FLOAT, ["n", 3, 8, 8])]
    given = [helper.make_tensor_value_info("found", TensorProto.FLOAT, ["n", 2, 8, 8])]
    graph = helper.make_graph(nodes, "g", read, given, [numpy_helper.from_array(v, k) for k, v in held.items()])
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10), str(tmp_path / "a.onnx"))
    assert share_of_zeros(tmp_path / "a.onnx") == (5 / 6 if per_channel else 2 / 6)


@ONNX
def test_several_outputs_come_by_name(tmp_path):
    path = exported.onnx(tmp_path / "a.onnx", WEIGHT, BIAS, outputs=2, shape=(4, 3, 8, 8))
    network, _ = read_network(path, "onnx", **CHANNELS)
    given = network.ask(torch.zeros(6, 3, 8, 8))
    assert {name: tuple(each.shape) for name, each in given.items()} == {"logits": (6, 4), "features": (6, 3)}


@ONNX
def test_weights_beside_an_onnx_file_count_to_it(tmp_path):
    path = exported.onnx(tmp_path / "a.onnx", WEIGHT, BIAS, external="weights.data")
    found, _, network = predicted(path, "onnx", **CHANNELS)
    assert np.allclose(found, expected(), atol=1e-5)
    assert network.network.file_bytes == sum((tmp_path / name).stat().st_size for name in ("a.onnx", "weights.data"))


@needs("onnx", "onnxruntime")
def test_a_file_that_takes_ranges_over_a_batch_gets_one_image_at_a_time(tmp_path):
    from onnx import TensorProto, helper, save

    read = [helper.make_tensor_value_info("images", TensorProto.FLOAT, ["n", 3, 8, 8])]
    given = [helper.make_tensor_value_info("means", TensorProto.FLOAT, ["n", 3])]
    pixels = helper.make_tensor("pixels", TensorProto.INT64, [2], [2, 3])
    nodes = [
        helper.make_node("DynamicQuantizeLinear", ["images"], ["steps", "scale", "zero"]),
        helper.make_node("DequantizeLinear", ["steps", "scale", "zero"], ["again"]),
        helper.make_node("ReduceMean", ["again", "pixels"], ["means"], keepdims=0),
    ]
    graph = helper.make_graph(nodes, "ranges", read, given, [pixels])
    path = tmp_path / "a.onnx"
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10), str(path))
    network, reads = read_network(str(path), "onnx", [0.0], [1.0])
    assert reads.batch == 1 and "DynamicQuantizeLinear" in " ".join(reads.sentences())
    images = torch.stack([torch.full((3, 8, 8), 0.03), torch.full((3, 8, 8), 100.0)])
    alone = network.network(images[:1])
    assert torch.equal(network.network(images)[:1], alone)
    # In one batch the step is as large as the brightest image makes it, and the dark one is lost.
    assert float(network.network.compute(images)[0, 0]) == 0 and float(alone[0, 0]) == pytest.approx(0.03)


def damaged(path, share=0.6):
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])


@pytest.mark.parametrize(
    ("name", "network"),
    [
        pytest.param("a.onnx", "onnx", marks=ONNX),
        pytest.param("a.xml", "openvino", marks=OPENVINO),
        pytest.param("a.tflite", "tflite", marks=LITERT),
    ],
)
def test_a_file_that_was_cut_short_is_said_to_be_damaged(tmp_path, name, network):
    getattr(exported, network)(tmp_path / name, WEIGHT, BIAS)
    damaged(tmp_path / ("a.bin" if network == "openvino" else name))
    with pytest.raises(
        InputError, match=r"cannot be read by .*: it is damaged, or for another version; export it again"
    ):
        read_network(str(tmp_path / name), network, **CHANNELS)


def test_a_file_of_torch_export_is_read_only_if_nothing_in_it_is_executed(tmp_path):
    import pickle
    import zipfile

    path = exported.torch_export(tmp_path / "a.pt2", WEIGHT, BIAS)

    class Touch:
        def __reduce__(self):
            return (open, (str(tmp_path / "executed"), "w"))

    def changed(ending, change):
        with zipfile.ZipFile(path) as old, zipfile.ZipFile(tmp_path / "b.pt2", "w") as new:
            for item in old.infolist():
                data = old.read(item)
                new.writestr(item, change(data) if item.filename.endswith(ending) else data)
        return str(tmp_path / "b.pt2")

    def pickled(data):
        said = json.loads(data)
        next(iter(said["config"].values()))["use_pickle"] = True
        return json.dumps(said)

    def called(data):
        return data.decode().replace("Symbol('", "open('executed', 'w') or Symbol('")

    for ending, change in (
        ("weights_config.json", pickled),
        ("models/model.json", called),
        ("sample_inputs/model.pt", lambda _: pickle.dumps(Touch(), protocol=2)),
    ):
        with pytest.raises(InputError, match="holds what cannot be read without executing it"):
            read_network(changed(ending, change), "torch_export", **CHANNELS)
    assert not (tmp_path / "executed").exists()
    assert np.allclose(predicted(changed("nothing", bytes), "torch_export", **CHANNELS)[0], expected(), atol=1e-5)


def test_a_file_of_torch_export_that_pt2e_quantized_is_run_as_quantized(tmp_path):
    pytest.importorskip("torch.ao.quantization.fx._decomposed")

    class Rounded(exported.Mean):
        def forward(self, images):
            steps = torch.ops.quantized_decomposed.quantize_per_tensor(images, 0.5, 0, -128, 127, torch.int8)
            rounded = torch.ops.quantized_decomposed.dequantize_per_tensor(steps, 0.5, 0, -128, 127, torch.int8)
            return super().forward(rounded)

    program = torch.export.export(Rounded(WEIGHT, BIAS).eval(), (torch.zeros(1, 3, 8, 8),))
    torch.export.save(program, str(tmp_path / "a.pt2"))
    network, _ = read_network(str(tmp_path / "a.pt2"), "torch_export", [0.0], [1.0])
    # 0.7 is rounded to 0.5.
    with torch.inference_mode():
        found = network.network(torch.full((1, 3, 8, 8), 0.7))
    assert np.allclose(found, WEIGHT.sum(1) * 0.5 + BIAS, atol=1e-6)


@TRANSFORMERS
def test_a_folder_of_transformers(tmp_path):
    from scripts.lib.networks.torchvision_ops import declare_missing_operators

    declare_missing_operators()
    from transformers import ViTConfig, ViTForImageClassification

    size = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 8}
    names = {"id2label": {0: "background", 1: "a", 2: "b"}, "label2id": {"background": 0, "a": 1, "b": 2}}
    original = ViTForImageClassification(ViTConfig(**size, image_size=8, patch_size=4, **names)).eval()
    original.save_pretrained(tmp_path)
    processor = {
        "do_rescale": True,
        "rescale_factor": 1 / 127.5,
        "do_normalize": True,
        "image_mean": MEAN,
        "image_std": STD,
    }
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(processor))
    network, reads = read_network(str(tmp_path / "config.json"), "transformers")
    network.answer = Answer("logits")
    assert reads.size == (8, 8) and background_of(reads, 2) == "first"
    pixels = (torch.from_numpy(IMAGES).permute(0, 3, 1, 2) / 127.5 - torch.tensor(MEAN).view(3, 1, 1)) / torch.tensor(
        STD
    ).view(3, 1, 1)
    with torch.inference_mode():
        wanted = original(pixels).logits.softmax(1)
    assert np.allclose(probabilities(network, torch.from_numpy(IMAGES)), wanted, atol=1e-5)
    without_head = original.vit
    without_head.save_pretrained(tmp_path)
    with pytest.raises(InputError, match=r"lacks 2 of its network's tensors \(classifier.bias, classifier.weight\)"):
        read_network(str(tmp_path / "config.json"), "transformers")


@TIMM
def test_a_folder_of_timm(tmp_path):
    from scripts.lib.networks.torchvision_ops import declare_missing_operators

    declare_missing_operators()
    import timm
    from safetensors.torch import save_file

    original = timm.create_model("test_resnet", num_classes=4).eval()
    save_file(original.state_dict(), tmp_path / "model.safetensors")
    said = {"architecture": "test_resnet", "num_classes": 4, "pretrained_cfg": {"mean": MEAN, "std": STD}}
    (tmp_path / "config.json").write_text(json.dumps(said))
    network, _ = read_network(str(tmp_path / "config.json"), "timm")
    images = torch.from_numpy(RANDOM.integers(0, 256, (2, 64, 64, 3), dtype=np.uint8))
    pixels = (images.permute(0, 3, 1, 2) / 255 - torch.tensor(MEAN).view(3, 1, 1)) / torch.tensor(STD).view(3, 1, 1)
    with torch.inference_mode():
        assert np.allclose(probabilities(network, images), original(pixels).softmax(1), atol=1e-5)


def test_what_the_study_says_must_fit_the_file(tmp_path):
    path = exported.torchscript(tmp_path / "a.ts", np.ones((4, 1)), BIAS)
    # A program does not say how many channels it reads.
    assert read_network(path, "torchscript", [0.5], [0.5], 1)[0].mean == [0.5]
    with pytest.raises(InputError, match=r"a.ts reads 1 channel, and there are 3 numbers in `mean` and 3 in `std`"):
        read_network(path, "torchscript", MEAN, STD, 1)
    path = exported.torch_export(tmp_path / "a.pt2", WEIGHT, BIAS)
    with pytest.raises(InputError, match=r"a.pt2 reads 3 channels and `channels` says 1: remove `channels`"):
        read_network(path, "torch_export", [0.5], [0.5], 1)


@ONNX
def test_what_holds_unless_it_is_said(tmp_path):
    other = ([0.1] * 3, [0.2] * 3)
    silent = exported.onnx(tmp_path / "a.onnx", WEIGHT, BIAS)
    assert read_network(silent, "onnx", unless_said=other)[0].mean == [0.1] * 3
    assert read_network(silent, "onnx", **CHANNELS, unless_said=other)[0].mean == MEAN
    of_bytes = exported.onnx(tmp_path / "b.onnx", WEIGHT, BIAS, type="UINT8")
    assert read_network(of_bytes, "onnx", unless_said=other)[0].mean == [0.0] * 3


def test_a_file_of_one_size_is_for_images_of_that_size():
    check_size("a.onnx", Reads("it"), (8, 8))
    check_size("a.onnx", Reads("it", size=(8, 6)), [8, 6])
    with pytest.raises(InputError, match=r"a.onnx reads images of 6 x 8 pixels and the study's are 8 x 6: prepare"):
        check_size("a.onnx", Reads("it", size=(8, 6)), (6, 8))


@pytest.mark.parametrize(
    ("classes", "found"),
    [
        (["background", "a", "b"], "first"),
        (["a", "b", "Background"], "last"),
        (["a", "b", "c"], None),
        (["a", "b"], None),
        (None, None),
    ],
)
def test_a_background_is_known_by_its_name(classes, found):
    assert background_of(Reads("it", classes=classes), 2) == found


def test_there_is_a_reader_for_every_format():
    from scripts.lib.networks.runners.readers import READERS

    assert set(READERS) == set(FORMATS)
