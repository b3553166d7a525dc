"""What a training reads its batches from: the images of the training split, changed as the epoch's augmentation says."""

from typing import Protocol

import numpy as np
import torch

from scripts.lib.training.augmentation import Changes, moved_and_flipped, resized_windows


class Pictures(Protocol):
    """The images of a training split, wherever they are kept."""

    heights: np.ndarray  # int[N], in pixels, as they are kept
    widths: np.ndarray

    def __len__(self) -> int: ...

    def batch(self, chosen: torch.Tensor, changes: Changes | None) -> torch.Tensor:
        """uint8[B, H, W, 3] on the device to train on; chosen: int64[B] there, positions of the examples."""
        ...


class PicturesInMemory:
    """Images that all lie on the device: uint8[N, H, W, 3]."""

    def __init__(self, images: torch.Tensor) -> None:
        self.images = images
        self.heights = np.full(len(images), images.shape[1])
        self.widths = np.full(len(images), images.shape[2])
        self._changes: Changes | None = None

    def __len__(self) -> int:
        return len(self.images)

    def batch(self, chosen: torch.Tensor, changes: Changes | None) -> torch.Tensor:
        """As `Pictures.batch`; all images have one size, and so have those of a batch."""
        images = self.images[chosen]
        if changes is None:
            return images
        if changes is not self._changes:  # a new epoch: its numbers go to the device once
            self._changes = changes
            self._windows = torch.from_numpy(changes.windows).to(images.device)
            self._flipped = torch.from_numpy(changes.flipped).to(images.device)
        windows, flipped = self._windows[chosen], self._flipped[chosen]
        if changes.resized:
            return resized_windows(images, windows, flipped, tuple(images.shape[1:3]))
        return moved_and_flipped(images, windows, flipped)
