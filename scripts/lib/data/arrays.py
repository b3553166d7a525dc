"""Images and labels in `.npy` files; an example's id is its index."""

from collections.abc import Iterator

import numpy as np

from scripts.lib.data.sources import expanded, splits_of
from scripts.lib.data.split import Picture, Split, checked_labels, class_names
from scripts.lib.errors import InputError


def read_arrays(options: dict) -> tuple[dict[str, Split], list[str]]:
    """The splits that the study names, and the class names."""
    splits = {split: _split(split, options) for split in splits_of("arrays", options)}
    return splits, class_names(options["classes"], None, splits)


def _split(split: str, options: dict) -> Split:
    label = _labels(options[f"{split}_labels"])
    path = options[f"{split}_images"]
    images = _images(path)
    if len(images) != len(label):
        raise InputError(
            f"{path} has {len(images)} images and {options[f'{split}_labels']} {len(label)} labels: give one label an image."
        )
    return Split([str(index) for index in range(len(label))], label, _pictures(path, images))


def _load(path: str) -> np.ndarray:
    try:
        array = np.load(expanded(path), mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise InputError(f"{path} is damaged or no .npy file ({error}): replace it.") from None
    if not isinstance(array, np.ndarray):
        raise InputError(f"{path} holds several arrays: save the one that is meant with numpy.save, as .npy.")
    return array


def _labels(path: str) -> np.ndarray:
    labels = _load(path)
    if labels.ndim != 1 or labels.dtype.kind not in "iu":
        raise InputError(f"{path} holds {labels.dtype}{list(labels.shape)}: labels must be whole numbers [N].")
    return checked_labels(labels, path)


def _images(path: str) -> np.ndarray:
    """uint8[N, H, W, 3] or uint8[N, H, W, 1], mapped."""
    images = _load(path)
    if images.dtype == np.uint8 and images.ndim == 3:
        images = images[..., None]
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] not in (1, 3):
        planes = images.ndim == 4 and images.shape[1] in (1, 3)
        remedy = "move the colours last, images.transpose(0, 2, 3, 1)" if planes else "convert it"
        raise InputError(
            f"{path} holds {images.dtype}{list(images.shape)}: images must be uint8 [N, H, W, 3], or [N, H, W] for grey; {remedy}."
        )
    return images


def _pictures(path: str, images: np.ndarray) -> Iterator[Picture]:
    for index, image in enumerate(images):
        yield f"image {index} of {path}", np.broadcast_to(image, (*image.shape[:2], 3))
