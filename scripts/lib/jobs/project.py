"""Where the project is: scripts run as copies that snakemake makes, modules from their own place."""

from pathlib import Path

ROOT = Path(__file__).parents[3]
REPORT_TEMPLATE = ROOT / "report" / "report.html.jinja"
RATER_KIT_TEMPLATE = ROOT / "report" / "rater_kit.html.jinja"
