"""Tables on disk: tidy CSV, one observation a row, whole or not at all."""

from pathlib import Path

import pandas as pd

from scripts.lib.audit.intervals import Estimate
from scripts.lib.jobs.errors import InputError
from scripts.lib.jobs.files import replacing

TEXT = (
    *("example", "level", "class", "grouping", "group", "role", "verdict", "verdict_study", "corruption", "tie_rule"),
    *("flip", "control_flip", "score", "scored_on", "design", "population", "metric", "predictor"),
    *("worst_class", "device", "best_dense", "natural", "timing", "reference", "reason", "severities"),
    *("column", "value", "scale"),
    *("slice", "description", "features"),
    *("label_name", "dense_says", "level_says", "beside", "about"),
    *("how", "experiment", "layer", "exempt"),
    *("question", "image", "kit"),
)


def save_table(path: str | Path, table: pd.DataFrame) -> None:
    """Write CSV with six significant digits; what is undefined is written as NaN, never as an empty field, and 0 has no sign."""
    numbers = table.select_dtypes("float").columns
    table = table.assign(**{str(name): table[name] + 0.0 for name in numbers})
    with replacing(path) as beside:
        table.to_csv(beside, index=False, float_format="%.6g", na_rep="NaN", lineterminator="\n")


def with_interval(name: str, estimate: Estimate) -> dict[str, float]:
    """An estimate as three columns: its value and the ends of its interval."""
    return {name: estimate.value, f"{name}_low": estimate.low, f"{name}_high": estimate.high}


def coverage(table: pd.DataFrame) -> str:
    """What a table's intervals cover, `95 %` for its column significance of 0.05."""
    return f"{100 * (1 - table.significance.iloc[0]):g} %"


def load_table(path: str | Path) -> pd.DataFrame:
    """Read a table; InputError if it is damaged. The columns of TEXT stay as they are, be it `7` or `NaN`."""
    try:
        columns = pd.read_csv(path, nrows=0).columns
        undefined = {column: ["NaN"] for column in columns if column not in TEXT}
        return pd.read_csv(path, dtype=dict.fromkeys(TEXT, str), na_values=undefined, keep_default_na=False)
    except (ValueError, OSError) as error:
        raise InputError(f"{path} cannot be read ({error}): delete it, and snakemake makes it again.") from None
