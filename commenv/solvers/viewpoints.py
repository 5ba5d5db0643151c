"""Detection from several viewpoints: who sees what, how noisily, and which codes tell a centre best where objects are.

Each of K cells holds an object with the same probability, independently. A viewpoint reads some cells, each reading wrong with a
probability of its own. Sensors send one message each; the centre names a set of cells, a map, and is scored by F1 against the
truth: 2 hits / (objects + named), 1 where there are neither. Maps and readings are numbers: bit k for the k-th cell.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from math import comb

import numpy as np
from numpy.typing import ArrayLike

from commenv import info
from commenv.core.errors import number, whole
from commenv.info.distributions import Array, stochastic

MOST_CELLS, MOST_WORK = 8, 30
"""Cells at most; and of the readings of all viewpoints and twice the cells together, in bits."""
STARTS = 24
"""Random codes that the local search sets out from."""
ROUNDING = 1e-12


def maps(cells: int) -> np.ndarray:
    """All maps, shape (2**K, K), by number."""
    return np.arange(2**cells)[:, None] >> np.arange(cells) & 1


def f1(cells: int) -> Array:
    """F1 of each named map against each true one, shape (true, named).

    >>> f1(1)
    array([[1., 0.],
           [0., 1.]])
    """
    every = maps(whole("cells", cells, 1, MOST_CELLS))
    both, sizes = every @ every.T, every.sum(axis=1)
    total = sizes[:, None] + sizes
    return np.divide(2.0 * both, total, out=np.ones(both.shape), where=total > 0)


@dataclass(frozen=True)
class Code:
    """What sensors say of what they read, and what the centre names."""

    value: float
    """Mean F1."""
    method: str
    encoders: list[np.ndarray]
    """Of each sensor the message of each reading, (2**v,)."""
    decoder: np.ndarray
    """Map by the centre's reading, then what is heard of each sensor, (2**v, outputs, outputs, ...)."""


@dataclass(frozen=True)
class Scene:
    """A grid and its viewpoints, the centre's first. Raises ValueError for probabilities out of range, and for too much."""

    density: float
    """Probability of an object in a cell."""
    wrong: tuple[tuple[float | None, ...], ...]
    """Of each viewpoint and cell, how often a reading is wrong, 0 to 1/2; None where it sees nothing."""

    def __post_init__(self) -> None:
        number("density", self.density, 0, 1)
        for p in (p for view in self.wrong for p in view if p is not None):
            number("noise", p, 0, 0.5)
        work = sum(len(cells) for cells in self.seen) + 2 * self.cells
        if self.cells > MOST_CELLS or work > MOST_WORK:
            raise ValueError(
                f"{self.cells} cells of which {work - 2 * self.cells} are read are too many: at most {MOST_CELLS} cells, and "
                f"read ones and twice the cells together at most {MOST_WORK}"
            )

    @property
    def cells(self) -> int:
        return len(self.wrong[0])

    @cached_property
    def seen(self) -> list[list[int]]:
        """Which cells each viewpoint reads."""
        return [[k for k, p in enumerate(view) if p is not None] for view in self.wrong]

    @cached_property
    def prior(self) -> Array:
        """Probability of each map, (2**K,)."""
        return np.where(maps(self.cells), self.density, 1 - self.density).prod(axis=1)

    @cached_property
    def score(self) -> Array:
        return f1(self.cells)

    @cached_property
    def readings(self) -> list[Array]:
        """P(reading | map) of each viewpoint, (2**K, 2**v)."""
        found = []
        for view, cells in zip(self.wrong, self.seen, strict=True):
            truth, read = maps(self.cells)[:, None, cells], maps(len(cells))
            p = np.array([view[k] for k in cells], float)
            found.append(np.where(truth == read, 1 - p, p).prod(axis=-1))
        return found

    def known(self, heard: Sequence[Array]) -> tuple[float, np.ndarray]:
        """Mean F1 of the best maps, and these by what is known; heard: P(what is heard | map) of each source, (2**K, outputs)."""
        joint = _together(heard, self.prior)
        worth = joint.T @ self.score
        best = worth.argmax(axis=1)
        return float(worth[np.arange(len(best)), best].sum()), best.reshape([table.shape[1] for table in heard])

    @cached_property
    def silent(self) -> float:
        """Mean F1 of a centre that hears nothing."""
        return self.known(self.readings[:1])[0]

    @cached_property
    def all_told(self) -> float:
        """Mean F1 of a centre that knows all readings."""
        total, first = 0.0, self.readings[0]
        for reading in range(first.shape[1]):
            joint = _together(self.readings[1:], self.prior * first[:, reading])
            total += float((joint.T @ self.score).max(axis=1).sum())
        return total

    # ------------------------------------------------------------------------------------------------ codes
    def coded(self, encoders: Sequence[np.ndarray], W: ArrayLike, method: str) -> Code:
        """What such messages come to over the channel W[m, output], with the best maps."""
        heard = [self.readings[0], *self._heard(encoders, stochastic(W))]
        value, decoder = self.known(heard)
        return Code(value, method, list(encoders), decoder)

    def _heard(self, encoders: Sequence[np.ndarray], W: Array) -> list[Array]:
        return [table @ W[encoder] for table, encoder in zip(self.readings[1:], encoders, strict=True)]

    def improved(self, code: Code, W: Array, method: str) -> Code:
        """Sensor after sensor says what is best for the maps as they are named, and maps follow, as long as that helps."""
        while True:
            before = code
            for i in range(len(code.encoders)):
                heard = [self.readings[0], *self._heard(code.encoders, W)]
                others = _together([table for k, table in enumerate(heard) if k != i + 1], np.ones(len(self.prior)))
                named = np.moveaxis(code.decoder, i + 1, -1).reshape(others.shape[1], -1)
                gain = np.stack([(others * self.score[:, named[:, y]]).sum(axis=1) for y in range(named.shape[1])], axis=1)
                worth = (self.prior[:, None] * self.readings[i + 1]).T @ (gain @ W.T)  # [reading, message]
                encoders = [*code.encoders]
                encoders[i] = worth.argmax(axis=1)
                code = max(code, self.coded(encoders, W, method), key=lambda found: found.value)
            if code.value <= before.value + ROUNDING:
                return code

    def best_code(self, W: ArrayLike) -> Code:
        """The best found over the channel W, the same for each sensor: all readings where there are messages for them, else from
        information filling and random codes on. A lower bound of the best."""
        channel = stochastic(W)
        M = len(channel)
        if all(table.shape[1] <= M for table in self.readings[1:]) and bool(np.isin(channel, (0, 1)).all()):
            return self.coded([np.arange(table.shape[1]) for table in self.readings[1:]], channel, "all readings told")
        if M == 1:
            return self.coded([np.zeros(table.shape[1], int) for table in self.readings[1:]], channel, "nothing said")
        best = self.improved(self.filling(channel), channel, "information filling, improved in turn")
        rng = np.random.default_rng(0)
        for _ in range(STARTS):
            start = self.coded([rng.integers(M, size=len(table.T)) for table in self.readings[1:]], channel, "")
            found = self.improved(start, channel, "codes improved in turn")
            best = found if found.value > best.value + ROUNDING else best
        return best

    def filling(self, W: ArrayLike) -> Code:
        """Information filling (Hu et al. 2024): sensor after sensor tells of the cells that those before it leave most in doubt.

        Its codebook has an entry for each set of at most s of the first u of these cells, and a message is the entry of those
        in which it reads an object; of more than s the most wanted. u and s are the best together that there are messages for.
        """
        channel = stochastic(W)
        M = len(channel)
        encoders: list[np.ndarray] = [np.zeros(table.shape[1], int) for table in self.readings[1:]]
        filled = [[p] for p in self.wrong[0]]
        for i in range(len(encoders)):
            cells = self.seen[i + 1]
            gains = {k: self._gain(filled[k], self.wrong[i + 1][k]) for k in cells}
            wanted = sorted(cells, key=lambda k: -gains[k])
            best, told = self.coded(encoders, channel, "information filling"), 0
            for u in range(1, len(cells) + 1):
                for s in range(1, u + 1):
                    if sum(comb(u, j) for j in range(s + 1)) <= M:
                        tried = [*encoders]
                        tried[i] = _masks([cells.index(k) for k in wanted[:u]], s, len(cells))
                        found = self.coded(tried, channel, "information filling")
                        if found.value > best.value + ROUNDING:
                            best, told = found, u
            encoders = list(best.encoders)
            for k in wanted[:told]:
                filled[k].append(self.wrong[i + 1][k])
        return self.coded(encoders, channel, "information filling")

    def _gain(self, told: Sequence[float | None], wrong: float | None) -> float:
        """I(object; one more reading | those told), bits."""
        return self._left(told) - self._left([*told, wrong])

    def _left(self, told: Sequence[float | None]) -> float:
        """H(object | readings)."""
        joint = np.array([[1 - self.density], [self.density]])
        for p in (p for p in told if p is not None):
            joint = (joint[:, :, None] * np.array([[1 - p, p], [p, 1 - p]])[:, None]).reshape(2, -1)
        return info.entropy(joint.ravel()) - info.entropy(joint.sum(axis=0))


def _together(heard: Sequence[Array], weight: Array) -> Array:
    """The product of independent sources, given the map, (2**K, all outputs), the first source's leading."""
    joint = weight[:, None]
    for table in heard:
        joint = (joint[:, :, None] * table[:, None]).reshape(len(weight), -1)
    return joint


def _masks(wanted: Sequence[int], most: int, cells: int) -> np.ndarray:
    """Of each reading, (2**v,), which entry: sets of at most so many of the wanted places, which stand most wanted first."""
    entries = [mask for size in range(most + 1) for mask in combinations(wanted, size)]
    number_of = {mask: m for m, mask in enumerate(entries)}
    return np.array([number_of[tuple([k for k in wanted if reading >> k & 1][:most])] for reading in range(2**cells)])
