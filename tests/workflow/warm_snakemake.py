"""snakemake's command line from a warm start: one process has imported snakemake, and is forked for every command.

To import snakemake takes longer than to find out what would run. What is forked is a process of its own, as any snakemake is: it has
nothing of the project before it reads the Snakefile, and nothing that an earlier command left. For commands that run no jobs.
"""

import atexit
import gc
import json
import os
import signal
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

SNAKEMAKE = str(Path(sys.executable).with_name("snakemake"))
PATIENCE = 300  # seconds after which a command is ended


def run(command: list[str], cwd: Path, env: dict[str, str]) -> subprocess.CompletedProcess:
    """What `subprocess.run(command, ...)` gives with its output captured as text; the command is SNAKEMAKE with its arguments."""
    assert command[0] == SNAKEMAKE
    with tempfile.TemporaryDirectory() as folder:
        shown = [str(Path(folder, name)) for name in ("stdout", "stderr")]
        request = {"command": command, "cwd": str(cwd), "env": env, "shown": shown}
        print(json.dumps(request), file=_starter().stdin, flush=True)
        returncode = int(_starter().stdout.readline())
        return subprocess.CompletedProcess(command, returncode, *(Path(path).read_text("utf-8") for path in shown))


@cache
def _starter() -> subprocess.Popen:
    process = subprocess.Popen([sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    atexit.register(process.communicate)  # closes its input, whereupon it ends
    return process


def serve() -> None:
    """Fork for each line of the input, and answer with the exit status, or minus the signal that ended a command."""
    # All that snakemake imports before it has read a Snakefile, and what it imports later.
    import jsonschema  # noqa: F401
    import pandas  # noqa: F401
    import smart_open  # noqa: F401
    import snakemake.report.html_reporter  # noqa: F401
    from snakemake.cli import main

    gc.freeze()  # or the collector writes to all memory, which then is copied for every command
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            _become(**json.loads(line))
            sys.exit(main())
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


def _become(command: list[str], cwd: str, env: dict[str, str], shown: list[str]) -> None:
    """Make this process what it would be had it been started by the command."""
    signal.alarm(PATIENCE)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    sys.argv[:], sys.path[0] = command, str(Path(command[0]).parent)
    for descriptor, path in enumerate([os.devnull, *shown]):
        opened = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        os.dup2(opened, descriptor)
        os.close(opened)


if __name__ == "__main__":
    serve()
