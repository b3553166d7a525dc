"""The rows of robustness_summary.csv: what the corruptions of a study come to, level by level, against a reference."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from scripts.lib.audit import alexnet
from scripts.lib.audit.intervals import UNDEFINED, Estimate
from scripts.lib.audit.robustness import (
    corruption_error,
    excess_error,
    percentile_interval,
    relative_corruption_error,
    resampled_means,
)
from scripts.lib.corruptions import FAMILIES, IMAGENET_C
from scripts.lib.jobs.errors import InputError
from scripts.lib.jobs.streams import generator
from scripts.lib.tables.table import with_interval

EXTRA = FAMILIES["extra"]
PUBLISHED = tuple(name for family in IMAGENET_C for name in FAMILIES[family])
# What a row with several corruptions is called -> those corruptions. Those for validation never mix with the published 15.
PUBLISHED_SET, EXTENDED_SET = "the 15 of ImageNet-C", "all 19"
SETS = {PUBLISHED_SET: PUBLISHED, EXTENDED_SET: (*PUBLISHED, *EXTRA)}
SEVERITIES = [1, 2, 3, 4, 5]
CLEAN = "clean"
DENSE, ALEXNET = "dense", "alexnet"
REFERENCES = {
    DENSE: "dense population",
    ALEXNET: f"AlexNet, official (clean error {alexnet.CLEAN_ERROR:g} as reported in the paper, further decimals unverified)",
}
STATISTICS = ("error", "error_change", "excess_error", "ce", "relative_ce", "mce", "relative_mce")
NOTHING = "none"


@dataclass(frozen=True)
class Errors:
    """Top-1 errors of a population, or a reference's; resampled B times, or B = 1 where they are constants."""

    names: list[str]  # C corruptions
    error: np.ndarray  # float64[C]: means over severities
    clean: np.ndarray  # float64[]: on the same images
    resampled: np.ndarray  # float64[B, C]
    resampled_clean: np.ndarray  # float64[B]


def errors_of(wrong: dict[str, np.ndarray], severities: dict[str, list[int]], drawn_as: str, resamples: int) -> Errors:
    """The errors of a level's models.

    drawn_as: the level whose models are drawn together with these, `dense` for one that is made of the dense models; else its own.
    wrong: `clean` and each corruption -> uint8[K, N], at how many severities a model errs; severities: the same keys in the order in
    which the corruptions shall be.
    """
    counts = np.stack([wrong[name] for name in severities])
    per_severity = np.array([len(shown) for shown in severities.values()])
    images, models = generator("robustness images"), generator("robustness models", drawn_as)
    resampled = resampled_means(counts, resamples, images, models) / per_severity
    error = counts.mean(axis=(1, 2)) / per_severity
    clean = list(severities).index(CLEAN)
    names = [name for name in severities if name != CLEAN]
    others = np.arange(len(severities)) != clean
    return Errors(names, error[others], error[clean], resampled[:, others], resampled[:, clean])


def alexnet_errors(names: list[str]) -> Errors:
    """The official errors of AlexNet: constants, without a resample's luck."""
    error = np.array([np.mean(alexnet.ERRORS[name]) for name in names])
    clean = np.array(alexnet.CLEAN_ERROR)
    return Errors(names, error, clean, error[None], clean[None])


def check_alexnet(classes: int, image_size: list[int] | None) -> None:
    """Raise InputError unless these can be images that AlexNet's errors are known of."""
    for what, found, needed in (("classes", classes, 1000), ("image size", image_size, [224, 224])):
        if found != needed:
            raise InputError(
                f"config key `corruptions.reference` is {ALEXNET}, whose errors are those on ImageNet-C's 1000 classes at 224 x 224 pixels, but "
                f"these data have {what} {found}: write `{DENSE}`."
            )


def summary_of(
    wrong: dict[str, dict[str, np.ndarray]],
    severities: dict[str, list[int]],
    clean: list[dict],
    designs: dict[str, str],
    reference: str,
    resamples: int,
) -> pd.DataFrame:
    """robustness_summary.csv.

    wrong: level -> corruption -> at how many severities each model errs on each image, uint8[K, N]. clean: a row for each level on the clean images,
    with the columns `examples`, `dense_models`, `level_models` and `significance`. designs: of each level but the dense one. reference: a key
    of REFERENCES.
    """
    errors = {}
    for level, counts in wrong.items():
        drawn_as = DENSE if designs.get(level) == "paired" else level
        errors[level] = errors_of(counts, severities, drawn_as, resamples)
    dense = errors[DENSE]
    held = alexnet_errors(dense.names) if reference == ALEXNET else dense
    summary = []
    for level, row in zip(wrong, clean, strict=True):
        about = {name: row[name] for name in ("examples", "dense_models", "level_models", "significance")}
        about |= {"resamples": resamples, "reference": REFERENCES[reference]}
        summary += summarize_level(level, errors[level], dense, held, severities, about, row["significance"])
    return pd.DataFrame(summary)


def summarize_level(
    level: str,
    own: Errors,
    dense: Errors,
    reference: Errors,
    severities: dict[str, list[int]],
    about: dict,
    significance: float,
) -> list[dict]:
    """One row for each set of corruptions and one for each corruption; about: what all rows of the level say."""
    point = _statistics(own.error, own.clean, dense, reference, resampled=False)
    drawn = _statistics(own.resampled, own.resampled_clean, dense, reference, resampled=True)
    lost = reference.resampled - reference.resampled_clean[:, None]
    # A ratio to a loss that may be none could be anything.
    sure = np.quantile(lost, significance / 2, axis=0) > 0
    sets = {name: names for name, names in SETS.items() if name != EXTENDED_SET or set(own.names) & set(EXTRA)}
    everything = about | {"level": level}
    rows = [_clean_row(own, dense, everything, significance)]
    for title, names in [*sets.items(), *((name, (name,)) for name in own.names)]:
        places = [own.names.index(name) for name in names if name in own.names]
        estimates = {}
        for statistic in point:
            estimates[statistic] = UNDEFINED
            usable = statistic != "relative_ce" or all(sure[places])
            if places and usable:
                interval = percentile_interval(drawn[statistic][:, places].mean(axis=1), significance)
                estimates[statistic] = Estimate(float(point[statistic][places].mean()), *interval)
        if level == DENSE:
            estimates["excess_error"] = estimates["error_change"] = UNDEFINED
        if reference is own:  # it is 1 by definition
            estimates |= {name: Estimate(estimates[name].value, np.nan, np.nan) for name in ("ce", "relative_ce")}
        unsure = [own.names[place] for place in places if not sure[place]]
        shown = dict.fromkeys(" ".join(map(str, severities[own.names[place]])) for place in places)
        reasons, complete = _reasons(title, names, places, list(shown), unsure)
        estimates["mce"] = estimates["ce"] if complete else UNDEFINED
        estimates["relative_mce"] = estimates["relative_ce"] if complete else UNDEFINED
        counted = {"found": len(places), "of": len(names), "severities": " | ".join(shown) or NOTHING}
        rows.append(_row(title, everything | counted, estimates, "; ".join(reasons) or NOTHING))
    return rows


def _row(title: str, about: dict, estimates: dict[str, Estimate], reason: str) -> dict:
    """One row: what it is about, all statistics, and why some are undefined."""
    shown = [with_interval(name, estimates.get(name, UNDEFINED)) for name in STATISTICS]
    columns = {name: value for statistic in shown for name, value in statistic.items()}
    return {"level": about["level"], "corruption": title, **about, **columns, "reason": reason}


def _clean_row(own: Errors, dense: Errors, about: dict, significance: float) -> dict:
    """The same images without a corruption."""
    change = own.resampled_clean - dense.resampled_clean
    estimates = {
        "error": Estimate(float(own.clean), *percentile_interval(own.resampled_clean, significance)),
        "error_change": Estimate(float(own.clean - dense.clean), *percentile_interval(change, significance)),
    }
    if own is dense:
        estimates["error_change"] = UNDEFINED
    return _row(
        CLEAN, about | {"found": 1, "of": 1, "severities": "0"}, estimates, "clean images have no corruption error"
    )


def _statistics(error: np.ndarray, clean: np.ndarray, dense: Errors, reference: Errors, resampled: bool) -> dict:
    """All statistics, float64[C] or float64[B, C], by name."""
    before, star = (
        (each.resampled, each.resampled_clean) if resampled else (each.error, each.clean) for each in (dense, reference)
    )
    return {
        "error": error,
        "error_change": error - before[0],
        "excess_error": excess_error(error, clean, *before),
        "ce": corruption_error(error, star[0]),
        "relative_ce": relative_corruption_error(error, clean, *star),
    }


def _reasons(
    title: str, names: tuple[str, ...], places: list[int], shown: list[str], unsure: list[str]
) -> tuple[list[str], bool]:
    """Why some numbers of a row are undefined, and whether the row's mean is the mCE."""
    reasons = []
    all_severities = shown == [" ".join(map(str, SEVERITIES))]
    complete = title == PUBLISHED_SET and len(places) == len(names) and all_severities
    if title in SETS and not complete:
        if not places:
            reasons.append("no corruption of these in the study")
        elif len(places) < len(names):
            reasons.append(f"{len(places)} of {len(names)} corruptions, so this is no mCE")
        elif not all_severities:
            reasons.append(f"severities {' | '.join(shown)}, so this is no mCE")
        if not reasons:
            reasons.append("mCE is of the 15 alone")
    if unsure:
        reasons.append(f"the reference does not surely lose under {', '.join(unsure)}, so nothing is relative to that")
    return reasons, complete
