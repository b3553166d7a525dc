"""The strips of the cards: the images on which a level's answer changed clearest, as small pictures inside the page."""

import base64
import io
from dataclasses import dataclass

import numpy as np
import pandas as pd

from scripts.lib.data.dataset import Examples
from scripts.lib.pages.flips import clearest_of as clearest_flips
from scripts.lib.pages.pies import clearest_of as clearest_pies
from scripts.lib.pages.thumbnails import thumbnail

LENGTH = 8  # images


@dataclass(frozen=True)
class Still:
    """One image of a strip: what it is, and the picture as base64 of a PNG file."""

    example: str
    label: str
    before: str
    after: str
    picture: str


def strips_of(
    frames: dict[str, pd.DataFrame], images: np.ndarray, examples: Examples, classes: list[str]
) -> dict[tuple[str, int], list[Still]]:
    """The strip of each level and seed of which an image changed; images: uint8[N, H, W, 3] of the examples; classes: their names.

    Of populations these are the PIEs that most models of both stand behind, of two networks the flips that both are most certain of.
    """
    if "pair_summary" in frames:
        shown = clearest_flips(frames["flips"], LENGTH)
        rows = zip(
            shown.level, shown.seed, shown.example, shown.label_name, shown.dense_says, shown.level_says, strict=True
        )
    else:
        shown = clearest_pies(frames["pies"], LENGTH)
        named = [[classes[label] for label in shown[name]] for name in ("label", "dense_modal", "level_modal")]
        rows = zip(shown.level, [0] * len(shown), shown.example, *named, strict=True)
    places = {example: place for place, example in enumerate(examples.example)}
    strips: dict[tuple[str, int], list[Still]] = {}
    for level, seed, example, label, before, after in rows:
        picture = _encoded(np.asarray(images[places[example]]))
        strips.setdefault((level, int(seed)), []).append(Still(example, label, before, after, picture))
    return strips


def _encoded(image: np.ndarray) -> str:
    file = io.BytesIO()
    thumbnail(image).save(file, format="PNG", optimize=True)
    return base64.b64encode(file.getvalue()).decode()
