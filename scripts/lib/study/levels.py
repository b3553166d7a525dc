"""Levels: whose checkpoints each of them predicts with, and how these relate to the dense ones.

A level is an entry of a study's list: its name, its method and what that method takes.
"""

DENSE, CONTROL = "dense", "control"

# Method -> the keys that an entry must and may have besides its name and method.
METHODS: dict[str, tuple[set[str], set[str]]] = {
    "none": (set(), set()),
    "magnitude": ({"sparsity"}, set()),
    "block": ({"sparsity", "block"}, set()),
    "prune": (set(), {"score", "distribution", "structure", "schedule", "sparsity", "block", "n", "m"}),
    "smaller": (set(), {"as", "equal", "width"}),
    "float16": (set(), {"of", "exempt"}),
    "int8_dynamic": (set(), {"of", "exempt", "weight_range"}),
    "int8_static": (set(), {"of", "exempt", "weight_range", "calibration"}),
    "int8_weights": (set(), {"of", "exempt", "weight_range", "group"}),
    "int4_weights": (set(), {"of", "exempt", "weight_range", "group"}),
}
BROUGHT = ("predictions", "checkpoints")  # keys of a level whose models were made elsewhere
# After training; the others act while a network trains.
QUANTIZING = ("float16", "int8_dynamic", "int8_static", "int8_weights", "int4_weights")


def is_quantized(level: dict) -> bool:
    """Whether a level's models are trained models with their weights in fewer bits."""
    return level["method"] in QUANTIZING


def is_smaller(level: dict) -> bool:
    """Whether a level's network has fewer channels than the study's, and is trained dense."""
    return level["method"] == "smaller"


def quantization_of(level: dict, section: dict) -> dict:
    """How a level is quantized: of the study's section `quantization` what concerns its method, its own keys first; {} if it is not.

    Of a calibration the level may say some keys only, and the percentile is there where it is the range.
    """
    if not is_quantized(level):
        return {}
    _, allowed = METHODS[level["method"]]
    settings = {key: level.get(key, section[key]) for key in sorted(allowed - {"of"})}
    if "calibration" in settings:
        calibration = section["calibration"] | settings["calibration"]
        if calibration["range"] != "percentile":
            calibration.pop("percentile")
        settings["calibration"] = calibration
    return settings


def is_brought(level: dict) -> bool:
    """Whether a level's models are the user's own, so that nothing is trained or compressed here."""
    return any(key in level for key in BROUGHT)


def may_have(level: dict) -> set[str]:
    """The keys that the entry of a brought level may have besides its name and method."""
    return {*BROUGHT, "models", "of"} | ({"sparsity"} if "predictions" in level else set())  # stated, to be shown


def brought_models_of(config: dict, name: str) -> int:
    """How many models the files of a brought level hold; config: the study. The first `population.models` of them are audited."""
    level = next(level for level in config["levels"] if level["name"] == name)
    return level.get("models", config["population"]["models"])


def has_control(levels: list[dict]) -> bool:
    """Whether a study has a second dense population."""
    return any(level["name"] == CONTROL for level in levels)


def compares_files(config: dict) -> bool:
    """Whether networks are compared one with one: there is one model a level, or no control that a population could be held against."""
    return config["population"]["models"] == 1 or not has_control(config["levels"])


def checkpoints_of(level: dict) -> str:
    """The level whose trained models a level predicts with: its own, or those that it quantizes."""
    return level.get("of", level["name"])


def trained_as(level: dict) -> dict:
    """The entry that a level's own models are trained by: levels that quantize, and those of a smaller network, train them uncompressed."""
    return {"name": level["name"], "method": "none"} if is_quantized(level) or is_smaller(level) else level


def design_of(level: dict) -> str:
    """`paired` if a level's models are the dense models themselves, quantized, or `independent` if they have seeds of their own.

    Paired, model k of the level and model k of the dense population are one network before and after, so what differs between the
    two populations is compression and nothing else. Two independent populations, as all of the paper's, differ in their seeds too;
    so does the control, and tests that deal models anew take the populations for independent.
    """
    return "paired" if level["name"] != DENSE and checkpoints_of(level) == DENSE else "independent"


def declaration(config: dict) -> str:
    """What every table of a study rests on, in a sentence or two: levels, seeds, designs and tie rule; config: the study."""
    seeds: dict[str, list[str]] = {}
    designs: dict[str, list[str]] = {}
    models = config["population"]["models"]
    for level in config["levels"]:
        name = level["name"]
        brought = brought_models_of(config, name)
        if brought > models:
            numbered = f"the first {models} of {brought}"
        elif is_brought(level) and "predictions" in level:
            numbered = f"{models} seeds of its files"
        else:
            numbered = f"seeds 0 to {models - 1}"
        seeds.setdefault(numbered, []).append(name)
        if name != DENSE:
            designs.setdefault(design_of(level), []).append(name)
    populations = "; ".join(f"{numbered} of {', '.join(names)}" for numbered, names in seeds.items())
    designed = "; ".join(f"{design}: {', '.join(names)}" for design, names in designs.items())
    return (
        f"Study {config['study']}. Models: {populations}; a seed is another one in each level, but for paired levels. "
        f"Design against dense: {designed}. Tie rule of modal labels: {config['audit']['tie_rule']}."
    )
