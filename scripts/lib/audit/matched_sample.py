"""Images to show beside chosen ones: as doubtful for the dense models, and not chosen."""

import numpy as np


def matched_sample(
    margin: np.ndarray, chosen: np.ndarray, candidates: np.ndarray, random: np.random.Generator
) -> np.ndarray:
    """For each chosen image another one of the candidates whose margin is nearest, of two equally near margins the smaller.

    margin: [N], of the dense models' votes; chosen: int[n], positions; candidates: bool[N]. Gives positions int[m] with m = n, or all
    candidates where they are fewer. Which of several images of a margin is drawn, and in which order the chosen ones are served, is
    random. The same matching as `hardness.match`, but of single images, each of them once: raters cannot see a weighted mean.
    """
    left = np.flatnonzero(candidates)
    if np.any(candidates[chosen]):
        raise ValueError("a chosen image cannot be its own match.")
    matches = []
    for image in random.permutation(chosen)[: len(left)]:
        distance = np.abs(margin[left] - margin[image])
        nearest = left[distance == distance.min()]
        nearest = nearest[margin[nearest] == margin[nearest].min()]
        match = random.choice(nearest)
        matches.append(match)
        left = left[left != match]
    return np.array(matches, dtype=np.int64)
