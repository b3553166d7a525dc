"""What the site does with links that leave docs/ (a hook of MkDocs, which mkdocs.yml names).

CONTRIBUTING.md and CHANGELOG.md lie above docs/, where people look for them; they are pages of the site too, and links to them lead there. Other
files of the project are no pages: what names them stays, without a link. Pictures in Mermaid's words are left out, because drawing them would
ask the network; GitHub draws them, and the text beside them says the same.
"""

import re
from pathlib import Path, PurePosixPath

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ABOVE = ("CONTRIBUTING.md", "CHANGELOG.md")
LINK = re.compile(r"(?<!!)\[(?P<text>[^\]]+)\]\((?P<target>[^)#\s]+)(?P<anchor>#[^)\s]*)?\)")
MERMAID = re.compile(r"```mermaid\n.*?```\n", re.DOTALL)
EXTERNAL = re.compile(r"[a-z]+:")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """The pages of docs/, and those above."""
    for name in ABOVE:
        text = (Path(config.config_file_path).parent / name).read_text(encoding="utf-8")
        files.append(File.generated(config, name, content=text))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """A page whose links stay in the site."""
    here = page.file.src_uri
    return LINK.sub(lambda found: _inside(found, here), MERMAID.sub("", markdown))


def on_post_page(output: str, page: Page, config: MkDocsConfig) -> str:
    """A page in HTML whose search has a name for those who hear it; the theme gives it none."""
    return output.replace(
        'data-md-component="search" role="dialog"', 'data-md-component="search" role="dialog" aria-label="Search"'
    )


def _inside(found: re.Match, here: str) -> str:
    """A link as the site has it. here: the page that it stands in, from docs/."""
    target = found["target"]
    if EXTERNAL.match(target):
        return found[0]
    folder = PurePosixPath("." if here in ABOVE else "docs") / PurePosixPath(here).parent
    path = _normal(folder / target)
    up = "../" * (len(PurePosixPath(here).parts) - 1)
    if path in ABOVE:
        return f"[{found['text']}]({up}{path}{found['anchor'] or ''})"
    if path.startswith("docs/"):
        return f"[{found['text']}]({up}{path.removeprefix('docs/')}{found['anchor'] or ''})"
    return found["text"]


def _normal(path: PurePosixPath) -> str:
    """A path without dots, from the project's root."""
    parts: list[str] = []
    for part in path.parts:
        if part == "..":
            parts.pop()
        elif part != ".":
            parts.append(part)
    return "/".join(parts)
