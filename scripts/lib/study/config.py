"""What a study may say: checked against the schema, then for what a schema cannot express, before any job runs."""

import math
from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any

from jsonschema import Draft202012Validator, validators
from jsonschema.exceptions import ValidationError

from scripts.lib.corruptions import FAMILIES
from scripts.lib.jobs.errors import InputError
from scripts.lib.study.levels import (
    BROUGHT,
    CONTROL,
    DENSE,
    METHODS,
    design_of,
    has_control,
    is_brought,
    is_quantized,
    is_smaller,
    may_have,
)
from scripts.lib.study.pruned_levels import CHOICES, check_pruned_level, prunes
from scripts.lib.study.smaller_levels import check_smaller_level
from scripts.lib.study.trained_networks import check_network
from scripts.lib.study.training_settings import check_training

# To JSON Schema 10.0 is an integer, to Python's range it is none.
_STRICT = Draft202012Validator.TYPE_CHECKER.redefine(
    "integer", lambda _, value: isinstance(value, int) and not isinstance(value, bool)
)
Validator = validators.extend(Draft202012Validator, type_checker=_STRICT)
TYPE_NAMES = {
    "object": "a section",
    "array": "a list",
    "integer": "a whole number",
    "number": "a number",
    "string": "a text",
    "boolean": "true or false",
    "null": "null",
}


def with_defaults(config: dict, schema: dict) -> dict:
    """A copy of a study in which the keys that it leaves out have the schema's defaults."""
    filled = dict(config)
    for name, rule in schema.get("properties", {}).items():
        if name not in filled and "default" in rule:
            filled[name] = rule["default"]
        elif isinstance(filled.get(name), dict):
            filled[name] = with_defaults(filled[name], rule)
    return filled


def check_config(config: dict, schema: dict) -> None:
    """Raise InputError with one sentence for the first thing that is wrong with a study.

    config: the merged configuration. schema: schemas/config.schema.yaml as a dict.
    """
    for path, value in _leaves(config):
        if isinstance(value, float) and not math.isfinite(value):
            raise InputError(f"config key `{path}` is {value}, which is not a number: give a finite one.")
    errors = sorted(Validator(schema).iter_errors(config), key=lambda error: (len(error.path), str(error.path)))
    if errors:
        raise InputError(_sentence(errors[0]))
    check_network(config["network"])
    check_training(config["training"])
    _check_brought(config)
    _check_levels(config)
    _check_data(config["data"])
    corruptions = config["corruptions"]
    if corruptions["subset"] == "listed" and corruptions.get("ids") is None:
        raise InputError(
            "config key `corruptions.ids` is missing: the subset `listed` needs a text file with one example id a line."
        )
    if corruptions["engine"] == "imagecorruptions" and corruptions["stream"] != "exact":
        raise InputError(
            f"config key `corruptions.stream` is {corruptions['stream']}: the engine imagecorruptions has one stream, so write `exact`."
        )
    own = [name for name in corruptions["names"] if name in FAMILIES["own"]]
    if own and corruptions["engine"] == "imagecorruptions":
        raise InputError(
            f"config key `corruptions.engine` is imagecorruptions, which does not have {own[0]}: write lacuna, or remove it."
        )
    if own and corruptions.get("reference") == "alexnet":
        raise InputError(
            f"config key `corruptions.reference` is alexnet, whose errors under {own[0]} nobody published: write dense, or remove it."
        )
    if corruptions.get("reference") == "alexnet":
        _check_alexnet(config["data"], corruptions)
    calibration = config["quantization"]["calibration"]
    _check_quantization("config key `quantization`", config["quantization"], calibration)
    for level in config["levels"]:
        _check_quantization(f"config key `levels`, `{level['name']}`", level, calibration)
    pruning = config["pruning"]
    if pruning["begin"] >= pruning["end"]:
        raise InputError(
            f"config key `pruning.begin` is {pruning['begin']} and `pruning.end` {pruning['end']}: pruning must begin before it ends."
        )


def _check_data(data: dict) -> None:
    source = data["source"]
    if source not in data:
        raise InputError(f"config key `data.{source}` is missing: add the section, because `data.source` names it.")
    options = data[source]
    if source == "planted_digits" and options["train_sources"] + options["test_sources"] > 500:
        raise InputError(
            f"config key `data.planted_digits` asks for {options['train_sources']} train_sources and {options['test_sources']} test_sources: "
            "there are 500 digits of each class, so ask for fewer."
        )
    preparation, size = options.get("preparation", "as_is"), options.get("size")
    if (preparation == "as_is") != (size is None):
        remedy = "leave `size` out" if size else "add `size`, in pixels"
        raise InputError(f"config key `data.{source}.preparation` is {preparation}: {remedy}.")


def _check_brought(config: dict) -> None:
    for level in config["levels"]:
        here = f"config key `levels`, `{level['name']}`"
        if is_brought(level) and level["method"] != "none":
            raise InputError(f"{here}: its models are brought, so nothing is compressed here: write `method: none`.")
        if config["data"]["source"] == "predictions" and "predictions" not in level:
            raise InputError(f"{here}: a study without images can predict nothing: name its `predictions`.")
        if config.get("natural") and "predictions" in level:
            raise InputError(
                f"{here}: natural test sets need networks to predict them: remove `natural`, or bring `checkpoints`."
            )
        models = config["population"]["models"]
        if is_brought(level) and level.get("models", models) < models:
            raise InputError(
                f"{here}: it has {level['models']} models and `population.models` is {models}, and counts at different K do not compare: set "
                f"`population.models: {level['models']}`, and of levels with more models say how many they have, `models: {models}`, of which the first "
                f"{level['models']} are audited."
            )
        if all(key in level for key in BROUGHT):
            raise InputError(f"{here}: it has `checkpoints` and `predictions`: remove one of them.")


def _check_alexnet(data: dict, corruptions: dict) -> None:
    """What a study can be asked before its data are prepared; classes and image size are asked again after that."""
    options = data[data["source"]]
    for key, found, needed in (
        ("corruptions.severities", sorted(corruptions["severities"]), [1, 2, 3, 4, 5]),
        ("corruptions.layout", corruptions["layout"], "imagenet-c"),
        ("corruptions.engine", corruptions["engine"], "lacuna"),
        (f"data.{data['source']}.size", options.get("size") or 224, 224),
    ):
        if found != needed:
            raise InputError(
                f"config key `{key}` is {found}, but `corruptions.reference` is alexnet, whose errors are those on ImageNet-C as published: "
                f"write {needed}, or `reference: dense`."
            )
    if data["source"] == "planted_digits":
        raise InputError(
            "config key `corruptions.reference` is alexnet, whose errors are those on ImageNet-C: for planted_digits write `dense`."
        )


def _check_levels(config: dict) -> None:
    levels = config["levels"]
    names = [level["name"] for level in levels]
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"config key `levels` names `{name}` twice: give every level a name of its own.")
    if DENSE not in names:
        raise InputError(
            f"config key `levels` has no `{DENSE}`: add {{name: {DENSE}, method: none}}, because every other level is compared with it."
        )
    _check_control(levels, config["population"]["models"])
    for level in levels:
        here = f"config key `levels`, `{level['name']}`"
        wanted, allowed = METHODS[level["method"]]
        given = set(level) - {"name", "method"}
        allowed = allowed | (may_have(level) if is_brought(level) else set())
        for key in sorted(wanted - given):
            raise InputError(f"{here}: method `{level['method']}` needs `{key}`: add it.")
        for key in sorted(given - wanted - allowed):
            remedy = "write `method: prune`, which does" if prunes(level) and key in CHOICES else "remove it"
            raise InputError(f"{here}: method `{level['method']}` takes no `{key}`: {remedy}.")
        if level["name"] in (DENSE, CONTROL) and level["method"] != "none":
            raise InputError(f"{here}: nothing is compressed at this level: write `method: none`.")
        if "of" in level:
            _check_checkpoints(here, level, levels)
        if prunes(level):
            check_pruned_level(here, level, config["pruning"])
        if is_smaller(level):
            check_smaller_level(here, level, config)


def _check_control(levels: list[dict], models: int) -> None:
    """Without a control every level must be made of the dense models: what other seeds would have changed cannot be told from compression."""
    if has_control(levels):
        return
    apart = [level for level in levels if level["name"] != DENSE and design_of(level) != "paired"]
    if not apart:
        return
    if models == 1 and is_brought(apart[0]):
        raise InputError(
            f"config key `levels`, `{apart[0]['name']}`: is it the dense model, compressed? Then write `of: {DENSE}`; if it is another one, add a second "
            f"dense model as `{CONTROL}`, because without it nobody can tell what compression changed from what another training changed."
        )
    raise InputError(
        f"config key `levels` has no `{CONTROL}`: add {{name: {CONTROL}, method: none}}, because it shows what the audit finds where nothing was "
        f"compressed{_remedy(levels)}."
    )


def _check_checkpoints(here: str, entry: dict, levels: list[dict]) -> None:
    """What is quantized must be a level of its own training, and not the control, which shows what no compression does."""
    of = entry["of"]
    if is_brought(entry):
        if of != DENSE or entry["name"] in (DENSE, CONTROL):
            raise InputError(
                f"{here}: `of` is `{of}`: of models that are brought it says that they are the dense models, compressed, so write `dense` or "
                "remove it."
            )
        return
    possible = [
        level["name"]
        for level in levels
        if not is_quantized(level) and level["name"] != CONTROL and "predictions" not in level
    ]
    if of not in possible:
        raise InputError(
            f"{here}: `of` is `{of}`: it must be a level that is trained and is not the control, one of {', '.join(possible)}."
        )


def _check_quantization(here: str, entry: dict, calibration: dict) -> None:
    """What the section on quantization, or a level, says of it; calibration: the section's, which a level's own keys go before."""
    exempt, own = entry.get("exempt", "none"), entry.get("calibration", {})
    if isinstance(exempt, str) and exempt not in ("none", "first_and_last"):
        raise InputError(
            f"{here}: `exempt` is `{exempt}`: write none, first_and_last, or a list of names of layers, [{exempt}]."
        )
    ends = own.get("range", calibration.get("range", "min_max"))
    if "percentile" in own and ends != "percentile":
        raise InputError(
            f"{here}: `calibration.percentile` is {own['percentile']} and the range {ends}: remove it, or write `range: percentile`."
        )


def _remedy(levels: list[dict]) -> str:
    """Where a population comes from that somebody who brings models does not have."""
    if not any(is_brought(level) for level in levels):
        return ""
    return (
        ": train as many dense models again from other seeds, or call half of the dense models `control` and audit with "
        "half as many of every level, because counts at different K do not compare"
    )


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every scalar of a nested configuration with its dotted path."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(inner, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _leaves(inner, f"{path}[{index}]")
    else:
        yield path, value


def _sentence(error: ValidationError) -> str:
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.absolute_path).lstrip(".")
    key = f"config key `{path}`" if path else "the configuration"
    found, rule = error.instance, error.validator_value
    match error.validator:
        case "additionalProperties":
            known = list(error.schema["properties"])
            unknown = next(name for name in found if name not in known)
            where = f"`{path}.{unknown}`" if path else f"`{unknown}`"
            near = get_close_matches(str(unknown), known, n=1)
            remedy = f"did you mean `{near[0]}`?" if near else f"it may be one of {', '.join(known)}."
            return f"config key {where} is unknown: {remedy}"
        case "required":
            missing = next(name for name in rule if name not in found)
            where = f"`{path}.{missing}`" if path else f"`{missing}`"
            return f"config key {where} is missing: add it, config.yaml shows how."
        case "type":
            remedy = (
                " (YAML reads 1e-3 as a text: write 1.0e-3)" if isinstance(found, str) and _is_number(found) else ""
            )
            wanted = " or ".join(TYPE_NAMES[kind] for kind in ([rule] if isinstance(rule, str) else rule))
            return f"{key} is {found!r}: it must be {wanted}{remedy}."
        case "enum":
            near = get_close_matches(str(found), [str(choice) for choice in rule], n=1)
            remedy = f"did you mean `{near[0]}`?" if near else f"it may be one of {', '.join(map(str, rule))}."
            return f"{key} is {found!r}, which is unknown: {remedy}"
        case "minimum":
            return f"{key} is {found}: it must be at least {rule}."
        case "maximum":
            return f"{key} is {found}: it must be at most {rule}."
        case "exclusiveMinimum":
            return f"{key} is {found}: it must be greater than {rule}."
        case "exclusiveMaximum":
            return f"{key} is {found}: it must be less than {rule}."
        case "minLength":
            return f"{key} is empty: fill it in, or leave the key out."
        case "uniqueItems":
            return f"{key} names something twice: {found}; remove the repetition."
        case "minItems" | "maxItems":
            return f"{key} has {len(found)} entries: it must have {'at least' if error.validator == 'minItems' else 'at most'} {rule}."
        case "pattern":
            return f"{key} is {found!r}: use letters, digits, dots, dashes and underscores only, because it becomes a file name."
        case _:
            return f"{key}: {error.message}."


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
