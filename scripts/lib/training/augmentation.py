"""Images changed at random while a network trains: each by numbers of its own, drawn by (level, seed, epoch, example).

An epoch's numbers are drawn for all examples at once, so they hang neither on batches nor on who reads the images. A change is a
window of the picture, in pixels, that becomes the whole image, and whether left and right are swapped.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from scripts.lib.jobs.streams import generator

PADDING = 4  # pixels on each side: He et al. 2015, arXiv 1512.03385, section 4.2
TRIES = 10  # windows drawn until one lies inside the picture


@dataclass(frozen=True)
class Changes:
    """What becomes of each of N examples in one epoch."""

    windows: np.ndarray  # float32[N, 4]: left, top, width, height in pixels
    flipped: np.ndarray  # bool[N]
    resized: bool  # whether windows may have another size than their pictures; if not, they lie at whole pixels


def flip(random: np.random.Generator, heights: np.ndarray, widths: np.ndarray) -> Changes:
    """Left and right swapped in half of the images."""
    still = np.zeros_like(heights)
    return Changes(_windows(still, still, widths, heights), random.random(len(heights)) < 0.5, resized=False)


def pad_crop_flip(random: np.random.Generator, heights: np.ndarray, widths: np.ndarray) -> Changes:
    """Moved by up to PADDING whole pixels each way, and flipped (He et al. 2015, section 4.2).

    What comes in from outside is the reflected image, as Zagoruyko and Komodakis do it (arXiv 1605.07146, section 3), not zeros.
    """
    moved = random.integers(-PADDING, PADDING + 1, (len(heights), 2))
    windows = _windows(moved[:, 0], moved[:, 1], widths, heights)
    return Changes(windows, random.random(len(heights)) < 0.5, resized=False)


def random_resized_crop(random: np.random.Generator, heights: np.ndarray, widths: np.ndarray) -> Changes:
    """A window of 8 to 100 % of the area with sides from 3:4 to 4:3, and flipped (Szegedy et al. 2014, arXiv 1409.4842, section 6).

    As in torchvision's RandomResizedCrop: windows are drawn until one lies inside the picture, TRIES times at most; then it is the
    largest window in the middle with allowed sides.
    """
    n = len(heights)
    area = random.uniform(0.08, 1.0, (n, TRIES)) * (heights * widths)[:, None]
    ratio = np.exp(random.uniform(np.log(3 / 4), np.log(4 / 3), (n, TRIES)))
    width, height = np.round(np.sqrt(area * ratio)), np.round(np.sqrt(area / ratio))
    inside = (width <= widths[:, None]) & (height <= heights[:, None]) & (width > 0) & (height > 0)
    first, some, row = inside.argmax(1), inside.any(1), np.arange(n)
    middle_width = np.minimum(widths, np.round(heights * 4 / 3))
    middle_height = np.minimum(heights, np.round(widths * 4 / 3))
    width = np.where(some, width[row, first], middle_width)
    height = np.where(some, height[row, first], middle_height)
    place = random.random((n, 2))  # floor of it times the places that there are: each of them as often
    left = np.where(some, np.floor(place[:, 0] * (widths - width + 1)), np.round((widths - width) / 2))
    top = np.where(some, np.floor(place[:, 1] * (heights - height + 1)), np.round((heights - height) / 2))
    return Changes(_windows(left, top, width, height), random.random(n) < 0.5, resized=True)


def _windows(*columns: np.ndarray) -> np.ndarray:
    return np.stack(columns, axis=1).astype(np.float32)


# By the name that a study gives; `none` changes nothing and is not here.
AUGMENTATIONS: dict[str, Callable[[np.random.Generator, np.ndarray, np.ndarray], Changes]] = {
    "flip": flip,
    "pad_crop_flip": pad_crop_flip,
    "random_resized_crop": random_resized_crop,
}


def changes_of(name: str, level: str, seed: int, epoch: int, heights: np.ndarray, widths: np.ndarray) -> Changes | None:
    """The changes of all examples in an epoch of one model's training; None for `none`. heights, widths: int[N], in pixels."""
    if name == "none":
        return None
    return AUGMENTATIONS[name](generator("augmentation", level, seed, epoch), heights, widths)


def moved_and_flipped(images: torch.Tensor, windows: torch.Tensor, flipped: torch.Tensor) -> torch.Tensor:
    """Images seen through windows of their own size, in one gather; outside of an image is its reflection.

    images: uint8[B, H, W, 3]. windows: float32[B, 4] of whole pixels, no side outside by as much as the image is long. flipped: bool[B].
    """
    count, height, width, _ = images.shape
    corners = windows[:, :2].long()
    rows = _reflected(corners[:, 1:] + torch.arange(height, device=images.device), height)
    columns = _reflected(corners[:, :1] + torch.arange(width, device=images.device), width)
    columns = torch.where(flipped[:, None], columns.flip(1), columns)
    places = (rows[:, :, None] * width + columns[:, None, :]).flatten(1)
    places += height * width * torch.arange(count, device=images.device)[:, None]
    return images.reshape(-1, 3).index_select(0, places.flatten()).reshape(images.shape)


def _reflected(positions: torch.Tensor, length: int) -> torch.Tensor:
    """Positions along a side, those outside mirrored at the outermost pixels, which are not repeated."""
    positions = positions.abs()
    return (length - 1) - ((length - 1) - positions).abs()


def resized_windows(
    images: torch.Tensor, windows: torch.Tensor, flipped: torch.Tensor, size: tuple[int, int]
) -> torch.Tensor:
    """Windows of images stretched to one size, uint8[B, *size, 3], bilinear and without smoothing: windows are seldom much larger than `size`.

    images: uint8[B, H, W, 3]. windows: float32[B, 4], inside of the images. flipped: bool[B].
    """
    height, width = images.shape[1:3]
    left, top, wide, high = windows.T
    # grid_sample counts from -1 to 1 over the whole image; `theta` maps the new image onto the window.
    zero = torch.zeros_like(left)
    across = torch.where(flipped, -wide, wide) / width
    theta = torch.stack(
        [
            torch.stack([across, zero, (2 * left + wide) / width - 1], 1),
            torch.stack([zero, high / height, (2 * top + high) / height - 1], 1),
        ],
        1,
    )
    grid = nn.functional.affine_grid(theta, [len(images), 3, *size], align_corners=False)
    pixels = images.permute(0, 3, 1, 2).float()
    seen = nn.functional.grid_sample(pixels, grid, "bilinear", "border", align_corners=False)
    return seen.round_().clamp_(0, 255).to(torch.uint8).permute(0, 2, 3, 1)
