"""Two finished studies side by side, from their tables to the page."""

from types import SimpleNamespace as Names

import numpy as np
import pandas as pd
import pytest

from scripts.across import compare_studies
from scripts.lib.data.dataset import save_manifest
from scripts.lib.jobs.errors import InputError
from scripts.lib.study.compared import compared_files
from scripts.lib.tables.table import load_table, save_table


def costs(levels, forgotten, column, speedups):
    """A table of cost with these levels; column: what is forgotten."""
    table = pd.DataFrame(
        {"level": levels, "batch_size": 1, "examples": 100, "significance": 0.05, "weights_relative": 0.5}
    )
    for end, shift in (("", 0.0), ("_low", -0.01), ("_high", 0.01)):
        table[f"speedup{end}"] = np.array(speedups) + shift
        table[f"{column}{end}"] = np.array(forgotten) + shift / 10
    return table.assign(top1_change=-0.01, verdict="<b>exceeds</b>")


@pytest.fixture
def studies(tmp_path, monkeypatch):
    """Two studies of populations and one of files, all of the same images, below the current folder."""
    monkeypatch.chdir(tmp_path)
    of_populations = {"a": (["control", "x"], [0.0, 0.05], [1.0, 2.0]), "b": (["y", "z"], [0.02, 0.09], [2.5, 1.5])}
    for study, (levels, forgotten, speedups) in of_populations.items():
        table = costs(levels, forgotten, "excess_rate", speedups).assign(models=5)
        (tmp_path / f"results/{study}/tables").mkdir(parents=True)
        save_table(f"results/{study}/tables/cost_and_forgetting.csv", table)
    (tmp_path / "results/c/tables").mkdir(parents=True)
    save_table("results/c/tables/pair_cost.csv", costs(["w"], [0.5], "flip_rate", [np.nan]))
    for study in "abc":
        (tmp_path / f"results/{study}/data").mkdir()
        save_manifest(
            f"results/{study}/data/manifest.json", {"classes": ["k"], "image_size": [8, 8], "sha256": {"test": "1"}}
        )
    return tmp_path


def compare(names):
    output = Names(
        **{
            name: f"results/{'+'.join(names)}.{ending}"
            for name, ending in (("table", "csv"), ("markdown", "md"), ("page", "html"))
        }
    )
    compare_studies.main(None, output, Names(studies=list(names)))
    return output


def test_levels_of_all_studies_share_a_front(studies):
    output = compare("abc")
    rows = load_table(output.table).set_index(["study", "level"])
    assert list(rows.index) == [("a", "x"), ("b", "y"), ("b", "z"), ("c", "w")]
    assert rows.front_speed.fillna("").tolist() == [
        "beaten",
        "on the front",
        "beaten",
        "",
    ]  # y is faster than both and forgets less
    assert rows.front_bytes["c", "w"] == "on the front"  # files have a front of their own
    page = (studies / output.page).read_text()
    assert "<svg" in page and "<b>exceeds" not in page and "+5.0 points [+4.9, +5.1]" in page
    assert "| a " in (studies / output.markdown).read_text()


def test_other_images_are_not_compared(studies):
    save_manifest("results/b/data/manifest.json", {"classes": ["k"], "image_size": [8, 8], "sha256": {"test": "2"}})
    with pytest.raises(InputError, match="the studies a and b have different test images"):
        compare("ab")
    save_manifest("results/b/data/manifest.json", {"classes": ["l"], "image_size": [8, 8], "sha256": {"test": "1"}})
    with pytest.raises(InputError, match="differ in `classes`"):
        compare("ab")


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        (["a"], "fewer than two studies"),
        (["a", "a"], "names `a` twice"),
        (["a", "d"], "results/d has no finished table of cost"),
    ],
)
def test_studies_that_cannot_be_compared(studies, names, sentence):
    assert len(compared_files(["a", "c"])) == 4
    with pytest.raises(InputError, match=sentence):
        compared_files(names)
