"""Hypothesis for all tests: no deadlines, which fail on busy machines; in CI always the same examples.

`--demo results/demo` takes the known answer from a demo that has run, in place of running it."""

import os

from hypothesis import settings

settings.register_profile("lacuna", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("lacuna")


def pytest_addoption(parser):
    parser.addoption("--demo", metavar="FOLDER", help="results of a finished demo; by default the tests run it")
