"""Put the tables of a finished demo into reading_the_tables.md, so that the page shows what the code makes.

    python docs/excerpts.py [results/demo]

Between `<!-- table: name; column = value -->` and `<!-- end -->` stand the rows of tables/name.csv as its page shows them: those whose cell in the
first column, or in the column named, is the value. `columns: a, b` keeps some columns only.
"""

import re
import sys
from pathlib import Path

import pandas as pd

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from scripts.lib.pages.all_pages import PAGES  # noqa: E402
from scripts.lib.tables.table import load_table  # noqa: E402

PAGE = ROOT / "docs" / "reading_the_tables.md"
MARK = re.compile(r"(<!-- table: (?P<name>\w+)(?P<options>[^>]*?) -->\n).*?(<!-- end -->)", re.DOTALL)


def chosen(cells: pd.DataFrame, options: str) -> pd.DataFrame:
    """The rows and columns that a mark asks for; KeyError or ValueError for what is not there."""
    for option in filter(None, (part.strip() for part in options.split(";"))):
        if option.startswith("columns:"):
            cells = cells[[name.strip() for name in option.removeprefix("columns:").split("|")]]
            continue
        column, values = (part.strip() for part in option.split(" = "))
        cells = cells[cells[column].isin([value.strip() for value in values.split("|")])]
        if cells.empty:
            raise ValueError(f"no row has {option}.")
    return cells


def filled(text: str, tables: Path) -> str:
    """The page with its excerpts from a folder of tables."""

    def excerpt(found: re.Match) -> str:
        cells = chosen(PAGES[found["name"]](load_table(tables / f"{found['name']}.csv")).cells, found["options"])
        return f"{found[1]}\n{cells.to_markdown(index=False, disable_numparse=True, tablefmt='github')}\n\n{found[4]}"

    return MARK.sub(excerpt, text)


if __name__ == "__main__":
    results = Path(sys.argv[1] if len(sys.argv) > 1 else "results/demo")
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8"), results / "tables"), encoding="utf-8")
