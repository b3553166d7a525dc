"""A rater kit of twelve images, whose groups are known: eight PIEs and control-PIEs, and four that match."""

from types import SimpleNamespace as Names

import numpy as np
import pandas as pd

from scripts.lib.data.dataset import pixels_digest, save_examples, save_manifest
from scripts.lib.jobs.files import sha256
from scripts.lib.ledger.predictions import block, save_ledger
from scripts.lib.tables.table import save_table
from scripts.raters import make_rater_kit

N = 16
IDS = np.array([f"test/{place:02d}" for place in range(N)])
CLASSES = ["cat", "<script>alert(1)</script>"]
PIES, CONTROL_PIES = [0, 1, 2, 3], [4, 5, 6, 7]
# Votes for the modal label less those for the other, of four dense models: the PIEs' and those of 8, 9, 10, 11 are the same.
MARGIN = np.array([0, 2, 2, 4, 0, 0, 2, 2, 0, 2, 2, 4, 4, 4, 4, 4])


OF_LEVEL = {"control": CONTROL_PIES, "half": PIES[:2], "tenth": PIES[1:]}


def make_kit(folder, of_level=OF_LEVEL):
    """Write the kit into a folder; gives the page and the key. of_level: the places of the PIEs."""
    label = np.arange(N) % 2
    images = np.random.default_rng(0).integers(0, 256, (N, 8, 8, 3), dtype=np.uint8)
    np.save(folder / "test.npy", images)
    columns = {"example": IDS, "split": np.array(["test"] * N), "label": label, "shown": label}
    columns |= {"kind": np.array(["typical"] * N), "class_frequency": np.ones(N)}
    save_examples(folder / "examples.parquet", columns | {"pixels": np.array([pixels_digest(each) for each in images])})
    digests = {"test": sha256(folder / "test.npy"), "examples": sha256(folder / "examples.parquet")}
    save_manifest(folder / "data.json", {"classes": CLASSES, "sha256": digests})
    rows = []
    for seed in range(4):
        said = np.where(seed < (4 - MARGIN) // 2, 1 - label, label)
        probability = np.where(np.arange(2) == said[:, None], 0.9, 0.1).astype(np.float32)
        rows.append(block(IDS, label, seed, "clean", 0, probability))
    save_ledger(folder / "dense.parquet", rows, {"level": "dense", "suite": "clean", "classes": CLASSES})
    pies = [
        pd.DataFrame({"example": IDS, "level": level, "pie": np.isin(np.arange(N), those)})
        for level, those in of_level.items()
    ]
    save_table(folder / "pies.csv", pd.concat(pies))
    given = Names(pies=folder / "pies.csv", dense=[folder / "dense.parquet"], images=folder / "test.npy")
    given.examples, given.data = folder / "examples.parquet", folder / "data.json"
    made = Names(page=folder / "rater_kit.html", key=folder / "key.csv")
    make_rater_kit.main(given, made, Names(levels=["half", "tenth"], images=4, seed=0, study="made & small"))
    return made
