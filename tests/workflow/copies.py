"""The miniature study in copies of the project, run as a user runs it."""

import atexit
import compileall
import os
import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import warm_python

from scripts.lib.jobs.fingerprint import fingerprint

ROOT = Path(__file__).parents[2]
PARTS = [
    "Snakefile",
    "config.yaml",
    "rules",
    "scripts",
    "kernels",
    "schemas",
    "profiles",
    "report",
    "envs",
    "studies",
    "tests/miniature.yaml",
    "tests/known_answer.yaml",
]


SNAKEMAKE = str(Path(sys.executable).with_name("snakemake"))


@cache
def warm() -> dict[str, str]:
    """Where warm starts are asked for, as environment variables; the process that gives them ends with this one."""
    process = subprocess.Popen(
        [sys.executable, warm_python.__file__],
        env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    atexit.register(process.communicate)
    return {warm_python.SOCKET: process.stdout.readline().strip()}


class Project:
    """A copy of the project and what one does with it."""

    def __init__(self, folder: Path, study: str | None) -> None:
        self.folder, self.study = folder, study

    def command(self, *arguments: str) -> list[str]:
        # After a list of configuration files, `--` says where the targets begin.
        study = ["--configfile", self.study] if self.study else []
        targets = [argument for argument in arguments if not argument.startswith("-")]
        options = [argument for argument in arguments if argument.startswith("-")]
        return [SNAKEMAKE, *options, *study, "--", *targets]

    def environment(self) -> dict[str, str]:
        return {**os.environ, "OMP_NUM_THREADS": "1"}

    def snakemake(self, *arguments: str) -> subprocess.CompletedProcess:
        """The command line as people type it."""
        return self._run(self.command(*arguments), self.environment())

    def warm_snakemake(self, *arguments: str) -> subprocess.CompletedProcess:
        """The same, snakemake and its jobs from a warm start."""
        command = [sys.executable, "-IS", warm_python.__file__, *self.command(*arguments)]
        return self._run(command, self.environment() | warm())

    def _run(self, command: list[str], env: dict[str, str]) -> subprocess.CompletedProcess:
        return subprocess.run(command, cwd=self.folder, env=env, capture_output=True, text=True, check=False)

    def would_run(self, *targets: str) -> dict[str, int]:
        """The rules that a dry run lists with their number of jobs; target rules aside."""
        done = self.warm_snakemake("--dry-run", *targets)
        assert done.returncode == 0, done.stdout + done.stderr
        jobs = re.findall(r"^(\w+) +(\d+)$", done.stdout + done.stderr, flags=re.MULTILINE)
        assert jobs or "Nothing to be done" in done.stdout + done.stderr
        return {rule: int(count) for rule, count in jobs if rule not in ("all", "total", *targets)}

    def tables(self) -> dict[str, bytes]:
        """The tables' bytes by name, but for those that hold times, which no two runs share."""
        tables = sorted((self.folder / "results/miniature/tables").iterdir())
        return {path.name: path.read_bytes() for path in tables if not path.name.startswith("cost")}


# Where numba keeps what it has compiled; it compiles again what was changed since.
COMPILED = Path("scripts/lib/corruptions/__pycache__")


@cache
def compile_once() -> None:
    """Have every file compiled, and parsed for its fingerprint, once for all copies: they keep the times of what they copy."""
    for folder in ("scripts", "kernels"):
        compileall.compile_dir(ROOT / folder, quiet=1)
    for script in ROOT.glob("scripts/*/*.py"):
        fingerprint(ROOT, script.relative_to(ROOT).as_posix())


def copy_project(folder: Path, study: str | None = "tests/miniature.yaml") -> Project:
    """A copy whose corruptions are compiled once for all copies, because that takes longer than a small study's corruptions."""
    compile_once()
    for part in PARTS:
        source, target = ROOT / part, folder / part
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("*.nbi", "*.nbc"))
        else:
            shutil.copy2(source, target)
    (ROOT / COMPILED).mkdir(exist_ok=True)
    shutil.rmtree(folder / COMPILED, ignore_errors=True)
    (folder / COMPILED).symlink_to(ROOT / COMPILED)
    return Project(folder, study)
