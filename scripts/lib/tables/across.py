"""Levels of several finished studies side by side: what each gains, and what it forgets."""

from pathlib import Path

import numpy as np
import pandas as pd

from scripts.lib.audit.pareto import front
from scripts.lib.tables.table import load_table

POPULATIONS, FILES = "populations", "files"
# Kind of study -> its table of cost, and the column that says what is forgotten.
TABLES = {POPULATIONS: ("cost_and_forgetting", "excess_rate"), FILES: ("pair_cost", "flip_rate")}
ENDS = ("", "_low", "_high")


def kind_of(tables: str | Path) -> str | None:
    """What a study's folder of tables is of; None if it has neither table of cost."""
    return next((kind for kind, (name, _) in TABLES.items() if (Path(tables) / f"{name}.csv").is_file()), None)


def side_by_side(studies: dict[str, Path]) -> pd.DataFrame:
    """A row for each study, level and batch size, and which of them are beaten; studies: name -> folder of tables.

    Populations and pairs of files forget in different words (PIEs beyond the control, flips), so each kind and batch size has a front of its own. The
    dense network itself is a choice too, without a row: as fast as it is, as large, and nothing forgotten.
    """
    parts = []
    for study, folder in studies.items():
        kind = kind_of(folder)
        name, forgotten = TABLES[kind]
        table = load_table(folder / f"{name}.csv")
        columns = {
            "study": study,
            "kind": kind,
            "level": table.level,
            "batch_size": table.batch_size,
            "examples": table.examples,
        }
        columns |= {"models": table.models if "models" in table else 1, "significance": table.significance}
        columns |= {f"speedup{end}": table[f"speedup{end}"] for end in ENDS}
        columns |= {"weights_relative": table.weights_relative}
        columns |= {f"forgotten{end}": table[f"{forgotten}{end}"] for end in ENDS}
        columns |= {"top1_change": table.top1_change, "verdict": table.verdict}
        parts.append(pd.DataFrame(columns)[table.level.to_numpy() != "control"])
    table = pd.concat(parts, ignore_index=True)
    for name, gain in (("front_speed", "speedup"), ("front_bytes", "weights_relative")):
        table[name] = ""
        for _, rows in table.groupby(["kind", "batch_size"]):
            if gain == "speedup":
                gains = rows[[f"speedup{end}" for end in ENDS]].to_numpy()
            else:
                gains = np.repeat(1 / rows[[gain]].to_numpy(), 3, axis=1)
            losses = rows[[f"forgotten{end}" for end in ENDS]].to_numpy()
            dense = np.ones((1, 3)), np.zeros((1, 3))
            found = front(np.concatenate([gains, dense[0]]), np.concatenate([losses, dense[1]]))
            table.loc[rows.index, name] = found[:-1]
    return table
