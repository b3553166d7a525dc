"""What leaves a study, from its tables to the files."""

import json
from types import SimpleNamespace as Names

import numpy as np
import pandas as pd
import yaml

from scripts.lib.data.dataset import save_examples, save_manifest
from scripts.lib.jobs.files import sha256
from scripts.lib.tables.table import load_table, save_table
from scripts.share import export_card, list_changed_images

IDS = ["cats/1.png", "cats/2.png", "dogs/7.png", "dogs/NaN.png"]


def data(folder):
    n = len(IDS)
    columns = {
        "example": IDS,
        "split": ["test"] * n,
        "label": [0, 0, 1, 1],
        "shown": [0, 0, 1, 1],
        "kind": ["typical"] * n,
    }
    save_examples(
        folder / "examples.parquet",
        {name: np.array(values) for name, values in columns.items()}
        | {"class_frequency": np.ones(n), "pixels": np.array(["x"] * n)},
    )
    save_manifest(
        folder / "data.json",
        {"classes": ["no: [x]", "NaN", "<b>"], "sha256": {"examples": sha256(folder / "examples.parquet")}},
    )
    return {"examples": folder / "examples.parquet", "data": folder / "data.json"}


def listed(folder, table, compares_files, source="image_folder"):
    save_table(folder / "table.csv", table)
    output = Names(table=folder / "changed_images.csv")
    options = {"test": str(folder)}
    list_changed_images.main(
        Names(changed=folder / "table.csv", **data(folder)),
        output,
        Names(compares_files=compares_files, source=source, options=options),
    )
    return pd.read_csv(output.table, dtype=str, keep_default_na=False)


def test_of_populations_these_are_the_pies_with_their_files(tmp_path):
    pies = pd.DataFrame(
        {
            "example": IDS,
            "level": "pruned",
            "label": [0, 0, 1, 1],
            "dense_modal": [0, 1, 0, 1],
            "level_modal": [1, 0, 2, 1],
        }
    )
    found = listed(tmp_path, pies.assign(pie=pies.dense_modal != pies.level_modal), compares_files=False)
    assert found.example.tolist() == IDS[:3] and found.path.tolist() == [str(tmp_path / example) for example in IDS[:3]]
    assert found.flip.tolist() == ["right to wrong", "wrong to right", "wrong to another wrong"]
    assert found.label_name.tolist() == ["no: [x]", "no: [x]", "NaN"] and found.level_says.tolist() == [
        "NaN",
        "no: [x]",
        "<b>",
    ]
    assert found.row.tolist() == ["0", "1", "2"] and set(found.seed) == {"NaN"}


def test_of_pairs_these_are_the_flips(tmp_path):
    flips = pd.DataFrame(
        {
            "level": "int8",
            "seed": 0,
            "example": IDS[3:],
            "flip": "right to wrong",
            "label_name": "NaN",
            "dense_says": "NaN",
            "level_says": "<b>",
        }
    )
    found = listed(tmp_path, flips.assign(dense_confidence=0.5), compares_files=True)
    assert found.example.tolist() == IDS[3:] and found.row.tolist() == ["3"] and found.seed.tolist() == ["0"]
    assert listed(tmp_path, flips, compares_files=True, source="arrays").path.tolist() == ["NaN"]


def test_the_card_and_the_metrics_are_of_the_tables_that_there_are(tmp_path):
    row = {
        "level": "int8",
        "seed": 0,
        "examples": 10,
        "significance": 0.05,
        "flips": 1,
        "lost": 1,
        "gained": 0,
        "moved": 0,
        "verdict": "cannot be told",
    }
    row |= dict.fromkeys(("p_top1", "p_top1_holm", "smallest_top1_change", "level_top5"), np.nan) | {
        "reason": "one network each"
    }
    row |= {
        f"{name}{end}": 0.1
        for name in ("flip_rate", "level_top1", "dense_top1", "top1_change")
        for end in ("", "_low", "_high")
    }
    save_table(tmp_path / "pair_summary.csv", pd.DataFrame([row]))
    output = Names(
        card=tmp_path / "model_card.md", metrics=tmp_path / "metrics.json", left_out=tmp_path / "metrics_left_out.json"
    )
    params = Names(study="mine", dataset="photos", tables=["pair_summary"])
    export_card.main(Names(tables=[tmp_path / "pair_summary.csv"]), output, params)
    numbers, left_out = (json.loads(path.read_text()) for path in (output.metrics, output.left_out))
    assert (
        numbers["pair_summary/int8/0/flip_rate"] == 0.1 and left_out["pair_summary/int8/0/p_top1"] == "one network each"
    )
    assert not set(numbers) & set(left_out)
    assert yaml.safe_load(output.card.read_text().split("---\n")[1])["model-index"][0]["name"] == "mine-int8"
    assert load_table(tmp_path / "pair_summary.csv").level.tolist() == ["int8"]
