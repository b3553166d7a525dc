"""rater.csv: what raters say of PIEs beside control-PIEs and images as doubtful for the dense models, and how far they agree."""

import pandas as pd

from scripts.lib.jobs.errors import InputError
from scripts.lib.jobs.job import logged
from scripts.lib.study.raters import QUESTIONS, read_all
from scripts.lib.tables.rater import rater_rows
from scripts.lib.tables.table import load_table, save_table


def answers_of(paths: list[str], key: pd.DataFrame) -> pd.DataFrame:
    """All raters' answers, those to questions as bool; InputError for a file of another kit, and for an image that is not in the kit."""
    kit, known = key.kit.iloc[0], set(key.image)
    for path in paths:
        for row in read_all([path]):
            if row["kit"] != kit:
                raise InputError(
                    f"{path} is of the rater kit {row['kit']} and the study's is {kit}, which shows other images: take the file out of `raters.answers`, or restore that study."
                )
            if row["image"] not in known:
                raise InputError(
                    f"{path} judges the image {row['image']}, which is not in the rater kit: export the file again."
                )
    table = pd.DataFrame(read_all(paths))
    return table.assign(**{question: table[question] == "yes" for question in QUESTIONS})


def main(input, output, params) -> None:
    """Read the raters' files and who is who, write rater.csv."""
    key = load_table(input.key)
    answers = answers_of(list(input.answers), key)
    for rater, judged in answers.groupby("rater").size().items():
        print(f"{rater} judged {judged} of {key.image.nunique()} images")
    save_table(output.table, rater_rows(answers, key, list(QUESTIONS), params.resamples, params.significance))


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake.input, snakemake.output, snakemake.params)  # noqa: F821
