"""The gallery in a browser: its counts are those of the votes, and everything works by keyboard and by address."""

import numpy as np
import pytest
from made_gallery import DARK, IDS, LABEL, SAYS, make_files, make_page

N = len(IDS)
# Image 1 is a tie in which the largest label wins, so a PIE as well.
PIES = {
    level: (SAYS[level] != SAYS["dense"]) | ((level == "pruned") & (np.arange(N) == 1))
    for level in ("control", "pruned")
}
GAINED = PIES["pruned"] & (SAYS["dense"] != LABEL)


@pytest.fixture(scope="module")
def gallery(tmp_path_factory):
    """The page of a study whose PIEs are known."""
    folder = tmp_path_factory.mktemp("gallery")
    make_page(make_files(folder), folder / "gallery.html")
    return folder / "gallery.html"


def counted(page):
    return int(page.inner_text("#count").split()[0])


def test_counts_are_those_of_the_votes(gallery, open_page, accessible, screenshot):
    page = open_page(gallery)
    assert page.input_value("#level") == "pruned" and counted(page) == PIES["pruned"].sum() == 14
    control, pruned = PIES["control"], PIES["pruned"]
    expected = {"control": control, "both": control & pruned, "neither": ~(control | pruned), "changed": pruned}
    for state, images in expected.items():
        page.select_option("#state", state)
        assert counted(page) == images.sum(), state
    page.select_option("#label", "1")
    assert counted(page) == (pruned & (LABEL == 1)).sum()
    page.select_option("#label", "")
    page.select_option("#column", "sky")
    page.select_option("#value", "dark")
    assert counted(page) == (pruned & DARK).sum()
    page.select_option("#column", "light")  # a number: 0 to 58 and one that is not known
    page.select_option("#value", "lowest quarter")
    assert counted(page) == (pruned & (np.arange(N) < 15)).sum()
    page.select_option("#column", "")
    page.select_option("#flip", "wrong to right")
    assert counted(page) == GAINED.sum() == 1
    page.click("#reset")
    assert counted(page) == 60
    page.fill("#name", "test/1")
    assert counted(page) == 10
    accessible(page)
    screenshot(page, "gallery_desktop")


@pytest.mark.parametrize(
    "sort, first", [("won", 7), ("score:p_votes", 0), ("column:light", 58), ("name", 0), ("moved", 0), ("own", 0)]
)
def test_images_are_sorted(gallery, open_page, sort, first):
    page = open_page(gallery, "desktop", f"#level=pruned&state=all&sort={sort}")
    assert page.locator(".tile").first.get_attribute("aria-label").startswith(IDS[first])


def test_an_address_that_asks_for_what_is_not_there_shows_what_there_is(gallery, open_page):
    page = open_page(
        gallery, "desktop", "#level=none&state=some&flip=up&label=9&column=age&value=old&sort=best&from=1&image=99"
    )
    assert page.input_value("#level") == "pruned" and counted(page) == 14 and page.locator("#detail").is_hidden()


def test_a_cell_of_the_matrix_shows_its_images(gallery, open_page):
    page = open_page(gallery)
    page.click("#matrixBox summary")
    page.wait_for_selector("#matrix table")  # drawn on the event of opening, which comes after the click
    cells = page.locator("#matrix button")
    assert sum(int(cells.nth(place).inner_text()) for place in range(cells.count())) == 14
    page.select_option("#label", "2")  # the cell's images are shown whatever was asked before
    cell = page.locator('#matrix [data-pair="0-2"]')
    wanted = (PIES["pruned"] & (SAYS["dense"] == 0) & (SAYS["pruned"] == 2)).sum()
    assert int(cell.inner_text()) == wanted
    cell.click()
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
