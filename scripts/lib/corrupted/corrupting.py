"""What the two rules that corrupt have in common: their inputs, and the manifest that says how a file was made."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from scripts.lib.corrupted.subset import Chosen, load_chosen
from scripts.lib.corrupted.variants import severities_of, versions
from scripts.lib.corruptions import nearest_table
from scripts.lib.data.dataset import Examples, load_split
from scripts.lib.jobs.files import sha256


@dataclass(frozen=True)
class Work:
    """The chosen examples with their images, and how to corrupt them."""

    images: np.ndarray  # uint8[M, H, W, 3], mapped
    examples: Examples
    chosen: Chosen
    positions: np.ndarray  # int64[N]: where the chosen ones are among the M
    dataset: str
    corruption: str
    severities: list[int]
    options: dict  # constants, engine, stream
    chosen_sha256: str

    def description(self, layout: str, file: str) -> dict:
        """What the manifest of a finished file says."""
        return {
            "corruption": self.corruption,
            "severities": self.severities,
            **self.options,
            "dataset": self.dataset,
            "layout": layout,
            "examples_sha256": self.chosen_sha256,
            "file_sha256": sha256(file),
            "versions": versions(),
        }


def load_work(input, params, corruption: str) -> Work:
    """Read what is to be corrupted; the constants are those of the official size that is nearest to the images'.

    Withdraws the manifest of the whole benchmark, which is about to become wrong: it is written last, when everything is right.
    """
    Path(input.chosen).with_name("manifest.json").unlink(missing_ok=True)
    images, examples, data = load_split(input.images, input.examples, input.data, "test", mapped=True)
    chosen = load_chosen(input.chosen)
    constants = nearest_table(params.tables, min(data["image_size"])) if params.tables else None
    return Work(
        images,
        examples,
        chosen,
        chosen.positions_in(examples),
        data["name"],
        corruption,
        severities_of(corruption, params.severities),
        {"constants": constants, "engine": params.engine, "stream": params.stream},
        sha256(input.chosen),
    )
