"""layers.csv: what each layer of a level does to the predictions when it alone is compressed, and when it alone is not;
exemptions.csv: the sets of layers to exempt that were tried.
"""

import numpy as np
import pandas as pd

from scripts.lib.audit.intervals import UNDEFINED, Estimate
from scripts.lib.audit.layers import NOBODY, Reference, excess_pies, flip_rate, reference_of, share, worst_class
from scripts.lib.audit.model_variance import FEWEST
from scripts.lib.jobs.job import logged
from scripts.lib.jobs.streams import generator
from scripts.lib.ledger.layer_votes import ALL, ALONE, EVERY, LEFT_OUT, Experiment, LayerVotes, load_levels
from scripts.lib.ledger.predictions import load_population
from scripts.lib.tables.table import load_table, save_table, with_interval

NOTHING = "none"
COLUMNS = (
    *("level", "margin", "step", "exempt", "exempted", "layers", "bytes", "bytes_added", "models", "significance"),
    *("selection_examples", "selection_flips", "selection_flips_low", "selection_flips_high"),
    *("examples", "flips", "flips_low", "flips_high", "lost", "gained"),
    *("top1_change", "top1_change_low", "top1_change_high", "chosen", "verdict"),
)  # of exemptions.csv


def reference_for(votes: LayerVotes, ledger: list[str], tie_rule: str) -> Reference | str:
    """What PIEs are held against, or why there are none; ledger: the predictions of the control, [] without one."""
    if not ledger:
        return "the study has no control"
    if len(votes.seed) < 2:
        return "one model has no modal label"
    control = load_population(ledger, "control")["clean", 0].restricted_to(votes.example)
    random = generator("halves", "layers", votes.description["level"])
    return reference_of(votes.before, control.votes, random, tie_rule)


def row_of(votes: LayerVotes, experiment: Experiment, reference: Reference | str, significance: float) -> dict:
    """What an experiment of a level shows."""
    kind, layer = experiment
    description, saved = votes.description, votes.bytes_saved
    after, flipped, whole = votes.votes[experiment], votes.flipped(*experiment), votes.flipped(ALL)
    right, right_after = votes.before == votes.label, after == votes.label
    lost, gained = right & ~right_after, right_after & ~right
    avoided = _difference(whole, flipped, significance) if kind == LEFT_OUT else UNDEFINED
    excess, reasons = UNDEFINED, []
    if isinstance(reference, str):
        reasons.append(f"no PIEs: {reference}")
    else:
        random = generator("halves", "layers", description["level"])
        excess = excess_pies(reference, after, random, significance)
        if len(votes.seed) < FEWEST:
            reasons.append("too few models for an interval of the excess")
    worst = worst_class(right, right_after, votes.label, len(description["classes"]))
    if worst.label == NOBODY:
        reasons.append("no class loses")
    return {
        "level": description["level"],
        "how": description["how"],
        "experiment": kind,
        "position": votes.layers.index(layer) if layer in votes.layers else -1,
        "layer": layer,
        "examples": len(votes.label),
        "models": len(votes.seed),
        "significance": significance,
        "bytes_saved": saved[layer] if layer in saved else sum(saved.values()),
        **with_interval("flips", flip_rate(flipped, significance)),
        **with_interval("avoided", avoided),
        "lost": lost.mean(),
        "gained": gained.mean(),
        **with_interval("top1_change", _difference(gained, lost, significance)),
        **with_interval("excess_rate", excess),
        "worst_class": NOTHING if worst.label == NOBODY else description["classes"][worst.label],
        "worst_change": worst.change,
        "worst_p": worst.p,
        "reason": "; ".join(reasons),
    }


def _difference(first: np.ndarray, second: np.ndarray, significance: float) -> Estimate:
    """Of how often two things happen, bool[K, N] each."""
    return (share(first) - share(second)).estimate(significance)


def layer_rows(votes: LayerVotes, ledger: list[str], tie_rule: str, significance: float) -> list[dict]:
    """All experiments of a level: all layers, each alone, each left out."""
    reference = reference_for(votes, ledger, tie_rule)
    experiments = [(ALL, EVERY), *((kind, layer) for kind in (ALONE, LEFT_OUT) for layer in votes.layers)]
    return [row_of(votes, experiment, reference, significance) for experiment in experiments]


def main(input, output, params) -> None:
    """Read the votes of all levels that were asked for, and the sets that were tried; write both tables."""
    rows = []
    for votes in load_levels(input.votes):
        rows += layer_rows(votes, input.control, params.tie_rule, params.significance)
    save_table(output.table, pd.DataFrame(rows))
    tried = [load_table(path) for path in input.exemptions]
    save_table(output.exemptions, pd.concat(tried) if tried else pd.DataFrame(columns=COLUMNS))


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake.input, snakemake.output, snakemake.params)  # noqa: F821
