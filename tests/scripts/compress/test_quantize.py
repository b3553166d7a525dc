"""Quantizing a cohort: calibrated on the first training images and no others, the same seeds, one sentence where it cannot be."""

from types import SimpleNamespace as Names

import numpy as np
import pytest
import torch
from PIL import Image

from scripts.compress import quantize
from scripts.lib.data.dataset import pixels_digest, save_examples, save_manifest
from scripts.lib.data.shard_writing import stored
from scripts.lib.data.shards import digest_of, writing_shards
from scripts.lib.jobs.errors import InputError
from scripts.lib.jobs.files import sha256
from scripts.lib.networks.architectures import build_network
from scripts.lib.networks.cohorts import read_cohort, save_cohort

N, COUNT = 12, 5
LEVEL = {"name": "q", "method": "int8_static", "of": "dense"}


@pytest.fixture
def study(tmp_path):
    """Two trained models and N grey training images, each brighter than the one before."""
    paths = {name: str(tmp_path / name) for name in ("train.npy", "examples", "data.json", "models", "quantized")}
    images = np.repeat(np.arange(100, 100 + 10 * N, 10, dtype=np.uint8), 8 * 8 * 3).reshape(N, 8, 8, 3)
    np.save(paths["train.npy"], images)
    ids = np.array([f"train/{n}" for n in range(N)])
    same = {"label": np.zeros(N, int), "shown": np.zeros(N, int), "class_frequency": np.full(N, N)}
    text = {"example": ids, "split": np.array(["train"] * N), "kind": np.array(["typical"] * N)}
    save_examples(paths["examples"], text | same | {"pixels": np.array([pixels_digest(image) for image in images])})
    digests = {"train": sha256(paths["train.npy"]), "examples": sha256(paths["examples"])}
    save_manifest(paths["data.json"], {"sha256": digests})
    torch.manual_seed(0)
    network = {"name": "plain", "channels": [4]}
    models = {seed: build_network(**network, classes=2).eval() for seed in (3, 4)}
    description = {"level": {"name": "dense", "method": "none"}, "seeds": [3, 4], "network": network}
    save_cohort(paths["models"], models, description | {"classes": ["a", "b"], "data": digests["train"], "torch": "2"})
    return paths


def run(study, level=LEVEL, count=COUNT):
    calibrated = level["method"] == "int8_static"
    data = {"images": study["train.npy"], "examples": study["examples"], "data": study["data.json"]}
    params = Names(level=level, calibration={"images": count} if calibrated else {}, arithmetic="fastest")
    input = Names(models=study["models"], **(data if calibrated else {}))
    quantize.main(input, Names(models=study["quantized"]), params)
    return read_cohort(study["quantized"])


def test_scales_are_those_of_the_first_training_images(study):
    states, description = run(study)
    brightest = (100 + 10 * (COUNT - 1)) / 127.5 - 1  # of the first five; the darkest is 100 / 127.5 - 1 < 0
    for state in states.values():
        assert float(state["0.input_scale"]) == pytest.approx((brightest - (100 / 127.5 - 1)) / 255, rel=1e-5)
    more, _ = run(study, count=COUNT + 1)
    assert more[3]["0.input_scale"] > states[3]["0.input_scale"]
    assert description["quantization"] == {"method": "int8_static", "of": "dense", "calibration": {"images": COUNT}}
    assert (description["seeds"], description["level"], description["torch"]) == ([3, 4], LEVEL, "2")


def test_images_of_shards_are_the_first_as_the_preparation_shows_them(study, tmp_path):
    """Each picture is grey, each brighter than the one before, and has a white frame that the preparation cuts off."""
    paths = [str(tmp_path / f"{shard}.jpegs") for shard in range(2)]
    with writing_shards(paths) as shards:
        for number in range(N):
            picture = Image.new("RGB", (48, 32), "white")
            picture.paste((100 + 10 * number,) * 3, (8, 0, 40, 32))
            shards[number * 2 // N].put(f"train/{number}", 0, stored(picture, 32, 95))
    described = {f"{shard}.jpegs": each.description() for shard, each in enumerate(shards)}
    options, digests = (
        {"preparation": "resize_then_crop"},
        {"train": digest_of(described), "examples": sha256(study["examples"])},
    )
    manifest = {"sha256": digests, "shards": described, "options": options, "image_size": [28, 28]}
    save_manifest(study["data.json"], manifest)
    input = Names(models="models", images=paths, examples=study["examples"], data=study["data.json"])
    images = quantize.calibration_images(input, 9, digests["train"])
    assert images.shape == (9, 28, 28, 3)
    assert np.abs(images - (100 + 10 * np.arange(9.0)).reshape(9, 1, 1, 1)).max() <= 2  # what JPEG loses
    with pytest.raises(
        InputError, match=r"`quantization.calibration.images` is 13 and the folder of .* holds 12 images"
    ):
        quantize.calibration_images(input, 13, digests["train"])
    with pytest.raises(InputError, match="models was trained on other images than"):
        quantize.calibration_images(input, 9, "other")


def test_other_methods_need_no_training_images(study):
    (first, _), description = run(study, {"name": "q", "method": "float16"})
    assert first == 3 and description["quantization"]["of"] == "q" and description["quantization"]["calibration"] == {}


def test_what_cannot_be_done_is_said_in_a_sentence(study):
    with pytest.raises(InputError, match=r"`quantization.calibration.images` is 13 and .*train.npy holds 12 images"):
        run(study, count=13)
    brighter = np.load(study["train.npy"])
    brighter[COUNT - 1, 0, 0] = 255
    np.save(study["train.npy"], brighter)
    with pytest.raises(InputError, match=r"train.npy is not the file that .*examples describes: delete it"):
        run(study)
    save_manifest(study["data.json"], {"sha256": {"train": "other", "examples": "other"}})
    with pytest.raises(InputError, match=r"models was trained on other images than .*data.json describes"):
        run(study)


def test_a_model_that_cannot_be_quantized_is_named(study):
    states, description = read_cohort(study["models"])
    states[4]["5.weight"][:] = 1e6
    models = {seed: build_network(**description["network"], classes=2) for seed in states}
    for seed, model in models.items():
        model.load_state_dict(states[seed])
    save_cohort(study["models"], models, description)
    with pytest.raises(InputError, match=r"models, seed 4, cannot be quantized as float16: layer 5: it has weights"):
        run(study, {"name": "q", "method": "float16", "of": "dense"})
