"""How a level prunes: by four choices that do not depend on each other, and which of them cannot be combined.

`magnitude` and `block` are short names of methods; `prune` makes each choice itself. What is left out is as in the paper.
"""

import math

from scripts.lib.jobs.errors import InputError

# Choice -> what may be chosen, the paper's first.
CHOICES: dict[str, tuple[str, ...]] = {
    "score": ("magnitude", "random", "gradient_times_weight"),
    "distribution": ("uniform", "global", "erk", "time_saved"),
    "structure": ("unstructured", "block", "n_of_m", "output_channels"),
    "schedule": ("gradual", "one_shot", "from_start"),
}
PAPER = {choice: options[0] for choice, options in CHOICES.items()}
# Method -> the choices that it stands for; the others are the paper's.
PRUNING: dict[str, dict[str, str]] = {"magnitude": {}, "block": {"structure": "block"}, "prune": {}}
OF_STRUCTURE = {"block": ("block",), "n_of_m": ("n", "m")}  # structure -> its own keys
# Schedule -> the keys of the section `pruning` that it reads; gradients are averaged over `every` steps.
OF_SCHEDULE = {"gradual": ("begin", "end", "every"), "one_shot": ("begin", "every"), "from_start": ()}


def prunes(level: dict) -> bool:
    """Whether a level's models are pruned while they train."""
    return level["method"] in PRUNING


def choices_of(level: dict, allocation: str = "uniform") -> dict:
    """The four choices of a level that prunes, its `sparsity`, and what belongs to its structure: `block`, or `n` and `m`.

    allocation: the study's `pruning.allocation`, the distribution of levels with blocks that do not say one.
    """
    choices = PAPER | PRUNING[level["method"]] | {key: level[key] for key in CHOICES if key in level}
    if choices["structure"] == "block" and "distribution" not in level:
        choices["distribution"] = allocation
    own = {key: level[key] for key in OF_STRUCTURE.get(choices["structure"], ())}
    sparsity = 1 - own["n"] / own["m"] if choices["structure"] == "n_of_m" else level["sparsity"]
    return choices | own | {"sparsity": sparsity}


def has_blocks(level: dict) -> bool:
    """Whether whole blocks of a level's weights are zero, so that the kernels can skip them."""
    return prunes(level) and (PAPER | PRUNING[level["method"]] | level)["structure"] == "block"


def settings_of(level: dict, pruning: dict) -> dict:
    """What a level that prunes reads of the study's section `pruning`."""
    choices = choices_of(level, pruning["allocation"])
    of_blocks = ("allocation", "permutation") if choices["structure"] == "block" else ()
    return {key: pruning[key] for key in (*OF_SCHEDULE[choices["schedule"]], "layers", *of_blocks)}


def check_pruned_level(here: str, level: dict, pruning: dict) -> None:
    """Raise InputError for keys that a level's structure lacks or does not have, and for choices that cannot be combined.

    here: names the level in a sentence. pruning: the study's section.
    """
    structure = (PAPER | PRUNING[level["method"]] | level)["structure"]
    for key in OF_STRUCTURE.get(structure, ("sparsity",)) + (("sparsity",) if structure == "block" else ()):
        if key not in level:
            raise InputError(f"{here}: the structure `{structure}` needs `{key}`: add it.")
    for other, keys in OF_STRUCTURE.items():
        for key in keys:
            if key in level and other != structure:
                raise InputError(
                    f"{here}: `{key}` belongs to the structure `{other}`, and this is `{structure}`: remove it."
                )
    choices = choices_of(level, pruning["allocation"])
    if structure == "n_of_m":
        _check_n_of_m(here, level, choices)
    if choices["distribution"] == "time_saved" and structure != "block":
        raise InputError(
            f"{here}: the distribution `time_saved` is for blocks, because nothing else saves time: write `structure: block`, or another distribution."
        )
    if structure == "block" and pruning["permutation"] != "none" and choices["score"] == "random":
        raise InputError(
            f"{here}: `pruning.permutation` brings channels of similar scores together, and random ones are not similar: write `none`, or another "
            "score."
        )


def _check_n_of_m(here: str, level: dict, choices: dict) -> None:
    n, m = choices["n"], choices["m"]
    if n >= m:
        raise InputError(f"{here}: `n` is {n} and `m` {m}: of each `m` weights fewer must be kept, as n: 2, m: 4.")
    if choices["distribution"] != "uniform":
        raise InputError(
            f"{here}: the distribution is `{choices['distribution']}`, and `n_of_m` keeps {n} of each {m} weights in every layer: write `uniform`, or "
            "remove it."
        )
    if not math.isclose(level.get("sparsity", choices["sparsity"]), choices["sparsity"]):
        raise InputError(
            f"{here}: `sparsity` is {level['sparsity']:g}, and {n} of {m} makes {choices['sparsity']:g}: remove it."
        )
