"""One snakemake at a time, also where the file system has no flock or one that other nodes do not see."""

import errno
import fcntl
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.lib.jobs import run_lock
from scripts.lib.jobs.errors import InputError
from scripts.lib.jobs.flock import flock, reaches_other_nodes
from scripts.lib.jobs.holder import began, hold, is_dead, me
from scripts.lib.jobs.job import logged
from scripts.lib.jobs.run_lock import take_run_lock

# A process that takes the run lock of a folder on a file system whose flock is what the third argument names, says so, and waits.
HOLDER = """
import errno, fcntl, sys, time
from pathlib import Path
def none(*_): raise OSError(getattr(errno, sys.argv[2]), "no flock here")
fcntl.flock = none
from scripts.lib.jobs.run_lock import take_run_lock
take_run_lock(Path(sys.argv[1])); print("held", flush=True)
sys.stdin.readline()
"""
HERE = {"host": "a", "boot": "1", "namespace": "pid:[4]", "pid": 1, "began": "9"}


@pytest.fixture(params=["ENOSYS", "ENOLCK", "EOPNOTSUPP"])
def no_flock(request, monkeypatch):
    def refuse(descriptor, operation):
        raise OSError(getattr(errno, request.param), "no flock here")

    monkeypatch.setattr(fcntl, "flock", refuse)
    return request.param


def another(folder, reason):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, folder, reason], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout.readline() == b"held\n"
    return process


def test_without_flock_a_second_run_is_refused_until_the_first_ends(tmp_path, no_flock):
    with another(tmp_path / "s", no_flock) as process:
        with pytest.raises(InputError, match=f"another snakemake is running in .* \\(process {process.pid} on "):
            take_run_lock(tmp_path / "s")
        process.stdin.close()  # it ends by itself
        assert process.wait() == 0
    assert not (tmp_path / "s" / "lacuna.holder").exists()
    take_run_lock(tmp_path / "s")


def test_without_flock_what_a_killed_run_left_is_taken_over(tmp_path, no_flock):
    with another(tmp_path, no_flock) as process:
        process.kill()
    assert json.loads((tmp_path / "lacuna.holder").read_text())["pid"] == process.pid
    take_run_lock(tmp_path)
    assert json.loads((tmp_path / "lacuna.holder").read_text()) == me()
    assert not (tmp_path / "lacuna.holder.heir").exists()


def test_what_another_machine_left_is_not_taken_over_and_the_sentence_names_the_file(tmp_path, no_flock):
    file = tmp_path / "lacuna.holder"
    file.write_text(json.dumps(me() | {"host": "elsewhere", "pid": 12}))
    with pytest.raises(InputError) as refused:
        take_run_lock(tmp_path)
    assert "process 12 on elsewhere" in str(refused.value) and f"delete {file}." in str(refused.value)
    file.unlink()
    take_run_lock(tmp_path)


@pytest.mark.parametrize("content", ["", '{"host": "a'])
def test_a_file_that_is_being_written_is_held(tmp_path, no_flock, content):
    (tmp_path / "lacuna.holder").write_text(content)
    with pytest.raises(InputError, match=r"just started.*delete .*lacuna\.holder"):
        take_run_lock(tmp_path)


def test_one_of_those_who_find_a_dead_holder_takes_over(tmp_path):
    file = tmp_path / "lacuna.holder"
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    file.write_text(json.dumps(me() | {"pid": dead.pid, "began": "1"}))
    program = (
        "import sys; from pathlib import Path; from scripts.lib.jobs.errors import InputError; from scripts.lib.jobs.holder import hold\n"
        "sys.stdin.readline()\ntry:\n    hold(Path(sys.argv[1])); print('held', flush=True); sys.stdin.readline()\nexcept InputError: print('refused', flush=True)"
    )
    rivals = [
        subprocess.Popen([sys.executable, "-c", program, file], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for _ in range(4)
    ]
    for rival in rivals:
        rival.stdin.write(b"go\n")
        rival.stdin.flush()
    said = [rival.stdout.readline() for rival in rivals]
    for rival in rivals:
        rival.communicate()
    assert sorted(said) == [b"held\n", *[b"refused\n"] * 3]


def test_an_interrupted_takeover_holds_the_lock(tmp_path):
    file = tmp_path / "lacuna.holder"
    file.write_text(json.dumps(me() | {"boot": "earlier"}))
    file.with_name("lacuna.holder.heir").write_text(json.dumps(me()))
    with pytest.raises(InputError, match=r"delete .*lacuna\.holder\.heir"):
        hold(file)


@pytest.mark.parametrize(
    ("holder", "dead"),
    [
        ({"host": "b", "boot": "2"}, False),  # another machine: cannot be known
        ({"boot": "0"}, True),  # the machine was started anew since
        ({"namespace": "pid:[5]"}, False),  # another container's number
        ({"pid": os.getpid(), "began": began(os.getpid())}, False),
        ({"pid": os.getpid(), "began": "1"}, True),  # its number is another process's now
        ({"pid": 2**22 + 1}, True),  # above the largest number there is (proc(5), pid_max)
    ],
)
def test_who_is_dead(holder, dead):
    assert is_dead(HERE | holder, HERE) is dead


def test_other_errors_are_no_missing_lock(tmp_path, monkeypatch):
    def refuse(descriptor, operation):
        raise OSError(errno.EBADF, "bad")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.raises(OSError, match="bad"):
        flock(1, fcntl.LOCK_EX)


def test_a_lock_of_this_node_only_is_joined_by_the_file(tmp_path, monkeypatch):
    mounts = tmp_path / "mounts"
    mounts.write_text(f"server:/x {tmp_path} nfs4 rw,local_lock=all 0 0\n")
    monkeypatch.setattr(run_lock, "MOUNTS", mounts)
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "lacuna.holder").write_text(json.dumps(me() | {"host": "elsewhere", "pid": 12}))
    with pytest.raises(InputError, match="process 12 on elsewhere"):
        take_run_lock(tmp_path / "s")
    mounts.write_text(f"server:/x {tmp_path} nfs4 rw,local_lock=none 0 0\n")
    os.close(take_run_lock(tmp_path / "s"))


@pytest.mark.parametrize(
    ("folder", "reaches"),
    [("/data/a", False), ("/data/a/deep er/b", True), ("/", True), ("/data", True), ("/scratch/x", False)],
)
def test_which_mount_a_folder_is_on(folder, reaches):
    mounts = (
        "/dev/sda / ext4 rw 0 0\nserver:/a /data/a nfs rw,nolock,vers=3 0 0\nserver:/b /data/a/deep\\040er nfs4 rw 0 0\n"
        "mgs:/fs /scratch lustre rw,flock 0 0\nmgs:/fs /scratch lustre rw,localflock 0 0\n"
    )
    assert reaches_other_nodes(Path(folder), mounts) is reaches


def test_a_job_without_flock_says_that_it_waits_for_no_earlier_one(tmp_path, no_flock):
    with logged(str(tmp_path / "x.log")):
        print("work")
    first, second = (tmp_path / "x.log").read_text().splitlines()
    assert "no flock" in first and second == "work"
