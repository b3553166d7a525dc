"""What leaves a study: a fragment of a model card, and its summaries as flat numbers for a tracker of experiments."""

import json

from scripts.lib.jobs.files import write_text
from scripts.lib.jobs.job import logged
from scripts.lib.pages.model_card import card
from scripts.lib.tables.metrics import flat_metrics
from scripts.lib.tables.table import load_table


def main(input, output, params) -> None:
    """Read the tables that params name, in the order of the input; write model_card.md, metrics.json and what it leaves out."""
    tables = {name: load_table(path) for name, path in zip(params.tables, input.tables, strict=True)}
    write_text(output.card, card(params.study, params.dataset, tables))
    numbers, left_out = flat_metrics(tables)
    for path, content in ((output.metrics, numbers), (output.left_out, left_out)):
        write_text(path, json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n")
    print(f"{len(numbers)} metrics, {len(left_out)} left out")


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake.input, snakemake.output, snakemake.params)  # noqa: F821
