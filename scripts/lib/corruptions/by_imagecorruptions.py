"""The corruptions as the package imagecorruptions makes them, for comparison: its own functions, an image at a time."""

from collections.abc import Iterable

import numpy as np

from .streams import seed_words

# What draws from a generator of its own instead of NumPy's global one.
OWN_SEED = ("impulse_noise", "glass_blur")


def corrupt_by_imagecorruptions(
    images: np.ndarray, corruption: str, severity: int, dataset: str, example_ids: Iterable[str]
) -> np.ndarray:
    """uint8[N, H, W, 3] from uint8[N, H, W, 3].

    NumPy's global generator is seeded for each image with the words that seed our exact stream, and put back afterwards.
    Other threads that use it meanwhile change the result, and the result theirs.
    """
    try:
        import imagecorruptions
    except ImportError as error:
        raise ImportError(
            f"the engine imagecorruptions needs the package (pip install imagecorruptions-imaug): {error}"
        ) from error

    corrupted = np.empty_like(images, order="C")
    before = np.random.get_state()  # noqa: NPY002
    try:
        for source, target, example_id in zip(images, corrupted, example_ids, strict=True):
            words = seed_words(dataset, corruption, severity, example_id)
            np.random.seed(words)  # noqa: NPY002
            seed = {"seed": words[0]} if corruption in OWN_SEED else {}
            with np.errstate(all="ignore"):  # spatter divides by zero where there is no drop
                target[:] = imagecorruptions.corrupt(np.ascontiguousarray(source), severity, corruption, **seed)
    finally:
        np.random.set_state(before)  # noqa: NPY002
    return corrupted
