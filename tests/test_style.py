"""The project's own style: ruff, snakefmt and snakemake's linter have nothing to say."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from docs import rule_graph

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent


COMMANDS = [
    ["ruff", "check", "."],
    ["ruff", "format", "--check", "."],
    ["snakefmt", "--check", "Snakefile", "rules"],
    ["snakemake", "--lint"],
]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: " ".join(command[:2]))
def test_style(command):
    done = subprocess.run([BIN / command[0], *command[1:]], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_pre_commit_runs_the_same():
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]
    assert [hook["entry"].split() for hook in hooks] == [[f".venv/bin/{name}", *rest] for name, *rest in COMMANDS]


def test_the_picture_of_the_rules_is_theirs():
    """`make rulegraph` makes it anew."""
    assert rule_graph.PAGE.read_text(encoding="utf-8") == rule_graph.page()


def test_readme_and_ci_run_the_same_tests():
    assert "make test" in (ROOT / "README.md").read_text()
    assert (ROOT / ".ci" / "run").read_text().strip().splitlines()[-1] == "make test"
