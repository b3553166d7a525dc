"""Profiles: what does not hang on where jobs run is the same in all of them, and every line says what it is for."""

import re
from pathlib import Path

import yaml

PROFILES = Path(__file__).parents[1] / "profiles"
DEFAULT, SLURM = PROFILES / "default" / "profile.yaml", PROFILES / "slurm" / "profile.yaml"
SITE = PROFILES / "slurm" / "site.yaml.example"
LOCAL = {"cores", "resources"}  # of one machine


def test_the_profile_of_clusters_takes_over_what_belongs_to_the_workflow():
    default, slurm = yaml.safe_load(DEFAULT.read_text()), yaml.safe_load(SLURM.read_text())
    assert {key: slurm.get(key) for key in default.keys() - LOCAL} == {
        key: default[key] for key in default.keys() - LOCAL
    }
    assert not LOCAL & slurm.keys()


def test_every_line_for_clusters_is_explained():
    explained = {
        "quiet",
        "show-failed-logs",
        "set-resources",
        "train",
        "measure_cost",
        "mem_mb",
    }  # by themselves or the next line
    for line in SLURM.read_text().splitlines():
        assert "#" in line or line.split(":")[0].strip() in explained, line


def test_the_example_of_a_site_is_read_with_and_without_its_comments():
    text = SITE.read_text()
    kept, site = yaml.safe_load(SLURM.read_text()), yaml.safe_load(text)
    assert {"slurm_partition", "slurm_account"} <= site["default-resources"].keys()
    everything = yaml.safe_load(re.sub(r"^# (?=[\w-]+: )", "", text, flags=re.MULTILINE))
    assert everything.keys() > site.keys()
    # A site's key replaces the profile's as a whole, so the example repeats what must not be lost.
    for rule, resources in kept["set-resources"].items():
        assert resources.items() <= everything["set-resources"][rule].items()
    assert kept["default-resources"].items() <= site["default-resources"].items()
