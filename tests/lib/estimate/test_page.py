"""The estimate as people read it."""

from scripts.lib.estimate.adding import MEASURED, NOT_KNOWN, Entry, computed, seen
from scripts.lib.estimate.page import page

ENTRIES = [
    Entry("train", "dense", 4, seen([50.0, 70.0], MEASURED), 4e6, False),
    Entry("predict", "clean with dense", 4, computed(15.0), 1e6, False),
    Entry("prepare_data", "all images", 1, NOT_KNOWN, 5e6, False),
]


def test_sums_and_what_dominates_come_first():
    text = page("mine", ENTRIES, 2, ["natural test sets"])
    assert "9 jobs of 5 min in all: at least 2.5 min on 2 cores. At least 10 MB of disk." in text
    rows = [line.split("|")[1:-1] for line in text.splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in row] for row in rows]
    assert ["train", "4", "4 min", "80%", "4 MB", "40%"] in cells
    assert cells.index(["train", "4", "4 min", "80%", "4 MB", "40%"]) < cells.index(
        ["predict", "4", "60 s", "20%", "1 MB", "10%"]
    )
    assert ["train: dense", "4", "60 s", "50 s to 70 s", "80%", "measured, n = 2"] in cells
    assert "Not in these sums: prepare_data, all images; natural test sets." in text


def test_a_gpu_is_said():
    on_gpu = [Entry("train", "dense", 4, computed(60.0), 0.0, True)]
    assert "4 jobs of 4 min in all, 4 min of them on a GPU: at least 4 min on 8 cores and one GPU." in page(
        "mine", on_gpu, 8, []
    )
