"""A page as LaTeX: a table in booktabs' style that may run over several pages, with a caption that says n, K and what brackets cover."""

from scripts.lib.pages.page import Page

# What LaTeX would take for an instruction, and characters that its text fonts lack.
ESCAPES = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "–": "--",
    "−": r"\ensuremath{-}",
    "×": r"\ensuremath{\times}",
    "∞": r"\ensuremath{\infty}",
    "↔": r"\ensuremath{\leftrightarrow}",
    "…": r"\ldots{}",
}
PREAMBLE = r"""\documentclass{article}
\usepackage[T1]{fontenc}
\usepackage[utf8]{inputenc}
\usepackage{textcomp}
\usepackage[a4paper,landscape,margin=1.5cm]{geometry}
\usepackage{array,booktabs,longtable}
\begin{document}
"""
END = "\\end{document}\n"
NOT_IN_T1 = "ĦħĸĿŀŉŦŧſ"  # letters among those of `_is_latin` that the fonts have no glyph for
EM = 0.56  # of a character, on average
WIDTH = 160  # characters that a line of a landscape page holds, beside the gaps of a dozen columns
NARROWEST = 8  # characters of a column that wraps


def escaped(text: str) -> str:
    """The text as LaTeX shows it; what is neither in ESCAPES nor a printable ASCII character or a letter of T1 becomes a question mark."""
    return "".join(
        ESCAPES.get(each, each if (each.isascii() and each.isprintable()) or _is_latin(each) else "?") for each in text
    )


def _is_latin(character: str) -> bool:
    """Whether LaTeX's T1 fonts have it by inputenc: letters of western and central European languages."""
    return ("\u00c0" <= character <= "\u017f" and character not in NOT_IN_T1) or character in "§©°±·µ"


def widths(page: Page) -> list[int]:
    """Characters of each column, at most WIDTH together where that can be had: the widest columns are cut, and will wrap."""
    natural = [max(map(len, [str(name), *page.cells[name]])) for name in page.cells.columns]
    widest = max(natural, default=0)
    while widest > NARROWEST and sum(min(each, widest) for each in natural) > WIDTH:
        widest -= 1
    return [min(each, widest) for each in natural]


def caption_of(page: Page) -> str:
    """What the table shows, with n and K, and what its brackets are."""
    return " ".join(filter(None, (f"{page.title}.", page.note.what, page.note.brackets)))


def _row(cells: tuple[str, ...]) -> str:
    """A line; a bracket or star that it begins with would be taken for an argument of the row before's end."""
    line = " & ".join(map(escaped, cells)) + r" \\"
    return "{}" + line if line.startswith(("[", "*")) else line


def table(page: Page, label: str) -> str:
    """A longtable with its caption and label; needs array, booktabs and longtable. Columns are set small, numbers as the page has them."""
    columns = list(page.cells.columns)
    head = " & ".join(rf"\textbf{{{escaped(str(name))}}}" for name in columns) + r" \\"
    rows = [_row(row) for row in page.cells.itertuples(index=False, name=None)]
    kinds = "".join(rf">{{\raggedright\arraybackslash}}p{{{EM * width:.2f}em}}" for width in widths(page))
    return "\n".join(
        [
            r"\begingroup\scriptsize\setlength{\tabcolsep}{3pt}",
            rf"\begin{{longtable}}{{{kinds}}}",
            rf"\caption{{{escaped(caption_of(page))}}}\label{{tab:{label}}} \\",
            r"\toprule",
            head,
            r"\midrule",
            r"\endfirsthead",
            r"\toprule",
            head,
            r"\midrule",
            r"\endhead",
            r"\bottomrule",
            r"\endfoot",
            *rows,
            r"\end{longtable}",
            r"\endgroup",
            "",
        ]
    )


def document(tables: list[str]) -> str:
    """A whole document of some tables, to look at them."""
    return PREAMBLE + "\n\\clearpage\n".join(tables) + END
