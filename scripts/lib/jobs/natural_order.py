"""The order in which people number files: q2 before q10."""

import re
from collections.abc import Iterable

NUMBER = re.compile(r"(\d+)")


def natural_order(names: Iterable[str]) -> list[str]:
    """Names sorted as texts, but for the whole numbers in them, which count as numbers; names that differ in zeros only as texts."""
    return sorted(names, key=lambda name: (_parts(name), name))


def _parts(name: str) -> list[tuple[str, int]]:
    """Texts and the numbers after them, in turn."""
    *parts, last = NUMBER.split(name)
    return [(text, int(digits)) for text, digits in zip(parts[::2], parts[1::2], strict=True)] + [(last, -1)]
