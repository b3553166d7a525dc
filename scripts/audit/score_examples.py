"""scores.csv: for every example and level, how differently the two populations vote on it, with the control's values beside."""

import numpy as np
import pandas as pd

from scripts.lib.audit.exact import fisher_exact, taxicab_test
from scripts.lib.audit.modal import PAPERS_RULE, modal_labels
from scripts.lib.audit.multiple import benjamini_hochberg
from scripts.lib.audit.paired import paired_right_test, paired_taxicab_test
from scripts.lib.audit.scores import distances, modal_flips, paired_churn, vote_counts
from scripts.lib.jobs.job import logged
from scripts.lib.ledger.predictions import Votes, load_population, same_examples, same_seeds
from scripts.lib.tables.table import save_table


def scores_of(
    level: str, dense: Votes, compressed: Votes, design: str = "independent", tie_rule: str = PAPERS_RULE
) -> dict[str, np.ndarray]:
    """Every score of the examples, arrays of length N; `q_` is the p-value of the same name after Benjamini-Hochberg.

    Of a paired level, made of the dense checkpoints, churn is that of each model before and after, and the tests swap within pairs; a p-value
    is NaN where that needs too long a count.
    """
    same_examples(dense, compressed, level)
    before, after = vote_counts(dense.votes, compressed.votes)
    churn = None
    right_dense, right_level = dense.correct.sum(axis=0), compressed.correct.sum(axis=0)
    if design == "paired":
        same_seeds(dense, compressed, level)
        churn = paired_churn(dense.votes, compressed.votes)
        p_votes = paired_taxicab_test(dense.votes, compressed.votes)
        p_right = paired_right_test(dense.correct, compressed.correct)
    else:
        p_votes = taxicab_test(before, after)
        p_right = fisher_exact(right_dense, len(dense.seed), right_level, len(compressed.seed))
    return {
        "level_right": right_level,
        "flip": modal_flips(modal_labels(dense.votes, tie_rule), modal_labels(compressed.votes, tie_rule), dense.label),
        **distances(before, after, churn),
        "p_votes": p_votes,
        "q_votes": benjamini_hochberg(p_votes),
        "p_right": p_right,
        "q_right": benjamini_hochberg(p_right),
    }


def table_of(
    level: str, dense: Votes, compressed: Votes, scores: dict, control: dict, design: str = "independent"
) -> pd.DataFrame:
    """One row an example: the level's scores, and the control's with `control_` before their names."""
    return pd.DataFrame(
        {
            "example": dense.example,
            "level": level,
            "label": dense.label,
            "design": design,
            "dense_models": len(dense.seed),
            "level_models": len(compressed.seed),
            "dense_right": dense.correct.sum(axis=0),
            **scores,
            **{f"control_{name}": values for name, values in control.items()},
        }
    )


def main(input, output, params) -> None:
    """Read the clean suite of all levels, write scores.csv."""
    dense = load_population(input.ledger, "dense")["clean", 0]
    control_votes = load_population(input.ledger, "control")["clean", 0]
    control = scores_of("control", dense, control_votes, tie_rule=params.tie_rule)
    parts = []
    for level in params.levels:
        compressed = load_population(input.ledger, level)["clean", 0]
        design = params.designs[level]
        scores = control if level == "control" else scores_of(level, dense, compressed, design, params.tie_rule)
        print(f"{level}: mean taxicab distance {scores['taxicab'].mean():.4f}, control {control['taxicab'].mean():.4f}")
        parts.append(table_of(level, dense, compressed, scores, control, design))
    save_table(output.table, pd.concat(parts))


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake.input, snakemake.output, snakemake.params)  # noqa: F821
