"""Times of earlier jobs, from files as Snakemake writes them."""

import pytest

from scripts.lib.estimate.benchmarks import seconds_of
from scripts.lib.jobs.errors import InputError


def test_jobs_that_ran_are_found_and_others_are_not(tmp_path):
    (tmp_path / "train").mkdir()
    (tmp_path / "train/a.tsv").write_text("s\th:m:s\tmax_rss\n12.5\t0:00:12\t300.1\n")
    assert seconds_of(tmp_path, ["train/a", "train/b"]) == [12.5]


@pytest.mark.parametrize("text", ["", "s\n", "x\n1\n", "s\nmany\n"])
def test_what_is_no_benchmark_is_named(text, tmp_path):
    (tmp_path / "a.tsv").write_text(text)
    with pytest.raises(InputError, match=r"a\.tsv is no benchmark of Snakemake's: delete it"):
        seconds_of(tmp_path, ["a"])
