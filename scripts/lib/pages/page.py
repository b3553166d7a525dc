"""What a reader gets of one table: a title, how to read it, and its cells as text."""

from dataclasses import dataclass

import pandas as pd

from scripts.lib.pages.vocabulary import sentences


@dataclass(frozen=True)
class Note:
    """How to read a table, in plain sentences; all but `what` may be empty.

    what: one sentence on what the table shows, with n (examples) and K (models). evidence: what the columns are, what counts as
    evidence and what does not. brackets: what intervals cover and vary over. limits: what the table cannot say, or leaves out.
    """

    what: str
    evidence: str
    brackets: str
    limits: str

    def __str__(self) -> str:
        return sentences(self.what, self.evidence, self.brackets, self.limits)

    def how_to_read(self) -> dict[str, str]:
        """What follows `what`: a lead word for each part, without those that are empty."""
        parts = {"Evidence": self.evidence, "Brackets": self.brackets, "Limits": self.limits}
        return {lead: part for lead, part in parts.items() if part}


@dataclass(frozen=True)
class Page:
    """One table as text; `cells` holds strings only."""

    title: str
    note: Note
    cells: pd.DataFrame
