"""How a network is asked: uint8 images in batches of one size, softmax probabilities out."""

import numpy as np
import torch

from scripts.lib.networks import normalized

BATCH = 500  # images
LARGEST = 64 * 64  # pixels of an image of which as many are in memory


def batch_of(height: int, width: int) -> int:
    """How many images of a size are predicted at a time: BATCH, less of large ones."""
    return max(1, BATCH * LARGEST // max(LARGEST, height * width))


def probabilities(model: torch.nn.Module, images: torch.Tensor) -> np.ndarray:
    """Softmax probabilities float32[N, C] for uint8 images [N, H, W, 3]."""
    with torch.inference_mode():
        return torch.softmax(model(normalized(images)).float(), dim=1).cpu().numpy()
