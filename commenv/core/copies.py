"""Copies of buffers that belong to whoever is given them, large ones in memory of which nobody holds anything any more.

The system hands out fresh pages only when it has cleared them, which takes longer than to fill them: at 16,384 games copies
in fresh memory took three times as long as the step. An array, a view of it or a tensor on it keeps its memory from being
used again for as long as it lives, just as it would keep it from being freed.
"""

from collections.abc import Callable
from sys import getrefcount

import numpy as np

LARGE = 1 << 16
"""Bytes from which on malloc may turn to the system."""
MUCH = 1 << 20
"""Bytes of observations from which on `step` hands out what the kernel wrote and no copies: fewer are copied sooner than the
kernel is told of another place."""
KEPT = 4
"""Arrays that a shelf remembers: one who keeps every array pays fresh memory, and no more than that."""


class Shelf:
    """Arrays of one shape, each lent out until nobody holds it."""

    def __init__(self, shape: tuple[int, ...], dtype: np.dtype) -> None:
        self._shape, self._dtype = shape, dtype
        self._arrays: list[np.ndarray] = []

    def take(self) -> np.ndarray:
        """An array that nobody else holds; what stands in it is left from before."""
        for array in self._arrays:
            if getrefcount(array) == _UNHELD:
                return array
        fresh = np.empty(self._shape, self._dtype)
        self._arrays = [*self._arrays[1 - KEPT :], fresh]
        return fresh


def copier(source: np.ndarray) -> Callable[[], np.ndarray]:
    """What makes copies of a buffer as it then is."""
    if source.nbytes < LARGE:
        return source.copy
    take = Shelf(source.shape, source.dtype).take

    def copy() -> np.ndarray:
        own = take()
        own[...] = source
        return own

    return copy


def _unheld() -> int:
    """What Python counts where only a list and a loop hold an array: how many that is, its versions see differently."""
    for array in [np.empty(0)]:
        return getrefcount(array)
    raise AssertionError


_UNHELD = _unheld()


def masker(active: np.ndarray, choices: int) -> Callable[[], np.ndarray]:
    """What makes action masks (n, choices): all True where the agent is active, elsewhere the first alone."""
    rows = np.stack([np.arange(choices) == 0, np.ones(choices, bool)])
    moves, take = active.view(np.int8), Shelf((len(active), choices), np.dtype(bool)).take
    if len(active) * choices < LARGE:
        return lambda: rows.take(moves, axis=0)
    return lambda: rows.take(moves, axis=0, out=take(), mode="clip")  # the mode that asks for no buffer of its own
