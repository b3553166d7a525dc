"""The rows of plan.csv: what a study shows at best, and what it would take to show more."""

import math
from collections.abc import Iterable

import numpy as np

from scripts.lib.audit.planning import Plan
from scripts.lib.audit.power import POWER, images_needed, smallest_visible_change

EXCESS, TOP1 = "excess of PIEs over the control", "change of top-1"
SMALLEST, MODELS_ASKED, IMAGES_ASKED = "smallest", "models", "images"
MODELS = (3, 4, 5, 6, 8, 10, 15, 20, 30, 50, 100)
IMAGES = (0.25, 0.5, 1, 2, 4, 10)  # times the test images there are
NO_POWER = "no {} is shown so often by so few"


def excess_rows(
    level: str, plan: Plan, models: int, examples: int, changes: Iterable[float], known_models: int
) -> list[dict]:
    """A population study, `this_study` where K and n are its own: the smallest excess on a grid of K and n, and for each wanted excess the K at this n and the n at this K.

    models, examples: the study's own; known_models: how many the law of the errors was measured with, 0 where it is assumed.
    """
    about = {"level": level, "shown": EXCESS, "significance": plan.significance, "known_models": known_models}

    def row(asked: str, many: float, n: float, change: float, ends: tuple[float, float], reason: str) -> dict:
        errors = (
            plan.variances(change, int(many), int(n)) if not math.isnan(many + n + change) else (math.nan, math.nan)
        )
        return _row(about, asked, many, n, change, ends, reason) | {
            "se_images": math.sqrt(errors[0]),
            "se_models": math.sqrt(errors[1]),
        }

    unknown = math.nan, math.nan
    rows = []
    for many in sorted({*MODELS, models}):
        for n in images_of(examples):
            smallest = plan.smallest_excess(many, n)
            reason = NO_POWER.format("excess") if math.isnan(smallest) else ""
            found = row(SMALLEST, many, n, smallest, plan.range_of_smallest(many, n), reason)
            rows.append(found | {"this_study": many == models and n == examples})
    for change in changes:
        many, n = plan.models_needed(change, examples), plan.images_needed(change, models)
        rows.append(
            row(MODELS_ASKED, many, examples, change, unknown, "no number of models" if math.isnan(many) else "")
        )
        rows.append(row(IMAGES_ASKED, models, n, change, unknown, "no number of images" if math.isnan(n) else ""))
    return rows


def pair_rows(
    level: str, discordance: float, examples: int, changes: Iterable[float], significance: float, known_models: int
) -> list[dict]:
    """A study of two files: the smallest change of top-1 on several numbers of images, and for each wanted change the images it needs.

    discordance: the share of images that one of the two gets right and the other does not; a change that is larger makes it as large.
    """
    about = {"level": level, "shown": TOP1, "significance": significance, "known_models": known_models}
    about |= {"discordance": discordance}
    rows = []
    for n in images_of(examples):
        smallest = smallest_visible_change(n, discordance, significance)
        reason = NO_POWER.format("change") if math.isnan(smallest) else ""
        found = _row(about, SMALLEST, 1, n, smallest, (math.nan, math.nan), reason)
        rows.append(found | {"this_study": n == examples})
    for change in changes:
        n = images_needed(change, max(discordance, change), significance)
        rows.append(_row(about, IMAGES_ASKED, 1, n, change, (math.nan, math.nan), ""))
    return rows


def images_of(examples: int) -> list[int]:
    """The numbers of images of the grid, the study's own among them."""
    return sorted({max(1, round(times * examples)) for times in IMAGES})


def discordance_of(dense: np.ndarray, compressed: np.ndarray) -> float:
    """The share of images that a dense model gets right and its partner does not, or the other way round, from bool[K, N] each."""
    return float(np.mean(dense != compressed))


def _row(
    about: dict, asked: str, models: float, examples: float, change: float, ends: tuple[float, float], reason: str
) -> dict:
    return {
        "level": about["level"],
        "shown": about["shown"],
        "asked": asked,
        "this_study": False,
        "models": models,
        "examples": examples,
        "change": change,
        "change_low": ends[0],
        "change_high": ends[1],
        "se_images": math.nan,
        "se_models": math.nan,
        "discordance": about.get("discordance", math.nan),
        "significance": about["significance"],
        "power": POWER,
        "known_models": about["known_models"],
        "reason": reason,
    }
