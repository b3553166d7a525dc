"""Images for tests, made from a seed: smooth areas, edges, texture, and even patches of black and white."""

import numpy as np


def pictures(count: int, height: int, width: int) -> np.ndarray:
    """uint8[count, height, width, 3]."""
    random = np.random.RandomState(11)
    down, right = np.mgrid[0:height, 0:width] / max(height, width)
    images = np.empty((count, height, width, 3), np.uint8)
    for image in images:
        waves = np.zeros((height, width, 3))
        for frequency in (2, 5, 11):
            slopes, phases = random.uniform(-frequency, frequency, (2, 3)), random.uniform(0, 2, 3)
            # Triangles, since sines may differ in the last bit between processors.
            ramps = down[..., None] * slopes[0] + right[..., None] * slopes[1] + phases
            waves += (2 * np.abs(ramps % 2 - 1) - 1) / frequency
        values = 128 + 110 * waves + random.uniform(-20, 20, waves.shape) * (right > 0.5)[..., None]
        values[: height // 3, : width // 4] = 255
        values[-height // 4 :, -width // 4 :] = random.randint(0, 100, 3)
        image[:] = np.clip(values, 0, 255)
    return images
