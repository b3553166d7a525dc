"""The report as a page of HTML: whole, with what tables need to be read folded away, and with nothing of the data taken for markup."""

import csv
from html.parser import HTMLParser
from pathlib import Path

import pytest
import yaml
from test_pages_of_tables import tables  # noqa: F401

from scripts.lib.pages.all_pages import PAGES
from scripts.lib.pages.strips import Still
from scripts.lib.study.config import with_defaults
from scripts.lib.tables.table import save_table
from scripts.publish.write_report import write_report

ROOT = Path(__file__).parents[3]
FIGURES = ("pie_rates", "pie_curve", "class_impact", "reliability", "cost", "robustness", "layers")
PICTURES = ("exemplars", "slices")
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
        self.ids: list[str] = []
        self.targets: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.ids += [value for name, value in attrs if name == "id"]
        self.targets += [value[1:] for name, value in attrs if name == "href" and value.startswith("#")]
        if tag in ("meta", "img", "br", "path"):
            return
        assert tag not in ("ul", "table", "details", "figure") or "p" not in self.open
        self.folded += (tag, attrs) == ("details", [("class", "how")])
        self.open.append(tag)

    def handle_endtag(self, tag):
        if tag != "path":
            assert self.open.pop() == tag, self.getpos()


@pytest.fixture(scope="module")
def folder(tables, tmp_path_factory):  # noqa: F811
    """The tables as files, with a verdict that would be markup; figures and pictures beside them."""
    folder = tmp_path_factory.mktemp("report")
    hostile = tables | {"class_impact": tables["class_impact"].assign(verdict="<script>")}
    for name, table in hostile.items():
        save_table(folder / f"{name}.csv", table)
    for name in FIGURES:
        (folder / f"{name}.svg").write_text(f"<svg><title>{name}</title></svg>")
    for name in PICTURES:
        (folder / f"{name}.png").write_bytes(b"png")
    return folder


@pytest.fixture(scope="module")
def report(folder, tables):  # noqa: F811
    schema = yaml.safe_load((ROOT / "schemas" / "config.schema.yaml").read_text())
    return write_report(
        [str(folder / f"{name}.csv") for name in tables],
        [str(folder / f"{name}.svg") for name in FIGURES],
        [str(folder / f"{name}.png") for name in PICTURES],
        DATA,
        with_defaults(yaml.safe_load((ROOT / "config.yaml").read_text()), schema),
        ["<i>Nothing</i> is left out."],
        {("pruned", 0): [Still("test/0", "<b>", "5", "<b>", "cG5n")]},
        {"raters.html": "What people say of the images"},
    )


def test_the_report_is_whole_and_says_how_to_read_every_table(report, tables):  # noqa: F811
    page = Nesting()
    page.feed(report)
    page.close()
    assert page.open == [] and page.folded == report.count("<thead>") == len(tables)
    assert len(page.ids) == len(set(page.ids)) and set(page.targets) <= set(page.ids)


def test_a_table_stands_below_one_sentence_and_the_folded_rest(report, tables):  # noqa: F811
    note = PAGES["cost_and_forgetting"](tables["cost_and_forgetting"]).note
    _, _, after = report.partition(f'<p class="what">{note.what}</p>')
    how, _, _ = after.partition("<table")
    assert "<summary>How to read this</summary>" in how and f"<b>Brackets.</b> {note.brackets}" in how


def test_what_comes_from_data_is_escaped(report):
    assert report.count("<script>") == 1  # our own
    assert "&lt;script&gt;" in report and "&lt;i&gt;Nothing" in report
    assert "5 → &lt;b&gt;" in report and 'href="raters.html"' in report


@pytest.mark.parametrize("levels", [["control", "pruned"], ["control"]])
def test_a_study_of_predictions_and_one_without_levels_have_a_report(tables, levels, tmp_path):  # noqa: F811
    """Without images there are no kinds and no pictures, without networks no cost; without levels no cards."""
    names = set(tables) - {
        "planted",
        "cost",
        "cost_and_forgetting",
        "layers",
        "exemptions",
        "slices",
        "rater",
        "natural",
        "real",
    }
    for name in names:
        table = tables[name]
        save_table(tmp_path / f"{name}.csv", table[table.level.isin(["dense", *levels])])
    schema = yaml.safe_load((ROOT / "schemas" / "config.schema.yaml").read_text())
    study = with_defaults(yaml.safe_load((ROOT / "config.yaml").read_text()), schema)
    report = write_report([str(tmp_path / f"{name}.csv") for name in sorted(names)], [], [], DATA, study, [])
    page = Nesting()
    page.feed(report)
    assert page.open == [] and set(page.targets) <= set(page.ids) and "<img" not in report
    assert report.count("<article") == len(levels) - 1
    assert ("there is only the control to see" in report) == (levels == ["control"])
    assert report.count("What it costs is not known") == len(levels) - 1 and 'id="cost"' not in report


class Cells(HTMLParser):
    """The cells of one table: their text, and the numbers that go with it."""

    def __init__(self, name):
        super().__init__()
        self.wanted, self.inside, self.text = f"table-{name}", False, None
        self.heads: list[str] = []
        self.rows: list[list[tuple[str, str | None]]] = []

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag == "table":
            self.inside = attrs.get("id") == self.wanted
        if self.inside and tag == "tr":
            self.rows.append([])
        if self.inside and tag in ("th", "td"):
            self.text, self.exact = "", attrs.get("data-value")

    def handle_data(self, data):
        if self.text is not None:
            self.text += data

    def handle_endtag(self, tag):
        if self.inside and tag in ("th", "td"):
            self.rows[-1].append((self.text, self.exact))
            self.text = None
        if tag == "table":
            self.inside = False


def cells_of(report, name):
    """The rows of a table as they are in the page, by the heads of its columns."""
    parser = Cells(name)
    parser.feed(report)
    heads, *rows = parser.rows
    return [dict(zip((text for text, _ in heads), row, strict=True)) for row in rows]


def rows_of_csv(report_folder, name):
    with (report_folder / f"{name}.csv").open(newline="") as file:
        return list(csv.DictReader(file))


# Table: which of its columns in the page is which in the CSV; rows in the order of the file.
SAME = {
    "pie_summary": {
        "PIE rate": "pie_rate",
        "excess": "excess_rate",
        "p (excess)": "p_excess",
        "level top-1, all": "level_top1_all",
    },
    "class_impact": {
        "dense recall": "dense_recall",
        "change beyond the average": "relative_change",
        "Hedges' g": "hedges_g",
        "p (BH)": "q",
    },
    "cost": {"against dense, eager": "speedup_eager"},
    "calibration": {"calibration error": "calibration_error", "Brier": "brier"},
}


@pytest.mark.parametrize("name", SAME)
def test_numbers_of_the_page_are_those_of_the_file(report, folder, name):
    """Each cell has the CSV's own text of its number and of the ends of its interval, and shows it rounded."""
    shown, written = cells_of(report, name), rows_of_csv(folder, name)
    for column, number in SAME[name].items():
        assert len(shown) == len(written)
        for cell, row in zip((row[column] for row in shown), written, strict=True):
            wanted = [row[end] for end in (number, f"{number}_low", f"{number}_high") if row.get(end, "NaN") != "NaN"]
            assert (cell[1] or "").split() == wanted, (column, cell)
            if wanted and " %" in cell[0]:
                assert float(cell[0].split()[0]) == pytest.approx(100 * float(wanted[0]), abs=0.05 + 1e-9)


def test_every_number_that_goes_with_a_cell_is_in_its_file(report, folder, tables):  # noqa: F811
    found = 0
    for name in tables:
        written = {field for row in rows_of_csv(folder, name) for field in row.values()}
        for row in cells_of(report, name):
            for text, exact in row.values():
                assert exact is None or set(exact.split()) <= written, (name, text)
                found += exact is not None
    assert found > 100
