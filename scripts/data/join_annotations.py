"""annotations.parquet: what is known of every test image beside its label, from the data source and from files of others."""

import pyarrow.parquet as pq

from scripts.lib.annotations.column import Column, column_of, save_columns
from scripts.lib.annotations.groups import groupings_of
from scripts.lib.annotations.joins.join import join
from scripts.lib.data.dataset import load_examples, load_manifest
from scripts.lib.jobs.errors import InputError
from scripts.lib.jobs.job import logged

NO_ANNOTATIONS = ("example", "split", "label", "shown", "pixels")


def own_columns(path: str) -> list[Column]:
    """What the data source says of the test images."""
    table = pq.read_table(path, filters=[("split", "==", "test")])
    columns = []
    for name in table.column_names:
        if name in NO_ANNOTATIONS:
            continue
        try:
            columns.append(column_of(name, table[name], path, False, False))
        except InputError as error:  # what a source adds for other purposes
            print(f"left out: {error}")
    return columns


def main(input, output, params) -> None:
    """Read the example table and the joined files, write annotations.parquet; stop if the study's subgroups cannot be made of it."""
    examples, classes = load_examples(input.examples, "test"), load_manifest(input.data)["classes"]
    columns = {column.name: column for column in own_columns(input.examples)}
    for entry in params.joins:
        for column in join(entry, examples, classes):
            if column.name in (*columns, *NO_ANNOTATIONS, *params.known_later):
                raise InputError(
                    f"{entry['file']} has the column `{column.name}`, and the test images have one of that name: rename it in the file, or leave "
                    "it out with `columns`."
                )
            columns[column.name] = column
    groupings_of(columns, params.subgroups, tuple(params.known_later))
    if params.positive_class is not None and params.positive_class not in classes:
        raise InputError(
            f"config key `audit.positive_class` is {params.positive_class!r}, which is no class of the study: there are {', '.join(classes[:20])}."
        )
    save_columns(output.annotations, examples.example, list(columns.values()))


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake.input, snakemake.output, snakemake.params)  # noqa: F821
