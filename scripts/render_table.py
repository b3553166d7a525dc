"""A table as Markdown that reads well in a terminal and on a code host."""

from scripts.lib.files import write_text
from scripts.lib.job import logged
from scripts.lib.tables import load_table
from scripts.lib.views import VIEWS, View


def markdown(view: View, declaration: str) -> str:
    """Title, note, cells and what all tables of the study rest on; a vertical bar in a cell is escaped."""
    cells = view.cells.map(lambda cell: cell.replace("|", "\\|"))
    return (
        f"# {view.title}\n\n{view.note}\n\n{cells.to_markdown(index=False, disable_numparse=True)}\n\n{declaration}\n"
    )


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        view = VIEWS[snakemake.wildcards.table](load_table(snakemake.input.table))  # noqa: F821
        write_text(snakemake.output.page, markdown(view, snakemake.params.declaration))  # noqa: F821
