"""image_quality.parquet: which test images are dark, light, blurry, empty, grey or duplicates, by CleanVision's own thresholds."""

import numpy as np
from PIL import Image

from scripts.lib.annotations.column import FACTOR, NUMBER, Column, save_columns
from scripts.lib.data.dataset import load_split
from scripts.lib.jobs.errors import InputError
from scripts.lib.jobs.job import logged
from scripts.lib.study.extras import ISSUE_SCORES, ISSUES, without


class Pictures:
    """Images uint8[N, H, W, 3] as CleanVision looks at a data set of torchvision: pairs of a picture and something else."""

    def __init__(self, images: np.ndarray) -> None:
        self.images = images

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[Image.Image, int]:
        return Image.fromarray(np.asarray(self.images[index])), index


def qualities_of(images: np.ndarray) -> list[Column]:
    """Whether each of the images uint8[N, H, W, 3] has each issue, and the scores behind."""
    try:
        from cleanvision import Imagelab  # an extra: not every environment has it, such as those that conda makes
    except ImportError:
        raise InputError(without("image_quality")) from None

    found = Imagelab(torchvision_dataset=Pictures(images), verbose=False)
    found.find_issues({issue: {} for issue in ISSUES}, n_jobs=1, verbose=False)
    table = found.issues.sort_index()
    factors = {column: (FACTOR, f"is_{issue}_issue") for issue, column in ISSUES.items()}
    scores = {column: (NUMBER, f"{issue}_score") for issue, column in ISSUE_SCORES.items()}
    return [
        Column(column, scale, table[name].to_numpy(dtype=np.float64), True)
        for column, (scale, name) in (factors | scores).items()
    ]


def main(input, output) -> None:
    """Read the test images, write image_quality.parquet."""
    images, examples, _ = load_split(input.images, input.examples, input.data, "test", mapped=True)
    columns = qualities_of(images)
    for column in columns:
        if column.scale == FACTOR:
            print(f"{column.name}: {column.values.sum():.0f} of {len(examples)} test images")
    save_columns(output.annotations, examples.example, columns)


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake.input, snakemake.output)  # noqa: F821
