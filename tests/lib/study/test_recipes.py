"""Recipes and the studies that name them: each is right, and what is none is refused in one sentence."""

import copy
from pathlib import Path

import pytest
import yaml

from scripts.lib.jobs.errors import InputError
from scripts.lib.study.config import check_config, with_defaults
from scripts.lib.study.recipes import recipe_file

ROOT = Path(__file__).parents[3]
SCHEMA = yaml.safe_load((ROOT / "schemas" / "config.schema.yaml").read_text())
RECIPES = sorted((ROOT / "studies" / "recipes").glob("*.yaml"))
STUDIES = sorted((ROOT / "studies").glob("*.yaml"))


def merged(*files):
    """Sections merged as Snakemake does it: what a later file says wins, lists are replaced."""

    def update(into, said):
        for key, value in said.items():
            if isinstance(value, dict) and isinstance(into.get(key), dict):
                update(into[key], value)
            else:
                into[key] = copy.deepcopy(value)

    study = {}
    for file in files:
        update(study, yaml.safe_load(file.read_text()))
    return study


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_a_recipe_is_found_by_its_name_fits_and_says_where_it_comes_from(path):
    assert recipe_file(path.stem) == path
    study = merged(ROOT / "config.yaml", path)
    check_config(study, SCHEMA)
    assert study["published"]["source"]


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.stem)
def test_a_study_fits(path):
    recipe = yaml.safe_load(path.read_text()).get("recipe")
    check_config(merged(ROOT / "config.yaml", *([recipe_file(recipe)] if recipe else []), path), SCHEMA)


def test_the_papers_schedule_is_that_of_its_code():
    # 5 epochs of warm-up, then a tenth at 30, 60 and 80, of 32,000 steps of which 1,281,167 / 4,096 are an epoch.
    study = with_defaults(merged(ROOT / "config.yaml", ROOT / "studies/recipes/imagenet_resnet50.yaml"), SCHEMA)
    training, epoch = study["training"], 1_281_167 / 4_096
    assert training["warmup"] * 32_000 == pytest.approx(5 * epoch, rel=1e-4)
    assert [each * 32_000 / epoch for each in training["milestones"]] == pytest.approx([30, 60, 80], rel=1e-4)
    assert (training["steps"], training["batch_size"], training["learning_rate"]) == (32_000, 4_096, 1.6)
    assert study["pruning"]["begin"] * 32_000 == 5_000 and study["pruning"]["end"] * 32_000 == 8_000


@pytest.mark.parametrize(
    "said, sentence",
    [
        (
            None,
            "config key `recipe` is .*, and there is no such file: give its path, or one of celeba_resnet18, cifar10_",
        ),
        ("levels: []", "has a section 'levels', which is none of network, training, pruning, published"),
        ("- 1", "is no recipe: it must have the sections"),
        ("", "is no recipe"),
        ("a: [", "cannot be read as YAML"),
    ],
)
def test_what_is_no_recipe(said, sentence, tmp_path):
    path = tmp_path / "mine.yaml"
    if said is not None:
        path.write_text(said)
    with pytest.raises(InputError, match=sentence):
        recipe_file(str(path))


def test_a_recipe_of_ones_own(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("training: {epochs: 3}")
    assert recipe_file(str(path)) == path
