"""What a study promises of its compressed levels, `audit.accept`: each a metric and the margin that it may not pass.

What can be said without images is checked here, before any job.
"""

from scripts.lib.jobs.errors import InputError
from scripts.lib.study.levels import CONTROL, DENSE, compares_files, design_of

# Metric -> what its margin is, in words. Margins of shares are from 0 to 1, those of ratios are ratios to the dense network's.
SHARES = {
    "top1_loss": "loss of top-1",
    "top5_loss": "loss of top-5",
    "flips": "share of the images whose prediction changes",
    "lost": "share of the images that go from right to wrong",
    "worst_class": "loss of top-1 of every class",
    "worst_group": "loss of top-1 of every group of audit.subgroups",
    "excess_pies": "excess of PIEs over the control",
    "corrupted_top1_loss": "loss of top-1 under corruption, a mean over the study's corruptions and severities",
}
RATIOS = {
    "mce": "mean corruption error, as a share of the dense network's",
    "latency": "time of a batch, as a share of the dense network's",
    "bytes": "bytes of weights, as a share of the dense network's",
}
OF_COST, OF_CORRUPTIONS, OF_PAIRS = ("latency", "bytes"), ("mce", "corrupted_top1_loss"), ("flips", "lost")


def check_promises(config: dict) -> None:
    """Raise InputError for a promise that this study cannot be held to; config: the study with its defaults."""
    named: list[tuple] = []
    for position, promise in enumerate(config["audit"]["accept"]):
        here = f"config key `audit.accept[{position}]`"
        metric, margin = promise["metric"], promise["margin"]
        if metric in SHARES and not 0 < margin < 1:
            raise InputError(
                f"{here}: the margin of {metric} is {margin}: it is a {SHARES[metric]}, so between 0 and 1; no number of images shows that there is none."
            )
        if metric in RATIOS and margin <= 0:
            raise InputError(f"{here}: the margin of {metric} is {margin}: it is a {RATIOS[metric]}, so above 0.")
        _check_levels(here, promise, config)
        _check_possible(here, promise, config)
        key = (metric, promise.get("batch_size"), *sorted(levels_of(promise, config)))
        if key in named:
            raise InputError(f"{here} repeats the promise of {metric}: remove one of the two.")
        named.append(key)


def levels_of(promise: dict, config: dict) -> list[str]:
    """The levels that a promise is about: those it names, or all that are compressed."""
    compressed = [level["name"] for level in config["levels"] if level["name"] not in (DENSE, CONTROL)]
    return promise.get("levels", compressed)


def batch_size_of(promise: dict, config: dict) -> int:
    """The batch size that a promise of latency is about: the one that it names, or the smallest that is measured."""
    return promise.get("batch_size", min(config["cost"]["batch_sizes"]))


def _check_levels(here: str, promise: dict, config: dict) -> None:
    names = [level["name"] for level in config["levels"]]
    for name in promise.get("levels", []):
        if name not in names or name in (DENSE, CONTROL):
            others = [each for each in names if each not in (DENSE, CONTROL)]
            raise InputError(
                f"{here} names the level `{name}`: it must be one that is compressed, one of {', '.join(others)}."
            )


def _check_possible(here: str, promise: dict, config: dict) -> None:
    """What the study must have for a promise to be judged."""
    metric = promise["metric"]
    levels = {level["name"]: level for level in config["levels"]}
    wanted = levels_of(promise, config)
    if metric in OF_COST:
        without = next((name for name in [DENSE, *wanted] if "predictions" in levels[name]), None)
        if any("predictions" in level for level in levels.values()):
            name = without or next(name for name, level in levels.items() if "predictions" in level)
            raise InputError(
                f"{here}: {metric} needs networks, and of `{name}` there are predictions only: remove the promise."
            )
    if "batch_size" in promise and metric != "latency":
        raise InputError(f"{here}: {metric} takes no `batch_size`: remove it.")
    if "batch_size" in promise and promise["batch_size"] not in config["cost"]["batch_sizes"]:
        raise InputError(
            f"{here}: batches of {promise['batch_size']} are not measured: add them to `cost.batch_sizes`."
        )
    if metric in OF_CORRUPTIONS and not config["corruptions"]["names"]:
        raise InputError(
            f"{here}: {metric} needs corruptions: name some in `corruptions.names`, or remove the promise."
        )
    if metric == "worst_group" and not config["audit"]["subgroups"]:
        raise InputError(f"{here}: worst_group needs groups: name columns in `audit.subgroups`, or remove the promise.")
    if metric == "excess_pies" and compares_files(config):
        raise InputError(
            f"{here}: excess_pies is of populations with a control, which this study does not have: promise `flips`."
        )
    if metric in OF_PAIRS and config["population"]["models"] > 1:
        apart = next((name for name in wanted if design_of(levels[name]) != "paired"), None)
        if apart is not None:
            raise InputError(
                f"{here}: {metric} is of networks that were made of the dense ones, and `{apart}` has seeds of its own: name other `levels`, or promise "
                "`excess_pies`."
            )
