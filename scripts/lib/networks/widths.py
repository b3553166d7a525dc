"""Numbers of channels in proportion."""

from collections.abc import Sequence


def scaled(channels: Sequence[int], width: float) -> list[int]:
    """Each number of channels times the width, rounded, and 1 at least."""
    return [max(1, round(width * count)) for count in channels]
