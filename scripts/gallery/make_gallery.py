"""gallery.html: the test images themselves, with what every level says of them; one file that needs no network."""

import hashlib
import json
from dataclasses import dataclass

import jinja2
import numpy as np

from scripts.lib.annotations.column import CATEGORY, load_columns
from scripts.lib.audit.flips import GAINED, LOST, MOVED, flips
from scripts.lib.audit.modal import modal_labels
from scripts.lib.corrupted.subset import load_chosen
from scripts.lib.data.dataset import load_examples, load_images, load_manifest
from scripts.lib.jobs.files import write_text
from scripts.lib.jobs.job import logged
from scripts.lib.jobs.project import GALLERY
from scripts.lib.ledger.predictions import same_examples
from scripts.lib.ledger.probabilities import Sureness, load_sureness
from scripts.lib.pages.gallery import chosen_images, packed, sheets, thumbnails, tile_size, vote_bars

DIRECTIONS = ("", LOST, GAINED, MOVED)  # what the column `flip` numbers
NOWHERE = 65535  # a label that is none of the classes


@dataclass(frozen=True)
class Said:
    """What the models of a level say of N images together."""

    sure: Sureness
    modal: np.ndarray  # int64[N]
    votes: np.ndarray  # int64[N], for the modal label


def said_of(paths: list[str], level: str, tie_rule: str) -> Said:
    """The level's votes, from the files of several levels."""
    sure = load_sureness(paths, level)
    modal = modal_labels(sure.votes.votes, tie_rule)
    return Said(sure, modal.label.astype(np.int64), modal.votes.astype(np.int64))


def confidence(said: Said) -> np.ndarray:
    """Mean probability of the true label, in thousandths; 65535 where it is not known."""
    mean = said.sure.p_label.mean(axis=0, dtype=np.float64)
    return np.where(np.isnan(mean), NOWHERE, np.round(1000 * np.nan_to_num(mean)))


def population(said: Said, shown: np.ndarray, classes: int) -> dict:
    """What the page has of each level, the dense one too."""
    modal = np.where((said.modal >= 0) & (said.modal < classes), said.modal, NOWHERE)
    return {
        "modal": packed(modal[shown], "Uint16"),
        "confidence": packed(confidence(said)[shown], "Uint16"),
        "bars": vote_bars(said.sure.votes.votes[:, shown], classes),
    }


def changes(dense: Said, own: Said, shown: np.ndarray) -> dict:
    """What the page has of each level beside the dense one: which way its modal label changed, and how far the votes moved."""
    found = flips(dense.modal, own.modal, dense.sure.votes.label)
    kind = found.lost * 1 + found.gained * 2 + found.moved * 3
    right = [said.sure.votes.correct.mean(axis=0) for said in (dense, own)]
    return {"flip": packed(kind[shown], "Uint8"), "moved": packed((right[1] - right[0])[shown], "Float32")}


def columns_of(paths: list[str], example: np.ndarray, shown: np.ndarray) -> list[dict]:
    """What is known of the images: categories as numbers of their names, and numbers."""
    made = []
    for name, column in load_columns(paths, example).items():
        if column.scale == CATEGORY:
            names = sorted({str(value) for value in column.values if value is not None})
            if not 1 < len(names) <= 200:  # one value tells nothing, and a name for each image is no filter
                continue
            number = {each: place for place, each in enumerate(names)}
            codes = np.array([NOWHERE if value is None else number[str(value)] for value in column.values])
            made.append({"name": name, "names": names, "values": packed(codes[shown], "Uint16")})
        else:
            values = np.asarray(column.values, dtype=np.float64)
            made.append({"name": name, "names": None, "values": packed(values[shown], "Float32")})
    return made


def strip_of(input, shown: np.ndarray, severity: int, size: int, examples) -> dict | None:
    """Each corrupted image at one severity, a thumbnail a corruption; None where nothing is corrupted in one array a corruption."""
    if not input.variants:
        return None
    chosen = load_chosen(input.chosen).positions_in(examples)
    place = np.full(len(examples.example), -1)
    place[chosen] = np.arange(len(chosen))
    wanted = place[shown]
    rows = np.unique(wanted[wanted >= 0])
    names, tiles = [], []
    for file, manifest in zip(input.corrupted, input.variants, strict=True):
        made = load_manifest(manifest)
        if severity not in made["severities"]:
            continue
        images = load_images(file, mapped=True)
        first = made["severities"].index(severity) * len(chosen)
        tiles.append(thumbnails(np.asarray(images[first + rows]), size))
        names.append(made["corruption"])
    if not names or not len(rows):
        return None
    number = np.full(len(chosen) + 1, -1)
    number[rows] = np.arange(len(rows))
    # All corruptions of an image stand together.
    stacked = np.stack(tiles, axis=1).reshape(-1, *tiles[0].shape[1:])
    return {
        "names": [name.replace("_", " ") for name in names],
        "severity": severity,
        "row": packed(np.where(wanted >= 0, number[wanted], -1), "Int32"),
        "sheets": sheets(stacked),
    }


def main(input, output, params) -> None:
    """Read images, votes and what is known of the images, write the page."""
    data = load_manifest(input.data)
    examples = load_examples(input.examples, "test", data["sha256"]["examples"])
    images = load_images(input.images, data["sha256"]["test"], mapped=True)
    dense = said_of(input.ledger, "dense", params.tie_rule)
    levels = {level: said_of(input.ledger, level, params.tie_rule) for level in params.levels}
    for level, own in levels.items():
        same_examples(dense.sure.votes, own.sure.votes, level)
    changed = np.any([own.modal != dense.modal for own in levels.values()], axis=0)
    order = np.array(
        [int(hashlib.sha256(str(each).encode()).hexdigest()[:12], 16) for each in dense.sure.votes.example]
    )
    shown = chosen_images(changed, dense.votes, order)
    size = tile_size(len(shown), images.shape[1])
    classes = len(data["classes"])
    page = {
        "study": params.study,
        "files": params.files,
        "total": len(changed),
        "classes": data["classes"],
        "directions": list(DIRECTIONS),
        "example": [str(each) for each in dense.sure.votes.example[shown]],
        "label": packed(dense.sure.votes.label[shown], "Uint16"),
        "tile": size,
        "sheets": sheets(thumbnails(np.asarray(images[shown]), size)),
        "dense": population(dense, shown, classes),
        "levels": [
            {"name": level, **population(own, shown, classes), **changes(dense, own, shown)}
            for level, own in levels.items()
        ],
        "columns": columns_of(input.annotations, dense.sure.votes.example, shown),
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
