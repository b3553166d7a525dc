"""The tables as Markdown that reads well in a terminal and on a code host: one job for all, because starting takes longer than the pages."""

from pathlib import Path

from scripts.lib.jobs.files import write_text
from scripts.lib.jobs.job import logged
from scripts.lib.pages.all_pages import PAGES
from scripts.lib.pages.markdown import markdown
from scripts.lib.tables.table import load_table


def main(input, output, params) -> None:
    """Read every table, write its page."""
    for table, path in zip(input.tables, output.pages, strict=True):
        write_text(path, markdown(PAGES[Path(table).stem](load_table(table)), params.declaration))


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake.input, snakemake.output, snakemake.params)  # noqa: F821
