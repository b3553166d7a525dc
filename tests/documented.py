"""What docs/columns.md says of the columns of tables, for the tests that make these tables."""

import re
from pathlib import Path

import pandas as pd

PAGE = Path(__file__).parents[1] / "docs" / "columns.md"
EVERYWHERE = "In many tables"


def documented() -> dict[str, set[str]]:
    """The columns that each section of the page has a row for, by the section's heading."""
    sections = re.split(r"^## ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    return {
        section.splitlines()[0].strip("`"): {
            name
            for cell in re.findall(r"^\| (`.*?) \|", section, flags=re.MULTILINE)
            for name in re.findall(r"`([^`]+)`", cell)
        }
        for section in sections
    }


def undocumented(name: str, table: pd.DataFrame) -> list[str]:
    """The columns of a table that the page does not tell; ends of intervals are told with what they are of."""
    sections = documented()
    known = sections[name] | sections[EVERYWHERE]
    return [column for column in table if column not in known and re.sub(r"_(low|high)$", "", column) not in known]
