"""How large the report of a study of ImageNet's size is, and how fast a browser opens it: 1,000 classes, seven levels, by the workflow's own tables and figures.

    python benchmarks/report_scale.py

The ledger is made as in audit_scale.py, of fewer models and images, on which the report's size hangs little: its longest tables have a row a class and level. `snakemake` makes the tables
and figures; strips and pictures are made images of the usual number and size. Opened: from the request to the browser's `load` event, and to the first paint. Results: results/report_scale.json.
"""

import base64
import io
import json
import shutil
import tempfile
import time
from pathlib import Path

import audit_scale
import yaml
from audit_scale import ROOT, level_names, make_study, run_tables
from corruptions import machine, pictures
from PIL import Image
from playwright.sync_api import sync_playwright

from scripts.lib.pages.charts import save_chart
from scripts.lib.pages.strips import Still
from scripts.lib.study.config import with_defaults
from scripts.lib.tables.table import load_table
from scripts.publish.draw_class_impact import class_impact
from scripts.publish.draw_cost import cost_against_forgetting
from scripts.publish.draw_pie_curve import pie_curve
from scripts.publish.draw_pie_rates import pie_rates
from scripts.publish.draw_reliability import reliability
from scripts.publish.draw_robustness import robustness
from scripts.publish.write_report import write_report

RESULT = ROOT / "benchmarks/results/report_scale.json"
MODELS, LEVELS, EXAMPLES = 4, 7, 10_000
STRIP = 8  # images of a card
# Figure -> the function that draws it, and its table.
FIGURES = {
    "pie_rates": (pie_rates, "planted"),
    "pie_curve": (pie_curve, "pie_curve"),
    "class_impact": (class_impact, "class_impact"),
    "reliability": (reliability, "reliability"),
    "robustness": (robustness, "robustness_summary"),
    "cost": (cost_against_forgetting, "cost_and_forgetting"),
}


def png(size: int) -> bytes:
    """A made picture."""
    file = io.BytesIO()
    Image.fromarray(pictures(1, size, size)[0]).save(file, format="PNG")
    return file.getvalue()


def report_of(folder: Path) -> str:
    """The page, from the tables below a folder."""
    tables = {path.stem: path for path in (folder / "results/scale/tables").glob("*.csv")}
    drawn = {}
    for name, (draw, table) in FIGURES.items():
        if table in tables:
            drawn[name] = str(folder / f"{name}.svg")
            save_chart(drawn[name], draw(load_table(tables[table])))
    (folder / "exemplars.png").write_bytes(png(700))
    still = Still("an image", "a class", "a class", "another", base64.b64encode(png(64)).decode())
    schema = yaml.safe_load((ROOT / "schemas/config.schema.yaml").read_text())
    study = with_defaults(yaml.safe_load((ROOT / "config.yaml").read_text()), schema)
    study |= yaml.safe_load((folder / "study.yaml").read_text())
    study["population"] = {"models": MODELS, "cohort": 1}
    each = {"test": audit_scale.CLASSES * [EXAMPLES // audit_scale.CLASSES]}
    data = {"classes": audit_scale.CLASSES * ["a class"], "examples": {"test": EXAMPLES}}
    data |= {"examples_of_each_class": each, "broken": {"test": 0}}
    strips = {(level, 0): [still] * STRIP for level in level_names(LEVELS)}
    return write_report(
        [str(path) for path in tables.values()],
        list(drawn.values()),
        [str(folder / "exemplars.png")],
        data,
        study,
        [],
        strips,
    )


def opened(path: Path) -> dict:
    """Milliseconds to the first paint and to the `load` event, and what a click on a fold of all classes takes."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(path.as_uri())
        page.wait_for_timeout(500)
        found = page.evaluate(
            """() => ({first_paint_ms: performance.getEntriesByName("first-contentful-paint")[0].startTime,
            load_ms: performance.getEntriesByType("navigation")[0].loadEventEnd, elements: document.querySelectorAll("*").length})"""
        )
        fold = page.locator("details.fold", has=page.locator("#table-class_impact")).locator("> summary")
        start = time.perf_counter()
        fold.click()
        page.evaluate("document.getElementById('table-class_impact').getBoundingClientRect().height")
        found["unfold_all_classes_ms"] = 1000 * (time.perf_counter() - start)
        found["browser"] = browser.version
        browser.close()
    return found


def main() -> None:
    """Make the study, its tables and its report; open it; write what was measured."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        make_study(folder, MODELS, level_names(LEVELS), EXAMPLES)
        print({"tables_s": run_tables(folder)["wall_s"]}, flush=True)
        path = folder / "report.html"
        start = time.perf_counter()
        path.write_text(report_of(folder), encoding="utf-8")
        made = time.perf_counter() - start
        found = {"classes": audit_scale.CLASSES, "levels": LEVELS, "models": MODELS, "examples": EXAMPLES}
        found |= {"megabytes": path.stat().st_size / 1e6, "figures_and_report_s": made, **opened(path)}
    print(found)
    RESULT.write_text(json.dumps({"machine": machine(), **found}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
