"""Python from a warm start: one process has imported the packages that snakemake and its jobs import, and is forked for each of them.

Most of a small study's time is spent in imports. What is forked is a process of its own, as any Python is: it has nothing of the project
before it imports it, and nothing that an earlier one left. `python -IS warm_python.py SCRIPT ARGUMENTS` asks for one and waits for it.
"""

import json
import os
import signal
import socket
import sys
from contextlib import suppress
from pathlib import Path

SOCKET = "WARM_PYTHON"  # the environment variable that names it
PACKAGES = """altair jsonschema numba pandas pyarrow.dataset scipy.optimize smart_open snakemake.cli snakemake.report.html_reporter torch
torch._dynamo"""


def ask() -> None:
    """Have the script run with the arguments, folder, environment and streams of this process, and exit as it does."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(os.environ[SOCKET])
        told = json.dumps([sys.argv[1:], str(Path.cwd()), dict(os.environ)]).encode()
        socket.send_fds(connection, [len(told).to_bytes(4, "big") + told], [0, 1, 2])
        sys.exit(int(connection.makefile().read()))


def serve() -> None:
    """Import, print the path of a socket, and fork for whoever asks there, until the input ends."""
    import gc
    import importlib
    import select
    import shutil
    import tempfile
    import weakref

    for package in PACKAGES.split():
        importlib.import_module(package)
    for finalizer in weakref.finalize._registry:
        finalizer.atexit = False  # what the packages would tidy up is this process's
    gc.freeze()  # or the collector writes to all memory, which then is copied for every process
    signal.signal(signal.SIGCHLD, reap)
    folder = tempfile.mkdtemp()
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(f"{folder}/socket")
        listening.listen(64)
        print(f"{folder}/socket", flush=True)
        while sys.stdin not in select.select([sys.stdin, listening], [], [])[0]:
            connection = listening.accept()[0]
            if os.fork() == 0:
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                child = os.fork()
                if child == 0:
                    listening.close()
                    become(connection)
                    return
                connection.sendall(str(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])).encode())
                os._exit(0)
            connection.close()
    shutil.rmtree(folder)


def reap(*_) -> None:
    """Take note of processes that have ended, as soon as they have."""
    with suppress(ChildProcessError):  # there are no others
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def become(connection: socket.socket) -> None:
    """Make this process what it would be if Python had been started by whoever asked, and run the script."""
    import runpy

    told, streams, _, _ = socket.recv_fds(connection, 4, 3)
    told = connection.makefile("rb").read(int.from_bytes(told, "big"))
    connection.close()
    for stream, received in enumerate(streams):
        os.dup2(received, stream)
        os.close(received)
    sys.argv[:], folder, environment = json.loads(told)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.path[0] = str(Path(sys.argv[0]).parent)
    if Path(sys.argv[0]).name == "snakemake":  # which starts its jobs with this
        sys.executable = f"{sys.executable} -IS {__file__}"
    try:
        runpy.run_path(sys.argv[0], run_name="__main__")
    except SystemExit as ended:
        if not isinstance(ended.code, int | None):
            raise
        leave(ended.code or 0)
    leave(0)


def leave(code: int) -> None:
    """Exit as Python does, but for taking all that was imported apart: that would copy it first, and take most of a short job's time."""
    import atexit
    import threading

    threading._shutdown()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    if sys.argv[1:]:
        ask()
    else:
        serve()
