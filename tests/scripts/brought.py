"""Made predictions of two models, and the two rules that bring them into a study."""

from types import SimpleNamespace as Names

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from scripts.data import prepare_data
from scripts.lib.ledger.schema import PROBABILITY, TOP
from scripts.predict import import_predictions

N, CLASSES, SEEDS = 12, 6, (7, 3)
IDS = [f"{i:03d}" for i in range(N)]  # with zeros that must not be lost
LABELS = np.arange(N) % CLASSES
VARIANTS = [("clean", 0), ("fog", 1), ("fog", 5)]


def frame(seeds=SEEDS, variants=VARIANTS, examples=N):
    """Everything that can be known of some models' predictions, one row each."""
    rows = []
    for seed in seeds:
        for corruption, severity in variants:
            values = np.random.default_rng([seed, severity]).dirichlet(np.ones(CLASSES), examples).astype(np.float32)
            order = np.argsort(-values, axis=1)
            for i in range(examples):
                top = order[i, :5]
                rows.append(
                    {
                        "example": IDS[i],
                        "label": LABELS[i],
                        "seed": seed,
                        "corruption": corruption,
                        "severity": severity,
                    }
                    | dict(zip(TOP, top, strict=True))
                    | dict(zip(PROBABILITY, values[i, top], strict=True))
                    | {"p_label": values[i, LABELS[i]]}
                )
    return pd.DataFrame(rows)


def save(table, path):
    if path.suffix == ".csv":
        table.to_csv(path, index=False)
    else:
        table.to_parquet(path, index=False)
    return str(path)


def bring(
    folder,
    files,
    variants=VARIANTS,
    models=2,
    examples=None,
    dense=None,
    classes=None,
    kind=None,
    brought=None,
    keep=True,
):
    """Run the two rules; the paths of the ledger's files."""
    options = {"name": "mine", "classes": classes, "examples": examples, "dense": dense or files}
    data = Names(images=[], examples=str(folder / "examples.parquet"), manifest=str(folder / "data.json"))
    prepare_data.main(data, Names(source="predictions", name="mine", options=options, splits=[]), 1)
    suites = {"clean": [variants[0]]} | ({"weather": variants[1:]} if variants[1:] else {})
    ledger = [str(folder / "ledger" / f"{suite}.parquet") for suite in suites]
    import_predictions.main(
        Names(files=files, examples=data.examples, data=data.manifest),
        Names(ledger=ledger),
        Names(
            suites=suites,
            models=models,
            brought_models=brought or models,
            kind=kind,
            sparsity=0.5,
            known=["fog", "snow"],
            keep=keep,
        ),
        Names(level="dense"),
    )
    return ledger


def ledger_of(path):
    """The ledger's columns by model, arrays [K, N] or [K, N, 5], in the order of IDS."""
    table = pq.read_table(path).to_pandas().astype({"example": str}).sort_values(["seed", "example"])
    assert (
        table.example.tolist() == IDS * table.seed.nunique()
        and table.label.tolist() == [*LABELS] * table.seed.nunique()
    )
    return {
        "seeds": sorted(set(table.seed)),
        "top": table[TOP].to_numpy().reshape(-1, N, 5),
        "p": table[PROBABILITY].to_numpy().reshape(-1, N, 5),
        "p_label": table.p_label.to_numpy().reshape(-1, N),
    }


def table_of_examples(folder):
    return save(pd.DataFrame({"example": IDS, "label": LABELS}), folder / "examples.csv")
