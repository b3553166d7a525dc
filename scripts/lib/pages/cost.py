"""The page of cost.csv: what the networks of each level need."""

import math

import pandas as pd

from scripts.lib.pages.page import Note, Page
from scripts.lib.pages.vocabulary import UNDEFINED, times
from scripts.lib.tables.table import coverage

OF_FILES = (
    " A level whose multiply-adds are not counted is of files that bring their own computation: its time is their runtime's, the bytes are those of "
    "the files, and layers are not seen."
)


def page(table: pd.DataFrame) -> Page:
    """cost.csv has a row for each batch size and level."""
    cells = pd.DataFrame(
        {
            "batch": table.batch_size.astype(str),
            "level": table.level,
            "block-sparse layers": table.block_sparse_layers.astype(str),
            "latency, ms": [
                timing
                if math.isnan(value)
                else f"{value:.3f}"
                if math.isnan(low)
                else f"{value:.3f} [{low:.3f}, {high:.3f}]"
                for value, low, high, timing in zip(
                    table.latency_ms, table.latency_ms_low, table.latency_ms_high, table.timing, strict=True
                )
            ],
            "images/s": [UNDEFINED if math.isnan(rate) else f"{rate:,.0f}" for rate in table.images_per_second],
            "against dense, eager": times(table, "speedup_eager"),
            "against dense, compiled": times(table, "speedup_compiled"),
            "ceiling": [UNDEFINED if math.isnan(gain) else f"{gain:.2f}x" for gain in table.ceiling],
            "million multiply-adds": [
                "not counted" if math.isnan(total) else f"{kept / 1e6:.2f} of {total / 1e6:.2f}"
                for kept, total in zip(table.kept_multiply_adds, table.multiply_adds, strict=True)
            ],
            "weights, kB": (table.weight_bytes / 1e3).map("{:,.1f}".format),
            "peak memory, MB": [UNDEFINED if math.isnan(peak) else f"{peak / 1e6:.1f}" for peak in table.peak_bytes],
        }
    )
    first = table.iloc[0]
    note = Note(
        what=f"Time and memory of one network of each level on {first.device}, {first.threads} thread, {first.rounds} rounds in which all take turns.",
        evidence=(
            "Dense, eager: the dense network in torch, its batch norms folded; compiled: torch.compile. "
            "A level with blocks is block-sparse where a measurement for the batch size says that it pays; the log of measure_cost says which layers. "
            "Ceiling: the gain if time fell as multiplications do. Bytes of weights are those stored. Peak memory: beyond what is there before the call."
        ),
        brackets=f"{coverage(table)} intervals of the median over rounds.",
        limits=(
            "Times are of this machine and moment, unlike all other tables. "
            "Zeros without blocks are not skipped, so levels that are pruned otherwise run as dense ones. "
            "float16 weights become float32 each time they are used. "
            "int8 sums are exact but not done by int8 instructions, so they have no time."
            + (OF_FILES if table.multiply_adds.isna().any() else "")
        ),
    )
    return Page("Cost: what the networks of each level need", note, cells)
