"""Checkpoints of others' networks: built, loaded and asked as their authors do, and what does not fit is said in one sentence."""

import sys

import numpy as np
import pytest
import torch
from torch import nn

from scripts.lib.checkpoints import (
    IMAGENET,
    Normalized,
    build_checkpoint_network,
    load_weights,
    zeros_of,
)
from scripts.lib.errors import InputError
from scripts.lib.factories import check_checkpoints, module_file
from scripts.lib.predicting import BATCH, batch_of, probabilities
from scripts.lib.torchvision_ops import declare_missing_operators

CHANNELS = {"mean": [0.4, 0.5, 0.6], "std": [0.2, 0.3, 0.4]}


def tiny(width=4, classes=3):
    return nn.Sequential(
        nn.Conv2d(3, width, 3, bias=False),
        nn.BatchNorm2d(width),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(width, classes),
    )


@pytest.fixture
def module(tmp_path, monkeypatch):
    """A module of the user's own in the folder in which snakemake was started."""
    (tmp_path / "brought_nets.py").write_text(
        "from torch import nn\n\n\n"
        "def tiny(width, classes=3):\n"
        "    return nn.Sequential(nn.Conv2d(3, width, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, classes))\n\n\n"
        "number = int\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    yield "brought_nets:tiny"
    sys.modules.pop("brought_nets", None)


def test_torchvision_is_asked_as_its_own_transform_would(tmp_path):
    declare_missing_operators()
    from torchvision.models import resnet18
    from torchvision.transforms.functional import normalize, to_tensor

    reference = resnet18(num_classes=7).eval()
    torch.save(reference.state_dict(), tmp_path / "a.pth")
    network = build_checkpoint_network("torchvision:resnet18", {}, None, None, 7).eval()
    assert load_weights(network.network, tmp_path / "a.pth") == [] and (network.mean, network.std) == IMAGENET
    images = np.random.default_rng(0).integers(0, 256, (3, 40, 40, 3), dtype=np.uint8)
    with torch.inference_mode():
        expected = torch.softmax(reference(torch.stack([normalize(to_tensor(x), *IMAGENET) for x in images])), dim=1)
    assert np.allclose(probabilities(network, torch.from_numpy(images)), expected, rtol=1e-4, atol=1e-6)
    assert declare_missing_operators() == []  # a second time there is nothing to declare


def test_a_factory_of_ones_own(module):
    network = build_checkpoint_network(module, {"width": 5}, **CHANNELS, classes=3).eval()
    assert network.network[0].weight.shape == (5, 3, 3, 3)
    white = torch.full((1, 8, 8, 3), 255, dtype=torch.uint8)
    seen = []
    network.network[0].register_forward_hook(lambda _, given, __: seen.append(given[0]))
    probabilities(network, white)
    expected = (1 - np.array(CHANNELS["mean"])) / CHANNELS["std"]
    assert np.allclose(seen[0][0, :, 0, 0].numpy(), expected, rtol=1e-6)


def test_timm_says_how_images_are_normalized(tmp_path, monkeypatch):
    """A stand-in for timm, which is not among the requirements: what is called, with what."""
    (tmp_path / "timm.py").write_text(
        "from torch import nn\n\n\n"
        "def create_model(name, pretrained, num_classes, **options):\n"
        "    assert name == 'net.tag' and not pretrained\n"
        "    network = nn.Sequential(nn.Flatten(), nn.LazyLinear(num_classes))\n"
        "    if not options:\n"
        "        network.pretrained_cfg = {'mean': (0.1, 0.2, 0.3), 'std': (0.4, 0.5, 0.6)}\n"
        "    return network\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "timm", raising=False)
    network = build_checkpoint_network("timm:net.tag", {}, None, None, 4)
    assert (network.mean, network.std) == ([0.1, 0.2, 0.3], [0.4, 0.5, 0.6])
    assert network.network[1].out_features == 4
    with pytest.raises(
        InputError, match=r"timm does not say how images for `timm:net\.tag` are normalized: add `mean`"
    ):
        build_checkpoint_network("timm:net.tag", {"without": True}, None, None, 4)
    monkeypatch.delitem(sys.modules, "timm")


def test_weights_that_do_not_fit_are_refused(tmp_path):
    model = tiny()
    state = model.state_dict()
    del state["4.bias"]
    torch.save(state | {"head.weight": torch.zeros(1), "head.bias": torch.zeros(1)}, tmp_path / "a.pt")
    with pytest.raises(
        InputError,
        match=r"a\.pt lacks 1 of the network's tensors \(4\.bias\) and has 2 that the network does not \(head\.weight, head\.bias\)",
    ):
        load_weights(model, tmp_path / "a.pt")
    torch.save(tiny(classes=5).state_dict(), tmp_path / "b.pt")
    with pytest.raises(InputError, match=r"4\.weight is \[5, 4\] and in the network \[3, 4\]: the number of classes"):
        load_weights(model, tmp_path / "b.pt")
    undefined = tiny()
    undefined[4].weight.data[0] = torch.nan
    torch.save(undefined.state_dict(), tmp_path / "c.pt")
    with pytest.raises(InputError, match=r"c\.pt: 4\.weight has undefined numbers"):
        load_weights(model, tmp_path / "c.pt")
    old = {name: value for name, value in tiny().state_dict().items() if not name.endswith("tracked")}
    torch.save(old, tmp_path / "d.pt")
    assert load_weights(model, tmp_path / "d.pt") == []  # files of old versions have no such counters


@pytest.mark.parametrize(
    "network, options, sentence",
    [
        (
            "torchvision:resnet1",
            {},
            "cannot be built with the options {'num_classes': 3} (ValueError: Unknown model resnet1)",
        ),
        ("brought_nets:tiny", {"widht": 3}, "(TypeError: tiny() got an unexpected keyword argument 'widht'"),
        ("brought_nets:nothing", {}, "the module brought_nets has no nothing"),
        ("brought_nets:number", {}, "gives a value of type int: it must give a torch.nn.Module."),
    ],
)
def test_networks_that_cannot_be_built(module, network, options, sentence):
    with pytest.raises(InputError) as error:
        build_checkpoint_network(network, options, **CHANNELS, classes=3)
    assert sentence in str(error.value)


def test_zeros_are_counted_in_convolutions_and_dense_layers():
    model = tiny(width=4, classes=3)  # 108 and 12 weights
    model[0].weight.data[0] = 0
    model[4].weight.data[0] = 0
    assert zeros_of(Normalized(model, *IMAGENET)) == (27 + 4) / 120


@pytest.mark.parametrize(
    "given, files, sentence",
    [
        ({"network": "brought_nets.tiny"}, 2, "`network` is 'brought_nets.tiny': write torchvision:NAME"),
        (
            {"network": "no_such_package:tiny"},
            2,
            "there is no module no_such_package: install it, or start snakemake in",
        ),
        (
            {"network": "scripts.lib.nothing:tiny"},
            2,
            "the package scripts has no module lib.nothing: correct the name.",
        ),
        ({"network": "brought_nets:tiny"}, 2, "here lacks `mean` and `std`: say how images from 0 to 1 are normalized"),
        ({"network": "torchvision:resnet18", "mean": [0, 0, 0]}, 2, "here lacks `std`"),
        ({"network": "torchvision:resnet18"}, 3, "`weights` names 3 files and the level is to have 2 models"),
    ],
)
def test_what_can_be_said_before_any_job(module, given, files, sentence):
    with pytest.raises(InputError) as error:
        check_checkpoints("here", given, files, models=2)
    assert str(error.value).startswith("here") and sentence in str(error.value)


def test_timm_is_asked_for_by_name_where_it_is_missing(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(InputError, match="there is no module timm: pip install timm"):
        check_checkpoints("here", {"network": "timm:resnet18"}, 2, 2)


def test_the_file_of_a_module_is_found_without_importing_it(module, tmp_path):
    assert module_file("torchvision:resnet18") is None
    assert module_file(module) == tmp_path / "brought_nets.py" and "brought_nets" not in sys.modules
    assert module_file("scripts.lib.networks:plain").name == "networks.py"


def test_large_images_are_predicted_a_few_at_a_time():
    assert [batch_of(*size) for size in ((32, 32), (64, 64), (224, 224), (3000, 3000))] == [BATCH, BATCH, 40, 1]
