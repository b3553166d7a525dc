"""The tables as Markdown that reads well in a terminal and on a code host: one job for all, because starting takes longer than the pages."""

from pathlib import Path

from scripts.lib.jobs.files import write_text
from scripts.lib.jobs.job import logged
from scripts.lib.pages.all_pages import PAGES
from scripts.lib.pages.page import Page
from scripts.lib.tables.table import load_table


def markdown(page: Page, declaration: str) -> str:
    """Title, what the table shows, cells, how to read them, and what all tables of the study rest on.

    A vertical bar in a cell is escaped.
    """
    cells = page.cells.map(lambda cell: cell.replace("|", "\\|"))
    parts = [f"# {page.title}", page.note.what, cells.to_markdown(index=False, disable_numparse=True)]
    how_to_read = [f"- **{lead}.** {sentences}" for lead, sentences in page.note.how_to_read().items()]
    if how_to_read:
        parts += ["How to read this:", "\n".join(how_to_read)]
    return "\n\n".join([*parts, declaration]) + "\n"


def main(input, output, params) -> None:
    """Read every table, write its page."""
    for table, path in zip(input.tables, output.pages, strict=True):
        write_text(path, markdown(PAGES[Path(table).stem](load_table(table)), params.declaration))


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake.input, snakemake.output, snakemake.params)  # noqa: F821
