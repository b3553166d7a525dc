"""ImageNet-X: what makes each image of ImageNet's validation set unlike typical ones of its class (Idrissi et al. 2023, 2211.01866).

`imagenet_x_val_multi_factor.jsonl` (all factors that apply) or `…_top_factor.jsonl` (the one that applies most): an object a line
with `file_name` and 0 or 1 for each factor.
"""

import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa

from scripts.lib.annotations.joins.rows import LABEL, rows_of
from scripts.lib.jobs.errors import InputError

NO_FACTORS = ("file_name", "class", "justification", "one_word", "metaclass")


def read_imagenet_x(
    path: Path, entry: dict, labels_of: Callable[[list[str]], list[int | None]], classes: int
) -> pa.Table:
    """For each image whether each factor applies."""
    try:
        lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
        keys = [line["file_name"] for line in lines]
        factors = [name for name in lines[0] if name not in NO_FACTORS]
        columns = {name: [line[name] for line in lines] for name in factors}
    except (json.JSONDecodeError, UnicodeDecodeError, OSError, KeyError, TypeError, IndexError) as error:
        raise InputError(
            f"{path} cannot be read ({error!r}): each line must be an object with `file_name` and the same factors as the first."
        ) from None
    for name, values in columns.items():
        wrong = next((value for value in values if value not in (0, 1)), None)
        if wrong is not None:
            raise InputError(f"{path}: the factor `{name}` is {wrong!r} in a line: it must be 0 or 1.")
    known = {name: [bool(value) for value in values] for name, values in columns.items()}
    label = [line.get("class") for line in lines]
    return rows_of(keys, known | ({LABEL: label} if all(type(each) is int for each in label) else {}), path)
