"""Quantizing a cohort: calibrated on the first training images and no others, the same seeds, one sentence where it cannot be."""

from types import SimpleNamespace as Names

import numpy as np
import pytest
import torch
from PIL import Image

from scripts.compress import quantize
from scripts.compress.quantize import chosen
from scripts.lib.data.dataset import pixels_digest, save_examples, save_manifest
from scripts.lib.data.shard_writing import stored
from scripts.lib.data.shards import digest_of, writing_shards
from scripts.lib.jobs.errors import InputError
from scripts.lib.jobs.files import sha256
from scripts.lib.networks.architectures import build_network
from scripts.lib.networks.cohorts import read_cohort, save_cohort

N, COUNT = 12, 5
LEVEL = {"name": "q", "method": "int8_static", "of": "dense"}
FIRST = {"sample": "first", "range": "min_max"}


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
    save_manifest(paths["data.json"], {"name": "grey", "sha256": digests})
    torch.manual_seed(0)
    network = {"name": "plain", "channels": [4]}
    models = {seed: build_network(**network, classes=2).eval() for seed in (3, 4)}
    description = {"level": {"name": "dense", "method": "none"}, "seeds": [3, 4], "network": network}
    save_cohort(paths["models"], models, description | {"classes": ["a", "b"], "data": digests["train"], "torch": "2"})
    return paths


def run(study, level=LEVEL, count=COUNT, calibration=FIRST, **settings):
    calibrated = level["method"] == "int8_static"
    if calibrated:
        settings["calibration"] = {"images": count, **calibration}
    data = {"images": study["train.npy"], "examples": study["examples"], "data": study["data.json"]}
    params = Names(level=level, quantization=settings, arithmetic="fastest")
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
    calibration = {"images": COUNT, "sample": "first", "range": "min_max"}
    assert description["quantization"] == {"method": "int8_static", "of": "dense", "calibration": calibration}
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
    manifest = {"name": "made", "sha256": digests, "shards": described, "options": options, "image_size": [28, 28]}
    save_manifest(study["data.json"], manifest)
    input = Names(models="models", images=paths, examples=study["examples"], data=study["data.json"])
    images = quantize.calibration_images(input, 9, "first", digests["train"])(0).permute(0, 2, 3, 1).numpy()
    images = (images + 1) * 127.5
    assert images.shape == (9, 28, 28, 3)
    assert np.abs(images - (100 + 10 * np.arange(9.0)).reshape(9, 1, 1, 1)).max() <= 2  # what JPEG loses
    with pytest.raises(
        InputError, match=r"`quantization.calibration.images` is 13 and the folder of .* holds 12 images"
    ):
        quantize.calibration_images(input, 13, "first", digests["train"])
    with pytest.raises(InputError, match="models was trained on other images than"):
        quantize.calibration_images(input, 9, "first", "other")


def test_other_methods_need_no_training_images(study):
    (first, _), description = run(study, {"name": "q", "method": "float16"})
    assert first == 3 and description["quantization"] == {"method": "float16", "of": "q"}


def test_a_random_sample_is_the_models_own_and_the_same_at_every_level(study):
    """Each image is brighter than the one before, so the scale tells the brightest that was seen."""
    random = {"sample": "random", "range": "min_max"}
    drawn = {(count, seed): chosen(1000, count, "random", "grey", seed) for count in (5, 50) for seed in (3, 4)}
    for (count, seed), positions in drawn.items():
        assert (
            len(set(positions)) == count
            and (np.diff(positions) > 0).all()
            and 0 <= positions[0] <= positions[-1] < 1000
        )
        assert set(drawn[5, seed]) <= set(positions)
    assert set(drawn[50, 3]) != set(drawn[50, 4]) and set(chosen(1000, 50, "random", "other", 3)) != set(drawn[50, 3])
    states, _ = run(study, calibration=random)
    again, _ = run(study, LEVEL | {"name": "another"}, calibration=random)
    for seed, state in states.items():
        seen = (100 + 10 * chosen(N, COUNT, "random", "grey", seed)) / 127.5 - 1
        width = max(seen.max(), 0) - min(seen.min(), 0)
        assert (
            float(state["0.input_scale"]) == pytest.approx(width / 255, rel=1e-5) == float(again[seed]["0.input_scale"])
        )


def test_settings_reach_the_layers(study):
    level = {"name": "q", "method": "int4_weights", "of": "dense"}
    states, description = run(study, level, exempt=["5"], group=9, weight_range="mse")
    assert states[3]["0.weight_scale"].shape == (4, 3) and states[3]["5.weight"].dtype == torch.float32
    assert description["quantization"]["group"] == 9
    clipped, _ = run(study, calibration={"sample": "first", "range": "percentile", "percentile": 60})
    assert clipped[3]["0.input_scale"] < run(study)[0][3]["0.input_scale"]
    with pytest.raises(
        InputError, match=r"seed 3, .*: `exempt` names 6, which is no .*: it has 0, 5; choose another method"
    ):
        run(study, level, exempt=["5", "6"], group=9)


def test_what_cannot_be_done_is_said_in_a_sentence(study):
    with pytest.raises(InputError, match=r"`quantization.calibration.images` is 13 and .*train.npy holds 12 images"):
        run(study, count=13)
    brighter = np.load(study["train.npy"])
    brighter[COUNT - 1, 0, 0] = 255
    np.save(study["train.npy"], brighter)
    with pytest.raises(InputError, match=r"train.npy is not the file that .*examples describes: delete it"):
        run(study)
    save_manifest(study["data.json"], {"name": "grey", "sha256": {"train": "other", "examples": "other"}})
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
