"""Checkpoints of others' networks: built, loaded and asked as their authors do, and what does not fit is said in one sentence."""

import sys
import types

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_model
from torch import nn

from scripts.lib.jobs.errors import InputError
from scripts.lib.jobs.project import ROOT
from scripts.lib.networks.checkpoints import (
    IMAGENET,
    Normalized,
    build_checkpoint_network,
    build_untrained,
    load_weights,
    zeros_of,
)
from scripts.lib.networks.predicting import BATCH, batch_of, probabilities
from scripts.lib.networks.torchvision_ops import declare_missing_operators
from scripts.lib.study.factories import ENDINGS, check_checkpoints, module_file
from scripts.lib.study.sources import check_level_files

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
    assert build_untrained("timm:net.tag", 5)[1].out_features == 5
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
    with pytest.raises(InputError) as error:
        load_weights(model, tmp_path / "b.pt")
    assert str(error.value).endswith(
        "b.pt: 4.weight is [5, 4] and in the network [3, 4]: the number of classes differs, 5 in the file and 3 here; bring networks of the "
        "study's classes, or build it with `options: {num_classes: 5}` and name its 5 classes in `classes`."
    )
    torch.save(tiny(width=5).state_dict(), tmp_path / "w.pt")
    with pytest.raises(
        InputError, match=r"0\.weight is \[5, 3, 3, 3\] and in the network \[4, 3, 3, 3\]: the level's `options` are of"
    ):
        load_weights(model, tmp_path / "w.pt")
    undefined = tiny()
    undefined[4].weight.data[0] = torch.nan
    torch.save(undefined.state_dict(), tmp_path / "c.pt")
    with pytest.raises(InputError, match=r"c\.pt: 4\.weight has undefined numbers"):
        load_weights(model, tmp_path / "c.pt")
    old = {name: value for name, value in tiny().state_dict().items() if not name.endswith("tracked")}
    torch.save(old, tmp_path / "d.pt")
    assert load_weights(model, tmp_path / "d.pt") == []  # files of old versions have no such counters


def test_names_that_nearly_fit_come_with_what_to_do(tmp_path):
    model = tiny()
    for name, held, sentence in (
        (
            "a.pt",
            {f"model.{name}": value for name, value in model.state_dict().items()},
            "they fit after `model.` is taken off, so add `prefix: model.` to the level's `checkpoints`.",
        ),
        (
            "model-00001-of-00002.pt",
            {"0.weight": model[0].weight},
            "it is one of several files of one model, so name their `.index.json`",
        ),
        (
            "c.pt",
            {"4.weight_g": torch.ones(3, 1), "4.weight_v": torch.ones(3, 4)},
            "weights are saved in parts, so remove the parametrization",
        ),
    ):
        torch.save(held, tmp_path / name)
        with pytest.raises(InputError) as error:
            load_weights(model, tmp_path / name)
        assert sentence in str(error.value)
    torch.save(
        {"state_dict": {f"model.{name}": value for name, value in model.state_dict().items()}}, tmp_path / "a.pt"
    )
    assert "as `prefix` says" in load_weights(tiny(), tmp_path / "a.pt", prefix="model.")[-1]


@pytest.mark.parametrize(
    "dtype", [torch.float16, torch.bfloat16, torch.float64, torch.float8_e4m3fn, torch.float8_e5m2]
)
def test_other_floating_point_numbers_become_float32(tmp_path, dtype):
    model, other = tiny(), tiny()
    held = {name: value.to(dtype) if value.is_floating_point() else value for name, value in model.state_dict().items()}
    torch.save(held, tmp_path / "a.pt")
    assert load_weights(other, tmp_path / "a.pt") == [f"{dtype} was converted to torch.float32"]
    for name, value in other.state_dict().items():
        assert torch.equal(value.double(), held[name].double()), name


def test_whole_numbers_where_the_network_has_floating_point_ones_are_refused(tmp_path):
    model = tiny()
    torch.save(model.state_dict() | {"4.weight": torch.ones(3, 4, dtype=torch.int8)}, tmp_path / "a.pt")
    with pytest.raises(
        InputError,
        match=r"4\.weight is torch\.int8 and in the network torch\.float32, so its numbers mean something else",
    ):
        load_weights(model, tmp_path / "a.pt")


def test_of_tied_weights_one_is_enough(tmp_path):
    model = nn.Sequential(nn.Linear(3, 3, bias=False), nn.Linear(3, 3, bias=False))
    model[1].weight = model[0].weight
    save_model(model, tmp_path / "a.safetensors")  # which leaves one of them out
    other = nn.Sequential(nn.Linear(3, 3, bias=False), nn.Linear(3, 3, bias=False))
    other[1].weight = other[0].weight
    assert load_weights(other, tmp_path / "a.safetensors") == []
    assert torch.equal(other[1].weight, model[1].weight)
    other[1].weight = nn.Parameter(torch.ones(3, 3))
    with pytest.raises(InputError, match="lacks 1 of the network's tensors"):
        load_weights(other, tmp_path / "a.safetensors")


GREY = """import order  # torchvision's operators, declared before anything of the user's is imported
import torch
from torch import nn


def grey(channels=1):
    return nn.Sequential(nn.Conv2d(channels, 2, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2, 3))


def flat():
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 3))


class Compiled(nn.Module):  # what torch.compile returns has the network under this name
    def __init__(self, network):
        super().__init__()
        self._orig_mod = network


def wrapped():
    return Compiled(nn.DataParallel(grey(3).half()))
"""


@pytest.fixture
def greys(tmp_path, monkeypatch):
    """A module of the user's own that can only be imported after the missing operators were declared."""
    (tmp_path / "grey_nets.py").write_text(GREY)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(
        "scripts.lib.networks.checkpoints.declare_missing_operators",
        lambda: monkeypatch.setitem(sys.modules, "order", types.ModuleType("order")),
    )
    yield "grey_nets"
    sys.modules.pop("grey_nets", None)


def test_grey_networks_read_the_luma_as_pillow_makes_it(greys):
    images = np.random.default_rng(0).integers(0, 256, (5, 8, 8, 3), dtype=np.uint8)
    luma = np.stack([np.asarray(Image.fromarray(image).convert("L")) for image in images]) / np.float32(255)
    for name, options, channels in (("grey", {}, None), ("flat", {}, 1)):
        network = build_checkpoint_network(f"{greys}:{name}", options, [0.3], [0.2], 3, channels).eval()
        with torch.inference_mode():
            expected = torch.softmax(network.network((torch.from_numpy(luma)[:, None] - 0.3) / 0.2), dim=1)
        assert np.allclose(probabilities(network, torch.from_numpy(images)), expected, atol=1e-6)


def test_how_many_channels_are_normalized(greys):
    assert build_checkpoint_network(f"{greys}:grey", {"channels": 3}, [0.3], [0.2], 3).mean == [0.3] * 3
    with pytest.raises(
        InputError, match=r"reads 1 channel, and there are 3 numbers in `mean` and 3 in `std`: give one of each"
    ):
        build_checkpoint_network(f"{greys}:grey", {}, **CHANNELS, classes=3)
    with pytest.raises(
        InputError, match=r"reads 3 channels, and there are 2 numbers in `mean` and 3 in `std`: give three of each"
    ):
        build_checkpoint_network(f"{greys}:grey", {"channels": 3}, [0.1, 0.2], [0.1, 0.2, 0.3], 3)
    with pytest.raises(InputError, match=r"reads grey images: say how these are normalized, as mean: \[0\.5\]"):
        build_checkpoint_network(f"{greys}:grey", {}, None, None, 3)


def test_a_network_comes_bare_and_in_float32(greys):
    network = build_checkpoint_network(f"{greys}:wrapped", {}, **CHANNELS, classes=3)
    assert type(network.network) is nn.Sequential and network.network[0].weight.dtype == torch.float32


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
            "the package scripts has no module lib.nothing: Lacuna has a package scripts of its own, so give yours another name.",
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


def test_a_module_called_as_one_of_lacuna_s_scripts_is_the_user_s(module, tmp_path, monkeypatch):
    (tmp_path / "pack.py").write_text("raise SystemExit('usage: pack.py DATA')\n")
    monkeypatch.syspath_prepend(ROOT / "scripts/compress")  # as snakemake has it in a job
    monkeypatch.delitem(sys.modules, "pack", raising=False)
    assert module_file("pack:build") == tmp_path / "pack.py"
    with pytest.raises(
        InputError, match=r"the module pack cannot be imported \(SystemExit: usage: pack\.py DATA\): mend it"
    ):
        build_checkpoint_network("pack:build", {}, **CHANNELS, classes=3)


def test_a_file_of_classes_that_is_not_there(module):
    given = {"network": "torchvision:resnet18", "classes": "gone.txt"}
    with pytest.raises(InputError, match=r"here, `classes` is 'gone\.txt', and there is no such file"):
        check_checkpoints("here", given, 2, 2)


def test_endings_of_two_parts_are_accepted(tmp_path):
    for name in ("a.pth.tar", "model.safetensors.index.json", "B.PTH"):
        (tmp_path / name).touch()
        assert check_level_files("key", str(tmp_path / name), ENDINGS) == [str(tmp_path / name)]
    (tmp_path / "config.json").touch()
    with pytest.raises(InputError, match=r"config\.json is none of \.safetensors, \.pt"):
        check_level_files("key", str(tmp_path / "*.json"), ENDINGS)


def test_timm_is_asked_for_by_name_where_it_is_missing(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(InputError, match="there is no module timm: pip install timm"):
        check_checkpoints("here", {"network": "timm:resnet18"}, 2, 2)


def test_the_file_of_a_module_is_found_without_importing_it(module, tmp_path):
    assert module_file("torchvision:resnet18") is None
    assert module_file(module) == tmp_path / "brought_nets.py" and "brought_nets" not in sys.modules
    assert module_file("scripts.lib.networks.architectures:plain").name == "architectures.py"


def test_large_images_are_predicted_a_few_at_a_time():
    assert [batch_of(*size) for size in ((32, 32), (64, 64), (224, 224), (3000, 3000))] == [BATCH, BATCH, 40, 1]
