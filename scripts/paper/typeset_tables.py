"""The tables for a paper: LaTeX to include, one document with all of them, and HTML."""

from pathlib import Path

from scripts.lib.jobs.files import write_text
from scripts.lib.jobs.job import logged
from scripts.lib.pages import html_table, latex
from scripts.lib.pages.all_pages import PAGES
from scripts.lib.tables.table import load_table


def main(input, output, params) -> None:
    """Read every table, write it in both forms."""
    typeset = []
    for table, tex, html in zip(input.tables, output.tex, output.html, strict=True):
        page = PAGES[Path(table).stem](load_table(table))
        typeset.append(latex.table(page, Path(table).stem))
        write_text(tex, typeset[-1])
        write_text(html, html_table.document(page, params.declaration))
    write_text(output.document, latex.document(typeset))


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake.input, snakemake.output, snakemake.params)  # noqa: F821
