"""What a study says of raters: people who judge images without knowing which of them compression changed."""

import csv
from pathlib import Path
from typing import NamedTuple

from scripts.lib.jobs.errors import InputError
from scripts.lib.study.levels import CONTROL, DENSE, compares_files
from scripts.lib.study.sources import check_trackable, matching


class Question(NamedTuple):
    """What a rater is asked, to be answered with yes or no."""

    asks: str
    means: str


# Column of a rater's file -> the question. What the paper's human study is about (1911.05248), in our words.
QUESTIONS = {
    "label_correct": Question("Is the label right?", "The picture shows what the label names."),
    "several_objects": Question(
        "Several objects?", "Another thing is in view that could as well be the one that is meant."
    ),
    "corrupt": Question("Corrupt or of poor quality?", "Damaged, blurred, too dark, cut off, hidden."),
    "abstract": Question("An abstract picture?", "A drawing, a toy, a sign or an unusual form of the thing."),
    "fine_grained": Question(
        "A fine-grained label?", "To tell it from its neighbours one must look closely, or know much."
    ),
    "hard": Question("Hard for you?", "You were in doubt how to judge the label."),
}
ANSWERS = ("yes", "no")
COLUMNS = ("kit", "rater", "image", *QUESTIONS)
NO_POPULATIONS = "the study compares networks one with one, while raters are shown the PIEs of populations"


def check_raters(config: dict, splits: list[str]) -> None:
    """Raise InputError where what a study says of raters cannot be; splits: those of which there are images."""
    raters = config["raters"]
    levels = [level["name"] for level in config["levels"]]
    for level in raters["levels"]:
        if level not in levels or level in (DENSE, CONTROL):
            raise InputError(
                f"config key `raters.levels` names {level!r}, which is no compressed level of the study: correct it."
            )
    if raters["answers"]:
        check_kit(config, splits)
        read_all(answer_files(config))


def check_kit(config: dict, splits: list[str]) -> None:
    """Raise InputError where a study has nothing to show to raters."""
    if compares_files(config):
        raise InputError(
            f"there is no rater kit, because {NO_POPULATIONS}: train or bring more models of each level, or name no `raters.answers`."
        )
    if "test" not in splits:
        raise InputError(
            "there is no rater kit, because the study has no images, only predictions: name the images in `data`."
        )
    if {level["name"] for level in config["levels"]} <= {DENSE, CONTROL}:
        raise InputError("there is no rater kit, because nothing is compressed: add a level to `levels`.")


def answer_files(config: dict) -> list[str]:
    """The raters' files that a study names, each once; InputError for a path or pattern that names none."""
    files: dict[str, None] = {}
    for pattern in config["raters"]["answers"]:
        found = [path for path in matching(pattern) if Path(path).is_file()]
        if not found:
            raise InputError(
                f"config key `raters.answers` names {pattern!r}, and there is no such file: correct the path."
            )
        check_trackable(f"config key `raters.answers` is {pattern!r}", found)
        files |= dict.fromkeys(found)
    return list(files)


def read_all(paths: list[str]) -> list[dict[str, str]]:
    """The rows of raters' files; InputError for a wrong column or answer, and for an image that a rater judged twice."""
    rows, seen = [], {}
    for path in paths:
        for line, row in _rows(path):
            judged = (row["rater"], row["image"])
            if judged in seen:
                raise InputError(
                    f"{path}, line {line}: {row['rater']} judged image {row['image']} already in {seen[judged]}: keep one of the two, and give every rater a name of their own."
                )
            seen[judged] = f"{path}, line {line}"
            rows.append(row)
    if not rows:
        raise InputError(
            f"{', '.join(paths)}: no image was judged; export the answers when some are given, or take the file away."
        )
    return rows


def _rows(path: str) -> list[tuple[int, dict[str, str]]]:
    """The rows of one file with their lines."""
    try:
        with Path(path).open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            rows = [(reader.line_num, row) for row in reader]
            columns = reader.fieldnames or []
    except (UnicodeDecodeError, csv.Error, OSError) as error:
        raise InputError(f"{path} cannot be read as CSV ({error}): export it from the rater kit again.") from None
    if sorted(columns) != sorted(COLUMNS):
        raise InputError(
            f"{path} has the columns {', '.join(columns) or '(none)'} and needs {', '.join(COLUMNS)}: export it from the rater kit again."
        )
    for line, row in rows:
        if None in row or None in row.values():
            raise InputError(
                f"{path}, line {line}: there are more or fewer cells than columns: export it from the rater kit again."
            )
        wrong = [name for name in QUESTIONS if row[name] not in ANSWERS]
        if wrong:
            raise InputError(
                f"{path}, line {line}: `{wrong[0]}` is {row[wrong[0]]!r}: it must be {' or '.join(ANSWERS)}."
            )
        if not row["rater"].strip():
            raise InputError(f"{path}, line {line}: the rater has no name: write one.")
    return rows
