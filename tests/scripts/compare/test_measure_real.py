"""Accuracy by ReaL's labels: a hand-computed case, from the files to the table."""

import json
from types import SimpleNamespace as Names

import numpy as np
import pytest

from scripts.compare.measure_real import main
from scripts.lib.audit.intervals import rate
from scripts.lib.jobs.errors import InputError
from scripts.lib.ledger.predictions import RANKS, rows, save_ledger
from scripts.lib.tables.table import load_table

# Images 1, 2, 3, 5 and 6 of ImageNet's validation set, under names of the user's own; the raters found no label for 3.
NUMBERS = [5, 1, 3, 2, 6]
EXAMPLE = np.array([f"val/x/ilsvrc2012_val_{number:08d}.png" for number in NUMBERS])
LABEL = np.array([7, 1, 3, 2, 9])
FITTING = [[1, 11], [2], [], [4], [70, 7], [8]]  # of the images 1 to 6; for image 6 another label fits than its own
VOTES = {
    "dense": [[7, 1, 3, 2, 9], [7, 11, 3, 5, 8]],
    "control": [[7, 1, 3, 2, 9], [7, 11, 3, 5, 9]],
    "pruned": [[70, 11, 3, 2, 8], [70, 11, 0, 2, 8]],
    "int8": [[7, 1, 3, 2, 9], [70, 1, 3, 5, 8]],
}
# Right by ReaL's labels and by the original ones, of 2 models on 4 images.
RIGHT = {"dense": (6, 5), "control": (5, 6), "pruned": (8, 2), "int8": (6, 5)}


def measured(folder, fitting):
    paths = []
    for level, votes in VOTES.items():
        top = np.full((len(LABEL), RANKS), -1, dtype=np.int16)
        nothing = np.full((len(LABEL), RANKS), np.nan, dtype=np.float32)
        blocks = []
        for seed, of_model in enumerate(votes):
            top[:, 0] = of_model
            blocks.append(rows(EXAMPLE, LABEL, seed, "clean", 0, top.copy(), nothing, nothing[:, 0]))
        paths.append(str(folder / f"{level}.parquet"))
        save_ledger(paths[-1], blocks, {"level": level, "undefined": ["p1"]})
    (folder / "real.json").write_text(json.dumps(fitting))
    designs = dict.fromkeys(VOTES, "independent") | {"int8": "paired"}
    table = folder / "real.csv"
    main(
        Names(ledger=paths, labels=[str(folder / "real.json")]),
        Names(table=table),
        Names(designs=designs, significance=0.05),
    )
    return load_table(table).set_index(["level", "scored_on"])


def test_all_labels_that_fit_are_right(tmp_path):
    table = measured(tmp_path, FITTING)
    assert len(table) == 8 and (table.examples == 4).all() and (table.left_out == 1).all()
    for level, (real, original) in RIGHT.items():
        by_real, by_original = table.loc[level, "ReaL labels"], table.loc[level, "original labels"]
        assert (by_real.top1, by_original.top1) == (real / 8, original / 8)
        assert by_real.top1_change == pytest.approx((real - 6) / 8) and by_original.top1_change == pytest.approx(
            (original - 5) / 8
        )
        assert by_real.beyond_original == pytest.approx((real - 6) / 8 - (original - 5) / 8)
        assert by_real.control_change == pytest.approx(-1 / 8) and by_original.control_change == pytest.approx(1 / 8)
        assert by_real.level_models == by_real.dense_models == 2
    everywhere = table.loc["pruned", "ReaL labels"]
    assert (everywhere.top1_low, everywhere.top1_high) == pytest.approx(rate(4, 4, 0.05)[1:], rel=1e-5)  # Wilson's
    pruned = table.loc["pruned", "original labels"]
    assert pruned.top1_low < pruned.top1 < pruned.top1_high
    assert table.loc["int8", "ReaL labels"].design == "paired"


def test_a_file_about_other_images(tmp_path):
    with pytest.raises(InputError, match=r"real\.json has no fitting label for any test image"):
        measured(tmp_path, [[]] * 6)
