"""A picture of a finished study's clearest PIEs, for a page of the documentation.

    python docs/pie_pictures.py [--each N] results/STUDY docs/figures/NAME.png LEVEL [LEVEL ...]

A row for each level: the PIEs on which both populations are most of one mind, each of its own. Above each image its label, below it what
most dense models and most of the level's say, with their votes.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image, ImageDraw, ImageFont

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from scripts.lib.data.dataset import load_manifest, load_split  # noqa: E402
from scripts.lib.tables.table import load_table  # noqa: E402

SIDE, WIDTH, HEIGHT, TITLE = 96, 144, 170, 26  # pixels of an image, of its cell and of a row's title


def clearest(pies: pd.DataFrame, level: str) -> pd.DataFrame:
    """The PIEs of a level, those first whose two modal labels have the most votes; of equals the first by their ids."""
    found = pies[(pies.level == level) & pies.pie]
    votes = found.dense_votes / found.dense_models + found.level_votes / found.level_models
    return found.assign(votes=votes).sort_values(["votes", "example"], ascending=[False, True])


def sheet(
    images: np.ndarray, position: dict[str, int], pies: pd.DataFrame, levels: list[str], names: list[str], each: int
) -> Image.Image:
    """The rows of all levels, one above the other, `each` images wide. images: uint8[N, H, W, 3]; position: of each example in them."""
    picture = Image.new("RGB", (each * WIDTH, len(levels) * (TITLE + HEIGHT)), "white")
    pen = ImageDraw.Draw(picture)
    large, small = ImageFont.load_default(size=16), ImageFont.load_default(size=13)
    for row, level in enumerate(levels):
        top, found = row * (TITLE + HEIGHT), clearest(pies, level)
        pen.text((4, top + 2), f"{level}: the clearest {min(each, len(found))} of {len(found)} PIEs", "black", large)
        for column, pie in enumerate(found.head(each).itertuples()):
            left, above = column * WIDTH, top + TITLE
            image = Image.fromarray(np.asarray(images[position[pie.example]]))
            pen.text((left + 4, above), names[pie.label], "black", small)
            picture.paste(image.resize((SIDE, SIDE), Image.Resampling.NEAREST), (left + 4, above + 18))
            said = (
                (pie.dense_modal, pie.dense_votes, pie.dense_models),
                (pie.level_modal, pie.level_votes, pie.level_models),
            )
            for line, (who, (label, votes, models)) in enumerate(zip(("dense", "here"), said, strict=True)):
                text = f"{who}: {names[label]} {votes}/{models}"
                pen.text((left + 4, above + 18 + SIDE + 3 + 17 * line), text, "black", small)
    return picture


def main(results: str, target: str, levels: list[str], each: int) -> None:
    """Read the study's test images and its table of PIEs, write the picture."""
    data = Path(results) / "data"
    images, examples, _ = load_split(data / "test.npy", data / "examples.parquet", data / "manifest.json", "test", True)
    names = load_manifest(data / "manifest.json")["classes"]
    pies = load_table(Path(results) / "tables" / "pies.csv")
    position = {example: row for row, example in enumerate(examples.example)}
    sheet(images, position, pies, levels, names, each).quantize(128).save(target, optimize=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--each", type=int, default=8, help="images of a row")
    parser.add_argument("results")
    parser.add_argument("target")
    parser.add_argument("levels", nargs="+")
    given = parser.parse_args()
    main(given.results, given.target, given.levels, given.each)
