"""The report in a real browser: contents, folds, sorting and searching by mouse and keyboard, dark and light, phone and paper."""

import base64
import io
import itertools

import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image
from test_pages_of_tables import tables  # noqa: F401
from test_report import DATA, FIGURES, PICTURES, ROOT

from scripts.lib.pages.charts import save_chart
from scripts.lib.pages.strips import Still
from scripts.lib.study.config import with_defaults
from scripts.lib.tables.table import save_table
from scripts.publish.draw_class_impact import class_impact
from scripts.publish.write_report import write_report

SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="900" height="60"><rect width="900" height="60" fill="#ccc"/></svg>'
)
CLASSES = 30


@pytest.fixture(scope="module")
def classes(tables):  # noqa: F811
    """class_impact.csv of more classes than stand open, one of them with markup for a name."""
    rows = tables["class_impact"]
    many = pd.concat([rows[rows.groupby("level").cumcount() == 0]] * CLASSES, ignore_index=True)
    place = np.arange(len(many)) // 2
    named = [f"kind-{each:02d}" if each else "<script>alert(1)</script>" for each in place]
    many["class_frequency"] = 10 + 9 * place
    many["class"], many["relative_change"] = named, np.where(place == 7, np.nan, (place * 11 % CLASSES - 15) / 100)
    return many


@pytest.fixture(scope="module")
def report_file(tables, classes, tmp_path_factory):  # noqa: F811
    folder = tmp_path_factory.mktemp("report")
    for name, table in (tables | {"class_impact": classes}).items():
        save_table(folder / f"{name}.csv", table)
    for name in FIGURES:
        (folder / f"{name}.svg").write_text(SVG)
    save_chart(folder / "class_impact.svg", class_impact(classes))
    picture = io.BytesIO()
    Image.new("RGB", (64, 64), "teal").save(picture, format="PNG")
    for name in PICTURES:
        (folder / f"{name}.png").write_bytes(picture.getvalue())
    still = Still("test/0", "<b>a</b>", "3", "5", base64.b64encode(picture.getvalue()).decode())
    schema = yaml.safe_load((ROOT / "schemas" / "config.schema.yaml").read_text())
    page = write_report(
        [str(folder / f"{name}.csv") for name in tables],
        [str(folder / f"{name}.svg") for name in FIGURES],
        [str(folder / f"{name}.png") for name in PICTURES],
        DATA,
        with_defaults(yaml.safe_load((ROOT / "config.yaml").read_text()), schema),
        [],
        {("pruned", 0): [still] * 8},
    )
    (folder / "report.html").write_text(page)
    return folder / "report.html"


def column(page, table, place):
    """The cells of a column that are shown, from the first row on."""
    return page.locator(f"#table-{table} tbody tr:not([hidden]) > :nth-child({place})").all_inner_texts()


def test_on_a_desk(report_file, classes, open_page, accessible, screenshot):
    page = open_page(report_file, "desktop")
    # The contents stand open beside the text, and every link leads to its heading.
    links = page.locator("#contents a")
    assert links.first.is_visible() and links.count() > 20
    for chapter in ("Which images", "How sure", "Method and study"):
        page.locator("#contents").get_by_role("link", name=chapter, exact=True).click()
        heading = page.get_by_role("heading", name=chapter, exact=True, level=2)
        assert 0 <= heading.bounding_box()["y"] < 900 and links.first.is_visible()
    levels = [
        int(name[1])
        for name in page.evaluate("[...document.querySelectorAll('h1,h2,h3,h4')].map((each) => each.tagName)")
    ]
    assert levels[0] == 1 and all(after <= before + 1 for before, after in itertools.pairwise(levels))
    # A long table is folded; the keyboard opens it.
    table = page.locator("#table-class_impact")
    assert not table.is_visible()
    fold = page.locator("details.fold", has=table).locator("> summary")
    fold.focus()
    page.keyboard.press("Enter")
    assert table.is_visible()
    # Sorted as numbers, what is undefined last, by mouse and by keyboard.
    control = classes.relative_change.drop_duplicates().dropna().sort_values()
    button = table.get_by_role("button", name="change beyond the average")
    place = 1 + list(table.locator("th[scope=col]").all_inner_texts()).index("change beyond the average")
    shown = lambda: [cell.split()[0] for cell in column(page, "class_impact", place)]  # noqa: E731
    button.click()
    rising = [f"{100 * each:+.1f}" for each in control for _ in range(2)]
    assert shown() == [*rising, "–", "–"] and page.locator("th[aria-sort=ascending]").count() == 1
    button.focus()
    page.keyboard.press("Enter")
    assert shown() == [*rising[::-1], "–", "–"] and page.locator("th[aria-sort=descending]").count() == 1
    # Searched: every word has to be there.
    search = page.get_by_role("searchbox", name="class_impact")
    search.fill("PRUNED kind-2")
    wanted = [f"kind-{each}" for each in range(20, CLASSES)]
    assert sorted(column(page, "class_impact", 2)) == sorted(wanted)
    assert f"{len(wanted)} of {2 * CLASSES} rows" in page.locator("output").all_inner_texts()
    search.fill("alert(1)")
    assert column(page, "class_impact", 2) == ["<script>alert(1)</script>"] * 2
    search.fill("")
    # The heads and the first column stay where the table is scrolled.
    box = page.locator(".wide", has=table)
    box.evaluate("(each) => each.scrollTo(300, 300)")
    edge, head, first = (
        each.bounding_box() for each in (box, table.locator("th").first, table.locator("tbody th").nth(20))
    )
    assert abs(head["y"] - edge["y"]) < 3 and abs(first["x"] - edge["x"]) < 3
    accessible(page)
    # Dark by the button, and light again.
    background = "getComputedStyle(document.documentElement).backgroundColor"
    light = page.evaluate(background)
    page.get_by_role("button", name="Show the page dark").click()
    assert page.evaluate(background) != light
    accessible(page)
    page.evaluate("scrollTo(0, 0)")
    screenshot(page, "report-desktop-dark")
    page.get_by_role("button", name="Show the page light").click()
    assert page.evaluate(background) == light
    screenshot(page, "report-desktop")
    # On paper every fold is open.
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("main details:not([open])").count() == 0
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator("main details[open]").count() == 1


def test_on_a_phone_in_the_dark(report_file, open_page, accessible, screenshot):
    page = open_page(report_file, "phone", color_scheme="dark")
    assert page.get_by_role("button", name="Show the page light").is_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    # The contents are folded, stay in view, and fold again once something is chosen.
    link = page.locator("#contents").get_by_role("link", name="How sure", exact=True)
    assert not link.is_visible()
    page.evaluate("scrollTo(0, 3000)")
    page.locator("#contents > summary").click()
    link.click()
    heading = page.get_by_role("heading", name="How sure", exact=True)
    assert not link.is_visible() and 0 <= heading.bounding_box()["y"] < 844
    card = page.get_by_role("article", name="pruned")
    assert card.get_by_role("img").count() == 8
    assert card.get_by_role("img").first.get_attribute("alt") == "test/0, labelled <b>a</b>: 3 before, 5 after"
    accessible(page)
    screenshot(page, "report-phone")


def point_at(page, mark):
    """Move the pointer to the middle of a mark, whatever lies above it."""
    box = mark.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)


def test_a_figure_says_the_numbers_of_what_is_pointed_at(report_file, classes, open_page, accessible, screenshot):
    page = open_page(report_file, "desktop")
    figure = page.locator("#class_summary + figure")
    tip = page.locator("#tip")
    assert page.locator("figure svg").count() == 0 and tip.is_hidden()  # pictures, until somebody points at them
    figure.hover()
    points = figure.locator('svg path[aria-roledescription="point"]')
    assert points.count() == classes.relative_change.notna().sum()
    row = classes[(classes["class"] == "kind-05") & (classes.level == "control")].iloc[0]
    point_at(page, figure.locator('path[aria-label^="control, class kind-05:"]'))
    assert tip.inner_text().startswith(f"control, class kind-05: {100 * row.relative_change:+.1f} points")
    assert figure.locator(".near").count() == 1
    point_at(page, figure.locator('path[aria-label*="<script>"]').first)
    assert "class <script>alert(1)</script>:" in tip.inner_text()
    accessible(page)
    screenshot(page, "report-figure", whole=False)
    page.mouse.move(5, 5)
    assert tip.is_hidden() and figure.locator(".near").count() == 0
