"""The studies of the paper's data sets, on miniatures with the same files: whatever their rules are, they run."""

import pandas as pd
import pyarrow.parquet as pq
import pytest
import yaml
from copies import copy_project
from published import make_celeba, make_cifar10, make_imagenet

SMALL = {
    "population": {"models": 2, "cohort": 2},
    "network": {"name": "plain", "channels": [4, 8]},
    "training": {
        "device": "cpu",
        "epochs": 2,
        "steps": 4,
        "batch_size": 4,
        "accumulation": 2,
        "precision": "float32",
        "readers": 2,
        "learning_rate": 0.01,
    },
    "pruning": {"begin": 0.2, "end": 0.8, "every": 1},
    "quantization": {"calibration": {"images": 4}},
    "execution": {"layers": "always"},
    "cost": {"batch_sizes": [1], "rounds": 2, "compile": False},
    "corruptions": {"names": [], "subset": "sampled", "per_class": 2},
    "audit": {"permutations": 100, "subsets": 10, "splits": 10, "resamples": 100, "smallest_group": 2},
}
LEVELS = ("dense", "control", "magnitude-0.90", "int8-static")


def small(project, name, data):
    """The study `name` with all that it says but for its size: few models of few levels, and other data of the same kind."""
    said = yaml.safe_load((project.folder / "studies" / f"{name}.yaml").read_text())
    source = said["data"]["source"]
    study = said | SMALL | {"levels": [level for level in said["levels"] if level["name"] in LEVELS]}
    study["data"] = {"source": source, source: said["data"][source] | data}
    study["audit"] = said.get("audit", {}) | SMALL["audit"]
    study["quantization"] = {"calibration": said.get("quantization", {}).get("calibration", {}) | {"images": 4}}
    (project.folder / project.study).write_text(yaml.safe_dump(study))


@pytest.fixture(scope="module")
def imagenet(tmp_path_factory):
    project = copy_project(tmp_path_factory.mktemp("imagenet") / "lacuna", "own.yaml")
    folder = make_imagenet(project.folder / "data/imagenet", in_folders=True)
    options = {"verify": "none", "size": 32, "shards": {"number": 2, "short_side": 40, "quality": 90}}
    small(project, "imagenet", options | {"train": str(folder / "train"), "test": str(folder / "val")})
    done = project.warm_snakemake()
    assert done.returncode == 0, done.stdout + done.stderr
    return project.folder


def test_imagenet_is_trained_from_shards_and_audited(imagenet):
    results = imagenet / "results/imagenet"
    assert not (results / "data/train.npy").exists() and len(list((results / "data/train").glob("*.jpegs"))) == 2
    summary = pd.read_csv(results / "tables/pie_summary.csv").set_index("level")
    assert list(summary.index) == ["control", "magnitude-0.90", "int8-static"] and set(summary.examples) == {12}
    assert "recipe" in (results / "report.html").read_text()
    epochs = pd.read_csv(results / "epochs/dense/000-001.csv")
    assert list(epochs.columns) == ["level", "seed", "epoch", "steps", "learning_rate", "loss"]
    assert epochs.groupby("seed").steps.max().to_dict() == {0: 4, 1: 4}


def test_celebas_attributes_are_groups(tmp_path):
    project = copy_project(tmp_path / "lacuna", "own.yaml")
    make_celeba(project.folder / "data/celeba")
    small(project, "celeba", {"verify": "none", "size": 32})
    table = "results/celeba/tables/subgroups.csv"
    done = project.warm_snakemake(table)
    assert done.returncode == 0, done.stdout + done.stderr
    groups = pd.read_csv(project.folder / table)
    assert set(groups.grouping) >= {"Male", "Young"} and set(groups.level) == set(LEVELS) - {"dense"}
    examples = pq.read_table(project.folder / "results/celeba/data/examples.parquet").to_pandas()
    assert examples.split.value_counts().to_dict() == {"train": 8, "test": 6}


def test_cifar10s_archive_is_trained_and_audited(tmp_path):
    project = copy_project(tmp_path / "lacuna", "own.yaml")
    archive = make_cifar10(project.folder / "data/cifar-10-python.tar.gz")
    small(project, "cifar10", {"verify": "none", "path": str(archive)})
    table = "results/cifar10/tables/pie_summary.csv"
    done = project.warm_snakemake(table)
    assert done.returncode == 0, done.stdout + done.stderr
    summary = pd.read_csv(project.folder / table).set_index("level")
    assert list(summary.index) == ["control", "magnitude-0.90", "int8-static"] and set(summary.examples) == {40}
