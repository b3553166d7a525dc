"""Finished studies side by side, from their tables to the page."""

import pytest
from compared_studies import compare, make_studies

from scripts.lib.data.dataset import save_manifest
from scripts.lib.jobs.errors import InputError
from scripts.lib.study.compared import compared_files
from scripts.lib.tables.table import load_table


@pytest.fixture
def studies(tmp_path, monkeypatch):
    """Two studies of populations and one of files, below the current folder."""
    monkeypatch.chdir(tmp_path)
    make_studies(tmp_path)
    return tmp_path


def test_levels_of_all_studies_share_a_front(studies):
    output = compare("abc")
    rows = load_table(output.table).set_index(["batch_size", "study", "level"])
    names = [("a", "x"), ("b", "y"), ("b", "z"), ("c", "w")]
    assert list(rows.loc[1].index) == list(rows.loc[256].index) == names
    # In batches of one y is faster than both and forgets less; in the others nothing is faster than the dense network, which forgets nothing.
    assert rows.loc[1].front_speed.fillna("").tolist() == ["beaten", "on the front", "beaten", ""]
    assert rows.loc[256].front_speed.fillna("").tolist() == ["beaten", "beaten", "beaten", ""]
    # All have as many bytes: what they forget decides. Files have a front of their own.
    assert rows.loc[1].front_bytes.tolist() == ["beaten", "on the front", "beaten", "on the front"]
    page = (studies / output.page).read_text()
    assert "<b>exceeds" not in page and "+5.0 points [+4.9, +5.1]" in page
    assert "populations, batches of 1<" in page and "populations, batches of 256<" in page and "files, b" not in page
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
