"""Search for one of n goals in least mean time: a walk that comes to all that are left, the likelier and nearer the earlier.

The travelling repairman, or minimum latency, problem (Afrati, Cosmadakis, Papadimitriou, Papageorgiou, Papakostantinou 1986),
exact by dynamic programming over subsets, as for the travelling salesman (Held, Karp 1962).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise, permutations

import numpy as np
from numba import njit
from numpy.typing import ArrayLike

from commenv import info
from commenv.info.distributions import Array
from commenv.solvers.partitions import MOST_THINGS, best_partition

MOST_ORDERED = 6
"""Goals of which all orders are listed at most: 720."""


@dataclass(frozen=True)
class Search:
    """Where goals may be. Raises ValueError for arrays that do not fit, or more than 16 goals."""

    prior: ArrayLike
    """Distribution of the goal, shape (n,)."""
    first: ArrayLike
    """Steps from the start to each goal, shape (n,)."""
    between: ArrayLike
    """Steps from goal to goal, shape (n, n)."""

    def __post_init__(self) -> None:
        prior = info.distribution(self.prior)
        first, between = np.asarray(self.first, float), np.asarray(self.between, float)
        n = len(prior)
        if first.shape != (n,) or between.shape != (n, n) or not np.isfinite(between).all() or not np.isfinite(first).all():
            raise ValueError(f"steps of shapes {first.shape} and {between.shape} do not fit {n} goals, or some cannot be reached")
        if n > MOST_THINGS:
            raise ValueError(f"{n} goals are too many: at most {MOST_THINGS}")
        for name, value in (("prior", prior), ("first", first), ("between", between)):
            object.__setattr__(self, name, value)

    @cached_property
    def after(self) -> Array:
        """Mean steps still to come, times the mass of the goals left, of who stands at goal g and has to search those of mask:
        [mask, g], shape (2**n, n)."""
        return _after(np.asarray(self.prior), np.asarray(self.between))

    def costs(self, steps: ArrayLike) -> Array:
        """The same for who stands where each goal is so many `steps` (n,) away; of every mask, shape (2**n,)."""
        return _from(np.asarray(self.prior), np.asarray(steps, float), self.after)

    @cached_property
    def cells(self) -> Array:
        """What each set of goals adds to the mean steps if it is searched from the start, shape (2**n,)."""
        return self.costs(self.first)

    def told(self, messages: int) -> tuple[float, list[list[int]]]:
        """Least mean steps of a searcher who is told in which of so many cells the goal is, and the best cells."""
        value, cells = best_partition(-self.cells, messages)
        return -value, cells

    def order(self, goals: Sequence[int]) -> list[int]:
        """The best order in which to search these goals from the start."""
        prior, between, steps = np.asarray(self.prior), np.asarray(self.between), np.asarray(self.first)
        found, left = [], list(goals)
        while left:
            mask, mass = sum(1 << g for g in left), prior[left].sum()
            nearest = min(left, key=lambda h: steps[h] * mass + self.after[mask ^ (1 << h), h])
            found.append(nearest)
            left.remove(nearest)
            steps = between[nearest]
        return found

    @cached_property
    def known(self) -> float:
        """Mean steps to a goal that is known."""
        return float(np.asarray(self.prior) @ np.asarray(self.first))

    @cached_property
    def orders(self) -> tuple[list[Sequence[int]], Array]:
        """Every order of visits, and the steps until each goal in it, shape (n, orders). Raises ValueError beyond 6 goals."""
        n, first, between = len(np.asarray(self.prior)), np.asarray(self.first), np.asarray(self.between)
        if n > MOST_ORDERED:
            raise ValueError(f"orders of {n} goals are not listed: at most {MOST_ORDERED}")
        orders = list(permutations(range(n)))
        steps = np.zeros((n, len(orders)))
        for k, order in enumerate(orders):
            legs = [first[order[0]], *(between[a, b] for a, b in pairwise(order))]
            steps[list(order), k] = np.cumsum(legs)
        return orders, steps  # type: ignore[return-value]


@njit(cache=True)
def _masses(prior):
    mass = np.zeros(1 << len(prior))
    for mask in range(1, len(mass)):
        low = 0
        while mask >> low & 1 == 0:
            low += 1
        mass[mask] = mass[mask & (mask - 1)] + prior[low]
    return mass


@njit(cache=True)
def _after(prior, between):
    n, mass = len(prior), _masses(prior)
    value = np.zeros((1 << n, n))
    for mask in range(1, 1 << n):
        for g in range(n):
            best = np.inf
            for h in range(n):
                if mask >> h & 1:
                    best = min(best, between[g, h] * mass[mask] + value[mask ^ (1 << h), h])
            value[mask, g] = best
    return value


@njit(cache=True)
def _from(prior, steps, after):
    n, mass = len(prior), _masses(prior)
    value = np.zeros(1 << n)
    for mask in range(1, 1 << n):
        best = np.inf
        for h in range(n):
            if mask >> h & 1:
                best = min(best, steps[h] * mass[mask] + after[mask ^ (1 << h), h])
        value[mask] = best
    return value
