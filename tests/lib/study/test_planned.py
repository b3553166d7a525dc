"""Which predictions a plan finds, and what it names where there are none."""

import copy
from pathlib import Path

import pytest
import yaml

from scripts.lib.audit.error_parts import FEWEST_MODELS
from scripts.lib.jobs.errors import InputError
from scripts.lib.study.planned import FEWEST, predictions_there, written
from scripts.lib.study.study import load_study

ROOT = Path(__file__).parents[3]
SCHEMA = yaml.safe_load((ROOT / "schemas" / "config.schema.yaml").read_text())
DEFAULT = yaml.safe_load((ROOT / "config.yaml").read_text())


def study(plan=None, **population):
    changed = copy.deepcopy(DEFAULT) | ({"plan": plan} if plan else {})
    changed["population"] |= population
    return load_study(changed, SCHEMA)


def put(folder, level, cohort):
    path = folder / "predictions" / level / cohort / "clean.parquet"
    path.parent.mkdir(parents=True)
    path.touch()
    return str(path)


def test_each_model_is_found_once_whatever_cohorts_there_were(tmp_path):
    put(tmp_path, "dense", "000-003")
    dense, more = put(tmp_path, "dense", "000-009"), put(tmp_path, "dense", "010-011")
    control = put(tmp_path, "control", "000-003")
    put(tmp_path, "no-longer-a-level", "000-003")
    found = predictions_there(study(), tmp_path, {})
    assert found == [dense, more, control]
    count, newest = written(found)
    assert count == 3 and newest == max(Path(file).stat().st_mtime for file in found)


def test_where_nothing_is_predicted_it_names_the_first_dense_models(tmp_path):
    assert FEWEST == FEWEST_MODELS
    with pytest.raises(InputError, match=r"10 dense models \(target \S+/dense/000-009/clean\.parquet\)"):
        predictions_there(study(), tmp_path, {})
    with pytest.raises(
        InputError, match=r"1 dense model and a compressed one \(targets \S+/dense/000-000/\S+ \S+/magnitude-0"
    ):
        predictions_there(study(models=1), tmp_path, {})
    with pytest.raises(InputError, match=r"8 dense models \(targets \S+/000-003/clean\.parquet \S+/004-007/clean"):
        predictions_there(study(models=30, cohort=4), tmp_path, {})


def test_an_assumption_goes_before_predictions_and_needs_a_number_of_images(tmp_path):
    put(tmp_path, "dense", "000-009")
    assert predictions_there(study({"churn": 0.1, "images": 100}), tmp_path, {}) == []
    assert predictions_there(study({"churn": 0.1}), tmp_path, {"test": 50_000}) == []
    with pytest.raises(InputError, match=r"plan\.images` is missing"):
        predictions_there(study({"churn": 0.1}), tmp_path, {})
