"""The best partition of few things into few blocks, each worth what a table says: exact, over all subsets."""

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from commenv.core.errors import whole

MOST_THINGS = 16
"""Things that are partitioned at most: a block more takes 3**n / 2 sums."""


def best_partition(values: ArrayLike, blocks: int) -> tuple[float, list[list[int]]]:
    """Largest total worth of a partition into at most so many blocks, and its blocks, which may be fewer.

    values[mask] is the worth of the block of the things k with bit k in mask, shape (2**n,), n from 1 to 16; values[0] is not
    read. Dynamic program over subsets: the block that holds the first thing left, then the rest with one block less.
    Raises ValueError for a table that is not of 2**n numbers, or less than one block.

    >>> best_partition([0, 1, 1, 3, 1, 0, 0, 0], 2)
    (4.0, [[0, 1], [2]])
    """
    worth = np.ascontiguousarray(values, dtype=np.float64)
    n = worth.size.bit_length() - 1
    if worth.shape != (1 << n,) or not 1 <= n <= MOST_THINGS or not np.isfinite(worth[1:]).all():
        raise ValueError(
            f"values of shape {worth.shape} are not allowed: they must be 2**n finite numbers, n from 1 to {MOST_THINGS}"
        )
    layers, first = _layers(worth, min(whole("blocks", blocks, 1), n))
    found, left = [], (1 << n) - 1
    for k in range(len(first) - 1, -1, -1):
        if left == 0:
            break
        block = int(first[k, left])
        found.append([thing for thing in range(n) if block >> thing & 1])
        left ^= block
    return float(layers[(1 << n) - 1]), sorted(found)


@njit(cache=True)
def _layers(worth, blocks):
    """Best worth of each subset in at most so many blocks, and for each number of blocks the one that holds its first thing."""
    size = len(worth)
    best = worth.copy()
    best[0] = 0.0
    first = np.zeros((blocks, size), np.int64)
    first[0] = np.arange(size)
    for k in range(1, blocks):
        better = best.copy()
        for mask in range(1, size):
            if k == blocks - 1 and mask < size - 1:  # only the whole is asked for
                continue
            low = mask & -mask
            rest = mask ^ low
            top, chosen = worth[mask], mask
            part = rest
            while part:
                part = (part - 1) & rest  # proper subsets of the rest, the empty one last
                value = worth[part | low] + best[mask ^ low ^ part]
                if value > top:
                    top, chosen = value, part | low
            better[mask] = top
            first[k, mask] = chosen
        best = better
    return best, first


def subset_sums(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sum of the rows of every subset, [mask, ...], mask's bit k standing for row k; rows [n, ...], n from 1 to 16."""
    if not 1 <= len(rows) <= MOST_THINGS:
        raise ValueError(f"subsets of {len(rows)} rows are not listed: there must be 1 to {MOST_THINGS}")
    sums = np.zeros((1, *rows.shape[1:]))
    for row in rows:
        sums = np.concatenate([sums, sums + row])
    return sums
