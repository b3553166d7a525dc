"""Studies of made networks whose errors are, or are not, correlated between similar images; the truth of each is known.

A network's logits of an image are those that all networks share, and its own error. In the world `independent` that error is drawn for
each image by itself. In `features` a part `correlation` of its spread is a linear function of 20 features of the image, drawn for each
network: one that is odd on an image is odd on those like it. With 0.8 the populations of made networks vary as those of the demo do.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

CLASSES, FEATURES = 10, 20
DRIFT = 0.3  # error that compression adds to a checkpoint, in units of a network's own
HIT, LOST = 0.1, 1.5  # an effect: this share of the images loses so many logits of its label, in every network


@dataclass(frozen=True)
class Images:
    """N images as all networks see them."""

    label: np.ndarray  # int64[N]
    logits: np.ndarray  # float32[N, CLASSES]
    features: np.ndarray  # float32[N, FEATURES]
    lost: np.ndarray  # float32[N]: logits of the label that an effect takes
    correlation: float

    def error(self, size: float, random: np.random.Generator) -> np.ndarray:
        """One network's error, float32[N, CLASSES] of standard deviation `size`."""
        own = random.standard_normal(self.logits.shape, dtype=np.float32)
        own *= np.float32(size * (1 - self.correlation**2) ** 0.5)
        if self.correlation:
            direction = random.standard_normal((FEATURES, CLASSES), dtype=np.float32)
            own += self.features @ (direction * np.float32(size * self.correlation))
        return own


def draw_images(examples: int, correlation: float, random: np.random.Generator) -> Images:
    """Images most of which are easy; the label's logit is 4.5 above the others' mean on average."""
    label = random.integers(0, CLASSES, examples)
    logits = random.normal(0, 1.5, (examples, CLASSES)).astype(np.float32)
    logits[np.arange(examples), label] += random.normal(4.5, 3, examples).astype(np.float32)
    features = (random.normal(0, 1, (examples, FEATURES)) / FEATURES**0.5).astype(np.float32)
    lost = np.where(random.random(examples) < HIT, np.float32(LOST), np.float32(0))
    return Images(label, logits, features, lost, correlation)


def population(
    images: Images,
    checkpoints: Iterator[np.ndarray],
    random: np.random.Generator,
    drift: float = DRIFT,
    hit: bool = False,
) -> np.ndarray:
    """Votes int16[K, N] of networks with these errors, float32[N, CLASSES] each, and a drift of their own."""
    votes = []
    for checkpoint in checkpoints:
        logits = images.logits + checkpoint
        if drift:
            logits += images.error(drift, random)
        if hit:
            logits[np.arange(len(logits)), images.label] -= images.lost
        votes.append(logits.argmax(axis=1).astype(np.int16))
    return np.stack(votes)


@dataclass(frozen=True)
class Level:
    """What a level of a made study is."""

    design: str
    hit: bool  # whether there is an effect
    null: bool  # whether nothing distinguishes it from the dense population


LEVELS = {
    "same": Level("independent", hit=False, null=True),
    "same again": Level("independent", hit=False, null=True),
    "changed": Level("independent", hit=True, null=False),
    # The dense checkpoints: drifted anew as the dense models are, drifted on from them, and with an effect.
    "paired, same": Level("paired", hit=False, null=True),
    "paired, drifted": Level("paired", hit=False, null=False),
    "paired, changed": Level("paired", hit=True, null=False),
}


def draw_study(
    examples: int, models: int, correlation: float, random: np.random.Generator, levels: tuple[str, ...] = tuple(LEVELS)
) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """Votes int16[K, N] of a dense population, of a control, and of levels."""
    images = draw_images(examples, correlation, random)

    def others() -> Iterator[np.ndarray]:
        return (images.error(1, random) for _ in range(models))

    paired = any(LEVELS[level].design == "paired" for level in levels)
    checkpoints = list(others()) if paired else others()
    drifts = [images.error(DRIFT, random) for _ in range(models)] if paired else None
    made = (one + two for one, two in zip(checkpoints, drifts, strict=True)) if drifts else checkpoints
    dense = population(images, made, random, drift=0 if drifts else DRIFT)
    control = population(images, others(), random)
    found = {}
    for level in levels:
        what = LEVELS[level]
        source = iter(checkpoints) if what.design == "paired" else others()
        if level == "paired, drifted":
            source = (one + two for one, two in zip(checkpoints, drifts, strict=True))
        found[level] = population(images, source, random, hit=what.hit)
    return dense, control, found
