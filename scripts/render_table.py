"""A table as Markdown that reads well in a terminal and on a code host."""

from scripts.lib.files import write_text
from scripts.lib.job import logged
from scripts.lib.tables import load_table
from scripts.lib.views import VIEWS, View


def markdown(view: View) -> str:
    """Title, note and cells; a vertical bar in a cell is escaped."""
    cells = view.cells.map(lambda cell: cell.replace("|", "\\|"))
    return f"# {view.title}\n\n{view.note}\n\n{cells.to_markdown(index=False, disable_numparse=True)}\n"


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        write_text(snakemake.output.page, markdown(VIEWS[snakemake.wildcards.table](load_table(snakemake.input.table))))  # noqa: F821
