"""`make test-slurm`: the workflow on a real SLURM cluster of one node. The other tests do not start one."""

import os
import subprocess
from pathlib import Path

import pytest

collect_ignore_glob = [] if "LACUNA_SLURM" in os.environ else ["test_*.py"]
UNAVAILABLE = 77
CLUSTER = Path(__file__).with_name("cluster.sh")


@pytest.fixture(scope="session")
def cluster(tmp_path_factory):
    """A cluster that ends with the tests; skipped where it cannot be had."""
    folder = tmp_path_factory.mktemp("cluster")
    up = subprocess.run([CLUSTER, "up", folder], stdout=subprocess.PIPE, text=True, check=False)
    if up.returncode == UNAVAILABLE:
        pytest.skip(f"no SLURM: {up.stdout.strip()}")
    try:
        assert up.returncode == 0, up.stdout
        yield
    finally:
        subprocess.run([CLUSTER, "down", folder], check=True)
