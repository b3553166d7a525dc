"""Hypothesis for all tests: no deadlines, which fail on busy machines; in CI always the same examples."""

import os

from hypothesis import settings

settings.register_profile("lacuna", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("lacuna")
