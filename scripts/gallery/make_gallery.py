"""gallery.html: the test images themselves, with what every level says of them; one file that needs no network."""

import json
from dataclasses import dataclass

import jinja2
import numpy as np

from scripts.lib.annotations.column import CATEGORY, load_columns
from scripts.lib.audit.flips import GAINED, LOST, MOVED, flips
from scripts.lib.audit.modal import UNDECIDED, Modal, modal_labels
from scripts.lib.audit.pies import identified_exemplars
from scripts.lib.corrupted.layouts import load_variants
from scripts.lib.corrupted.subset import load_chosen
from scripts.lib.data.dataset import Examples, load_split, pixels_digest
from scripts.lib.jobs.errors import InputError
from scripts.lib.jobs.files import sha256, write_text
from scripts.lib.jobs.job import logged
from scripts.lib.jobs.project import GALLERY
from scripts.lib.jobs.streams import key
from scripts.lib.ledger.predictions import same_examples
from scripts.lib.ledger.probabilities import Sureness, load_sureness
from scripts.lib.pages.gallery import chosen_images, packed, sheets, thumbnails, tile_size, vote_bars
from scripts.lib.tables.table import load_table

SCORES = ("taxicab", "jensen_shannon", "churn_excess", "p_votes", "p_right")  # of scores.csv
DIRECTIONS = ("", LOST, GAINED, MOVED)  # what the column `flip` numbers
NOWHERE = 65535  # no modal label, or a number that is not known


@dataclass(frozen=True)
class Said:
    """What the models of a level say of N images together."""

    sure: Sureness
    modal: Modal


def said_of(paths: list[str], level: str, tie_rule: str) -> Said:
    """The level's votes, from the files of several levels."""
    sure = load_sureness(paths, level)
    return Said(sure, modal_labels(sure.votes.votes, tie_rule))


def confidence(said: Said) -> np.ndarray:
    """Mean probability of the true label, in thousandths; 65535 where it is not known."""
    mean = said.sure.p_label.mean(axis=0, dtype=np.float64)
    return np.where(np.isnan(mean), NOWHERE, np.round(1000 * np.nan_to_num(mean)))


def population(said: Said, shown: np.ndarray, classes: int) -> dict:
    """What the page has of each level, the dense one too."""
    modal = np.where(said.modal.label == UNDECIDED, NOWHERE, said.modal.label)
    return {
        "modal": packed(modal[shown], "Uint16"),
        "confidence": packed(confidence(said)[shown], "Uint16"),
        "bars": vote_bars(said.sure.votes.votes[:, shown], classes),
    }


def changes(dense: Said, own: Said, shown: np.ndarray) -> dict:
    """What the page has of each level beside the dense one: whether an image is a PIE (of one network each, a flip), which way it changed, and how far the
    votes moved."""
    changed = identified_exemplars(dense.modal, own.modal)
    found = flips(dense.modal.label, own.modal.label, dense.sure.votes.label)
    kind = changed * (found.lost * 1 + found.gained * 2 + found.moved * 3)
    right = [said.sure.votes.correct.mean(axis=0) for said in (dense, own)]
    return {"flip": packed(kind[shown], "Uint8"), "moved": packed((right[1] - right[0])[shown], "Float32")}


def columns_of(paths: list[str], example: np.ndarray, shown: np.ndarray) -> list[dict]:
    """What is known of the images: categories as numbers of their names, and numbers."""
    made = []
    for name, column in load_columns(paths, example).items():
        if column.scale == CATEGORY:
            names = sorted({str(value) for value in column.values if value is not None})
            if len(names) < 2:  # one value tells nothing
                continue
            number = {each: place for place, each in enumerate(names)}
            codes = np.array([NOWHERE if value is None else number[str(value)] for value in column.values])
            made.append({"name": name, "names": names, "values": packed(codes[shown], "Uint16")})
        else:
            values = np.asarray(column.values, dtype=np.float64)
            made.append({"name": name, "names": None, "values": packed(values[shown], "Float32")})
    return made


def scores_of(path: str, example: np.ndarray, shown: np.ndarray) -> dict[str, dict]:
    """Level -> what scores.csv says of each image, for those that can be sorted by."""
    found = {}
    for level, rows in load_table(path).groupby("level"):
        if not np.array_equal(rows.example, example):
            raise InputError(
                f"{path} has other examples than the predictions, or another order: delete it, and snakemake makes it again."
            )
        found[level] = {name: packed(rows[name].to_numpy()[shown], "Float32") for name in SCORES}
    return found


def strip_of(input, shown: np.ndarray, severity: int, size: int, examples: Examples) -> dict | None:
    """Each corrupted image at one severity, a thumbnail a corruption; None where none of those that are shown is corrupted."""
    chosen = load_chosen(input.chosen)
    place = np.full(len(examples), -1)
    place[chosen.positions_in(examples)] = np.arange(len(chosen))
    wanted = place[shown]
    rows = np.unique(wanted[wanted >= 0])
    if not len(rows):
        return None
    variants = load_variants(input.corrupted, input.variants, chosen, sha256(input.chosen))
    variants = [variant for variant in variants if variant.severity == severity]
    tiles = [thumbnails(np.asarray(variant.images[rows]), size) for variant in variants]
    number = np.full(len(chosen), -1)
    number[rows] = np.arange(len(rows))
    return {
        "names": [variant.corruption.replace("_", " ") for variant in variants],
        "severity": severity,
        "row": packed(np.where(wanted >= 0, number[wanted], -1), "Int32"),
        "sheets": sheets(
            np.stack(tiles, axis=1).reshape(-1, size, size, 3)
        ),  # all corruptions of an image stand together
    }


def main(input, output, params) -> None:
    """Read images, votes and what is known of the images, write the page."""
    images, examples, data = load_split(input.images, input.examples, input.data, "test", mapped=True)
    dense = said_of(input.ledger, "dense", params.tie_rule)
    if not np.array_equal(dense.sure.votes.example, examples.example):
        raise InputError(
            f"{input.examples} has other examples than the predictions, or another order: predict from the same data."
        )
    levels = {level: said_of(input.ledger, level, params.tie_rule) for level in params.levels}
    for level, own in levels.items():
        same_examples(dense.sure.votes, own.sure.votes, level)
    changed = np.any([identified_exemplars(dense.modal, own.modal) for own in levels.values()], axis=0)
    order = np.array([key("gallery", example) for example in examples.example], dtype=object)
    shown = chosen_images(changed, dense.modal.votes, order)
    pictures = np.asarray(images[shown])
    if any(pixels_digest(image) != known for image, known in zip(pictures, examples.pixels[shown], strict=True)):
        raise InputError(
            f"{input.images} has other images than {input.examples} describes: delete it, and snakemake makes it again."
        )
    size = tile_size(len(shown), images.shape[1])
    scores = scores_of(input.scores, examples.example, shown) if input.scores else {}
    classes = len(data["classes"])
    page = {
        "study": params.study,
        "files": params.files,
        "total": len(changed),
        "changed": int(changed.sum()),
        "changed_shown": int(changed[shown].sum()),
        "classes": data["classes"],
        "directions": list(DIRECTIONS),
        "example": examples.example[shown].tolist(),
        "label": packed(examples.label[shown], "Uint16"),
        "tile": size,
        "sheets": sheets(thumbnails(pictures, size)),
        "dense": population(dense, shown, classes),
        "levels": [
            {
                "name": level,
                **population(own, shown, classes),
                **changes(dense, own, shown),
                "scores": scores.get(level, {}),
            }
            for level, own in levels.items()
        ],
        "columns": columns_of(input.annotations, examples.example, shown),
        "strip": strip_of(input, shown, params.severity, size, examples) if params.severity else None,
    }
    write_text(output.gallery, render(page))
    print(f"{len(shown)} of {len(changed)} test images, thumbnails of {size} pixels")


def render(page: dict) -> str:
    """The page; what comes from data is JSON in which nothing can end a script."""
    template, style, script = (path.read_text(encoding="utf-8") for path in GALLERY)
    data = (
        json.dumps(page, ensure_ascii=False, allow_nan=False)
        .replace("<", "\\u003c")
        .replace(">", "\\u003e")
        .replace("&", "\\u0026")
    )
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    return environment.from_string(template).render(study=page["study"], style=style, script=script, data=data)


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake.input, snakemake.output, snakemake.params)  # noqa: F821
