"""Studies of models that were trained elsewhere: from their predictions, and from their weights."""

import json

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import yaml
from copies import copy_project

TIMED = ("cost", "planted")  # tables that need networks or images
# The miniature's own know which images were planted, and the probabilities of all classes, too.
KNOW_MORE = ("subgroups.csv", "over_indexing.csv", "calibration.csv")


@pytest.fixture(scope="module")
def imported(finished_once):
    """The miniature's own predictions, taken out as plain files and brought back as another study: the folders of both."""
    folder = finished_once.folder
    own, mine = folder / "results/miniature", folder / "mine"
    sparsity = pd.read_csv(own / "tables/pie_summary.csv").set_index("level").sparsity
    levels = []
    for level in ("dense", *sparsity.index):
        (mine / level).mkdir(parents=True)
        table = pd.concat([pd.read_parquet(path) for path in sorted(own.glob(f"predictions/{level}/*/*.parquet"))])
        table = table.drop(columns=["probabilities", "p_squared"])
        for seed, rows in table.astype({"example": str, "corruption": str}).groupby("seed"):
            if level == "control":
                rows.to_parquet(mine / level / f"{seed}.parquet")
            else:
                rows.to_csv(mine / level / f"{seed}.csv", index=False)
        stated = {"sparsity": float(sparsity[level])} if level in sparsity and not np.isnan(sparsity[level]) else {}
        stated |= {"of": "dense"} if level == "int8-static" else {}  # the dense models, compressed
        levels.append({"name": level, "method": "none", "predictions": f"mine/{level}/*"} | stated)
    examples = pq.read_table(own / "data/examples.parquet", filters=[("split", "==", "test")]).to_pandas()
    frequency = pd.read_csv(own / "tables/class_impact.csv").groupby("class").class_frequency.first()
    examples["class_frequency"] = frequency[examples.label].to_numpy()
    examples[["example", "label", "class_frequency"]].to_csv(mine / "examples.csv", index=False)
    study = yaml.safe_load((folder / "tests/miniature.yaml").read_text())
    study = {key: study[key] for key in ("population", "corruptions", "audit")}
    study |= {"study": "own", "levels": levels, "data": {"source": "predictions"}}
    study["data"]["predictions"] = {"name": "mine", "examples": "mine/examples.csv"}
    (folder / "own.yaml").write_text(yaml.safe_dump(study))
    finished_once.study, before = "own.yaml", finished_once.study
    try:
        done = finished_once.warm_snakemake("results/own/report.html")
        planned = finished_once.would_run()
    finally:
        finished_once.study = before
    assert done.returncode == 0, done.stdout + done.stderr
    return own, folder / "results/own", planned


def test_predictions_that_are_brought_give_the_same_tables(imported):
    original, own = imported[:2]
    expected = {path.name: path for path in (original / "tables").glob("*.csv") if not path.name.startswith(TIMED)}
    assert {path.name for path in (own / "tables").glob("*.csv")} == set(expected) and "pies.csv" in expected
    for name, path in expected.items():
        if name in KNOW_MORE:
            continue
        assert (own / "tables" / name).read_bytes() == path.read_bytes(), name


def test_the_report_says_what_a_study_without_images_cannot_have(imported):
    _, own, planned = imported
    page = (own / "report.html").read_text()
    assert "The pictures of images and the table of their kinds are left out" in page
    assert (
        "What the networks cost is left out: of dense, control, magnitude-0.90, block-0.50, int8-static there are"
        in page
    )
    assert "<td>no Brier score: the ledger is of version 1, or the predictions came without all classes; " in page
    assert 'id="pie_summary"' in page and 'id="cost"' not in page
    assert planned == {"render_tables": 1}  # and nothing that trains, corrupts or measures times


NETWORK = """from torch import nn


def tiny(width):
    return nn.Sequential(nn.Conv2d(3, width, 3, stride=4), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, 3))
"""
STUDY = """
study: brought
data: {source: arrays, arrays: {name: noise, test_images: images.npy, test_labels: labels.npy}}
population: {models: 2, cohort: 1}
levels:
  - {name: dense, method: none, checkpoints: &dense {network: "brought:tiny", options: {width: 4}, weights: "weights/*", mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25]}}
  - {name: control, method: none, checkpoints: {<<: *dense, weights: [others/a.pt, others/b.pt]}}
corruptions: {names: []}
"""


def test_checkpoints_are_predicted_and_a_changed_one_alone_again(tmp_path):
    import torch
    from torch import nn

    project = copy_project(tmp_path / "lacuna", "brought.yaml")
    folder = project.folder
    (folder / "brought.py").write_text(NETWORK)
    (folder / "brought.yaml").write_text(STUDY)
    random = np.random.default_rng(0)
    colours = random.integers(0, 200, (30, 1, 1, 3))
    images = (colours + random.integers(0, 56, (30, 32, 32, 3))).astype(np.uint8)
    np.save(folder / "images.npy", images)
    np.save(folder / "labels.npy", np.arange(30) % 3)
    networks = {}
    torch.manual_seed(0)
    for name in ("weights/a.pt", "weights/b.pt", "others/a.pt", "others/b.pt"):
        network = nn.Sequential(nn.Conv2d(3, 4, 3, stride=4), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3))
        with torch.no_grad():
            network[3].weight.mul_(20)
        networks[name] = network
        (folder / name).parent.mkdir(exist_ok=True)
        torch.save(network.state_dict(), folder / name)
    ledgers = [f"results/brought/predictions/dense/{cohort}/clean.parquet" for cohort in ("000-000", "001-001")]
    done = project.warm_snakemake(*ledgers)
    assert done.returncode == 0, done.stdout + done.stderr
    reference = (torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255 - 0.5) / 0.25
    for ledger, name in zip(ledgers, ("weights/a.pt", "weights/b.pt"), strict=True):
        read = pq.read_table(folder / ledger)
        with torch.no_grad():
            expected = torch.softmax(networks[name](reference), dim=1).max(dim=1)
        assert np.array_equal(read["top1"], expected.indices)
        assert np.allclose(read["p1"], expected.values, rtol=1e-4)
        described = json.loads(pq.read_schema(folder / ledger).metadata[b"lacuna"])
        (used,) = described["training"]["weights"].values()
        assert used["path"] == name
    assert len(set(read["top1"].to_pylist())) > 1
    planned = project.would_run()
    assert planned["import_checkpoints"] == planned["predict"] == 2 and "train" not in planned
    torch.save(networks["others/a.pt"].state_dict(), folder / "weights/b.pt")
    planned = project.would_run()
    assert planned["import_checkpoints"] == planned["predict"] == 3
    for path in (folder / "weights").iterdir():
        path.touch()
    (folder / "weights/b.pt").unlink()
    done = project.warm_snakemake("--dry-run")
    assert done.returncode != 0
    assert "`weights` names 1 files and the level is to have 2 models, one a file" in done.stdout + done.stderr
