"""Recipes: how a network is trained and pruned, as a file that studies name.

What a recipe says stands between config.yaml and the study: the study's own keys win.
"""

from pathlib import Path

import yaml

from scripts.lib.jobs.errors import InputError
from scripts.lib.jobs.project import ROOT
from scripts.lib.study.sources import expanded

SECTIONS = ("network", "training", "pruning", "published")


def recipe_file(recipe: str) -> Path:
    """The file that a study's key `recipe` names: one of Lacuna's by its name, or a path.

    Raises InputError if there is none, or if it says anything but how to train.
    """
    folder = ROOT / "studies" / "recipes"
    own = folder / f"{recipe}.yaml"
    path = own if own.is_file() else Path(expanded(recipe))
    if not path.is_file():
        known = ", ".join(sorted(each.stem for each in folder.glob("*.yaml")))
        raise InputError(
            f"config key `recipe` is {recipe!r}, and there is no such file: give its path, or one of {known}."
        )
    try:
        said = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read as YAML ({error}): correct it.") from None
    if not isinstance(said, dict) or not said:
        raise InputError(f"{path} is no recipe: it must have the sections {', '.join(SECTIONS)}, or some of them.")
    other = [key for key in said if key not in SECTIONS]
    if other:
        raise InputError(
            f"{path} has a section {other[0]!r}, which is none of {', '.join(SECTIONS)}: a recipe says how to train, the rest is the study's."
        )
    return path
