"""Votes of made populations, as like a real classifier's as benchmarks of speed need: most images are easy, models err on the same others.

Errors of one model on different images have nothing in common here, so how sure a result is cannot be learnt from them: made_studies.py.
"""

import numpy as np

LABELS = 12  # that models ever give one image


class Images:
    """N images of a difficulty each, drawn from a seed: the share of models that vote for each of a few labels."""

    def __init__(self, examples: int, classes: int, seed: int) -> None:
        random = np.random.default_rng(seed)
        self.classes = classes
        self.label = np.stack([random.permutation(classes)[:LABELS] for _ in range(examples)], axis=1)
        sure = random.beta(1.1, 0.16, examples)
        others = random.exponential(size=(LABELS - 1, examples)) * 0.6 ** np.arange(LABELS - 1)[:, None]
        self.share = np.concatenate([sure[None], others / others.sum(axis=0) * (1 - sure)])

    def votes(self, models: int, seed: int) -> np.ndarray:
        """Independent models, int16[K, N]."""
        random = np.random.default_rng(seed)
        edges = self.share.cumsum(axis=0)[:-1]
        ranks = ((random.random(self.label.shape[1]) > edges).sum(axis=0) for _ in range(models))
        images = np.arange(self.label.shape[1])
        return np.stack([self.label[rank, images].astype(np.int16) for rank in ranks])

    def drift(self, votes: np.ndarray, share: float, seed: int) -> np.ndarray:
        """The same models with a share of their votes given anew by chance, int16[K, N]: compression without a direction."""
        random = np.random.default_rng(seed)
        return np.where(random.random(votes.shape) < share, self.votes(len(votes), seed + 1), votes)
