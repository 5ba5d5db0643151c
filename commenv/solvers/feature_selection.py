"""Buying features one after another to name a label: the optimal policy, and greedy ones by what a feature tells.

The joint distribution of the label and d features is an array p[y, x_1, ..., x_d]. Feature i costs costs[i], all together at most
`budget`, and `price` times its cost is paid in reward; at the end the likeliest label is named, which earns 1 if it is right.
A state says of each feature its value, or UNKNOWN.
"""

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from commenv.info import entropy
from commenv.info.distributions import Array, distribution

UNKNOWN = -1
State = tuple[int, ...]
Policy = Callable[[State], int | None]
"""The feature to buy next; None: the label is named."""

PAID = 1e-9
"""By how much rounding may take costs beyond the budget."""


def naive_bayes(prior: ArrayLike, tables: Sequence[ArrayLike]) -> Array:
    """The joint p[y, x_1, ..., x_d] of features that are independent given the label; tables[i][y, x] = P(x_i = x | y)."""
    p = distribution(prior)
    joint = p
    for table in tables:
        rows = np.asarray(table, float)
        joint = joint[..., None] * rows.reshape(len(p), *[1] * (joint.ndim - 1), rows.shape[1])
    return joint


def noisy_copies(accuracies: Sequence[float]) -> Array:
    """The joint of a uniform binary label and of features that each equal it with such a probability, independently.

    >>> noisy_copies([0.75]).tolist()
    [[0.375, 0.125], [0.125, 0.375]]
    """
    return naive_bayes([0.5, 0.5], [[[a, 1 - a], [1 - a, a]] for a in accuracies])


@dataclass(frozen=True)
class Selection:
    """A problem of selection. Raises ValueError for one that is none."""

    joint: Array = field(repr=False, compare=False)
    """p[y, x_1, ..., x_d]."""
    costs: Sequence[float]
    """Of each feature, above 0."""
    budget: float
    price: float = 0.0
    """Reward that a unit of cost takes away."""
    most: int | None = None
    """Features that may be bought; None: as many as can be paid."""

    def __post_init__(self) -> None:
        if self.joint.ndim - 1 != len(self.costs) or not self.costs:
            raise ValueError(f"a joint of {self.joint.ndim - 1} features does not fit {len(self.costs)} costs")
        distribution(self.joint.ravel())
        if not all(cost > 0 for cost in self.costs):
            raise ValueError(f"costs={list(self.costs)!r} must be above 0")

    @property
    def beginning(self) -> State:
        return (UNKNOWN,) * len(self.costs)

    @cached_property
    def _masses(self) -> dict[State, Array]:
        return {}

    def masses(self, state: State) -> Array:
        """P(label, what the state says), of each label: shape (C,)."""
        if state not in self._masses:
            known = tuple(slice(None) if x == UNKNOWN else x for x in state)
            part = self.joint[(slice(None), *known)]
            self._masses[state] = part.reshape(len(part), -1).sum(1)
        return self._masses[state]

    def spent(self, state: State) -> float:
        return sum(cost for cost, x in zip(self.costs, state, strict=True) if x != UNKNOWN)

    def payable(self, state: State) -> list[int]:
        """The features that may be bought."""
        bought = sum(x != UNKNOWN for x in state)
        if self.most is not None and bought >= self.most:
            return []
        left = self.budget - self.spent(state) + PAID
        return [i for i, x in enumerate(state) if x == UNKNOWN and self.costs[i] <= left]

    def after(self, state: State, i: int) -> list[State]:
        """The states that buying feature i may lead to."""
        found = [(*state[:i], x, *state[i + 1 :]) for x in range(self.joint.shape[1 + i])]
        return [new for new in found if self.masses(new).sum() > 0]

    def information(self, state: State, i: int) -> float:
        """I(label; x_i | state) in bits."""
        here = self.masses(state)
        total = here.sum()
        later = sum(float(m.sum() / total) * entropy(m / m.sum()) for m in map(self.masses, self.after(state, i)))
        return max(0.0, entropy(here / total) - later)


@dataclass(frozen=True)
class Plan:
    """An optimal policy: its expected reward, and what it buys; None: it names the label."""

    value: float
    buys: dict[State, int | None] = field(repr=False)

    def __call__(self, state: State) -> int | None:
        return self.buys[state]


def optimal(problem: Selection) -> Plan:
    """The policy of most expected reward, by dynamic programming over states; ties: naming the label, then the lowest feature."""
    values: dict[State, float] = {}
    buys: dict[State, int | None] = {}

    def value(state: State) -> float:
        """Expected reward from here on, times the probability to be here."""
        if state not in values:
            masses = problem.masses(state)
            best, buy = float(masses.max()), None
            for i in problem.payable(state):
                reward = sum(map(value, problem.after(state, i))) - problem.price * problem.costs[i] * float(masses.sum())
                if reward > best + 1e-12:
                    best, buy = reward, i
            values[state], buys[state] = best, buy
        return values[state]

    return Plan(value(problem.beginning), buys)


def greedy(problem: Selection, *, ratio: bool = True, least: float = 0.0, unsure: float = 0.0) -> Policy:
    """Buy what tells most of the label now: the largest I(label; x_i | state), by its cost if `ratio` (Gadgil, Covert, Lee 2024).

    It ends when nothing can be paid; with least > 0 (penalised) when nothing tells so many bits, a unit of cost if `ratio`; with
    unsure > 0 (confidence) when the label's entropy is at most so many bits. Ties go to the lowest feature.
    """

    def buy(state: State) -> int | None:
        masses = problem.masses(state)
        payable = problem.payable(state)
        if not payable or (unsure and entropy(masses / masses.sum()) <= unsure):
            return None
        tells = [round(problem.information(state, i) / (problem.costs[i] if ratio else 1.0), 12) for i in payable]
        return payable[int(np.argmax(tells))] if not least or max(tells) >= least else None

    return buy


@dataclass(frozen=True)
class Outcome:
    """What a policy comes to, on average."""

    reward: float
    accuracy: float
    cost: float


def follow(problem: Selection, policy: Policy, name: Callable[[State], int] | None = None) -> Outcome:
    """What a policy comes to, summed over all states; name: the label that it names, or None, the likeliest.

    Raises ValueError for a policy that buys what cannot be bought.
    """

    def course(state: State) -> tuple[float, float]:
        """(right, cost) from here on, times the probability to be here."""
        masses, i = problem.masses(state), policy(state)
        if i is None:
            return float(masses.max() if name is None else masses[name(state)]), 0.0
        if i not in problem.payable(state):
            raise ValueError(f"the policy buys feature {i} in state {state}, where only {problem.payable(state)} can be bought")
        right, cost = np.sum([course(new) for new in problem.after(state, i)], axis=0)
        return float(right), float(cost + problem.costs[i] * masses.sum())

    right, cost = course(problem.beginning)
    return Outcome(right - problem.price * cost, right, cost)


def best_code(problem: Selection, messages: int, most: int) -> tuple[float, list[tuple[int, ...]]]:
    """The best way to tell each feature by one of so few messages, whatever was told before: expected reward, and of each feature
    the message for each value. Tries all ways to part the values; ValueError where there are more than `most`."""
    ways = [list(_partitions(n, messages)) for n in problem.joint.shape[1:]]
    if math.prod(map(len, ways)) > most:
        raise ValueError(f"there are {math.prod(map(len, ways)):,} codes: more than {most:,} are not tried")
    best: tuple[float, list[tuple[int, ...]]] = (-math.inf, [])
    for code in itertools.product(*ways):
        joint = problem.joint
        for i, cells in enumerate(code):
            merged = np.zeros((*joint.shape[: i + 1], max(cells) + 1, *joint.shape[i + 2 :]))
            for x, cell in enumerate(cells):
                merged[(slice(None),) * (i + 1) + (cell,)] += joint[(slice(None),) * (i + 1) + (x,)]
            joint = merged
        value = optimal(Selection(joint, problem.costs, problem.budget, problem.price, problem.most)).value
        if value > best[0] + 1e-12:
            best = value, list(code)
    return best


def _partitions(n: int, cells: int) -> Iterator[tuple[int, ...]]:
    """The ways to put n values into at most so many cells that merge as little as they must, as restricted growth strings."""
    for word in itertools.product(range(min(cells, n)), repeat=n):
        fits = all(word[k] <= max(word[:k], default=-1) + 1 for k in range(n))
        if fits and max(word) + 1 == min(cells, n):
            yield word
