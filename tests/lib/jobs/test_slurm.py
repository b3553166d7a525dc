"""A cluster that will not say how its jobs are is found out before a job is submitted."""

import stat

import pytest

from scripts.lib.jobs.errors import InputError
from scripts.lib.jobs.slurm import check_settings, check_slurm, keeps_accounts, min_job_age, status_command

CONFIG = "AccountingStorageType   = {storage}\nAccountingStoreFlags    = (null)\nMinJobAge               = {age} sec\n"


@pytest.fixture
def commands(tmp_path, monkeypatch):
    """A folder that is the whole PATH, for stand-ins of SLURM's commands."""
    monkeypatch.setenv("PATH", str(tmp_path))

    def put(name, script):
        path = tmp_path / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)

    put("sbatch", "")
    return put


def say(text):
    return f"echo '{text}'"


def test_what_scontrol_prints():
    config = CONFIG.format(storage="accounting_storage/none", age=300)
    assert min_job_age(config) == 300 and not keeps_accounts(config)
    assert keeps_accounts(CONFIG.format(storage="accounting_storage/slurmdbd", age=2))


@pytest.mark.parametrize(
    ("command", "seconds", "remembers", "asked"),
    [("squeue", 10, 30, "squeue"), ("squeue", 10, 29, "sacct"), ("sacct", 10, 300, "sacct")],
)
def test_squeue_is_asked_where_jobs_are_remembered_for_three_rounds(command, seconds, remembers, asked):
    assert status_command(command, seconds, remembers) == asked


def test_settings_that_work():
    check_settings("squeue", 10, 30, accounts=False)
    check_settings("squeue", 10, 2, accounts=True)
    check_settings("sacct", 40, 300, accounts=True)


@pytest.mark.parametrize(
    ("command", "remembers", "remedy"),
    [
        ("sacct", 300, "add --slurm-status-command squeue."),
        ("squeue", 29, "add --slurm-init-seconds-before-status-checks 9."),
        ("squeue", 2, "without this profile."),
    ],
)
def test_settings_that_would_wait_for_ever(command, remembers, remedy):
    with pytest.raises(InputError) as refused:
        check_settings(command, 10, remembers, accounts=False)
    assert str(refused.value).endswith(remedy)


def test_a_cluster_without_accounts_is_asked_by_squeue(commands):
    commands("scontrol", say(CONFIG.format(storage="accounting_storage/none", age=300)))
    check_slurm("squeue", 10)
    with pytest.raises(InputError, match="keeps no accounts"):
        check_slurm("sacct", 10)


def test_accounting_that_is_down(commands):
    commands("scontrol", say(CONFIG.format(storage="accounting_storage/slurmdbd", age=300)))
    commands("sacct", "exit 1")
    check_slurm("squeue", 10)
    with pytest.raises(InputError, match="accounting does not answer"):
        check_slurm("sacct", 10)
    commands("sacct", "")
    check_slurm("sacct", 10)


def test_no_controller_and_no_slurm(commands, tmp_path):
    commands("scontrol", "exit 1")
    with pytest.raises(InputError, match="controller does not answer"):
        check_slurm("squeue", 10)
    (tmp_path / "sbatch").unlink()
    with pytest.raises(InputError, match="no sbatch here"):
        check_slurm("squeue", 10)
