"""Which output channels share a block row: those whose large weights read the same inputs.

    kept(order) = sum over block rows r of the k largest entries of  sum over channels n in r: energy[n, :]

Grouping to make this largest is balanced clustering. It is solved as k-means is: the k columns of each row from its channels, then the
best channels of each row from these columns (an assignment problem), and again. Neither step can lower the sum.
"""

import numpy as np


def rows_of(channels: int, bn: int) -> list[slice]:
    """Where each block row's channels lie; the last row may be shorter."""
    return [slice(begin, min(begin + bn, channels)) for begin in range(0, channels, bn)]


def kept_energy(energy: np.ndarray, order: np.ndarray, bn: int, kept: int) -> float:
    """What is kept of energy[N, columns] when channels are in this order and each block row keeps its `kept` largest columns."""
    sums = np.stack([energy[order[row]].sum(0) for row in rows_of(len(energy), bn)])
    return float(np.sort(sums, 1)[:, sums.shape[1] - kept :].sum())


def group_channels(energy: np.ndarray, bn: int, kept: int, rounds: int = 20) -> np.ndarray:
    """int64 [N]: an order of the channels whose block rows keep at least as much as those of the order given.

    energy: float [N, columns], the sum of squares (or another magnitude) of each channel's weights in each block column.
    kept: columns that each block row keeps. Two starts: the order as it is, and one channel for each row, each time the one that the
    rows begun so far would keep least of. Where channels fall into groups that read the same columns, these groups are found.
    Channels keep their order inside a block row. Raises ValueError for `kept` out of range.
    """
    channels, columns = energy.shape
    if not 0 <= kept <= columns:
        raise ValueError(f"{kept} of {columns} columns cannot be kept.")
    same = np.arange(channels)
    if kept in (0, columns) or channels <= bn:
        return same
    energy = energy.astype(np.float64)
    rows = rows_of(channels, bn)
    distinct = _distinct(energy, len(rows), kept)
    # Which of the groups is the short row's, if there is one, is not known beforehand.
    last = range(len(rows)) if channels % bn else [len(rows) - 1]
    starts = [same, *(_assigned(energy, distinct[:one] + distinct[one + 1 :] + [distinct[one]], rows) for one in last)]
    best, most = same, kept_energy(energy, same, bn, kept)
    for order in starts:
        before = -np.inf
        for _ in range(rounds):
            value = kept_energy(energy, order, bn, kept)
            if value > most * (1 + 1e-12):
                best, most = order, value
            if value <= before * (1 + 1e-12):
                break
            before = value
            order = _assigned(energy, [_largest(energy[order[row]].sum(0), kept) for row in rows], rows)
    return best


def _largest(values: np.ndarray, kept: int) -> np.ndarray:
    return np.argsort(-values, kind="stable")[:kept]


def _distinct(energy: np.ndarray, rows: int, kept: int) -> list[np.ndarray]:
    """The columns of one channel for each row: first of the largest channel, then of the one that those so far cover worst."""
    chosen = [_largest(energy[energy.sum(1).argmax()], kept)]
    own = np.sort(energy, 1)[:, energy.shape[1] - kept :].sum(1)
    covered = energy[:, chosen[0]].sum(1)
    while len(chosen) < rows:
        chosen.append(_largest(energy[(own - covered).argmax()], kept))
        covered = np.maximum(covered, energy[:, chosen[-1]].sum(1))
    return chosen


def _assigned(energy: np.ndarray, columns: list[np.ndarray], rows: list[slice]) -> np.ndarray:
    """The order in which the channels of each row keep the most of its columns, exactly."""
    from scipy.optimize import linear_sum_assignment  # slow to import, and few studies need it

    owner = np.repeat(np.arange(len(rows)), [row.stop - row.start for row in rows])
    gain = np.stack([energy[:, one].sum(1) for one in columns], 1)
    channel, place = linear_sum_assignment(gain[:, owner], maximize=True)
    row = np.empty(len(energy), dtype=np.int64)
    row[channel] = owner[place]
    return np.argsort(row, kind="stable")
