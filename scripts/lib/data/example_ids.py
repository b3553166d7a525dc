"""Which example a name in somebody's list means: lists of ids are written on other machines and for other folders than the pictures."""

import re
from collections.abc import Callable, Hashable, Sequence
from unicodedata import normalize

import numpy as np

# ImageNet's validation and test images are numbered, and every copy of the data set puts other folders and endings around the number.
IMAGENET = re.compile(r"ILSVRC2012_(val|test)_(\d{8})(?!\d)", re.IGNORECASE)


def spelled(name: str) -> str:
    """A name as this project writes ids: with slashes, composed letters (NFC), no `./` before it and no white space around it."""
    return normalize("NFC", name.strip().replace("\\", "/").removeprefix("./"))


def imagenet_number(name: str) -> tuple[str, int] | None:
    """`val` or `test` and the number of an image of ImageNet, whatever surrounds them; None for other names.

    Of a path its last such number counts: folders may be named after other images.
    """
    found = IMAGENET.findall(name)
    return (found[-1][0].lower(), int(found[-1][1])) if found else None


# From the strictest reading to the loosest. A name that one of them finds is not looked for by the next.
READINGS: tuple[Callable[[str], Hashable | None], ...] = (str, spelled, imagenet_number)


def match_ids(wanted: Sequence[str], have: Sequence[str]) -> np.ndarray:
    """Positions in `have` of the names wanted, int64[len(wanted)]; -1 where there is none.

    Equal names first; then equal but for slashes, Unicode normal form and white space; then the same ImageNet image
    (`ILSVRC2012_val_00000293`, whatever surrounds it). A reading that fits several of `have` finds none of them, because nobody can
    say which is meant. Two names may find one position.
    """
    positions = np.full(len(wanted), -1, dtype=np.int64)
    for reading in READINGS:
        missing = np.flatnonzero(positions < 0)
        if not len(missing):
            break
        known: dict[Hashable, int] = {}
        for position, name in enumerate(have):
            key = reading(str(name))
            if key is not None:
                known[key] = -1 if key in known else position
        for row in missing:
            positions[row] = known.get(reading(str(wanted[row])), -1)
    return positions
