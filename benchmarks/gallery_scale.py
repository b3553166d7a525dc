"""How the gallery behaves with 20,000 images: its size, its first paint, a filter with its sort, and its memory, in Chromium.

    python benchmarks/gallery_scale.py

Made images of 32 pixels, five levels of ten models, two columns. First paint is the browser's own mark; a filter is timed in the page, from the change to
the drawn grid, the median of nine; memory, after it, is that of JavaScript's heap, and all that the page's process has for itself (private, as Linux counts it), beside what it has of an
empty page. Results: results/gallery_scale.json.
"""

import json
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

from corruptions import machine, pictures  # noqa: E402

from scripts.gallery.make_gallery import SCORES, render  # noqa: E402
from scripts.lib.pages.gallery import packed, sheets, vote_bars  # noqa: E402

RESULT = ROOT / "benchmarks/results/gallery_scale.json"
N, K, CLASSES, LEVELS = 20_000, 10, 100, 5
FILTER = """(state) => { const box = document.getElementById("state"); box.value = state; const begin = performance.now();
box.dispatchEvent(new Event("change")); document.getElementById("scroll").getBoundingClientRect(); return performance.now() - begin; }"""


def made(random: np.random.Generator) -> dict:
    """A page of made votes and pictures."""
    label = random.integers(0, CLASSES, N)

    def level(name: str, churn: float) -> dict:
        votes = np.where(random.random((K, N)) < churn, random.integers(0, CLASSES, (K, N)), label)
        modal = np.where(random.random(N) < churn, random.integers(0, CLASSES, N), label)
        flip = {"flip": packed(random.integers(0, 4, N), "Uint8"), "moved": packed(random.random(N), "Float32")}
        told = {"modal": packed(modal, "Uint16"), "confidence": packed(random.integers(0, 1001, N), "Uint16")}
        scores = {score: packed(random.random(N), "Float32") for score in SCORES}
        return {"name": name, **told, "bars": vote_bars(votes, CLASSES), **flip, "scores": scores}

    some = np.stack([pictures(64, 32, 32)[number % 64] for number in range(64)])
    tiles = np.clip(some[np.arange(N) % 64].astype(int) + random.integers(-20, 20, (N, 1, 1, 3)), 0, 255).astype(
        np.uint8
    )
    return {
        "study": "made",
        "files": False,
        "total": N,
        "changed": N,
        "changed_shown": N,
        "classes": [f"class {number}" for number in range(CLASSES)],
        "directions": ["", "right to wrong", "wrong to right", "wrong to another wrong"],
        "example": [f"test/{number:05d}" for number in range(N)],
        "label": packed(label, "Uint16"),
        "tile": 32,
        "sheets": sheets(tiles),
        "dense": level("dense", 0.05),
        "levels": [level(name, 0.1) for name in ("control", *(f"level-{number}" for number in range(1, LEVELS)))],
        "columns": [
            {"name": "kind", "names": ["a", "b", "c"], "values": packed(random.integers(0, 3, N), "Uint16")},
            {"name": "age", "names": None, "values": packed(random.random(N), "Float32")},
        ],
        "strip": None,
    }


def private_mb(browser: Browser) -> float:
    """What the largest process that shows pages has for itself, in MB."""
    processes = browser.new_browser_cdp_session().send("SystemInfo.getProcessInfo")["processInfo"]
    sizes = []
    for process in (each["id"] for each in processes if each["type"] == "renderer"):
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
        sizes.append(sum(int(line.split()[1]) for line in lines if line.startswith("Private_")))
    return max(sizes) * 1024 / 1e6


def main() -> None:
    """Make the page, open it, measure."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        path = Path(folder) / "gallery.html"
        path.write_text(render(made(np.random.default_rng(0))), encoding="utf-8")
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--enable-precise-memory-info"]
        )
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto("about:blank")
        empty = private_mb(browser)
        begin = time.perf_counter()
        page.goto(path.as_uri())
        opened = time.perf_counter() - begin
        paint = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0]?.startTime")
        filters = [page.evaluate(FILTER, state) for state in ("all", "changed", "neither") * 3]
        results = {
            "machine": machine(),
            "browser": browser.version,
            "images": N,
            "levels": LEVELS,
            "megabytes": path.stat().st_size / 1e6,
            "opened_s": opened,
            "first_paint_ms": paint,
            "filter_and_sort_ms": statistics.median(filters),
            "slowest_filter_ms": max(filters),
            "private_mb": private_mb(browser),
            "private_mb_of_an_empty_page": empty,
            "heap_mb": page.evaluate("performance.memory.usedJSHeapSize") / 1e6,
        }
        browser.close()
    print({name: value for name, value in results.items() if name != "machine"})
    RESULT.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
