"""Which number each class folder gets, and what the class is called."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from unicodedata import normalize

from scripts.lib.jobs.natural_order import natural_order

TEXT, NATURAL = "text", "natural"


@dataclass(frozen=True)
class Classes:
    """C classes in the order of their labels."""

    folders: list[str]  # what names a class in folders and lists
    names: list[str]  # what it is called
    order: str  # how the order came about, for the log and the manifest

    def labels_of(self) -> dict[str, int]:
        """The label of a class, by the name of its folder and by what it is called; both as `key` spells them."""
        return {key(name): label for names in (self.names, self.folders) for label, name in enumerate(names)}


def key(name: str) -> str:
    """What makes two names one: composed letters, because systems store `é` in one sign or in two."""
    return normalize("NFC", name)


def ordered(folders: Sequence[str], order: str) -> Classes:
    """Classes in the order of their folders' names as texts, which is torchvision's, or in natural order.

    A warning says so in the log where the two differ and nobody chose.
    """
    text = sorted(folders)
    natural = natural_order(text)
    if order == NATURAL:
        return Classes(natural, natural, "the folders' names in natural order")
    if text != natural:
        label = next(label for label, (one, other) in enumerate(zip(text, natural, strict=True)) if one != other)
        print(
            f"warning: the class folders are numbered in the order of their names as texts, as torchvision does it, so that {text[label]} has the "
            f"label {label}; in natural order {natural[label]} would have it: write `order: {NATURAL}`, or name the folders in their order in "
            "`classes`, if networks or labels count so"
        )
    return Classes(text, text, "the folders' names as texts")


def called(folders: list[str], names: list[str], order: str) -> Classes:
    """Classes with readable names; where several share one, as ImageNet's two cranes do, the folder's name stands beside it."""
    count = Counter(names)
    several = sorted(name for name, times in count.items() if times > 1)
    if several:
        print(
            f"class names that several folders have, and that therefore have the folder beside them: {', '.join(several)}"
        )
    unique = [f"{name} ({folder})" if count[name] > 1 else name for folder, name in zip(folders, names, strict=True)]
    return Classes(folders, unique, order)
