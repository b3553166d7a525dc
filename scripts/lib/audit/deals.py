"""Models dealt to two populations at random, and the modal labels of many such populations at once."""

from collections.abc import Callable, Iterator

import numpy as np

from scripts.lib.audit.modal import TIE_RULES, Modal, local_codes, modal_labels

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
    votes: np.ndarray, subsets: list[np.ndarray], tie_rule: str, modal: Modal | None = None
) -> Iterator[tuple[np.ndarray, list[np.ndarray]]]:
    """Modal labels of many subsets of the models, for the images on which they may differ, some images at a time.

    votes: int[M, N]; subsets: arrays bool[P, M] with one subset a row, none of them empty. Yields positions int[n] and for each
    array the labels int64[P, n]. Left out are the images on which all subsets have the mode of all M models; modal: these, where they
    are known.
    """
    smallest = min(int(members.sum(axis=1).min()) for members in subsets)
    if smallest == 0:
        raise ValueError("a subset has no model.")
    dissent = len(votes) - (modal or modal_labels(votes)).votes
    open_ = np.flatnonzero(2 * dissent >= smallest)  # else most models of every subset vote for the same label
    codes, values = _contenders(*local_codes(votes[:, open_]), smallest)
    several = codes.max(axis=0, initial=0) > 0
    open_, codes, values = open_[several], codes[:, several], values[:, several]
    ends = np.cumsum([len(members) for members in subsets])
    parted = len(subsets) > 1 and len(set(map(len, subsets))) == 1 and bool((np.sum(subsets, axis=0) == 1).all())
    together = max(1, TOGETHER // int(ends[-1]))
    by_labels = np.argsort(codes.max(axis=0, initial=0), kind="stable")  # so that images of a chunk have as many labels
    for start in range(0, len(open_), together):
        chunk = by_labels[start : start + together]
        modes = _modes(codes[:, chunk], values[:, chunk], subsets, parted, tie_rule)
        yield open_[chunk], np.split(modes, ends[:-1])


def modes_of_every_image(votes: np.ndarray, subsets: np.ndarray, tie_rule: str) -> np.ndarray:
    """Modal labels of subsets bool[P, M] of the models on all images, int32[P, N]; votes: int[M, N]."""
    modal = modal_labels(votes, tie_rule)
    modes = np.tile(modal.label.astype(np.int32), (len(subsets), 1))
    for images, (labels,) in modes_of_subsets(votes, [subsets], tie_rule, modal):
        modes[:, images] = labels
    return modes


def _contenders(codes: np.ndarray, values: np.ndarray, smallest: int) -> tuple[np.ndarray, np.ndarray]:
    """Codes and values as of `local_codes`, without those that no subset of at least `smallest` models has as mode: their code is -1.

    A subset leaves M - smallest models out at most, so a label with fewer votes of all M than the most frequent one keeps without
    them is never as frequent.
    """
    total = np.stack([np.count_nonzero(codes == code, axis=0) for code in range(len(values))])
    contends = (total > 0) & (total >= total.max(axis=0) - (len(codes) - smallest))
    rank = np.where(contends, contends.cumsum(axis=0) - 1, -1)
    kept = np.full_like(values, -1)
    place, image = np.nonzero(contends)
    kept[rank[place, image], image] = values[place, image]
    return np.take_along_axis(rank, codes, axis=0), kept


def _modes(codes: np.ndarray, values: np.ndarray, subsets: list[np.ndarray], parted: bool, tie_rule: str) -> np.ndarray:
    """Modal labels of all subsets, those of one array after the other, int64[S, n]; codes and values as of `_contenders`."""
    last, columns = int(codes.max(initial=0)), np.arange(codes.shape[1])
    values = np.ascontiguousarray(values)
    return TIE_RULES[tie_rule](
        lambda: values.take((last - _highest_modes(last - codes, last, subsets, parted)) * len(columns) + columns),
        lambda: values.take(_highest_modes(codes, last, subsets, parted) * len(columns) + columns),
    )


def _highest_modes(codes: np.ndarray, last: int, subsets: list[np.ndarray], parted: bool) -> np.ndarray:
    """The largest of the most frequent codes in each subset, int64[S, n]; codes int[M, n] outside 0 to `last` do not count.

    A code's votes times a power of two above all codes, plus the code: the largest such number belongs to the code that is sought.
    parted: whether the subsets in a row of all arrays part the models among them; then the votes in the last are what the others leave.
    """
    width = 1 << last.bit_length()
    exact = np.float32 if len(codes) * width < 2**24 else np.float64
    counted = np.concatenate(subsets[:-1] if parted else subsets).astype(exact)
    best = np.zeros((len(counted) + parted * len(subsets[-1]), codes.shape[1]), dtype=exact)
    for code in range(last + 1):
        each = (codes == code) * exact(width)
        votes = counted @ each
        if parted:
            others = votes.reshape(len(subsets) - 1, -1, codes.shape[1]).sum(axis=0)
            np.maximum(best[len(counted) :], each.sum(axis=0) + exact(code) - others, out=best[len(counted) :])
        votes += code
        np.maximum(best[: len(counted)], votes, out=best[: len(counted)])
    return best.astype(np.int64) & (width - 1)
