"""What is predicted with the layers of a level exchanged: two layers, of which the second does all that the level does."""

import pandas as pd

from scripts.compare.compare_layers import layer_rows
from scripts.compress.exempt_layers import Trials, rows_of
from scripts.lib.ledger.layer_votes import ALL, ALONE, EVERY, LEFT_OUT, UNCOMPRESSED, LayerVotes


def layers_of(level, before, after, significance):
    """Both tables of a level, from the votes of its models before and after compression."""
    votes = {
        (UNCOMPRESSED, EVERY): before.votes,
        (ALL, EVERY): after.votes,
        (ALONE, "first"): before.votes,
        (ALONE, "second"): after.votes,
        (LEFT_OUT, "first"): after.votes,
        (LEFT_OUT, "second"): before.votes,
    }
    sizes = {seed: {"bytes": 1000, "bytes_saved": {"first": 300, "second": 100}} for seed in before.seed.tolist()}
    description = {"level": level, "how": "quantized", "classes": list("abcd")}
    layers = {"layers": ["first", "second"], "network": ["first", "second", "exempt anyway"]}
    made = LayerVotes(before.example, before.label, before.seed, votes, sizes, description | layers)
    trials = Trials(made, None, {}, None, 0, None)
    for exempt in ((), ("second",)):
        trials.of(frozenset(exempt))
    return {
        "layers": pd.DataFrame(layer_rows(made, [], "largest", significance)),
        "exemptions": pd.DataFrame(rows_of(trials, frozenset(["second"]), 0.6, significance)),
    }
