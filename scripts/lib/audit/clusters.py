"""Clusters of images by the features that a network gives them: standardized, in few components, by k-means."""

import warnings
from dataclasses import dataclass

import numpy as np
from scipy.cluster.vq import kmeans2, vq

EXPLAINED = 0.95  # of the variance is kept
COMPONENTS = 50  # at most: distances in more dimensions tell less
ROUNDS = 50  # of Lloyd's algorithm
STARTS = 3  # the best of so many k-means


@dataclass(frozen=True)
class Clusters:
    """k clusters that were found on some images and can be asked of any."""

    mean: np.ndarray  # float64[D]
    axes: np.ndarray  # float64[D, P]: standardized features to components
    centres: np.ndarray  # float64[k, P]

    def of(self, features: np.ndarray) -> np.ndarray:
        """The nearest centre of each image, int64[N]; features: float[N, D]."""
        return vq((features - self.mean) @ self.axes, self.centres)[0].astype(np.int64)


def find_clusters(features: np.ndarray, clusters: int, random: np.random.Generator) -> Clusters:
    """k-means (Lloyd 1982) from k-means++ (Arthur & Vassilvitskii 2007) on the principal components of features, float[N, D].

    Features that never vary are left out; there are no more clusters than different images. ValueError if all images are alike.
    """
    features = np.asarray(features, dtype=np.float64)
    mean, spread = features.mean(axis=0), features.std(axis=0)
    varies = spread > 1e-12 * np.maximum(1.0, np.abs(mean))
    if not varies.any():
        raise ValueError("all images have the same features: nothing can be clustered.")
    scale = np.divide(1.0, spread, where=varies, out=np.zeros_like(spread))
    standard = (features - mean) * scale
    # Eigenvectors of the correlations are the right singular vectors of the standardized features, for a table of D x D numbers.
    variance, vectors = np.linalg.eigh(standard.T @ standard / len(standard))
    variance, vectors = np.maximum(variance[::-1], 0.0), vectors[:, ::-1]
    enough = int(np.searchsorted(variance.cumsum() / variance.sum(), EXPLAINED)) + 1
    axes = scale[:, None] * vectors[:, : min(enough, COMPONENTS)]
    components = (features - mean) @ axes
    clusters = min(clusters, len(np.unique(components.round(9), axis=0)))
    found = [_k_means(components, clusters, random) for _ in range(STARTS)]
    return Clusters(mean, axes, min(found, key=lambda each: each[0])[1])


def _k_means(points: np.ndarray, clusters: int, random: np.random.Generator) -> tuple[float, np.ndarray]:
    """The sum of squared distances to the nearest centre, and the centres."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a cluster without images keeps its centre, and is no slice
        centres, _ = kmeans2(points, clusters, iter=ROUNDS, minit="++", rng=random)
    return float((vq(points, centres)[1] ** 2).sum()), centres
