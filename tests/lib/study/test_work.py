"""The work of a study, counted, against what Snakemake would run (tests/workflow) and by hand."""

import re
from pathlib import Path

import pytest
import yaml

from scripts.lib.study.counts import published_counts
from scripts.lib.study.study import load_study
from scripts.lib.study.work import finished_jobs, work_of

ROOT = Path(__file__).parents[3]


def study(**changes):
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    for section, value in changes.items():
        config[section] = config[section] | value if isinstance(value, dict) else value
    return load_study(config, yaml.safe_load((ROOT / "schemas" / "config.schema.yaml").read_text()))


def jobs_of(work, rule):
    return [job for row in work if row["rule"] == rule for job in row["jobs"]]


def test_the_demos_jobs_are_those_of_its_rules():
    asked = study()
    work = work_of(asked)
    assert len(jobs_of(work, "train")) == 5 and len(jobs_of(work, "quantize")) == len(jobs_of(work, "pack")) == 1
    predicted = [
        re.sub(r"^<results>/predictions/(.*)\.parquet$", r"predict/\1", f) for f in asked.ledger(*asked.images.suites)
    ]
    assert sorted(jobs_of(work, "predict")) == sorted(predicted)
    assert len(jobs_of(work, "corrupt")) == 16  # 15 corruptions and the clean images
    variants = sum(times for row in work if row["rule"] == "predict" for times in row["images"].values())
    assert variants == 6 * (1 + 15 * 5)  # six levels


def test_shards_of_corruptions_are_jobs():
    work = work_of(study(corruptions={"names": ["fog"], "layout": "imagenet-c", "shards": 3}))
    assert jobs_of(work, "corrupt") == [] and len(jobs_of(work, "corrupt_to_folders")) == 2 * 3


def test_finished_jobs_are_those_with_a_benchmark(tmp_path):
    work = [{"jobs": ["train/a", "train/b"]}]
    assert finished_jobs(work, tmp_path) == (0, 0.0)
    (tmp_path / "train").mkdir()
    (tmp_path / "train/b.tsv").write_text("s\n1\n")
    assert finished_jobs(work, tmp_path)[0] == 1


@pytest.mark.parametrize(
    "options, splits, expected",
    [
        ({"verify": "published", "size": 224}, ["test", "train"], (1_281_167, 50_000)),
        ({"verify": "published", "size": 224}, ["test"], (0, 50_000)),
        ({"verify": "none", "size": 224}, ["test"], None),
    ],
)
def test_imagenet_is_known_before_it_is_prepared(options, splits, expected):
    found = published_counts("imagenet", options, splits)
    if expected is None:
        assert found == {}
    else:
        assert (found["train"], found["test"]) == expected and found["image_size"] == [224, 224]
