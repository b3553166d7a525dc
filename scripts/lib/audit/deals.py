"""Models dealt to two populations at random, and the modal labels of many such populations at once."""

from collections.abc import Callable, Iterator

import numpy as np

from scripts.lib.audit.modal import TIE_RULES, local_codes, modal_labels

# Modal labels held at once: of few images if the subsets are many, so that they stay in a processor's cache.
TOGETHER = 2**19

Members = tuple[np.ndarray, np.ndarray]  # who is in the first and who in the second population, bool[P, M] each


def deal_anew(first: int, second: int, deals: int, random: np.random.Generator) -> Members:
    """All first + second models, shuffled and dealt to two populations of these sizes."""
    members = np.zeros((deals, first + second), dtype=bool)
    for row in members:
        row[random.permutation(first + second)[:first]] = True
    return members, ~members


def swap_pairs(first: int, second: int, deals: int, random: np.random.Generator) -> Members:
    """Model i of the first and model i of the second population change places or stay, each with probability 1/2."""
    if first != second:
        raise ValueError(f"populations of {first} and {second} models have no pairs.")
    stays = random.random((deals, first)) < 0.5
    members = np.concatenate([stays, ~stays], axis=1)
    return members, ~members


# Design -> how models are exchanged where nothing distinguishes the populations. Independent: models of seeds of their own, all
# exchangeable. Paired: the second population is made of the first one's checkpoints, so only the two of a pair are.
DESIGNS: dict[str, Callable[[int, int, int, np.random.Generator], Members]] = {
    "independent": deal_anew,
    "paired": swap_pairs,
}


def modes_of_subsets(
    votes: np.ndarray, subsets: list[np.ndarray], tie_rule: str
) -> Iterator[tuple[np.ndarray, list[np.ndarray]]]:
    """Modal labels of many subsets of the models, for the images on which they may differ, some images at a time.

    votes: int[M, N]; subsets: arrays bool[P, M] with one subset a row, none of them empty. Yields positions int[n] and for each
    array the labels int64[P, n]. Left out are the images that too few models judge otherwise to change the mode of any subset: it
    is that of all M models.
    """
    smallest = min(int(members.sum(axis=1).min()) for members in subsets)
    if smallest == 0:
        raise ValueError("a subset has no model.")
    dissent = len(votes) - modal_labels(votes).votes
    open_ = np.flatnonzero(2 * dissent >= smallest)  # else most models of every subset vote for the same label
    codes, values = local_codes(votes[:, open_])
    together = max(1, TOGETHER // max(len(members) for members in subsets))
    by_labels = np.argsort(codes.max(axis=0, initial=0), kind="stable")  # so that images of a chunk have as many labels
    for start in range(0, len(open_), together):
        chunk = by_labels[start : start + together]
        of_chunk = codes[:, chunk]
        yield open_[chunk], [_modes(of_chunk, values[:, chunk], members, tie_rule) for members in subsets]


def _modes(codes: np.ndarray, values: np.ndarray, members: np.ndarray, tie_rule: str) -> np.ndarray:
    """Modal labels int64[P, n] of the subsets members bool[P, M]; codes int[M, n] and values int[m, n] as of `local_codes`."""
    last, columns = int(codes.max(initial=0)), np.arange(codes.shape[1])
    return TIE_RULES[tie_rule](
        lambda: values[last - _highest_mode(last - codes, last, members), columns],
        lambda: values[_highest_mode(codes, last, members), columns],
    )


def _highest_mode(codes: np.ndarray, last: int, members: np.ndarray) -> np.ndarray:
    """The largest of the most frequent codes in each subset, int64[P, n]; codes int[M, n] are 0 to `last`.

    A code's votes times a power of two above all codes, plus the code: the largest such number belongs to the code that is sought.
    """
    width = 1 << last.bit_length()
    exact = np.float32 if len(codes) * width < 2**24 else np.float64
    weights = members.astype(exact)
    best = np.zeros((len(members), codes.shape[1]), dtype=exact)
    for code in range(last + 1):
        votes = weights @ ((codes == code) * exact(width))
        votes += code
        np.maximum(best, votes, out=best)
    return best.astype(np.int64) & (width - 1)
