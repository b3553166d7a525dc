"""The gallery in a browser: its counts are those of the votes, and everything works by keyboard and by address."""

import numpy as np
import pytest

from scripts.gallery.make_gallery import render
from scripts.lib.pages.gallery import packed, sheets, vote_bars

N, K = 60, 4
CLASSES = ["<script>alert(1)</script>", "b & 'c'", "d"]
LABEL = np.arange(N) % 3
MODAL = {
    "dense": LABEL,
    "control": np.where(np.arange(N) < 3, (LABEL + 1) % 3, LABEL),
    "pruned": np.where(np.arange(N) % 5 == 0, (LABEL + 2) % 3, LABEL),
}


def of_level(modal):
    return {
        "modal": packed(modal, "Uint16"),
        "confidence": packed(np.arange(N) * 10, "Uint16"),
        "bars": vote_bars(np.repeat(modal[None], K, axis=0), 3),
    }


@pytest.fixture(scope="module")
def gallery(tmp_path_factory):
    """A page of sixty images, of which twelve are PIEs of a level and three of the control."""
    levels = [
        {
            "name": name,
            **of_level(MODAL[name]),
            "flip": packed(np.where(MODAL[name] != LABEL, 1, 0), "Uint8"),
            "moved": packed(np.where(MODAL[name] != LABEL, -1.0, 0.0), "Float32"),
        }
        for name in ("control", "pruned")
    ]
    page = {
        "study": "made <b>",
        "files": False,
        "total": N,
        "classes": CLASSES,
        "directions": ["", "right to wrong", "wrong to right", "wrong to another wrong"],
        "example": [f"test/{number:02d}" for number in range(N)],
        "label": packed(LABEL, "Uint16"),
        "tile": 8,
        "sheets": sheets(np.random.default_rng(1).integers(0, 256, (N, 8, 8, 3), dtype=np.uint8)),
        "dense": of_level(LABEL),
        "levels": levels,
        "columns": [{"name": "kind", "names": ["odd", "typical"], "values": packed(np.arange(N) % 2, "Uint16")}],
        "strip": {
            "names": ["fog", "snow"],
            "severity": 3,
            "row": packed(np.where(np.arange(N) < 4, np.arange(N), -1), "Int32"),
            "sheets": sheets(np.zeros((8, 8, 8, 3), np.uint8)),
        },
    }
    path = tmp_path_factory.mktemp("gallery") / "gallery.html"
    path.write_text(render(page))
    return path


def counted(page):
    return int(page.inner_text("#count").split()[0])


def test_counts_are_those_of_the_votes(gallery, open_page, accessible, screenshot):
    page = open_page(gallery)
    assert page.input_value("#level") == "pruned" and counted(page) == 12
    for state, expected in (("control", 3), ("both", 1), ("neither", 46), ("all", 60), ("changed", 12)):
        page.select_option("#state", state)
        assert counted(page) == expected, state
    page.select_option("#label", "1")
    assert counted(page) == sum(number % 5 == 0 and number % 3 == 1 for number in range(N))
    page.select_option("#label", "")
    page.select_option("#column", "kind")
    page.select_option("#value", "odd")
    assert counted(page) == sum(number % 10 == 0 for number in range(N))
    page.select_option("#flip", "wrong to right")
    assert counted(page) == 0
    page.click("#reset")
    assert counted(page) == 60
    page.fill("#name", "test/1")
    assert counted(page) == 10
    accessible(page)
    screenshot(page, "gallery_desktop")


def test_a_cell_of_the_matrix_shows_its_images(gallery, open_page):
    page = open_page(gallery)
    page.click("#matrixBox summary")
    cells = page.locator("#matrix button")
    assert sum(int(cells.nth(place).inner_text()) for place in range(cells.count())) == 12
    wanted = int(cells.nth(0).inner_text())
    cells.nth(0).click()
    assert counted(page) == wanted
    assert "<script>alert(1)</script>" in page.inner_text("#matrix")


def test_keyboard_and_address(gallery, open_page, accessible, screenshot):
    page = open_page(gallery, "phone", "#level=control&state=all&sort=name")
    assert page.input_value("#level") == "control" and counted(page) == 60
    page.locator(".tile").first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    assert page.inner_text("#detail h2") == "test/01" and "image=1" in page.url
    assert page.locator("#detail .strip figure").count() == 2 and "1 of" not in page.inner_text("#detail .bar >> nth=0")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    accessible(page)
    screenshot(page, "gallery_phone")
    again = open_page(gallery, "desktop", "#" + page.url.partition("#")[2])
    assert again.inner_text("#detail h2") == "test/01"
    page.keyboard.press("Escape")
    assert page.locator("#detail").is_hidden() and "image" not in page.url
