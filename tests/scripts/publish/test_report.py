"""The report as a page of HTML: whole, with what tables need to be read folded away, and with nothing of the data taken for markup."""

from html.parser import HTMLParser
from pathlib import Path

import pytest
import yaml
from test_pages_of_tables import tables  # noqa: F401

from scripts.lib.pages.all_pages import PAGES
from scripts.lib.study.config import with_defaults
from scripts.lib.tables.table import save_table
from scripts.publish.write_report import write_report

ROOT = Path(__file__).parents[3]
FIGURES = ("pie_rates", "pie_curve", "class_impact", "cost", "robustness", "layers")
DATA = {
    "examples": {"test": 4, "train": 10},
    "classes": ["<b>a</b>", "b"],
    "examples_of_each_class": {"test": [2, 2], "train": [5, 5]},
    "broken": {"test": 0, "train": 0},
}


class Nesting(HTMLParser):
    """Raises if an element ends before what it holds; counts the details by their class."""

    def __init__(self):
        super().__init__()
        self.open: list[str] = []
        self.folded = 0

    def handle_starttag(self, tag, attrs):
        if tag in ("meta", "img"):
            return
        assert tag not in ("ul", "table", "details", "figure") or "p" not in self.open
        self.folded += (tag, attrs) == ("details", [("class", "how")])
        self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, self.getpos()


@pytest.fixture(scope="module")
def report(tables, tmp_path_factory):  # noqa: F811
    folder = tmp_path_factory.mktemp("report")
    hostile = tables | {"class_impact": tables["class_impact"].assign(verdict="<script>")}
    for name, table in hostile.items():
        save_table(folder / f"{name}.csv", table)
    for name in FIGURES:
        (folder / f"{name}.svg").write_text(f"<svg><title>{name}</title></svg>")
    (folder / "exemplars.png").write_bytes(b"png")
    schema = yaml.safe_load((ROOT / "schemas" / "config.schema.yaml").read_text())
    return write_report(
        [str(folder / f"{name}.csv") for name in tables],
        [str(folder / f"{name}.svg") for name in FIGURES],
        [str(folder / "exemplars.png")],
        DATA,
        with_defaults(yaml.safe_load((ROOT / "config.yaml").read_text()), schema),
        ["<i>Nothing</i> is left out."],
    )


def test_the_report_is_whole_and_says_how_to_read_every_table(report, tables):  # noqa: F811
    page = Nesting()
    page.feed(report)
    page.close()
    assert page.open == [] and page.folded == report.count("<thead>") == len(tables)


def test_a_table_stands_below_one_sentence_and_the_folded_rest(report, tables):  # noqa: F811
    note = PAGES["cost_and_forgetting"](tables["cost_and_forgetting"]).note
    _, _, after = report.partition(f'<p class="note">{note.what}</p>')
    how, _, _ = after.partition("<table>")
    assert "<summary>How to read this</summary>" in how and f"<b>Brackets.</b> {note.brackets}" in how


def test_what_comes_from_data_is_escaped(report):
    assert "<script>" not in report and "&lt;script&gt;" in report and "&lt;i&gt;Nothing" in report
