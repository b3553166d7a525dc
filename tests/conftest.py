"""How all tests run: Hypothesis without deadlines, whole studies first, and tests that share a study on one core."""

import os
import subprocess
import sys
from pathlib import Path

# Each worker of pytest-xdist has a core. Read by torch and NumPy as they are imported; subprocesses inherit it.
if "PYTEST_XDIST_WORKER" in os.environ:
    for library in ("OMP", "OPENBLAS", "MKL"):
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")

import pytest
from hypothesis import settings

# Deadlines fail on busy machines; in CI the examples are always the same.
settings.register_profile("lacuna", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("lacuna")

# What takes long, is made once and looked at by many tests: fixture -> the group of tests that pytest-xdist keeps together.
SHARED = {
    "demo_results": "demo",
    "finished_once": "miniature",
    "compiled": "compiled ahead",
    "undisturbed": "generator",
    "imported_by": "imports",
    "site_folder": "site",
    "pair": "pair",
}
# What the inner loop leaves out beside whole studies: browsers, compilers, and processes that are started one after the other.
SLOW = ("/workflow/", "/browser/", "test_triton_interpreter", "test_compile_ahead", "test_imports", "test_processes")
# What takes longest starts first, so that no core is left with it at the end.
LONGEST_FIRST = ("demo_results", "finished_once", "/workflow/", "test_triton_interpreter", "test_compile_ahead")


def _place(item: pytest.Item) -> int:
    about = (*item.fixturenames, str(item.path))
    return next((place for place, long in enumerate(LONGEST_FIRST) if any(long in name for name in about)), 99)


def pytest_itemcollected(item: pytest.Item) -> None:
    if any(slow in item.path.as_posix() for slow in SLOW):
        item.add_marker(pytest.mark.workflow)
    # Here and not when all are collected: that is when pytest-xdist reads the groups, and it may do so first.
    for fixture, group in SHARED.items():
        if fixture in item.fixturenames:
            item.add_marker(pytest.mark.xdist_group(group))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=_place)


def pytest_collection_finish(session: pytest.Session) -> None:
    if getattr(session.config.option, "loadgroup", False):
        apart = [
            item.nodeid for item in session.items if item.get_closest_marker("xdist_group") and "@" not in item.nodeid
        ]
        assert not apart, f"pytest-xdist does not keep {apart[0]} with its group: its version does not fit pytest's"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--demo", metavar="FOLDER", help="results of a demo that has run, for the tests that would run it; results/demo"
    )


@pytest.fixture(scope="session")
def site_folder(tmp_path_factory) -> Path:
    """The documentation as `make docs` builds it. Strict: MkDocs ends with an error at the first warning."""
    folder = tmp_path_factory.mktemp("site")
    command = [
        Path(sys.executable).with_name("mkdocs"),
        "build",
        "--site-dir",
        folder,
    ]  # with --quiet no warning is counted
    root = Path(__file__).parents[1]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder
