"""The documentation's site, opened from its folder as a reader without a server does."""

import pytest


@pytest.mark.parametrize("width", ["phone", "desktop"])
def test_the_search_finds_a_key_and_leads_to_its_row(open_page, screenshot, site_folder, width):
    page = open_page(site_folder / "studies" / "cifar10.html", width)
    page.locator("header label[for=__search]").first.click() if width == "phone" else page.locator(
        "[name=query]"
    ).click()
    page.keyboard.type("checkpoint_minutes", delay=5)
    result = page.locator(".md-search-result__link[href*=configuration]").first
    result.wait_for()
    screenshot(page, f"site_search_{width}", whole=False)
    result.click()
    page.wait_for_url("**/configuration.html*")
    assert "checkpoint_minutes" in page.locator("article").inner_text()


@pytest.mark.parametrize("width", ["phone", "desktop"])
def test_pages_with_wide_tables_do_not_scroll_sideways(open_page, screenshot, site_folder, width):
    page = open_page(site_folder / "index.html", width)
    for name in ("index", "reading_the_tables", "configuration"):
        page.goto((site_folder / f"{name}.html").as_uri())
        screenshot(page, f"site_{name}_{width}", whole=False)
        assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"], name


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_front_page_is_accessible(chromium, accessible, site_folder, scheme):
    # axe-core asks for the style sheets once more, which browsers refuse it of files; so this page is not opened by open_page, which minds.
    page = chromium.new_page(color_scheme=scheme)
    page.goto((site_folder / "index.html").as_uri())
    accessible(page)
    page.close()
