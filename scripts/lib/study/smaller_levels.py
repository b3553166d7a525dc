"""Levels of a network with fewer channels, trained dense: what they may say."""

from scripts.lib.jobs.errors import InputError
from scripts.lib.study.pruned_levels import choices_of, prunes
from scripts.lib.study.trained_networks import can_be_smaller


def check_smaller_level(here: str, level: dict, config: dict) -> None:
    """Raise InputError unless a level says how much smaller its network is, and the study's network can be made so.

    here: names the level in a sentence. config: the study.
    """
    network = config["network"]["name"]
    if not can_be_smaller(network):
        raise InputError(
            f"{here}: {network} has channels of its own, which cannot be fewer: name a smaller network as `network.name` of another study, or train "
            "one whose channels can be, such as wide_resnet-16-4."
        )
    given = {key for key in ("as", "equal", "width") if key in level}
    if given not in ({"width"}, {"as", "equal"}):
        raise InputError(
            f"{here}: how small the network is, either `width` says, a factor for all channels, or `as`, a pruned level, together with `equal`, "
            "weights or multiply_adds: write one of them."
        )
    if "as" in given:
        _check_pruned(here, level, config)


def _check_pruned(here: str, level: dict, config: dict) -> None:
    pruned = {each["name"]: each for each in config["levels"] if prunes(each)}
    if level["as"] not in pruned:
        known = f"one of {', '.join(pruned)}" if pruned else "and the study has none, so give a `width`"
        raise InputError(f"{here}: `as` is `{level['as']}`: it must be a level that is pruned, {known}.")
    choices = choices_of(pruned[level["as"]], config["pruning"]["allocation"])
    if level["equal"] == "multiply_adds" and choices["distribution"] == "global":
        raise InputError(
            f"{here}: how many multiply-adds `{level['as']}` keeps is not known before it is trained, because its distribution is global: write "
            "`equal: weights`."
        )
