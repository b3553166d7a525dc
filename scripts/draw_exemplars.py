"""exemplars.png: test images of the study, one row for each planted kind."""

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from scripts.lib.data.kinds import PLANTED, TYPICAL
from scripts.lib.dataset import Examples, load_split
from scripts.lib.files import replacing
from scripts.lib.job import logged

SCALE, GAP, MARGIN, PER_ROW = 2, 4, 190, 14


def exemplars(images: np.ndarray, examples: Examples) -> Image.Image:
    """Images evenly spread over each kind's examples, enlarged without smoothing, the kind and its number at the left."""
    size = images.shape[1] * SCALE
    sheet = Image.new("RGB", (MARGIN + PER_ROW * (size + GAP), len((TYPICAL, *PLANTED)) * (size + GAP) - GAP), "white")
    pen = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(size=17)
    for row, kind in enumerate((TYPICAL, *PLANTED)):
        members = np.flatnonzero(examples.kind == kind)
        top = row * (size + GAP)
        pen.text((0, top + size // 2 - 10), f"{kind.replace('_', ' ')} ({len(members)})", fill="black", font=font)
        if len(members) == 0:
            continue
        chosen = members[np.linspace(0, len(members) - 1, min(PER_ROW, len(members))).astype(int)]
        for column, index in enumerate(chosen):
            picture = Image.fromarray(images[index]).resize((size, size), Image.Resampling.NEAREST)
            sheet.paste(picture, (MARGIN + column * (size + GAP), top))
    return sheet


def main(input, output) -> None:
    """Read the test split, write the picture."""
    images, examples, _ = load_split(input.images, input.examples, input.data, "test")
    with replacing(output.figure) as beside:
        exemplars(images, examples).save(beside, format="PNG")


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake.input, snakemake.output)  # noqa: F821
