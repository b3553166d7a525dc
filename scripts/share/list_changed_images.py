"""changed_images.csv: the images that compression changes the verdict on, with the files of their pictures, for labelling tools."""

import numpy as np
import pandas as pd

from scripts.lib.audit.flips import flips
from scripts.lib.data.dataset import load_examples, load_manifest
from scripts.lib.data.source_files import picture_files
from scripts.lib.jobs.job import logged
from scripts.lib.tables.table import load_table, save_table

COLUMNS = ("level", "seed", "example", "label_name", "dense_says", "level_says", "flip")


def of_populations(pies: pd.DataFrame, classes: list[str]) -> pd.DataFrame:
    """The PIEs among the rows of pies.csv, in COLUMNS; what populations say is their modal label, and they have no one seed."""
    chosen, names = pies[pies.pie], np.array(classes, dtype=object)
    said = chosen.dense_modal.to_numpy(), chosen.level_modal.to_numpy()
    label = chosen.label.to_numpy()
    return pd.DataFrame(
        {
            "level": chosen.level,
            "seed": np.nan,
            "example": chosen.example,
            "label_name": names[label],
            "dense_says": names[said[0]],
            "level_says": names[said[1]],
            "flip": flips(*said, label).kind,
        }
    )


def main(input, output, params) -> None:
    """Read pies.csv or flips.csv, whichever the study has, and where the test images come from; write changed_images.csv."""
    manifest, changed = load_manifest(input.data), load_table(input.changed)
    if not params.compares_files:
        changed = of_populations(changed, manifest["classes"])
    table = changed[list(COLUMNS)].reset_index(drop=True)
    examples = load_examples(input.examples, "test", manifest["sha256"]["examples"]).example
    position = pd.Series(np.arange(len(examples)), index=examples)
    table["row"] = position[table.example].to_numpy()
    files = pd.Series(picture_files(params.source, params.options, examples.tolist()), index=examples, dtype=object)
    table["path"] = files[table.example].to_numpy()
    print(f"{len(table)} changed images, {table.path.notna().sum()} of them with a file of their own")
    save_table(output.table, table)


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake.input, snakemake.output, snakemake.params)  # noqa: F821
