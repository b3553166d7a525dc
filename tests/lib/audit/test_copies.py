"""Models that are one network twice are found by their votes, and honest ones are left alone."""

import numpy as np
import pytest

from scripts.lib.audit.copies import find_copies, same_networks

N, CLASSES = 1000, 10
LABEL = np.arange(N) % CLASSES


def models(count, error, seed, n=N, classes=CLASSES):
    """Votes of honest models: each errs by itself, oftener on hard images."""
    random = np.random.default_rng(seed)
    hard = random.beta(0.5, 0.5 / error - 0.5, n)
    return np.where(random.random((count, n)) < hard, random.integers(0, classes, (count, n)), LABEL[:n] % classes)


def found(*populations, label=LABEL, network=None):
    votes = np.concatenate(populations)
    population = np.repeat(np.arange(len(populations)), [len(each) for each in populations])
    copies = find_copies(
        votes, label[: votes.shape[1]], population, np.arange(len(votes)) if network is None else network
    )
    return None if copies is None else tuple(copies)


DENSE = models(5, 0.2, 0)


def test_a_control_that_is_the_dense_population_again():
    assert found(DENSE, DENSE, models(5, 0.25, 1)) == (0, 5, 5)
    assert found(DENSE, models(5, 0.2, 1), models(5, 0.25, 2)) is None
    assert found(DENSE[:2], DENSE[:2]) == (0, 2, 2)
    assert found(DENSE, DENSE[[3, 1, 4, 0, 2]]) == (0, 8, 5)  # under other seeds


def test_one_model_under_two_seeds():
    assert found(DENSE[[0, 1, 1, 2]], models(4, 0.2, 1)) == (1, 2, 1)
    assert found(DENSE, np.concatenate([models(4, 0.2, 1), DENSE[2:3]])) == (2, 9, 1)
    assert found(DENSE[[0, 0, 0]], DENSE[[0, 0, 0]]) == (0, 1, 2)  # nobody differs: its own errors tell


def test_a_network_before_and_after_compression_may_agree():
    network = np.tile(np.arange(5), 2)
    assert found(DENSE, DENSE, network=network) is None
    assert found(DENSE, DENSE[::-1], network=network) == (0, 9, 4)  # all but the middle one stand under another's seed


def test_where_there_is_little_to_differ_in_equal_models_are_honest():
    right = np.tile(LABEL, (5, 1))
    constant = np.full((5, N), 3)
    assert found(right, right, models(5, 0.5, 0)) is None
    assert found(constant, constant, np.full((5, N), 4), DENSE) is None
    easy = right.copy()
    easy[:, 7] = 3  # one image that all get wrong, as a wrong label is
    assert found(easy, easy) is None
    assert found(DENSE[:, :99], DENSE[:, :99]) is None  # too few images
    almost = constant.copy()
    almost[:, 5] = 9  # collapsed, but for one image
    assert found(almost, np.full((5, N), 4), DENSE) is None


@pytest.mark.parametrize("error", [0.0005, 0.002, 0.01, 0.05])
def test_honest_models_of_easy_images_are_rarely_refused(error):
    """At 0.0005 half of the models are right everywhere, at 0.002 many of 40 are equal by chance."""
    assert sum(found(*(models(10, error, [seed, level]) for level in range(4))) is not None for seed in range(6)) == 0


def test_models_that_hardly_differ_are_equal_honestly():
    """30 models share 50 errors and differ on five images only, so that every one of the 32 patterns is met many times."""
    random = np.random.default_rng(0)

    def alike():
        votes = np.tile(np.where(np.arange(N) < 50, (LABEL + 1) % CLASSES, LABEL), (30, 1))
        votes[:, 100:105] = np.where(random.random((30, 5)) < 0.5, LABEL[100:105], (LABEL[100:105] + 1) % CLASSES)
        return votes

    assert found(alike(), alike(), alike()) is None


def test_few_images_tell_of_many_models():
    label, n = LABEL, 100
    few = models(10, 0.1, 3, n)
    assert found(few, few, label=label)[2] == 10
    assert found(few, models(10, 0.1, 4, n), label=label) is None


def test_levels_that_are_the_dense_models_changed():
    random = np.random.default_rng(0)
    changed = np.where(random.random(DENSE.shape) < 0.05, random.integers(0, CLASSES, DENSE.shape), DENSE)
    assert same_networks(DENSE, changed) and not same_networks(DENSE, changed[::-1])
    assert not same_networks(DENSE, models(5, 0.2, 9)) and not same_networks(DENSE, changed[:4])
    assert same_networks(DENSE[:2], changed[:2])
    honest = [same_networks(models(k, 0.2, [0, s]), models(k, 0.2, [1, s])) for k in (2, 5) for s in range(50)]
    assert not any(honest)
    right = np.tile(LABEL, (5, 1))
    assert not same_networks(right, right)
