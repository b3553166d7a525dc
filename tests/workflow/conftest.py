"""The miniature study, as copies of the project to run and to change, and the demo, run once."""

import os
from pathlib import Path

import pytest
from copies import PARTS, copy_project


@pytest.fixture
def project(tmp_path):
    """A copy in which nothing has been run."""
    return copy_project(tmp_path / "lacuna")


@pytest.fixture(scope="session")
def finished_once(tmp_path_factory):
    project = copy_project(tmp_path_factory.mktemp("finished") / "lacuna")
    done = project.warm_snakemake()
    assert done.returncode == 0, done.stdout + done.stderr
    return project


@pytest.fixture
def finished(finished_once):
    """The finished miniature; every source is put back after the test."""
    sources = [
        path for part in PARTS for path in [finished_once.folder / part, *(finished_once.folder / part).rglob("*")]
    ]
    before = {path: (path.read_bytes(), path.stat()) for path in sources if path.is_file() and path.suffix != ".pyc"}
    yield finished_once
    for path, (content, stat) in before.items():
        if path.read_bytes() != content or path.stat().st_mtime_ns != stat.st_mtime_ns:
            path.write_bytes(content)
            os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


@pytest.fixture(scope="session")
def demo_results(request, tmp_path_factory):
    """The results of the demo as far as its tables."""
    if request.config.getoption("demo"):
        return Path(request.config.getoption("demo"))
    project = copy_project(tmp_path_factory.mktemp("demo") / "lacuna", study="tests/known_answer.yaml")
    done = project.warm_snakemake("tables")
    assert done.returncode == 0, done.stdout + done.stderr
    return project.folder / "results/demo"
