"""How a network is asked: uint8 images in batches of one size, softmax probabilities out."""

import numpy as np
import torch

from scripts.lib.jobs.errors import InputError
from scripts.lib.networks.architectures import normalized

BATCH = 500  # images
LARGEST = 64 * 64  # pixels of an image of which as many are in memory


def batch_of(height: int, width: int) -> int:
    """How many images of a size are predicted at a time: BATCH, less of large ones."""
    return max(1, BATCH * LARGEST // max(LARGEST, height * width))


def probabilities(model: torch.nn.Module, images: torch.Tensor, among: np.ndarray | None = None) -> np.ndarray:
    """Softmax probabilities float32[N, C] for uint8 images [N, H, W, 3].

    among: int64, the classes that may be answered; the others get 0, the softmax is over these alone. None for all.
    """
    with torch.inference_mode():
        logits = model(normalized(images)).float()
        if among is not None:
            impossible = torch.ones(logits.shape[1], dtype=torch.bool, device=logits.device)
            impossible[torch.from_numpy(among).to(logits.device)] = False
            logits = logits.masked_fill(impossible, -torch.inf)
        return torch.softmax(logits, dim=1).cpu().numpy()


def predicted_classes(model: torch.nn.Module, images: torch.Tensor, what: str) -> np.ndarray:
    """The most probable class of each of uint8 images [N, H, W, 3], int16[N]; of equal ones the smallest.

    what: names the model where it predicts undefined numbers, which raises InputError.
    """
    values = probabilities(model, images)
    if not np.isfinite(values).all():
        raise InputError(f"{what} predicts undefined numbers: make it anew.")
    return values.argmax(axis=1).astype(np.int16)
