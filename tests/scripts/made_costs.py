"""A table of costs that is known, for tests of what is made from it."""

import numpy as np
import pandas as pd


def cost_of(levels):
    """A table as measure_cost writes it, in which the last level is twice as fast as the others."""
    rows = []
    for batch_size in (1, 256):
        for level in levels:
            gain = 2.0 if level == levels[-1] else 1.0
            rows.append({"level": level, "batch_size": batch_size, "device": "x86_64", "threads": 1, "rounds": 7})
            rows[-1] |= {
                "timing": "measured",
                "significance": 0.05,
                "best_dense": "eager",
                "block_sparse_layers": 2 * (gain > 1),
            }
            for name, value in (("latency_ms", 3 / gain), ("speedup", gain), ("speedup_eager", gain)):
                rows[-1] |= {name: value, f"{name}_low": 0.9 * value, f"{name}_high": 1.1 * value}
            rows[-1] |= dict.fromkeys(("speedup_compiled", "speedup_compiled_low", "speedup_compiled_high"), np.nan)
            rows[-1] |= {"images_per_second": 1000 * gain, "ceiling": 2 * gain, "multiply_adds": 4_000_000}
            rows[-1] |= {"kept_multiply_adds": 1_000_000, "weight_bytes": 1000 / gain, "peak_bytes": np.nan}
    return pd.DataFrame(rows)
