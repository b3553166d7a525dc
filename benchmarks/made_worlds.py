"""Populations of made models in two worlds that differ in what models that err have in common, as logits that votes are taken from.

`independent`: a model errs on each image by itself. `features`: as much noise, but most of it is a linear function of features of the
image, drawn for each model, so that a model that is odd on one image is odd on similar ones, as networks are. In both, nothing
distinguishes two populations but their seeds.
"""

import math
from dataclasses import dataclass

import numpy as np

FEATURES = 20
LOGITS = 8  # of the label and its rivals; the others are too small to matter
SHARED = {"independent": 0.0, "features": 0.8}  # world -> the part of the noise that is a function of features
COMPRESSION = 0.3  # noise that compressing a checkpoint adds, in units of that between seeds
HARD, HARM = 0.1, 1.5  # the share of images of a class that compression hits, and the logits that it takes there


@dataclass(frozen=True)
class World:
    """N images of C classes, of which models are drawn."""

    label: np.ndarray  # int64[N]
    mean: np.ndarray  # float32[N, LOGITS]: of the label first
    rivals: np.ndarray  # int64[N, LOGITS]: which class each logit is of
    features: np.ndarray  # float32[N, FEATURES]
    shared: float

    def models(self, count: int, random: np.random.Generator) -> np.ndarray:
        """Logits of models of their own seeds, float32[K, N, LOGITS]."""
        return np.stack([self.mean + self._noise(random) for _ in range(count)])

    def compressed(self, models: np.ndarray, random: np.random.Generator) -> np.ndarray:
        """The same models before and after a compression that has no direction."""
        return np.stack([each + np.float32(COMPRESSION) * self._noise(random) for each in models])

    def harmed(self, models: np.ndarray, classes: np.ndarray, random: np.random.Generator) -> np.ndarray:
        """The models when some of the images of these classes lose logits."""
        loss = np.where((random.random(len(self.label)) < HARD) & np.isin(self.label, classes), HARM, 0)
        lowered = models.copy()
        lowered[:, :, 0] -= loss.astype(np.float32)
        return lowered

    def votes(self, models: np.ndarray) -> np.ndarray:
        """Predicted classes, int64[K, N]."""
        return np.stack([self.rivals[np.arange(len(self.label)), each.argmax(axis=1)] for each in models])

    def _noise(self, random: np.random.Generator) -> np.ndarray:
        alone = random.standard_normal(self.mean.shape, dtype=np.float32)
        if not self.shared:
            return alone
        weights = random.standard_normal((FEATURES, LOGITS), dtype=np.float32) / math.sqrt(FEATURES)
        return np.float32(math.sqrt(1 - self.shared**2)) * alone + np.float32(self.shared) * (self.features @ weights)


def made_world(name: str, images: int, classes: int, random: np.random.Generator) -> World:
    """Images drawn anew; classes are as large, and differ in how hard they are and in their features."""
    label = np.arange(images) % classes
    mean = random.normal(0, 1.5, (images, LOGITS))
    mean[:, 0] += random.normal(4.5, 3.0, images) + random.normal(0, 1, classes)[label]
    rivals = (label[:, None] + np.arange(LOGITS)) % classes
    features = 0.7 * (random.normal(0, 1, (images, FEATURES)) + random.normal(0, 1, (classes, FEATURES))[label])
    return World(label, mean.astype(np.float32), rivals, features.astype(np.float32), SHARED[name])
