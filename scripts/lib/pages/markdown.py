"""A page as Markdown that reads well in a terminal and on a code host."""

from scripts.lib.pages.page import Page


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
