"""Corruptions at their severities, one variant of the test images after the other, with the votes of all levels."""

from collections.abc import Iterable, Iterator

import numpy as np
import pandas as pd

from scripts.lib.jobs.errors import InputError
from scripts.lib.ledger.predictions import Votes, by_suite, load_votes, same_examples

Variant = tuple[str, int]
DENSE = "dense"


def variants_of(paths: list[str], levels: list[str]) -> Iterator[tuple[Variant, dict[str, Votes]]]:
    """Each variant with the votes of all levels, one suite in memory at a time; the clean images last, those that are corrupted if any are.

    Raises InputError unless all levels have the same variants, all variants of a level the same models, and all corrupted ones the
    same examples.
    """
    seeds: dict[str, np.ndarray] = {}
    shown = None
    suites = by_suite(paths, levels)
    for suite in sorted(suites, key=lambda suite: suite == "clean"):
        populations = {level: load_votes(suites[suite][level], level) for level in levels}
        for level, variants in populations.items():
            if variants.keys() != populations[DENSE].keys():
                raise InputError(
                    f"{suite}: the level {level} has other variants than the dense level: predict both anew."
                )
        for variant in sorted(populations[DENSE], key=lambda variant: variant[0] == "clean"):
            votes = {level: variants[variant] for level, variants in populations.items()}
            if variant[0] == "clean" and shown is not None:
                votes = {level: each.restricted_to(shown.example) for level, each in votes.items()}
            for level, each in votes.items():
                if not np.array_equal(seeds.setdefault(level, each.seed), each.seed):
                    raise InputError(
                        f"level {level}: {suite} was predicted by other models than the other suites: predict all with the same seeds."
                    )
            shown = shown or votes[DENSE]
            same_examples(shown, votes[DENSE], f"dense, {variant[0]} {variant[1]}")
            yield variant, votes


def in_order(variants: Iterable[Variant], corruptions: list[str]) -> list[Variant]:
    """Clean images first, then the corruptions in the study's order, the mildest severity first."""
    order = ["clean", *corruptions]
    return sorted(variants, key=lambda variant: (order.index(variant[0]), variant[1]))


def severities_of(variants: list[Variant]) -> dict[str, list[int]]:
    """The severities of each corruption, in the order of the variants."""
    severities: dict[str, list[int]] = {}
    for corruption, severity in variants:
        severities.setdefault(corruption, []).append(severity)
    return severities


def level_by_level(rows: dict[Variant, list[dict]], variants: list[Variant]) -> pd.DataFrame:
    """All rows, the variants of one level after the other; rows: of each variant one a level."""
    return pd.DataFrame([rows[variant][place] for place in range(len(rows[variants[0]])) for variant in variants])
