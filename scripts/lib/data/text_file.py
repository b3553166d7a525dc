"""The lines of a text file that somebody wrote on any system: with or without a byte order mark, with line ends of any kind."""

import codecs
from pathlib import Path

from scripts.lib.jobs.errors import InputError

# What Windows writes before a text says how it is written.
MARKS = {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


def read_lines(path: str | Path, wanted: str) -> list[str]:
    """The lines without their ends; the empty ones after the last text are left out.

    wanted: what the file should be, for the error. UTF-8, or UTF-16 with its mark. Raises InputError for what is no such text.
    """
    try:
        content = Path(path).read_bytes()
        text = content.decode(MARKS.get(content[:2], "utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read ({error}): give {wanted}, in UTF-8.") from None
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    while lines and not lines[-1].strip():
        lines.pop()
    return lines
