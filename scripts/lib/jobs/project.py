"""Where the project is: scripts run as copies that snakemake makes, modules from their own place."""

from pathlib import Path

ROOT = Path(__file__).parents[3]
REPORT = [
    ROOT / "report" / name for name in ("report.html.jinja", "report.css", "report.js")
]  # the template, what it looks like, what it does
GALLERY = [ROOT / "report" / name for name in ("gallery.html.jinja", "gallery.css", "gallery.js")]
RATER_KIT_TEMPLATE = ROOT / "report" / "rater_kit.html.jinja"
