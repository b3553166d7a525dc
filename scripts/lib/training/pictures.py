"""What a training reads its batches from: the images of the training split, changed as the epoch's augmentation says."""

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Protocol

import numpy as np
import torch

from scripts.lib.data.shards import ShardedImages
from scripts.lib.training.augmentation import Changes, moved_and_flipped, resized_windows


class Pictures(Protocol):
    """The images of a training split, wherever they are kept."""

    heights: np.ndarray  # int[N], in pixels, as they are kept
    widths: np.ndarray

    def __len__(self) -> int: ...

    def batch(self, chosen: torch.Tensor, changes: Changes | None) -> torch.Tensor:
        """uint8[B, H, W, 3] on the device to train on; chosen: int64[B] there, positions of the examples."""
        ...

    def batches(self, batches: Iterable[torch.Tensor], changes: Changes | None) -> Iterator[torch.Tensor]:
        """What `batch` gives for each of some batches, one after the other."""
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

    def batches(self, batches: Iterable[torch.Tensor], changes: Changes | None) -> Iterator[torch.Tensor]:
        """As `Pictures.batches`."""
        return (self.batch(chosen, changes) for chosen in batches)


class PicturesInShards:
    """Pictures that are decoded when a batch asks for them, in several threads and some batches ahead of the training."""

    AHEAD = 2  # batches; what a job holds in memory does not grow with the number of pictures

    def __init__(self, shards: ShardedImages, boxes: np.ndarray, size: int, threads: int, device: torch.device) -> None:
        """boxes: float64[N, 4], the part of each picture that is seen where nothing resizes it. size: of the images, in pixels."""
        self.shards, self.boxes, self.size, self.threads, self.device = shards, boxes, size, threads, device
        self.heights, self.widths = shards.sizes.T

    def __len__(self) -> int:
        return len(self.shards)

    def batch(self, chosen: torch.Tensor, changes: Changes | None) -> torch.Tensor:
        """As `Pictures.batch`. Of changes that resize nothing only the flip is made: windows that leave a picture are refused before."""
        positions = chosen.cpu().numpy()
        boxes = self.boxes[positions]
        if changes is not None and changes.resized:
            corners = changes.windows[positions].astype(np.float64)
            boxes = np.concatenate([corners[:, :2], corners[:, :2] + corners[:, 2:]], axis=1)
        flips = None if changes is None else changes.flipped[positions]
        images = torch.from_numpy(self.shards.batch(positions, boxes, self.size, flips, self.threads))
        return images.to(self.device)

    def batches(self, batches: Iterable[torch.Tensor], changes: Changes | None) -> Iterator[torch.Tensor]:
        """As `Pictures.batches`, with AHEAD of them under way."""
        wanted = iter(batches)
        with ThreadPoolExecutor(1) as pool:
            ahead = deque(pool.submit(self.batch, chosen, changes) for chosen in islice(wanted, self.AHEAD))
            while ahead:
                images = ahead.popleft().result()
                ahead.extend(pool.submit(self.batch, chosen, changes) for chosen in islice(wanted, 1))
                yield images
