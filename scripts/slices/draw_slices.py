"""slices.png: testing images of the slices that are told clearest from the others, those that change first."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image, ImageDraw, ImageFont

from scripts.lib.data.dataset import load_split
from scripts.lib.jobs.errors import InputError
from scripts.lib.jobs.files import replacing
from scripts.lib.jobs.job import logged
from scripts.lib.pages.thumbnails import SIDE, thumbnail
from scripts.lib.pages.vocabulary import p_value, percent
from scripts.lib.tables.slices import NONE
from scripts.lib.tables.table import load_table

STRIPS, PER_STRIP = 12, 14  # slices that are drawn, and images of each
GAP, FRAME, LINE, TOP = 6, 3, 19, 12  # pixels
LINES = 3  # of words above a strip
FRAMED = "#d1495b"  # around an image that changes


def load_members(path: str | Path) -> pd.DataFrame:
    """Who is in which slice; InputError if the file is damaged."""
    try:
        return pq.read_table(path).to_pandas()
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{path} cannot be read ({error}): delete it, and snakemake makes it again.") from None


def chosen(table: pd.DataFrame) -> pd.DataFrame:
    """The slices to draw: those with the smallest p-values."""
    return table[table.slice != NONE].sort_values("p", kind="stable").head(STRIPS)


def shown(members: pd.DataFrame) -> pd.DataFrame:
    """The testing images of a slice in the order in which they are drawn: those that change first, then the clearest."""
    testing = members[members.testing]
    return testing.sort_values(["changed", "score"], ascending=False, kind="stable").head(PER_STRIP)


def words(row) -> tuple[str, str, str]:
    """Three lines about a slice: which it is, how much of it changes, and what is said of that."""
    control = "" if np.isnan(row.control_rate) else f", of the control {percent(row.control_rate)}"
    unsure = ""
    if not np.isnan(row.beyond_unsure):
        unsure = f", beyond as unsure images {percent(row.beyond_unsure, row.beyond_unsure_low, row.beyond_unsure_high, sign=True)}"
    numbers = (
        f"changes: {percent(row.rate)} of {row.n_test} images{control}; of the others {percent(row.others_rate)}; "
        f"beyond the others {percent(row.beyond, row.beyond_low, row.beyond_high, sign=True)}{unsure}"
    )
    return f"{row.level}: {row.slice}  ({row.description})", numbers, f"{row.verdict} (p = {p_value(row.q)}, BH)"


def sheet(images: np.ndarray, place: dict[str, int], table: pd.DataFrame, members: pd.DataFrame) -> Image.Image:
    """A strip a slice, its words above; place: the index of each example among the images."""
    rows = list(chosen(table).itertuples())
    height = TOP + LINES * LINE + SIDE + 2 * FRAME + GAP
    picture = Image.new("RGB", (PER_STRIP * (SIDE + 2 * FRAME + GAP), max(1, len(rows)) * height), "white")
    pen = ImageDraw.Draw(picture)
    bold, plain = ImageFont.load_default(size=15), ImageFont.load_default(size=13)
    if not rows:
        pen.text((0, TOP), "No slice of the discovery half stands out.", fill="black", font=bold)
    for number, row in enumerate(rows):
        top = number * height + TOP
        for line, text in enumerate(words(row)):
            colour, font = ("black", bold) if line == 0 else ("#555555", plain)
            pen.text((FRAME, top + line * LINE), text, fill=colour, font=font)
        of_slice = members[(members.level == row.level) & (members.slice == row.slice)]
        for column, image in enumerate(shown(of_slice).itertuples()):
            left, upper = column * (SIDE + 2 * FRAME + GAP), top + LINES * LINE
            small = thumbnail(np.asarray(images[place[image.example]]))
            if image.changed:
                pen.rectangle(
                    (left, upper, left + small.width + 2 * FRAME - 1, upper + small.height + 2 * FRAME - 1), FRAMED
                )
            picture.paste(small, (left + FRAME, upper + FRAME))
    return picture


def main(input, output) -> None:
    """Read slices.csv, who is in which slice and the test images, write the picture."""
    images, examples, _ = load_split(input.images, input.examples, input.data, "test", mapped=True)
    place = {example: index for index, example in enumerate(examples.example)}
    with replacing(output.figure) as beside:
        sheet(images, place, load_table(input.table), load_members(input.members)).save(beside, format="PNG")


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake.input, snakemake.output)  # noqa: F821
