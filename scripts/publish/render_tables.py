"""The tables as Markdown that reads well in a terminal and on a code host: one job for all, because starting takes longer than the pages."""

from pathlib import Path

from scripts.lib.jobs.files import write_text
from scripts.lib.jobs.job import logged
from scripts.lib.pages.views import VIEWS, View
from scripts.lib.tables.table import load_table


def markdown(view: View, declaration: str) -> str:
    """Title, note, cells and what all tables of the study rest on; a vertical bar in a cell is escaped."""
    cells = view.cells.map(lambda cell: cell.replace("|", "\\|"))
    return (
        f"# {view.title}\n\n{view.note}\n\n{cells.to_markdown(index=False, disable_numparse=True)}\n\n{declaration}\n"
    )


def main(input, output, params) -> None:
    """Read every table, write its page."""
    for table, page in zip(input.tables, output.pages, strict=True):
        write_text(page, markdown(VIEWS[Path(table).stem](load_table(table)), params.declaration))


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake.input, snakemake.output, snakemake.params)  # noqa: F821
