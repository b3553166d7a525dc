"""The levels of which a study asks which layer is to blame, as far as it can be said without networks or images."""

from statistics import NormalDist

from scripts.lib.jobs.errors import InputError
from scripts.lib.study.levels import DENSE, is_brought, is_quantized
from scripts.lib.study.pruned_levels import PAPER, PRUNING, has_blocks, prunes

QUANTIZED, ONE_SHOT = "quantized", "one-shot"


def how_of(level: dict) -> str:
    """Whether a level's own quantized layers are exchanged, or the dense networks' layers are pruned at once."""
    return QUANTIZED if is_quantized(level) else ONE_SHOT


def exemptible(config: dict) -> list[str]:
    """The levels of which sets of layers to exempt are sought: the quantized ones among those asked for."""
    asked = config["audit"]["layers"]["levels"]
    return [level["name"] for level in config["levels"] if level["name"] in asked and is_quantized(level)]


def check_blamed_layers(config: dict) -> None:
    """Raise InputError for levels whose layers cannot be exchanged, and for a margin that so few images cannot show to be met."""
    asked, levels = config["audit"]["layers"], {level["name"]: level for level in config["levels"]}
    for name in asked["levels"]:
        here = f"config key `audit.layers.levels` names `{name}`"
        if name not in levels:
            raise InputError(f"{here}, and there is no such level: it may be one of {', '.join(levels)}.")
        _check_level(here, levels[name], levels[DENSE], config["pruning"])
    if asked["images"] is not None and exemptible(config):
        _check_margin(asked["margin"], asked["images"], config["audit"]["significance"])


def _check_level(here: str, level: dict, dense: dict, pruning: dict) -> None:
    if is_brought(level):
        raise InputError(
            f"{here}, whose models were made elsewhere: only layers that are compressed here can be exchanged, so remove it."
        )
    if is_quantized(level):
        return
    if not prunes(level):
        raise InputError(f"{here}, of which no layer is compressed: name levels that are quantized or pruned here.")
    if is_brought(dense):
        raise InputError(
            f"{here}, whose layers would have to be pruned in the dense networks, and these were made elsewhere: remove it."
        )
    if (PAPER | PRUNING[level["method"]] | level)["score"] == "gradient_times_weight":
        raise InputError(
            f"{here}, whose score is `gradient_times_weight`, and trained networks have no gradients to prune a layer by: remove it, or choose another "
            "score."
        )
    if has_blocks(level) and pruning["permutation"] != "none":
        raise InputError(
            f"{here}, whose channels are brought together while it trains, which cannot be done to one layer of a trained network: remove it, or write "
            "`pruning.permutation: none`."
        )


def _check_margin(margin: float, images: int, significance: float) -> None:
    """Half of the images confirm a set of layers; without a single flip Wilson's interval reaches z^2 / (n + z^2)."""
    squared = NormalDist().inv_cdf(significance / 2) ** 2
    least = squared / (images // 2 + squared)
    if least > margin:
        needed = 2 * (int(squared / margin - squared) + 1)
        raise InputError(
            f"config key `audit.layers.margin` is {margin:g}, and of {images} images, half of which confirm it, not a single flip would still leave "
            f"{least:.2g} open: write `images: {needed}` or more, or a larger margin."
        )
