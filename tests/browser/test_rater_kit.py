"""A rater with a keyboard, in a real browser: from the first image to the table."""

import csv
from pathlib import Path
from types import SimpleNamespace as Names

import pytest
from made_kit import make_kit

from scripts.lib.study.raters import QUESTIONS
from scripts.lib.tables.table import load_table
from scripts.raters import measure_raters

RATER = 'Ada "the first"'


@pytest.fixture(scope="module")
def kit(tmp_path_factory):
    return make_kit(tmp_path_factory.mktemp("kit"))


@pytest.fixture(scope="module")
def key(kit):
    return load_table(kit.key).set_index("image")


def begin(page):
    page.get_by_label("Your name").fill(RATER)
    page.keyboard.press("Enter")


def shown(page):
    """The image before the rater, by its picture."""
    return page.evaluate("cards.find(card => document.querySelector('#picture').src.endsWith(card.png)).image")


def says(question, group):
    """What the scripted rater thinks: PIEs have several objects, wrong labels are no PIEs, and all but the matched are hard."""
    return {"several_objects": group == "pie", "label_correct": group != "control_pie", "hard": group != "matched"}.get(
        question, False
    )


def judge(page, key, images, keys=("y", "n")):
    """Answer all questions on so many images by key; gives the images."""
    seen = []
    for _ in range(images):
        seen.append(shown(page))
        for question in QUESTIONS:
            page.keyboard.press(keys[0] if says(question, key.group[seen[-1]]) else keys[1])
    return seen


def test_a_rater_pauses_goes_on_and_becomes_a_table(kit, key, open_page, accessible, screenshot, tmp_path):
    page = open_page(kit.page)
    accessible(page)
    screenshot(page, "rater_kit_start")
    begin(page)
    first = judge(page, key, 5)
    page.keyboard.press("y")  # one question of the sixth, which is kept too
    sixth = shown(page)
    accessible(page)
    screenshot(page, "rater_kit_desktop")
    assert page.locator("#count").inner_text() == "Image 6 of 12; 5 judged"
    assert page.locator("#picture").evaluate("image => getComputedStyle(image).imageRendering") == "pixelated"
    assert page.locator("#picture").bounding_box()["width"] == 320  # 8 pixels, each 40 times as large

    page.reload()  # and comes back
    begin(page)
    assert shown(page) == sixth and page.locator("button[aria-pressed=true]").count() == 1
    page.keyboard.press("ArrowLeft")  # back to look, and to change a mind and change it back
    assert shown(page) == first[-1] and page.locator("button[aria-pressed=true]").count() == len(QUESTIONS)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("y")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("n" if not says("several_objects", key.group[first[-1]]) else "y")
    page.keyboard.press("ArrowRight")
    assert shown(page) == sixth
    page.keyboard.press("ArrowUp")  # to the first question, which had its answer
    rest = judge(page, key, 7, keys=("1", "2"))
    assert sorted(first + rest) == sorted(key.index)
    assert page.get_by_role("heading", name="All images are judged").is_visible()
    accessible(page)
    with page.expect_download() as download:
        page.locator("#export_all").click()
    path = tmp_path / "answers.csv"
    download.value.save_as(path)

    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["rater"] for row in rows} == {RATER} and [row["image"] for row in rows] == first + rest
    output = Names(table=tmp_path / "rater.csv")
    measure_raters.main(Names(answers=[path], key=kit.key), output, Names(resamples=50, significance=0.05))
    for row in load_table(output.table).itertuples():
        assert row.share == says(row.question, row.group) and row.images == 4 and row.raters == 1


def test_a_phone_in_the_dark(kit, open_page, accessible, screenshot):
    """All fits beside one another; thumbs answer, another rater sees another order, and an unfinished image is not in the file."""
    page = open_page(kit.page, "phone", color_scheme="dark")
    screenshot(page, "rater_kit_start_phone")
    begin(page)
    order = page.evaluate("order.map(card => card.image)")
    page.locator("#leave").click()
    page.get_by_label("Your name").fill("Bea")
    page.get_by_role("button", name="Start or go on").click()
    other = page.evaluate("order.map(card => card.image)")
    assert sorted(order) == sorted(other) and order != other
    page.get_by_role("group", name="Hard for you?").get_by_role("button", name="Yes").click()
    accessible(page)
    screenshot(page, "rater_kit_phone", whole=False)
    assert page.evaluate(
        "document.documentElement.scrollWidth <= innerWidth && document.documentElement.scrollHeight <= innerHeight"
    )
    with page.expect_download() as download:
        page.locator("#export").click()
    assert len(Path(download.value.path()).read_text().splitlines()) == 1  # the names of the columns
    assert page.locator("#said").inner_text().startswith("0 of 12 images are in the file")
