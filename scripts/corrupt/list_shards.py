"""The shards of a corruption become one list, which jobs that predict wait for."""

from scripts.lib.corrupted.shard_lists import write_shard_list
from scripts.lib.jobs.job import logged

if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        write_shard_list(snakemake.output.shards, snakemake.input.files, snakemake.input.manifests)  # noqa: F821
