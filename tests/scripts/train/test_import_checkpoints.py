"""Networks that are brought: imported, built again for prediction, and stopped where their classes are not the study's."""

import sys
from dataclasses import replace
from types import SimpleNamespace as Names

import exported
import numpy as np
import pytest
import torch

from scripts.lib.data.dataset import pixels_digest, save_examples, save_manifest
from scripts.lib.jobs.errors import InputError
from scripts.lib.jobs.files import sha256
from scripts.lib.networks.checkpoints import IMAGENET
from scripts.lib.networks.cohorts import load_cohort
from scripts.lib.networks.predicting import probabilities
from scripts.lib.networks.runners import torchscript
from scripts.lib.networks.runners.readers import READERS
from scripts.train import import_checkpoints

CLASSES = ["black", "red", "green", "blue"]
COLOURS = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]])
N = 96
LABEL = np.arange(N) % 4
MODULE = """import torch
from torch import nn


class Mean(nn.Module):
    def __init__(self, head, answer):
        super().__init__()
        self.head, self.answer = nn.Linear(3, head), answer

    def forward(self, x):
        logits = self.head(x.mean((2, 3)))
        return {"tensor": logits, "object": {"logits": logits}, "softmax": logits.softmax(1)}[self.answer]


def mean(head=4, answer="tensor"):
    return Mean(head, answer)
"""


def head(order=range(4), more=0):
    """Weights that tell the colours of images in 0..1 apart, for classes in some order, and some classes more."""
    weight = torch.tensor(COLOURS[list(order)] * 20.0)
    bias = torch.tensor([5.0 if each == 0 else -5.0 for each in order])
    return {
        "head.weight": torch.cat([weight, torch.zeros(more, 3)]).float(),
        "head.bias": torch.cat([bias, torch.full((more,), 50.0)]).float(),
    }


@pytest.fixture
def study(tmp_path, monkeypatch):
    """Images of one colour each with a little noise, and a module of the user's own that tells the colours apart."""
    (tmp_path / "mean_nets.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    random = np.random.default_rng(0)
    images = (COLOURS[LABEL][:, None, None] * 200 + random.integers(0, 50, (N, 8, 8, 3))).astype(np.uint8)
    np.save("test.npy", images)
    ids = np.array([f"test/{n:02d}" for n in range(N)])
    numbers = {"label": LABEL, "shown": LABEL, "class_frequency": np.full(N, N)}
    text = {"example": ids, "split": np.array(["test"] * N), "kind": np.array(["typical"] * N)}
    save_examples("examples", text | numbers | {"pixels": np.array([pixels_digest(image) for image in images])})
    digests = {"test": sha256("test.npy"), "examples": sha256("examples")}
    save_manifest("data.json", {"sha256": digests, "classes": CLASSES, "image_size": [8, 8]})
    yield images
    sys.modules.pop("mean_nets", None)


def run(held, level="dense", **checkpoints):
    """Import two files of weights, and build the networks again."""
    paths = []
    for seed, each in enumerate(held):
        paths.append(f"{seed}.pth.tar")
        torch.save(each, paths[-1])
    given = {"network": "mean_nets:mean", "mean": [0.0], "std": [1.0]} | checkpoints
    given = {key: value for key, value in given.items() if value is not None}
    input = Names(weights=paths, images="test.npy", examples="examples", data="data.json")
    wildcards = Names(level=level, cohort="000-001")
    import_checkpoints.main(input, Names(models="models"), Names(checkpoints=given), wildcards)
    return load_cohort("models")[0]


def run_files(paths, level="dense", **checkpoints):
    """Import two files that bring their own computation, and open them again."""
    given = {"mean": [0.0], "std": [1.0]} | checkpoints
    given = {key: value for key, value in given.items() if value is not None}
    input = Names(weights=paths, images="test.npy", examples="examples", data="data.json")
    import_checkpoints.main(
        input, Names(models="models"), Names(checkpoints=given), Names(level=level, cohort="000-001")
    )
    return load_cohort("models")


def files(*weights):
    """A TorchScript file for each."""
    return [
        exported.torchscript(f"{seed}.ts", each["head.weight"].numpy(), each["head.bias"].numpy())
        for seed, each in enumerate(weights)
    ]


def expected(images, weights):
    x = torch.from_numpy(images).float().div(255).mean((1, 2))
    return torch.softmax(x @ weights["head.weight"].T + weights["head.bias"], dim=1).numpy()


@pytest.mark.parametrize("answer", ["tensor", "object", "softmax"])
def test_networks_are_built_again_as_they_were_imported(study, answer, capsys):
    held = head()
    wrapped = [
        {"state_dict": {"net.head.weight": torch.zeros(4, 3)}, "ema": {f"net.{name}": v for name, v in held.items()}}
    ] * 2
    models = run(wrapped, options={"answer": answer}, weights_key="ema", prefix="net.")
    for model in models.values():
        assert np.allclose(probabilities(model, torch.from_numpy(study)), expected(study, held), atol=1e-6)
    said = capsys.readouterr().out
    assert "`net.` was taken off 2 names" in said and "WARNING" not in said
    assert ("gives probabilities" in said) == (answer == "softmax")


def test_another_order_of_classes_stops_and_is_mended_by_naming_it(study, tmp_path):
    order = [2, 3, 0, 1]
    with pytest.raises(InputError) as error:
        run([head(), head(order)])
    assert (
        "dense, 1.pth.tar: its classes are in another order than the study's: 0.0% of 48 images are right, and 100.0% if"
        in str(error.value)
    )
    assert "give the level's `checkpoints` the key `classes`, a text file" in str(error.value)
    names = [CLASSES[each] for each in order]
    (tmp_path / "names.txt").write_text("\n".join(names) + "\n")
    for classes in (names, str(tmp_path / "names.txt")):
        for model in run([head(order)] * 2, classes=classes).values():
            assert np.allclose(probabilities(model, torch.from_numpy(study)), expected(study, head()), atol=1e-6)


def test_the_study_s_classes_are_taken_from_more(study, capsys):
    names = [*CLASSES, "never seen", "nor this"]
    for model in run([head(more=2)] * 2, classes=names, options={"head": 6}).values():
        assert np.allclose(probabilities(model, torch.from_numpy(study)), expected(study, head()), atol=1e-6)
    assert "of its 6 classes the study's 4 are taken, with a softmax over these alone" in capsys.readouterr().out
    with pytest.raises(InputError, match="gives 4 logits and `classes` names 6"):
        run([head()] * 2, classes=names)


def test_a_dense_network_that_knows_nothing_is_warned_of(study, capsys):
    blind = {"head.weight": torch.zeros(4, 3), "head.bias": torch.tensor([2.0, 0, 0, 0])}
    run([blind, head()])
    said = capsys.readouterr().out
    assert said.count("WARNING") == 1
    assert (
        "WARNING: dense, 0.pth.tar: top-1 is 25.0% of 96 images, no better than always saying one class, 25.0%" in said
    )
    run([blind, head()], level="pruned")
    assert "WARNING" not in capsys.readouterr().out


def test_other_images_than_were_described_stop(study):
    np.save("test.npy", study + 1)
    with pytest.raises(InputError, match=r"test\.npy is not the file that examples describes"):
        run([head()] * 2)


def test_files_that_bring_their_own_computation_are_opened_again_as_they_were_imported(study, capsys):
    paths = files(head(), head())
    models, description = run_files(paths, network="torchscript")
    for model in models.values():
        assert np.allclose(probabilities(model, torch.from_numpy(study)), expected(study, head()), atol=1e-6)
    said = capsys.readouterr().out
    assert "seed 1 is 1.ts, zeros not counted; torch" in said and "WARNING" not in said
    assert "reads images of any size as float32 NCHW, in batches of any size" in said
    assert "normalized by mean [0.0, 0.0, 0.0] and std [1.0, 1.0, 1.0], as the study says" in said
    file = description["network"]["file"]
    assert (file["layout"], file["dtype"], file["size"], file["batch"]) == ("NCHW", "float32", None, None)
    assert np.isnan(description["sparsity"]["0"]["all"])
    # Another file in its place is not taken for it.
    files(head(), head([2, 3, 0, 1]))
    with pytest.raises(InputError, match=r"\d.ts has changed since it was checked"):
        load_cohort("models")


def test_an_output_for_none_of_the_classes_is_left_out_where_the_study_says_so(study, capsys):
    last = head(more=1)  # its bias makes it the largest
    first = {name: value.roll(1, 0) for name, value in last.items()}
    for weights, background in ((first, "first"), (last, "last")):
        paths = files(weights, weights)
        with pytest.raises(
            InputError, match=r"0.ts` gives 5 logits and the study has 4 classes: .* `background: first`"
        ):
            run_files(paths, network="torchscript")
        models, _ = run_files(paths, network="torchscript", background=background)
        for model in models.values():
            assert np.allclose(probabilities(model, torch.from_numpy(study)), expected(study, head()), atol=1e-6)
        assert (
            f"the {background} of its 5 outputs is for none of the classes and is left out" in capsys.readouterr().out
        )
    # The same of weights for a network that is built here.
    for model in run([last, last], options={"head": 5}, background="last").values():
        assert np.allclose(probabilities(model, torch.from_numpy(study)), expected(study, head()), atol=1e-6)


def test_imagenet_s_values_are_taken_where_nobody_says_others(study, capsys):
    weights = head()
    paths = files(weights, weights)
    models, _ = run_files(paths, network="torchscript", mean=None, std=None, unless_said="imagenet")
    assert models[0].mean == IMAGENET[0] and "ImageNet's, because nobody says it" in capsys.readouterr().out
    models = run([weights] * 2, mean=None, std=None, unless_said="imagenet")
    assert (models[0].mean, models[0].std) == IMAGENET


def test_files_of_another_size_or_kind_stop(study, monkeypatch):
    both = files(head(), head())
    sizes = iter([None, (8, 8), (8, 9)])

    def read(path):
        network, reads = torchscript.read(path)
        return network, replace(reads, size=next(sizes))

    monkeypatch.setitem(READERS, "torchscript", read)
    with pytest.raises(InputError, match=r"1.ts has `file` .*: a level's networks must be of one kind"):
        run_files(both, network="torchscript")
    with pytest.raises(InputError, match=r"0.ts reads images of 9 x 8 pixels and the study's are 8 x 8"):
        run_files(both, network="torchscript")
