"""Two networks and the same images: what stands in the tables of studies that compare networks one with one."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from scripts.lib.audit.flips import Flips, flips
from scripts.lib.audit.intervals import Estimate, mcnemar_of, rate
from scripts.lib.audit.multiple import benjamini_hochberg
from scripts.lib.audit.paired_proportions import change, change_bounds
from scripts.lib.audit.power import smallest_visible_change
from scripts.lib.jobs.errors import InputError
from scripts.lib.ledger.predictions import Votes, load_population, same_examples, same_seeds
from scripts.lib.tables.table import with_interval

LOSES, GAINS, ALIKE, TOO_FEW = "loses top-1", "gains top-1", "cannot be told", "too few images"


@dataclass(frozen=True)
class Pair:
    """One dense network and one of a level, on N images."""

    level: str
    design: str  # `paired` if the one was made of the other
    seed: int
    dense: Votes  # of one model each
    own: Votes

    @property
    def flips(self) -> Flips:
        """Where they say something else."""
        return flips(self.dense.votes[0], self.own.votes[0], self.dense.label)

    @property
    def about(self) -> dict:
        """The columns that every row of the pair begins with."""
        return {"level": self.level, "seed": self.seed, "design": self.design}


def pairs_of(level: str, design: str, dense: Votes, own: Votes) -> list[Pair]:
    """The pairs of a level, model after model; InputError unless they have the same images, and as many models of the same seeds where one was made
    of the other."""
    same_examples(dense, own, level)
    if design == "paired":
        same_seeds(dense, own, level)
    elif len(dense.seed) != 1 or len(own.seed) != 1:
        raise InputError(
            f"level {level} has {len(own.seed)} models that were not made of the {len(dense.seed)} dense ones, and no control: add one to the study."
        )
    return [
        Pair(level, design, int(seed), dense.of_model(place), own.of_model(place))
        for place, seed in enumerate(own.seed)
    ]


def all_pairs(paths: list[str], levels: list[str], designs: dict[str, str]) -> Iterator[Pair]:
    """The pairs of all levels on the clean images, level after level, from the ledger's files; InputError as `pairs_of`."""
    dense = load_population(paths, "dense")["clean", 0]
    for level in levels:
        yield from pairs_of(level, designs[level], dense, load_population(paths, level)["clean", 0])


class Change(NamedTuple):
    """How much oftener something is right after than before."""

    lost: int
    gained: int
    estimate: Estimate
    p: float  # exact, that it is right as often as before (McNemar)
    smallest: float  # the smallest change that as many images with as many differences show with a probability of 80 %


def changed(before: np.ndarray, after: np.ndarray, significance: float) -> Change:
    """before, after: whether each image is right, bool[n]."""
    lost, gained, n = int((before & ~after).sum()), int((after & ~before).sum()), len(before)
    return Change(
        lost,
        gained,
        change(gained, lost, n, significance),
        float(mcnemar_of(lost, gained)) if n else np.nan,
        smallest_visible_change(n, (lost + gained) / n, significance) if n else np.nan,
    )


def verdict(difference: float, p: float, significance: float) -> str:
    """What may be said of a change of top-1 from its p-value, adjusted where there are several."""
    if np.isnan(p):
        return TOO_FEW
    if p > significance:
        return ALIKE
    return LOSES if difference < 0 else GAINS


def rows_of_groups(pair: Pair, groups: dict[str, np.ndarray], smallest: int, significance: float) -> pd.DataFrame:
    """A row for each group of images, by name -> bool[N]: top-1 before and after, what was lost and gained, the exact p, and
    the smallest change that the same test, unadjusted, finds four times of five on as many images with as many of them lost or gained.

    Groups with fewer than `smallest` images have no test and no intervals. `worst` is the group that loses the largest share among those tested; as it is the
    worst of many, its interval is `change_together`, which holds for all groups at once (Bonferroni).
    """
    found = pair.flips
    members = np.stack(list(groups.values()))
    n = members.sum(axis=1)
    lost, gained = (members & found.lost).sum(axis=1), (members & found.gained).sum(axis=1)
    right = [(members & votes.correct[0]).sum(axis=1) for votes in (pair.dense, pair.own)]
    tested = n >= max(smallest, 1)
    low, high, together_low, together_high, p = (np.full(len(n), np.nan) for _ in range(5))
    if tested.any():
        counts = gained[tested], lost[tested], n[tested]
        low[tested], high[tested] = change_bounds(*counts, significance)
        together_low[tested], together_high[tested] = change_bounds(*counts, significance / tested.sum())
        p[tested] = mcnemar_of(gained[tested], lost[tested])
    smallest_found = [
        smallest_visible_change(int(of), float((one + other) / of), significance) if enough else np.nan
        for of, one, other, enough in zip(n, lost, gained, tested, strict=True)
    ]
    difference = np.divide(gained - lost, n, out=np.full(len(n), np.nan), where=n > 0)
    worst = np.zeros(len(n), dtype=bool)
    if tested.sum() > 1:
        worst[np.flatnonzero(tested)[np.argmin(difference[tested])]] = True
    shares = [[rate(int(hits), int(of), significance) for hits, of in zip(each, n, strict=True)] for each in right]
    return pd.DataFrame(
        {
            **{name: [value] * len(n) for name, value in pair.about.items()},
            "group": list(groups),
            "examples": n,
            "significance": significance,
            **_columns("dense_top1", shares[0]),
            **_columns("level_top1", shares[1]),
            "flips": (members & found.any).sum(axis=1),
            "lost": lost,
            "gained": gained,
            "change": difference,
            "change_low": low,
            "change_high": high,
            "change_together_low": together_low,
            "change_together_high": together_high,
            "p": p,
            "smallest_change": smallest_found,
            "worst": worst,
            "reason": ["" if enough else f"fewer than {max(smallest, 1)} images" for enough in tested],
        }
    )


def with_adjusted(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of all groups with q, p adjusted for all groups of a network (Benjamini & Hochberg), and what may be said of each."""
    table = table.reset_index(drop=True)
    q = table.groupby(["level", "seed"], sort=False).p.transform(lambda p: benjamini_hochberg(p.to_numpy()))
    table.insert(table.columns.get_loc("p") + 1, "q", q)
    verdicts = map(verdict, table.change, table.q, table.significance)
    table.insert(table.columns.get_loc("worst") + 1, "verdict", list(verdicts))
    return table


def change_columns(name: str, found: Change) -> dict[str, float]:
    """A change as columns."""
    return {
        **with_interval(f"{name}_change", found.estimate),
        f"p_{name}": found.p,
        f"smallest_{name}_change": found.smallest,
    }


def _columns(name: str, estimates: list[Estimate]) -> dict[str, list[float]]:
    ends = zip(*estimates, strict=True)
    return dict(zip((name, f"{name}_low", f"{name}_high"), map(list, ends), strict=True))
