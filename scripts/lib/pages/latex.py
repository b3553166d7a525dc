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
\usepackage{booktabs,longtable}
\begin{document}
"""
END = "\\end{document}\n"


def escaped(text: str) -> str:
    """The text as LaTeX shows it; characters that neither a table of ESCAPES nor Latin letters have become a question mark, so that it always compiles."""
    return "".join(ESCAPES.get(each, each if each.isascii() or _is_latin(each) else "?") for each in text)


def _is_latin(character: str) -> bool:
    """Whether LaTeX's T1 fonts have it by inputenc: letters of western and central European languages."""
    return "\u00c0" <= character <= "\u017f" or character in "§©°±·µ"


def caption_of(page: Page) -> str:
    """What the table shows, with n and K, and what its brackets are."""
    return " ".join(filter(None, (f"{page.title}.", page.note.what, page.note.brackets)))


def table(page: Page, label: str) -> str:
    """A longtable with its caption and label; needs booktabs and longtable. Columns are set small, numbers as the page has them."""
    columns = list(page.cells.columns)
    head = " & ".join(rf"\textbf{{{escaped(str(name))}}}" for name in columns) + r" \\"
    rows = [" & ".join(escaped(cell) for cell in row) + r" \\" for row in page.cells.itertuples(index=False, name=None)]
    return "\n".join(
        [
            r"\begingroup\scriptsize\setlength{\tabcolsep}{3pt}",
            rf"\begin{{longtable}}{{{'l' * len(columns)}}}",
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
