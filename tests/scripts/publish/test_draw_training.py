"""The figure of the training loss, from files as the rule `train` writes them."""

import pytest

from scripts.lib.jobs.errors import InputError
from scripts.publish.draw_training import load_epochs, training_loss

ROWS = "level,seed,epoch,steps,learning_rate,loss\n"
LEVELS = ["dense", "7"]


@pytest.fixture
def files(tmp_path):
    losses = {"dense": ((0, 2.0, 1.0), (1, 4.0, 2.0)), "7": ((0, 3.0, 2.5), (1, 3.0, 1.5))}
    for level, models in losses.items():
        rows = [f"{level},{seed},{e},{4 * e},0.1,{loss}\n" for seed, *both in models for e, loss in enumerate(both, 1)]
        (tmp_path / f"{level}.csv").write_text(ROWS + "".join(rows))
    return [str(tmp_path / f"{level}.csv") for level in LEVELS]


def test_each_level_has_a_panel_with_its_mean_and_spread(files):
    chart = training_loss(load_epochs(files), LEVELS).to_dict()
    assert [panel["title"]["text"] for panel in chart["concat"]] == LEVELS
    line = chart["concat"][1]["layer"][2]
    shown = {row["epoch"]: row for row in chart["datasets"][line["data"]["name"]]}
    assert {epoch: (row["mean"], row["min"], row["max"]) for epoch, row in shown.items()} == {
        1: (3.0, 3.0, 3.0),
        2: (2.0, 1.5, 2.5),
    }
    grey = chart["concat"][1]["layer"][0]
    assert [row["mean"] for row in chart["datasets"][grey["data"]["name"]]] == [3.0, 1.5]
    assert "K = 2 models" in chart["title"]["subtitle"]


def test_a_damaged_file_is_named(files, tmp_path):
    (tmp_path / "7.csv").write_text("")
    with pytest.raises(InputError, match=r"7\.csv cannot be read"):
        load_epochs(files)
