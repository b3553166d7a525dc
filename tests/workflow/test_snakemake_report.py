"""Snakemake's own report: every table, figure and page of a study is in it, under its chapter."""

import zipfile


def test_snakemakes_own_report_has_whatever_is_published(finished):
    done = finished.warm_snakemake("--report=published.zip")
    assert done.returncode == 0, done.stdout + done.stderr
    with zipfile.ZipFile(finished.folder / "published.zip") as report:
        names = report.namelist()
        (page,) = [
            report.read(name).decode() for name in names if name.endswith("/report.html") and "/data/" not in name
        ]
    results = finished.folder / "results/miniature"
    published = [*results.glob("tables/*.csv"), *results.glob("figures/*"), results / "report.html"]
    shown = {name.rpartition("/")[2] for name in names if "/data/" in name}
    assert len(published) > 20 and shown == {path.name for path in published}
    for chapter in ("Which images", "Which classes and groups", "Robustness", "Cost", "How sure", "Method and study"):
        assert f'"{chapter}"' in page
