"""Which test images are corrupted: the table `examples.csv` beside the corrupted images, one row an image in their order."""

import csv
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from scripts.lib.data.dataset import Examples
from scripts.lib.data.example_ids import match_ids
from scripts.lib.jobs.errors import InputError
from scripts.lib.jobs.files import write_text

COLUMNS = ("example", "label", "class", "file")


@dataclass(frozen=True)
class Chosen:
    """The examples that are corrupted, in their order; lists of length N."""

    example: list[str]
    label: list[int]
    file: list[str]  # `class/name.JPEG`, the same for every corruption and severity

    def __len__(self) -> int:
        return len(self.example)

    def positions_in(self, examples: Examples) -> np.ndarray:
        """Where they are in the example table, int64[N]; InputError if one is not, or has another label."""
        position = {example: index for index, example in enumerate(examples.example)}
        missing = next((example for example in self.example if example not in position), None)
        if missing is not None:
            raise InputError(f"the corrupted example {missing!r} is not among the test images: make examples.csv anew.")
        found = np.array([position[example] for example in self.example], dtype=np.int64)
        if not np.array_equal(examples.label[found], self.label):
            raise InputError("the corrupted examples have other labels than the test images: make examples.csv anew.")
        return found


def choose(examples: Examples, subset: str, per_class: int, ids: list[str] | None) -> np.ndarray:
    """Positions of the examples to corrupt, in table order.

    subset: `all`; `first`, the first `per_class` of each class; `sampled`, as many, chosen by a hash of their ids, so the same
    whatever the table's order is; `listed`, those of `ids`. Raises InputError if a class has too few or an id is unknown.
    """
    if subset == "all":
        return np.arange(len(examples))
    if subset == "listed":
        return _listed(examples, ids or [])
    labels, counts = np.unique(examples.label, return_counts=True)
    if counts.min() < per_class:
        raise InputError(
            f"config key `corruptions.per_class` is {per_class} and class {labels[counts.argmin()]} has {counts.min()} "
            "test images: lower it."
        )
    if subset == "sampled":
        return examples.sample_per_class(per_class)
    return np.sort(np.concatenate([np.flatnonzero(examples.label == label)[:per_class] for label in labels]))


def _listed(examples: Examples, ids: list[str]) -> np.ndarray:
    """Positions of the examples that a list names, as `match_ids` reads it."""
    here = "config key `corruptions.ids`"
    looks = f"ids look like {str(examples.example[0])!r}"
    if not ids:
        raise InputError(f"{here}: the file names no test image; {looks}.")
    positions = match_ids(ids, examples.example)
    unknown = [name for name, position in zip(ids, positions, strict=True) if position < 0]
    if unknown:
        raise InputError(
            f"{here}: {len(unknown)} of its {len(ids)} lines, as {unknown[0]!r}, are not the id of a test image; {looks}."
        )
    first: dict[int, str] = {}
    for name, position in zip(ids, positions.tolist(), strict=True):
        if position in first:
            also = "" if first[position] == name else f" (also as {first[position]!r})"
            raise InputError(f"{here}: the file names {name!r} twice{also}; remove the repetition.")
        first[position] = name
    otherwise = [name for name, position in zip(ids, positions, strict=True) if examples.example[position] != name]
    if otherwise:
        print(
            f"{len(otherwise)} of the {len(ids)} listed ids are written otherwise than here, as {otherwise[0]!r}, and were matched with those of "
            "the test images"
        )
    return np.sort(positions)


def save_chosen(path: str | Path, chosen: Chosen, classes: list[str]) -> None:
    """Write examples.csv."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for example, label, file in zip(chosen.example, chosen.label, chosen.file, strict=True):
        writer.writerow((example, label, classes[label], file))
    write_text(path, text.getvalue())


def load_chosen(path: str | Path) -> Chosen:
    """Read examples.csv; InputError if it is damaged."""
    try:
        with Path(path).open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        return Chosen(
            [row["example"] for row in rows], [int(row["label"]) for row in rows], [row["file"] for row in rows]
        )
    except (OSError, UnicodeDecodeError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path} cannot be read ({error!r}): delete it, and snakemake makes it again.") from None
