"""Files appear whole or not at all, and one snakemake runs at a time."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.lib.jobs.errors import InputError
from scripts.lib.jobs.files import replacing, room_for, sha256, write_text
from scripts.lib.jobs.run_lock import take_run_lock


def test_a_block_that_fails_leaves_what_was_there(tmp_path):
    path = tmp_path / "new" / "table.csv"
    write_text(path, "first\n")
    with pytest.raises(RuntimeError), replacing(path) as beside:
        beside.write_text("half")
        raise RuntimeError
    assert path.read_text() == "first\n" and list(path.parent.iterdir()) == [path]


def test_a_process_that_is_killed_leaves_what_was_there(tmp_path):
    path = tmp_path / "table.csv"
    write_text(path, "first\n")
    program = "import os, sys; from scripts.lib.jobs.files import replacing\nwith replacing(sys.argv[1]) as b:\n    b.write_text('half'); os.kill(os.getpid(), 9)"
    assert subprocess.run([sys.executable, "-c", program, path], check=False).returncode == -9
    assert path.read_text() == "first\n"
    (left,) = (other for other in tmp_path.iterdir() if other != path)  # what the killed process wrote
    alive = left.with_suffix(f".{os.getppid()}")
    alive.write_text("another process of this machine is writing")
    write_text(path, "second\n")
    assert path.read_text() == "second\n" and not left.exists() and alive.exists()


def test_a_file_can_be_read_by_those_who_may(tmp_path):
    before = os.umask(0o027)
    try:
        with replacing(tmp_path / "x") as beside:
            beside.touch(mode=0o600)
    finally:
        os.umask(before)
    assert (tmp_path / "x").stat().st_mode & 0o777 == 0o640


FILL = """
import resource, sys
from scripts.lib.data.dataset import writing_images
from scripts.lib.jobs.errors import InputError
from scripts.lib.jobs.files import write_text
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    if sys.argv[2] == "text":
        write_text(sys.argv[1], "x" * 200_000)
    else:
        with writing_images(sys.argv[1], (100, 32, 32, 3)) as put:
            raise AssertionError("the space was not asked for before the work")
except InputError as error:
    print(error)
"""


@pytest.mark.parametrize("what", ["text", "images"])
def test_a_file_for_which_there_is_no_room_is_named(tmp_path, what):
    path = tmp_path / "table.csv"
    write_text(path, "first\n")
    done = subprocess.run([sys.executable, "-c", FILL, path, what], capture_output=True, text=True, check=True)
    assert (
        done.stdout == f"{path} cannot be written (File too large): make room and run again; what is finished stays.\n"
    )
    assert path.read_text() == "first\n" and list(tmp_path.iterdir()) == [path]


def test_a_full_disk_is_an_input_error_and_other_errors_stay():
    with pytest.raises(InputError, match="x cannot be written \\(No space left on device\\): make room"), room_for("x"):
        Path("/dev/full").write_text("x")
    with pytest.raises(IsADirectoryError), room_for("x"):
        Path("/tmp").write_text("x")


def test_sha256_is_hashlibs(tmp_path):
    (tmp_path / "x").write_bytes(b"abc" * 100_000)
    assert sha256(tmp_path / "x") == hashlib.sha256(b"abc" * 100_000).hexdigest()


def test_the_run_lock_goes_with_the_process(tmp_path):
    program = "import sys, time; from pathlib import Path; from scripts.lib.jobs.run_lock import take_run_lock\ntake_run_lock(Path(sys.argv[1])); print('held', flush=True); time.sleep(60)"
    holder = subprocess.Popen([sys.executable, "-c", program, tmp_path], stdout=subprocess.PIPE)
    assert holder.stdout.readline() == b"held\n"
    with pytest.raises(InputError, match="another snakemake is running"):
        take_run_lock(tmp_path)
    holder.kill()
    holder.wait()
    holder.stdout.close()
    os.close(take_run_lock(tmp_path))
