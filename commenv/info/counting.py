"""Counts of samples, compiled: a pass over a million pairs takes about a millisecond. numba is slow to import: import late."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

Codes = NDArray[np.int64]


LANES = 4
"""Tables that are counted on in turn, so that an increment need not wait for the one before."""


@njit(cache=True)
def span(labels: Codes) -> tuple[int, int]:
    """Least and largest of the labels, shape (N,), N at least 1."""
    low = high = labels[0]
    for i in range(len(labels)):
        label = labels[i]
        low = label if label < low else low  # not min(), which numba does not vectorise
        high = label if label > high else high
    return low, high


@njit(cache=True)
def table(x: Codes, y: Codes, first_x: int, first_y: int, rows: int, columns: int) -> Codes:
    """How often each pair occurs, shape (rows, columns), of labels from first_x and first_y on."""
    cells = np.zeros((LANES, rows * columns), np.int64)
    origin = first_x * columns + first_y
    whole = len(x) // LANES * LANES
    for i in range(0, whole, LANES):
        for lane in range(LANES):
            cells[lane, x[i + lane] * columns + y[i + lane] - origin] += 1
    for i in range(whole, len(x)):
        cells[0, x[i] * columns + y[i] - origin] += 1
    return cells.sum(axis=0).reshape(rows, columns)
