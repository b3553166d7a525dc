"""The figures as PDF, for a paper."""

from pathlib import Path

import vl_convert

from scripts.lib.jobs.files import replacing
from scripts.lib.jobs.job import logged


def main(figures: list[str], pdfs: list[str]) -> None:
    """Convert each figure."""
    for figure, pdf in zip(figures, pdfs, strict=True):
        content = vl_convert.svg_to_pdf(Path(figure).read_text(encoding="utf-8"))
        with replacing(pdf) as beside:
            beside.write_bytes(content)


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake.input.figures, snakemake.output.figures)  # noqa: F821
