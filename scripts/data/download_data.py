"""Fetch one of the published files that a study asks for."""

from scripts.lib.data.downloading import download
from scripts.lib.jobs.job import logged
from scripts.lib.study.downloads import DOWNLOADS


def main(output, file: str) -> None:
    """Write the file; file: its path in the folder of downloads."""
    published = DOWNLOADS[file]
    print(f"fetch {published.url}")
    download(output.file, published.url, published.md5)


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake.output, snakemake.wildcards.file)  # noqa: F821
