"""The page of score_summary.csv: how much the votes move, by continuous scores."""

import math

import pandas as pd

from scripts.lib.pages.page import Note, Page
from scripts.lib.pages.paired import tests_of_paired
from scripts.lib.pages.vocabulary import among, number, sentences
from scripts.lib.tables.table import coverage


def page(table: pd.DataFrame) -> Page:
    """score_summary.csv has a row for each level and score; the page has a row for each score and a column for each level."""
    control = table[table.level == "control"].set_index("score")
    columns = {
        "score": list(control.index),
        "control (nothing compressed)": [
            _mean_and_count(row["count"], number(row["mean"], row["mean_low"], row["mean_high"]))
            for row in control.to_dict("records")
        ],
    }
    for level, rows in table[table.level != "control"].groupby("level", sort=False):
        columns[level] = [
            _mean_and_count(row["count"], number(row["mean"]))
            + f"; {number(row['excess'], row['excess_low'], row['excess_high'], sign=True)}"
            for row in rows.set_index("score").loc[control.index].to_dict("records")
        ]
    return Page("How much the votes move: continuous scores", _note(table), pd.DataFrame(columns))


def _mean_and_count(count: float, shown: str) -> str:
    """A mean as text, with the number of images where the score counts some."""
    return shown if math.isnan(count) else f"{shown} ({count:.0f})"


def _note(table: pd.DataFrame) -> Note:
    first = table.iloc[0]
    smallest = min(
        (1 + (first.dense_models == models)) / math.comb(first.dense_models + models, first.dense_models)
        for models in table.level_models.unique().tolist()
    )
    return Note(
        what=f"Each score is of one image and compares a level's votes with those of the dense population: n = {first.examples} test images, K = {first.dense_models} dense and {among(table.level_models)} compressed models.",
        evidence=(
            "Shown are the score's mean over images (and how many images) and, after the semicolon, its excess over the control. "
            "The control is a further dense population: only the excess is an effect of compression. "
            "Taxicab distance: of the shares of votes, 0 to 2. Jensen-Shannon divergence: in bits. "
            "Churn between: how often a random model of each population disagree; churn within: two models of the level. "
            "Between beyond within: churn between less the mean of both populations' churn within, about 0 where nothing differs. "
            "Right to wrong and so on: images whose modal label flips so. "
            f"Votes differ: images on which an exact test has p at most {first.significance:g}, uncorrected or adjusted for the n images (Benjamini-Hochberg, BH). "
            "It is over all ways to deal the votes to the two populations, by taxicab distance. "
            "Accuracy differs: Fisher's exact test of the number of right models."
        ),
        brackets=(
            f"{coverage(table)} intervals, of means over images and models, of counted images over images only. "
            "There are none after BH, which ties the images together."
        ),
        limits=sentences(
            f"These models cannot bring a p below {smallest:.0e}, so few of them find little after BH.",
            tests_of_paired(table, further=_PAIRED),
        ),
    )


_PAIRED = (
    "Their churn between is how often a model's own prediction differs after compression, 0 where nothing changes. "
    "No luck of seeds is in it, so nothing is taken off it and they have no churn beyond within. "
    "Their taxicab distance and divergence are those of the votes of the same models before and after. "
    "Both are 0 where nothing changes, and they tell less than churn does where models change in opposite ways. "
    "They have no excess: the control differs from the dense population by its seeds, they do not."
)
