"""The documentation: every link leads somewhere, every key and table has its place, and the site asks nothing of the network."""

import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag

import pytest
import yaml
from documented import EVERYWHERE, documented

from docs import config_keys
from scripts.lib.pages.all_pages import PAGES
from scripts.lib.study.shorthand import KNOWN

ROOT = Path(__file__).parents[1]
ABOVE = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")
LINK = re.compile(r"\]\((?!https?:|mailto:)([^)\s]+)\)")
LOADED = {"script": "src", "img": "src", "iframe": "src", "link": "href"}


class Html(HTMLParser):
    """The ids of a page, its links, and what it loads."""

    def __init__(self, text: str):
        super().__init__()
        self.ids, self.links, self.loaded = set(), [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.ids.add(found.get("id"))
        if tag == "a" and found.get("href"):
            self.links.append(found["href"])
        if found.get(LOADED.get(tag)) and found.get("rel") not in ("canonical", "prev", "next"):
            self.loaded.append(found[LOADED[tag]])


@pytest.fixture(scope="module")
def site(site_folder):
    """The pages of the built site by their paths."""
    return {
        path: Html(path.read_text(encoding="utf-8")) for path in site_folder.rglob("*.html") if path.name != "404.html"
    }


def test_every_link_of_the_site_leads_to_a_page_and_a_heading(site):
    assert len(site) > 20
    broken = []
    for path, page in site.items():
        for link in page.links:
            if re.match(r"[a-z]+:", link):
                continue
            target, anchor = urldefrag(unquote(link))
            aim = (path.parent / target).resolve() if target else path
            if not aim.is_file() or (anchor and aim in site and anchor not in site[aim].ids):
                broken.append(f"{path.name}: {link}")
    assert broken == []


def test_the_site_loads_only_what_is_in_it(site):
    for path, page in site.items():
        assert [name for name in page.loaded if not (path.parent / urldefrag(unquote(name))[0]).is_file()] == []


@pytest.mark.parametrize("name", ABOVE)
def test_links_from_above_the_documentation_lead_to_files_and_headings(site, name):
    headings = {path.stem: page.ids for path, page in site.items()}
    for link in LINK.findall((ROOT / name).read_text(encoding="utf-8")):
        target, anchor = urldefrag(link)
        assert not target or (ROOT / target).exists(), f"{name}: {link}"
        assert not anchor or anchor in headings[Path(target or name).stem], f"{name}: {link}"


def test_links_between_pages_lead_to_files():
    """As GitHub follows them, which knows nothing of the site."""
    for page in (ROOT / "docs").rglob("*.md"):
        for link in LINK.findall(page.read_text(encoding="utf-8")):
            target = urldefrag(link)[0]
            assert not target or (page.parent / target).exists(), f"{page.name}: {link}"


def test_the_readme_is_short_and_says_what_it_is_in_its_first_lines():
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 120
    assert max(len(line) for line in lines if not line.startswith("|")) <= 160
    assert "workflow" in " ".join(lines[:4]) and "Snakemake" in " ".join(lines[:4])


def test_the_page_of_keys_is_what_the_schema_says():
    """`python docs/config_keys.py` makes it anew."""
    assert config_keys.PAGE.read_text(encoding="utf-8") == config_keys.page()


def test_every_key_has_a_description_and_a_row():
    schema = yaml.safe_load(config_keys.SCHEMA.read_text(encoding="utf-8"))
    page = config_keys.PAGE.read_text(encoding="utf-8")

    def keys(rule, path):
        for name, inner in rule.get("properties", {}).items():
            assert inner.get("description"), f"{path}.{name} has no description in the schema"
            assert f"| `{name}` |" in page or f"**`{name}`**" in page or f"`{path}{name}`\n" in page, f"{path}{name}"
            keys(inner, f"{path}{name}.")
        if isinstance(rule.get("items"), dict):
            keys(rule["items"], f"{path.removesuffix('.')}[ ].")

    keys(schema, "")
    pair = page.split("## `pair`")[1]
    assert [name for name in KNOWN if f"| `{name}` |" not in pair and f"**`{name}`**" not in pair] == []


def test_every_table_is_explained():
    assert set(documented()) == {EVERYWHERE, *PAGES}
    reading = (ROOT / "docs" / "reading_the_tables.md").read_text(encoding="utf-8")
    headings = "\n".join(re.findall(r"^##+ .*", reading, flags=re.MULTILINE))
    assert [name for name in PAGES if f"`{name}`" not in headings] == []
    files = (ROOT / "docs" / "outputs.md").read_text(encoding="utf-8")
    assert [name for name in PAGES if f"`tables/{name}.csv`" not in files] == []
