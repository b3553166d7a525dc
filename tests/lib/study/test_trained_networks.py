"""A network that a study cannot train is refused in one sentence, before torch is imported."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from scripts.lib.jobs.errors import InputError
from scripts.lib.study.config import check_config
from scripts.lib.study.study import load_study
from scripts.lib.study.trained_networks import CHANNELS, NAMES, wide_resnet_size

ROOT = Path(__file__).parents[3]
SCHEMA = yaml.safe_load((ROOT / "schemas" / "config.schema.yaml").read_text())
DEFAULT = (ROOT / "config.yaml").read_text()


def study(network):
    """The default study, merged with this section."""
    config = yaml.safe_load(DEFAULT)
    return config | {"network": config["network"] | network}


@pytest.mark.parametrize(
    ("network", "sentence"),
    [
        ({"name": "resnet21"}, "config key `network.name` is 'resnet21', which is unknown: did you mean `resnet"),
        (
            {"name": "xyz"},
            f"config key `network.name` is 'xyz', which is unknown: it may be one of {', '.join(NAMES)}, "
            "wide_resnet-DEPTH-WIDTH, torchvision:NAME, timm:NAME.",
        ),
        ({"name": "wide_resnet-28"}, "which is unknown: did you mean `wide_resnet-DEPTH-WIDTH`?"),
        (
            {"name": "wide_resnet-27-10"},
            "config key `network.name` is 'wide_resnet-27-10', and no wide ResNet has 27 layers: write a depth of 6n + 4, as 10, 16, 22 or 28.",
        ),
        ({"name": "wide_resnet-4-1"}, "and no wide ResNet has 4 layers"),
        ({"name": "wide_resnet-28-0"}, "which is unknown: did you mean `wide_resnet-DEPTH-WIDTH`?"),
        (
            {"name": "resnet20", "channels": [4, 8]},
            "config key `network.channels` is [4, 8], and resnet20 has channels of its own: remove the key, or write `channels: null`",
        ),
        ({"name": "torchvision:resnet18", "channels": [4]}, "and torchvision:resnet18 has channels of its own"),
        (
            {"name": "mine:net"},
            "config key `network.name` is 'mine:net': write torchvision:NAME or timm:NAME, or train",
        ),
        ({"name": "torchvision:"}, "config key `network.name` is 'torchvision:': write torchvision:NAME or timm:NAME"),
        ({"name": ""}, "config key `network.name` is empty: fill it in"),
        ({"channels": []}, "config key `network.channels` has 0 entries: it must have at least 1."),
        ({"channels": 5}, "config key `network.channels` is 5: it must be a list or null."),
    ],
)
def test_what_cannot_be_trained(network, sentence):
    with pytest.raises(InputError) as error:
        check_config(study(network), SCHEMA)
    assert sentence in str(error.value) and "\n" not in str(error.value)


def test_timm_is_asked_for_before_any_job(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(
        InputError,
        match=r"^config key `network\.name`: `network` is 'timm:resnet18', and there is no module timm: pip install timm\.$",
    ):
        check_config(study({"name": "timm:resnet18"}), SCHEMA)


@pytest.mark.parametrize("name", [*NAMES[2:], "wide_resnet-28-10", "torchvision:resnet50"])
@pytest.mark.parametrize("more", [{}, {"channels": None}])
def test_networks_with_channels_of_their_own_have_no_such_key(name, more):
    assert load_study(study({"name": name} | more), SCHEMA).config["network"] == {"name": name}


def test_plain_has_the_demos_channels_unless_a_study_says_others():
    for network in ({}, {"name": "plain"}, {"channels": None}):
        found = load_study(study(network), SCHEMA).config["network"]
        assert found == {"name": "plain", "channels": [5, 10, 20, 20]} and found["channels"] == list(CHANNELS["plain"])
    given = load_study(study({"channels": [4, 8]}), SCHEMA).config["network"]
    assert given == {"name": "plain", "channels": [4, 8]}


def test_a_wide_resnet_by_its_name():
    assert wide_resnet_size("wide_resnet-28-10") == (28, 10) and wide_resnet_size("resnet20") is None


def test_a_study_is_checked_without_torch():
    program = "import sys, scripts.lib.study.trained_networks; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False).returncode == 0
