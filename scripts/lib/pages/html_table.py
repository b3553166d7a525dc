"""A page as a small HTML file of its own, for mail and wikis: the table with its caption, and how to read it."""

from html import escape

from scripts.lib.pages.page import Page

STYLE = (
    "body{font:15px/1.45 system-ui,sans-serif;margin:2rem;max-width:100%}table{border-collapse:collapse;font-size:13px}"
    "th,td{padding:.25rem .6rem;text-align:left;border-bottom:1px solid #ddd;vertical-align:top}thead th{border-bottom:2px solid #444}"
    "caption{text-align:left;margin-bottom:.6rem;max-width:60rem}.wide{overflow-x:auto}p{max-width:60rem}"
    "figure{margin:0 0 1.5rem}svg{max-width:100%;height:auto}"
)


def document(page: Page, declaration: str, figure: str = "") -> str:
    """The page as a whole file; everything that comes from data is escaped. figure: SVG to stand above the table."""
    head = "".join(f'<th scope="col">{escape(str(name))}</th>' for name in page.cells.columns)
    rows = "\n".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>"
        for row in page.cells.itertuples(index=False, name=None)
    )
    notes = "".join(f"<p><b>{lead}.</b> {escape(said)}</p>" for lead, said in page.note.how_to_read().items())
    drawn = f'<figure role="img" aria-label="{escape(page.title)}">{figure}</figure>\n' if figure else ""
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{escape(page.title)}</title><style>{STYLE}</style></head>\n'
        f'<body><main><h1>{escape(page.title)}</h1>\n{drawn}<div class="wide" tabindex="0" role="region" aria-label="{escape(page.title)}"><table>'
        f"<caption>{escape(page.note.what)}</caption>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}\n</tbody></table></div>\n{notes}<p>{escape(declaration)}</p></main></body></html>\n"
    )
