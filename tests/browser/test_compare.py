"""The page of several studies in a browser."""

import pandas as pd
from compared_studies import compare, make_studies

from scripts.lib.pages.html_table import document
from scripts.lib.pages.page import Note, Page


def test_a_table_as_a_page_of_its_own(open_page, accessible, screenshot, tmp_path):
    cells = pd.DataFrame({f"column {number}": ["<script>alert(1)</script>", "7"] for number in range(12)})
    path = tmp_path / "table.html"
    path.write_text(document(Page("A wide table", Note("What it shows.", "Evidence.", "", ""), cells), "Study made."))
    for width in ("phone", "desktop"):
        page = open_page(path, width)
        assert page.locator("td").count() == 24 and page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        accessible(page)
        screenshot(page, f"table_{width}")


def test_studies_side_by_side(open_page, accessible, screenshot, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make_studies(tmp_path)
    path = tmp_path / compare("abc").page
    for width in ("phone", "desktop"):
        page = open_page(path, width)
        assert page.locator("figure svg").is_visible() and page.locator("tbody tr").count() == 8
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        accessible(page)
        screenshot(page, f"compare_{width}")
