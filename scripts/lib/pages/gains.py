"""What a level gained, in words: bytes and time beside the dense network."""

import math

import pandas as pd

from scripts.lib.pages.vocabulary import percent, times

NOT_TIMED = "What it costs is not known: there are predictions of it and no network."


def gains(row, cost: pd.DataFrame | None) -> tuple[str, ...]:
    """Bytes, and time for the smallest and the largest batch; row: with the level and, of pairs, the seed; cost: cost_and_forgetting.csv or pair_cost.csv."""
    if cost is None:
        return (NOT_TIMED,)
    own = cost[cost.level == row.level]
    if "seed" in own:
        own = own[own.seed == row.seed]
    if own.empty:
        return (NOT_TIMED,)
    own = own.sort_values("batch_size").iloc[[0, -1] if len(own) > 1 else [0]]
    speeds = [
        f"Batches of {each.batch_size}: {_speed(each, shown)}."
        for each, shown in zip(own.itertuples(), times(own, "speedup"), strict=True)
    ]
    if own.timing.nunique() == 1 and own.timing.iloc[0] != "measured":
        speeds = [f"Speed: {own.timing.iloc[0]}."]
    sizes = list(dict.fromkeys(percent(each) for each in own.weights_relative))
    if len(sizes) == 1:
        stored = "as many as dense" if (own.weights_relative == 1).all() else f"{sizes[0]} of the dense ones"
    else:
        stored = ", ".join(
            f"{percent(each.weights_relative)} of the dense ones as built for batches of {each.batch_size}"
            for each in own.itertuples()
        )
    return (f"Bytes: {stored}.", *speeds)


def _speed(row, shown: str) -> str:
    """`1.80x [1.70, 1.90] as fast as dense`, and whether that can be told from no change."""
    if math.isnan(row.speedup):
        return row.timing
    if math.isnan(row.speedup_low):
        return f"{shown} the dense speed, without an interval"
    if row.speedup_low > 1:
        return f"faster, {shown} the dense speed"
    if row.speedup_high < 1:
        return f"slower, {shown} the dense speed"
    return f"no faster that can be told, {shown} the dense speed"
