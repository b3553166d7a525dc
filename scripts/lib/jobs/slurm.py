"""Whether a SLURM cluster will say how its jobs are. Where it does not, snakemake would wait for ever.

What counts is snakemake-executor-plugin-slurm 2.8 (`check_active_jobs`): it asks squeue only where SLURM remembers ended jobs for three
times the seconds between two questions, and sacct otherwise; and it takes a question that failed too often for no news.
"""

import re
import shutil
import subprocess

from scripts.lib.jobs.errors import InputError

ROUNDS = 3  # of questions for which SLURM must remember a job, for squeue to be asked


def check_slurm(command: str, seconds: int) -> None:
    """Raise InputError unless the cluster answers; command: `squeue` or `sacct`; seconds: between two questions."""
    if shutil.which("sbatch") is None:
        raise InputError(
            "the profile submits jobs to SLURM, and there is no sbatch here: start snakemake on a login node."
        )
    config = _said("scontrol", "show", "config")
    if config is None:
        raise InputError(
            "SLURM's controller does not answer (scontrol show config): start again when it does; what is finished stays."
        )
    remembers, accounts = min_job_age(config), keeps_accounts(config)
    check_settings(command, seconds, remembers, accounts)
    if status_command(command, seconds, remembers) == "sacct" and _said("sacct", "-X", "--noheader") is None:
        raise InputError(
            "SLURM's accounting does not answer (sacct), and is asked how jobs are: start again when it does, or add "
            "--slurm-status-command squeue."
        )


def check_settings(command: str, seconds: int, remembers: int, accounts: bool) -> None:
    """Raise InputError where the settings cannot work; remembers: seconds for which SLURM knows an ended job; accounts: whether it keeps them for sacct."""
    if accounts or status_command(command, seconds, remembers) == "squeue":
        return
    if command == "sacct":
        raise InputError(
            "SLURM keeps no accounts here (AccountingStorageType), so sacct cannot say how jobs are: add --slurm-status-command squeue."
        )
    if remembers < ROUNDS:
        raise InputError(
            f"SLURM keeps no accounts here and forgets jobs after {remembers} s (MinJobAge), so it cannot say how they are: "
            "start snakemake in a job of its own on a compute node, without this profile."
        )
    raise InputError(
        f"SLURM keeps no accounts here and forgets jobs after {remembers} s (MinJobAge), so ask more often: add "
        f"--slurm-init-seconds-before-status-checks {remembers // ROUNDS}."
    )


def status_command(command: str, seconds: int, remembers: int) -> str:
    """What will be asked."""
    return "sacct" if remembers < ROUNDS * seconds else command


def min_job_age(config: str) -> int:
    """Seconds for which SLURM remembers a job that ended; config: what `scontrol show config` prints."""
    return int(_setting(config, "MinJobAge").split()[0])


def keeps_accounts(config: str) -> bool:
    """Whether jobs are written to a data base that sacct reads."""
    return not _setting(config, "AccountingStorageType").endswith("none")


def _setting(config: str, name: str) -> str:
    found = re.search(rf"^{name}\s*=\s*(.+)$", config, flags=re.MULTILINE)
    if not found:
        raise InputError(f"SLURM does not say its {name} (scontrol show config): its version is not known here.")
    return found[1].strip()


def _said(*command: str) -> str | None:
    """What a command prints; None where it is not there, fails, or does not end within a minute."""
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    except (FileNotFoundError, subprocess.CalledProcessError, subprocess.TimeoutExpired):
        return None
