"""exemplars.png: test images of the study, one row for each kind that was planted."""

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from scripts.lib.data.dataset import Examples, load_split
from scripts.lib.data.kinds import PLANTED, TYPICAL
from scripts.lib.jobs.files import replacing
from scripts.lib.jobs.job import logged
from scripts.lib.pages.thumbnails import SIDE, thumbnail

GAP, MARGIN, PER_ROW = 4, 190, 14  # pixels, and images in a row


def exemplars(images: np.ndarray, examples: Examples) -> Image.Image:
    """Images evenly spread over each kind's examples, the kind and its number at the left."""
    kinds = [kind for kind in (TYPICAL, *PLANTED) if np.any(examples.kind == kind)]
    sheet = Image.new("RGB", (MARGIN + PER_ROW * (SIDE + GAP), len(kinds) * (SIDE + GAP) - GAP), "white")
    pen = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(size=17)
    for row, kind in enumerate(kinds):
        members = np.flatnonzero(examples.kind == kind)
        top = row * (SIDE + GAP)
        name = "test images" if kinds == [TYPICAL] else kind.replace("_", " ")
        pen.text((0, top + SIDE // 2 - 10), f"{name} ({len(members)})", fill="black", font=font)
        chosen = members[np.linspace(0, len(members) - 1, min(PER_ROW, len(members))).astype(int)]
        for column, index in enumerate(chosen):
            sheet.paste(thumbnail(np.asarray(images[index])), (MARGIN + column * (SIDE + GAP), top))
    return sheet


def main(input, output) -> None:
    """Read the test split, write the picture."""
    images, examples, _ = load_split(input.images, input.examples, input.data, "test", mapped=True)
    with replacing(output.figure) as beside:
        exemplars(images, examples).save(beside, format="PNG")


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake.input, snakemake.output)  # noqa: F821
