"""Write what a study may say into configuration.md, from the schema, config.yaml and the short form of a pair.

    python docs/config_keys.py

The schema says what each key is and may be. A default is what config.yaml says, or else the schema's.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from scripts.lib.study.config import TYPE_NAMES  # noqa: E402
from scripts.lib.study.shorthand import KEYS, KNOWN, OF_CHECKPOINTS, PREPARATION  # noqa: E402

PAGE = ROOT / "docs" / "configuration.md"
SCHEMA = ROOT / "schemas" / "config.schema.yaml"
DEFAULTS = ROOT / "config.yaml"
HEAD = """# Every key of a study

A study says only what differs from [config.yaml](../config.yaml), the demo's study. Sections are merged, lists are replaced. A wrong key or value stops
with one sentence before any job runs. On the command line: `snakemake --config study=mine "population={models: 5}"`.

*Default* is what counts where a study does not say the key: `config.yaml`'s value, or that of the schema. Keys in **bold** have none and must be said
where their section is. Entries of lists, such as levels, have no defaults: what they leave out the study's sections say, or the
line of the key. Made by `python docs/config_keys.py`; do not edit.

"""
TABLE = "| key | what it says | may be | default |\n|---|---|---|---|\n"
# What a pair's own keys say; the others mean what they mean of a folder of images and of checkpoints.
OF_PAIR = {
    "dense": ("The dense network, as a file or folder.", "a text"),
    "compressed": (
        "The compressed ones: one path, a list of paths, or a section of paths by the names that their levels get.",
        "a text, a list or a section",
    ),
    "images": ("The folder of the test pictures, one folder a class.", "a text"),
    "control": ("Another dense network, to show how much two trainings differ.", "a text"),
}
ABSENT = object()


def sections(rule: dict, default: Any, path: str) -> Iterator[tuple[str, dict, Any]]:
    """(path, rule, its part of config.yaml) of each section of the schema, and of each list whose entries are sections."""
    if rule.get("properties"):
        yield path, rule, default
    for key, inner in rule.get("properties", {}).items():
        part = default.get(key, ABSENT) if isinstance(default, dict) else ABSENT
        yield from sections(inner, part, f"{path}.{key}" if path else key)
    if isinstance(rule.get("items"), dict) and rule["items"].get("properties"):
        # What every entry is, the list's own words say; entries have no defaults of config.yaml's.
        yield from sections({**rule["items"], "description": rule["description"]}, ABSENT, f"{path}[ ]")


def allowed(rule: dict) -> str:
    """What a value may be, in words."""
    if "enum" in rule:
        return ", ".join(f"`{value}`" for value in rule["enum"])
    kinds = rule["type"] if isinstance(rule["type"], list) else [rule["type"]] if "type" in rule else []
    words = " or ".join(TYPE_NAMES[kind] for kind in kinds) or "anything"
    items = rule.get("items", {})
    if items.get("enum") or (items.get("type") and not items.get("properties") and "array" in kinds):
        words += f", of {allowed(items)}" if "enum" in items else f", each {allowed(items)}"
    bounds = (
        ("minimum", "at least"),
        ("exclusiveMinimum", "more than"),
        ("maximum", "at most"),
        ("exclusiveMaximum", "less than"),
    )
    return ", ".join([words, *(f"{word} {rule[key]}" for key, word in bounds if key in rule)])


def written(value: Any) -> str:
    """A value as YAML on one line."""
    return yaml.safe_dump(value, default_flow_style=True, width=10**6).removesuffix("\n...\n").strip()


def prose(text: str) -> str:
    """A description with links to the pages that it names."""
    text = re.sub(r"docs/(\w+)\.md", lambda found: f"[{found[1].replace('_', ' ')}]({found[1]}.md)", text)
    return re.sub(r"(scripts/lib/\w+/[\w.]*\w)", r"`\1`", text)


def row(key: str, rule: dict, default: str) -> str:
    """A row of a table of keys."""
    cells = (key, prose(rule["description"]), allowed(rule), default)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def default_of(key: str, rule: dict, section: Any) -> str:
    """The default of a key as the table shows it."""
    value = section[key] if isinstance(section, dict) and key in section else rule.get("default", ABSENT)
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return "the demo's, in `config.yaml`"
    return "–" if value is ABSENT or value is None else f"`{written(value)}`"


def tables(schema: dict, config: dict) -> Iterator[str]:
    """A heading and a table for each section."""
    for path, rule, section in sections(schema, config, ""):
        level = "###" if "." in path else "##"
        if path:
            yield f"{level} `{path}`\n\n{prose(rule['description'])}\n\n"
        keys = {
            key: inner
            for key, inner in rule["properties"].items()
            if not inner.get("properties") or "type" not in inner
        }
        # Sections beneath have tables of their own; but one that may also be a text or a list is a key too.
        keys |= {key: inner for key, inner in rule["properties"].items() if isinstance(inner.get("type"), list)}
        if not keys:
            continue
        yield TABLE
        for key in [key for key in rule["properties"] if key in keys]:
            # Entries of lists are not filled in: a level takes what it leaves out from the study's sections.
            shown = "–" if "[" in path else default_of(key, keys[key], section)
            bold = key in rule.get("required", ()) and shown == "–"
            yield row(f"**`{key}`**" if bold else f"`{key}`", keys[key], shown)
        yield "\n"


def of_pair(schema: dict) -> str:
    """The section `pair`, which is no part of the schema because the study it stands for is."""
    images = schema["properties"]["data"]["properties"]["image_folder"]["properties"]
    checkpoints = schema["properties"]["levels"]["items"]["properties"]["checkpoints"]["properties"]
    text = (
        "## `pair`\n\nOne dense file, one compressed, and images: a short form of a study, [pairs](pairs.md). It takes the place of `data` and `levels`. "
        f"{', '.join(f'`{key}`' for key in KEYS[:-1])} and `{KEYS[-1]}` may also stand alone, on the command line.\n\n{TABLE}"
    )
    for key in KNOWN:
        if key in OF_PAIR:
            description, may_be = OF_PAIR[key]
            text += f"| {f'**`{key}`**' if key in KEYS else f'`{key}`'} | {description} | {may_be} | – |\n"
            continue
        rule = checkpoints[key] if key in OF_CHECKPOINTS else images[key]
        default = (
            {"default": PREPARATION[key]} if key in PREPARATION else {"default": "images"} if key == "name" else {}
        )
        text += row(f"`{key}`", rule, default_of(key, rule | default, None))
    return text


def page() -> str:
    """The text of configuration.md."""
    schema = yaml.safe_load(SCHEMA.read_text(encoding="utf-8"))
    config = yaml.safe_load(DEFAULTS.read_text(encoding="utf-8"))
    return HEAD + "".join(tables(schema, config)) + of_pair(schema)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
