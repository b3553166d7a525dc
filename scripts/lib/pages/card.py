"""A card: what a reader is told first of one level, in words that need no statistics."""

import math
from dataclasses import dataclass

import pandas as pd

from scripts.lib.pages.vocabulary import percent

CONTROL = "control"
NAMED = 5  # classes or groups that a card names


@dataclass(frozen=True)
class Card:
    """What a reader is told first of one level.

    more: of all images, the share of those that get another answer because of the level, with the ends of the interval; NaN where undefined. more_is: in words.
    on_scale: whether that number may be held beside those of other cards.
    sure: a word of `certainty`.
    """

    name: str
    level: str
    seed: int
    more: tuple[float, float, float]
    more_is: str
    on_scale: bool
    forgot: tuple[str, ...]
    gained: tuple[str, ...]
    sure: str
    because: str

    @property
    def number(self) -> str:
        """The share of images in one figure."""
        return percent(self.more[0])

    @property
    def ends(self) -> str:
        """The ends of its interval; nothing where there is none."""
        low, high = self.more[1:]
        return "" if math.isnan(low) or math.isnan(high) else f"from {percent(low)} to {percent(high)}"


@dataclass(frozen=True)
class Scale:
    """What the whiskers of all cards are drawn on, so that their lengths compare."""

    least: float
    most: float

    def at(self, value: float) -> float:
        """Where a value stands, from 0 to 100."""
        return round(100 * (value - self.least) / (self.most - self.least), 2)


def scale_of(cards: list[Card]) -> Scale | None:
    """A scale with room for 0 and every interval; None where no card has an interval."""
    ends = [end for card in cards if card.ends and card.on_scale for end in card.more]
    if not ends:
        return None
    least, most = min(0.0, *ends), max(0.0, *ends)
    margin = 0.03 * (most - least) or 0.01
    return Scale(least - margin, most + margin)


def right_on(before: str, after: str) -> str:
    """How often a network is right, after and before."""
    return f"Right on {after} of all images, before compression on {before}"


def paying(who: str, names: list[str], of: str = "") -> str:
    """Who pays: some by name, and how many of those tested; none where none can be told."""
    if not names:
        return f"{who}: none that can be told{of}."
    rest = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return f"{who}: {', '.join(f'“{name}”' for name in names[:NAMED])}{rest}{of and f' ({len(names)}{of})'}."


def promises(row, frames: dict[str, pd.DataFrame]) -> tuple[str, ...]:
    """How many of the study's promises the level keeps, where there are any."""
    if "gate" not in frames:
        return ()
    verdicts = frames["gate"][frames["gate"].level == row.level].verdict.value_counts()
    if verdicts.empty:
        return ()
    said = {"accepted": "kept", "rejected": "broken", "inconclusive": "cannot be told"}
    counts = [f"{verdicts[verdict]} {word}" for verdict, word in said.items() if verdict in verdicts]
    return (f"Promises: {', '.join(counts)}.",)
