"""A real browser for the tests of pages: Chromium as the system has it, driven by Playwright. Where there is none these tests are skipped.

Pages are opened as files, as users open them. Every test fails on an error in the console and on any request for something that is not in the file.
Pictures of what was looked at go to the folder that LACUNA_SCREENSHOTS names, if it names one.
"""

import os
import shutil
from pathlib import Path

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")  # as Debian, others and Google call it
WIDTHS = {"phone": (390, 844), "desktop": (1280, 900)}
LOCAL = ("file:", "data:", "blob:", "about:")


@pytest.fixture(scope="session")
def chromium():
    """The browser, started once a worker."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.skip(f"no browser: none of {', '.join(NAMES)} is installed (Debian: apt-get install chromium)")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium):
    """A function that opens a file at a width of WIDTHS. Afterwards there must have been no error in the console and no request."""
    contexts, complaints = [], []

    def opened(path, width="desktop", fragment="", **options):
        size = dict(zip(("width", "height"), WIDTHS[width], strict=True))
        context = chromium.new_context(viewport=size, accept_downloads=True, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: None if request.url.startswith(LOCAL) else complaints.append(request.url))
        page.goto(Path(path).resolve().as_uri() + fragment)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def screenshot():
    """A function that keeps a picture of a page, where LACUNA_SCREENSHOTS names a folder."""

    def taken(page, name, whole=True):
        folder = os.environ.get("LACUNA_SCREENSHOTS")
        if folder:
            Path(folder).mkdir(parents=True, exist_ok=True)
            page.screenshot(path=Path(folder) / f"{name}.png", full_page=whole)

    return taken


@pytest.fixture
def accessible():
    """A function that fails for what axe-core finds wrong with a page, with its own words."""
    from axe_playwright_python.sync_playwright import Axe

    def checked(page):
        found = Axe().run(page)
        assert found.violations_count == 0, found.generate_report()

    return checked
