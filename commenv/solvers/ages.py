"""Age of information (Kaul, Yates, Gruteser 2012): M sources share a medium that carries one update a slot.

Of each source one knows what it said last; how long ago that was is its age, 1 right after an update. Who transmits alone in a
slot gets through with a probability of its own, its reliability. Ages are counted after a slot, and begin at 1.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numba import njit
from scipy.optimize import minimize_scalar
from scipy.stats import binom

from commenv.core.errors import bad, number, whole
from commenv.info.distributions import Array

MOST_AGES = 3_000_000
"""Vectors of ages that are listed at most."""
FIRST_SCHEDULES, MOST_SCHEDULES = 200, 100_000
"""Schedules that are open in a slot at most: for the first that is found, and where none better is to be missed."""
GRID = 97


def reliabilities(given: Sequence[float]) -> tuple[float, ...]:
    """Checked. Raises ValueError for none, or one that is no probability or 0."""
    found = tuple(float(number("reliability", p, 0, 1)) for p in given)
    if not found or min(found) <= 0:
        raise bad("reliability", tuple(given), "probabilities above 0, one a source")
    return found


def alike(reliability: Sequence[float]) -> bool:
    """Whether all sources are as reliable."""
    return len(set(reliability)) == 1


# ---------------------------------------------------------------------------------------------------- for ever
def long_run(reliability: Sequence[float], oldest: int, gap: float = 1e-9) -> float:
    """Least mean age of all sources in the long run, by relative value iteration (White 1963).

    Ages beyond `oldest` count as that. Steps go half the way: a medium without losses is periodic. Stops when the bounds of the
    mean are closer than `gap`. Raises ValueError for more than 3,000,000 vectors of ages. Of alike sources the oldest is served,
    (M + 1) / (2 p) (Kadota et al. 2018).

    >>> round(long_run([.8, .8], 60), 6)
    1.875
    """
    p = np.array(reliabilities(reliability))
    _listed(len(p), whole("oldest", oldest, 2))
    return float(_relative(p, oldest, float(gap)))


@njit(cache=True)
def _relative(p, side, gap):
    M = len(p)
    strides = side ** np.arange(M)
    value = np.zeros(side**M)
    better = np.empty_like(value)
    while True:
        least, most = np.inf, -np.inf
        for index in range(len(value)):
            older, now = 0, 0.0
            for i in range(M):
                digit = index // strides[i] % side
                now += (digit + 1) / M  # of states that last, it does not matter on which side of a slot one counts
                older += min(digit + 1, side - 1) * strides[i]
            best = np.inf
            for i in range(M):
                fresh = older - min(index // strides[i] % side + 1, side - 1) * strides[i]
                best = min(best, p[i] * value[fresh] + (1 - p[i]) * value[older])
            change = now + best - value[index]
            least, most = min(least, change), max(most, change)
            better[index] = value[index] + change / 2
        value[:] = better - better[0]
        if most - least < gap:
            return (most + least) / 2


def randomised(reliability: Sequence[float]) -> float:
    """Mean age in the long run where each slot is drawn at its best by itself: (sum of 1 / sqrt(p))**2 / M (Kadota et al. 2018).

    >>> round(randomised([.9, .5]), 9)
    3.046267541
    """
    p = np.array(reliabilities(reliability))
    return float(np.sqrt(1 / p).sum() ** 2 / len(p))


# ---------------------------------------------------------------------------------------------------- so many slots
def told(reliability: Sequence[float], slots: int) -> float:
    """Least mean age over so many slots, and all sources, where all ages are known.

    Sources that are alike: the oldest is served, whose age after j updates since is the time since the j-th last (Kadota et al.
    2018); else backwards over all vectors of ages. Raises ValueError where these are more than 3,000,000.

    >>> round(told([1.0, 1.0, 1.0], 3), 9)  # (1 + 2 + 2 + 2 + 1 + 3 + 3 + 2 + 1) / 9
    1.888888889
    """
    p, T = reliabilities(reliability), whole("slots", slots, 1)
    if alike(p):
        k = np.arange(T + 1)  # P(fewer than j updates in the k slots up to one), j = 1..M
        older = binom.cdf(np.arange(len(p))[:, None], k, p[0]).mean(axis=0)
        return float(np.cumsum(older)[1:].mean() - older[0] + 1)
    return float(_backwards(np.array(p), T, _listed(len(p), T + 1))[0]) / T


def whom(reliability: Sequence[float], slots: int) -> np.ndarray:
    """Whom `told` serves in each slot, shape (slots, (slots + 1)**M): by the ages less 1, digits to the base slots + 1, the first
    source's first."""
    p, T = reliabilities(reliability), whole("slots", slots, 1)
    return _backwards(np.array(p), T, _listed(len(p), T + 1))[1]


def _listed(sources: int, side: int) -> int:
    if side**sources > MOST_AGES:
        raise ValueError(f"{sources} sources of {side} ages are too many to list: at most {MOST_AGES:,} vectors of ages")
    return side**sources


@njit(cache=True)
def _backwards(p, slots, size):
    """Least sum of mean ages from the start, and whom to serve."""
    M, side = len(p), slots + 1
    strides = side ** np.arange(M)
    after, value = np.zeros(size), np.zeros(size)
    served = np.zeros((slots, size), np.int8)
    for t in range(slots - 1, -1, -1):
        for index in range(size):
            total, reached = 0, True
            for i in range(M):
                digit = index // strides[i] % side
                total += digit
                reached &= digit <= t
            if not reached:
                continue
            older = index + strides.sum()
            missed = total / M + 2.0 + after[older]
            best = np.inf
            for i in range(M):
                digit = index // strides[i] % side
                fresh = older - (digit + 1) * strides[i]
                cost = p[i] * ((total - digit - 1) / M + 2.0 + after[fresh]) + (1 - p[i]) * missed
                if cost < best - 1e-12:
                    best, served[t, index] = cost, i
            value[index] = best
        after, value = value, after
    return after[0], served


@dataclass(frozen=True)
class Schedule:
    """Who transmits in each slot, said beforehand."""

    age: float
    """Mean over slots and sources."""
    exact: bool
    """Whether no schedule has less."""
    served: np.ndarray
    """Shape (slots,)."""


def planned(reliability: Sequence[float], slots: int) -> Schedule:
    """The best schedule of those that do not depend on what gets through.

    A source's expected age is the sum over k of the probability that nothing came in the last k slots, (1 - p)**n where n of them
    were its own. Sources that are alike: in turn, as then n is as even as can be in every run of slots, and (1 - p)**n is convex.
    Else branch and bound: what is left of the game costs at least what it would if sources shared no medium but paid for each
    slot, at the price that makes this the most (Whittle 1988). Exact while at most 100,000 schedules are open in a slot.

    >>> planned([.5, .5], 4).served
    array([0, 1, 0, 1])
    """
    p, T = np.array(reliabilities(reliability)), whole("slots", slots, 1)
    M = len(p)
    if alike(p.tolist()):
        served = np.arange(T) % M
        ages, total = np.ones(M), 0.0
        for i in served:
            ages = ages + 1
            ages[i] -= p[i] * (ages[i] - 1)
            total += ages.sum()
        return Schedule(float(total / (M * T)), True, served)
    price = minimize_scalar(
        lambda price: price * T - _alone(p, T, price)[1][:, T, 0].sum(), bounds=(0, 4 * T), method="bounded"
    ).x
    grid, alone = _alone(p, T, float(price))

    def narrowed(least: float, open_ones: int) -> tuple[float, np.ndarray, bool]:
        """The best of the schedules that may cost less than `least`, of the most promising ones where more are open."""
        ages, cost, rows, all_seen = np.ones((1, M)), np.zeros(1), np.zeros((1, 0), int), True
        for left in range(T - 1, -1, -1):
            n = len(ages)
            ages, rows, cost = np.repeat(ages + 1, M, axis=0), np.repeat(rows, M, axis=0), np.repeat(cost, M)
            who = np.tile(np.arange(M), n)
            every = np.arange(n * M)
            ages[every, who] -= p[who] * (ages[every, who] - 1)
            rows, cost = np.column_stack([rows, who]), cost + ages.sum(axis=1)
            bound = cost - price * left + sum(np.interp(ages[:, i], grid, alone[i, left]) for i in range(M))
            kept = np.flatnonzero(bound < least - 1e-9)
            if len(kept) > open_ones:
                all_seen, kept = False, kept[np.argsort(bound[kept], kind="stable")[:open_ones]]
            if not len(kept):
                return np.inf, np.zeros(0, int), all_seen
            ages, rows, cost = ages[kept], rows[kept], cost[kept]
        best = int(cost.argmin())
        return float(cost[best]), rows[best], all_seen

    found = narrowed(np.inf, FIRST_SCHEDULES)
    better = narrowed(found[0], MOST_SCHEDULES)
    best = min(found, better, key=lambda plan: plan[0])
    return Schedule(best[0] / (M * T), better[2], best[1])


def _alone(p: Array, slots: int, price: float) -> tuple[Array, Array]:
    """A grid of ages; and the least cost of each source alone, who pays for each slot that it uses, after so many slots that are
    left, at each of these, shape (M, slots + 1, grid). It is concave in the age, so that between the grid's it is no less than
    the line: a lower bound throughout."""
    grid = np.linspace(1, slots + 1, GRID)
    cost = np.zeros((len(p), slots + 1, GRID))
    for i, reliability in enumerate(p):
        wait = grid + 1
        use = wait - reliability * grid
        for left in range(1, slots + 1):
            after = cost[i, left - 1]
            cost[i, left] = np.minimum(wait + np.interp(wait, grid, after), price + use + np.interp(use, grid, after))
    return grid, cost
