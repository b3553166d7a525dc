"""Images as people see them in the pictures: all of about one size."""

import numpy as np
from PIL import Image

SIDE = 64  # pixels


def thumbnail(image: np.ndarray) -> Image.Image:
    """An image whose longer side is about SIDE: small ones enlarged without smoothing, large ones reduced."""
    longer = max(image.shape[:2])
    scale = SIDE // longer if longer <= SIDE else SIDE / longer
    height, width = (max(1, round(side * scale)) for side in image.shape[:2])
    how = Image.Resampling.NEAREST if longer <= SIDE else Image.Resampling.BOX
    return Image.fromarray(image).resize((width, height), how)
