"""Tables for a paper: what LaTeX and HTML get is what the page has, whatever the names of classes are."""

import re
import shutil
import subprocess
from html.parser import HTMLParser

import pandas as pd
import pytest

from scripts.lib.pages import html_table, latex
from scripts.lib.pages.page import Note, Page
from scripts.paper.convert_figures import main as convert_figures

HOSTILE = ["a_b & 50% #1 ~ ^ {x} \\ $", "<script>alert('é')</script>", "–∞×−|…↔", "日本", "[1] a", "* b", "Ħſ\x07"]
PAGE = Page(
    "Groups_of images",
    Note("What n = 4 images show, K = 3 models.", "p < 0.05 is 5%.", "95 % intervals over images.", ""),
    pd.DataFrame(
        {
            "class": HOSTILE,
            "top-1": ["50.0 % [40.0, 60.0]", "–", "+1.0 points [-1.0, +3.0]", "100.0 %", "", "[", "*"],
        }
    ),
)
BACK = {shown: character for character, shown in latex.ESCAPES.items()}


def text_of(cell):
    """A LaTeX cell as a reader sees it."""
    pattern = "|".join(map(re.escape, sorted(BACK, key=len, reverse=True)))
    return re.sub(pattern, lambda found: BACK[found[0]], cell)


class Cells(HTMLParser):
    """The text of all cells, and the tags that there are."""

    def __init__(self):
        super().__init__()
        self.cells, self.tags = [], set()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        if tag == "td":
            self.cells.append("")
            self.inside = True

    def handle_endtag(self, tag):
        self.inside = self.inside and tag != "td"

    inside = False

    def handle_data(self, data):
        if self.inside:
            self.cells[-1] += data


def test_latex_has_the_cells_and_a_caption():
    text = latex.table(PAGE, "groups")
    body = text.split(r"\endfoot" + "\n")[1].split("\n" + r"\end{longtable}")[0].splitlines()
    rows = [
        [text_of(cell) for cell in re.split(r"(?<!\\) & ", line.removesuffix(r" \\").removeprefix("{}"))]
        for line in body
    ]
    expected = PAGE.cells.replace({"日本": "??", "Ħſ\x07": "???"}).to_numpy().tolist()
    assert rows == expected
    assert r"\caption{Groups\_of images. What n = 4 images show, K = 3 models. 95 \% intervals over images.}" in text


def test_html_has_the_cells_and_nothing_of_them_is_markup():
    found = Cells()
    found.feed(html_table.document(PAGE, "Study <mine>."))
    assert found.cells == [cell for row in PAGE.cells.to_numpy() for cell in row]
    assert "script" not in found.tags and "mine" not in found.tags


def test_wide_columns_wrap_until_a_page_holds_the_table():
    cells = pd.DataFrame({"level": ["a" * 20], "verdict": ["b" * 150], "said": ["c" * 90], "n": ["7"]})
    narrow = Page("Narrow", PAGE.note, cells[["level", "n"]])
    assert latex.widths(narrow) == [20, 1]
    assert latex.widths(Page("Wide", PAGE.note, cells)) == [20, 69, 69, 1]
    many = pd.DataFrame({f"column {number:02d}": [""] for number in range(30)})
    assert latex.widths(Page("Many", PAGE.note, many)) == [latex.NARROWEST] * 30


@pytest.fixture
def compiled(tmp_path):
    """A function from tables to what pdflatex says of them."""
    compiler = shutil.which("pdflatex")
    if compiler is None:
        pytest.skip("no pdflatex (Debian: apt-get install texlive-latex-recommended)")

    def compiled_tables(tables):
        (tmp_path / "tables.tex").write_text(latex.document(tables))
        command = [compiler, "-interaction=nonstopmode", "-halt-on-error", "tables.tex"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, errors="replace", check=False)
        assert done.returncode == 0, done.stdout[-2000:]
        assert (tmp_path / "tables.pdf").stat().st_size > 1000
        return done.stdout

    return compiled_tables


def test_latex_compiles(compiled):
    compiled([latex.table(PAGE, "groups")] * 2)


def test_every_letter_compiles(compiled):
    characters = [chr(number) for number in range(1, 0x250)]
    cells = pd.DataFrame({"letter": characters, "again": ["a" + each for each in characters]})
    said = compiled([latex.table(Page("Letters", PAGE.note, cells), "letters")])
    assert "Missing character" not in said


def test_a_wide_table_fits_a_landscape_page(compiled):
    numbers = {f"change {number}": ["+10.0 points [+10.0, +10.0]"] for number in range(5)}
    words = {"verdict": ["cannot be told from the control " * 4], "level": ["magnitude-0.90"]}
    said = compiled([latex.table(Page("Wide", PAGE.note, pd.DataFrame(numbers | words)), "wide")])
    assert "Overfull" not in said


def test_figures_become_pdf(tmp_path):
    (tmp_path / "a.svg").write_text(
        '<svg xmlns="http://www.w3.org/2000/svg" width="20" height="20"><rect width="9" height="9"/></svg>'
    )
    convert_figures([str(tmp_path / "a.svg")], [str(tmp_path / "a.pdf")])
    assert (tmp_path / "a.pdf").read_bytes().startswith(b"%PDF")
