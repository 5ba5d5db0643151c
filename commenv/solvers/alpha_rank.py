"""alpha-Rank: how much of the time evolving populations spend at each profile of strategies.

A profile names one strategy a population. Now and then one individual of one population tries another strategy; it dies out or
takes the population over, likelier the better it pays. The chain of takeovers has a stationary distribution: the rank.
Omidshafiei et al. (2019), alpha-Rank: multi-agent evaluation by evolution.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import ArrayLike

from commenv.core.errors import bad, number, whole

Array = np.ndarray
Profile = tuple[int, ...]

MOST = 4096
"""Profiles beyond which no chain is solved: it takes memory of their number squared, and time of its cube."""
SELECTIONS = ("local", "general")


@dataclass(frozen=True)
class Ranking:
    """Where evolving populations spend their time."""

    profiles: tuple[Profile, ...]
    """One strategy a population, in the order of their numbers."""
    mass: Array
    """Share of the time at each profile, shape (profiles,); sums to 1."""
    transitions: Array
    """Probabilities of the chain, shape (profiles, profiles), rows sum to 1."""

    def order(self) -> list[Profile]:
        """Profiles from the most mass to the least; equal ones in the order of their numbers."""
        return [self.profiles[k] for k in np.argsort(-self.mass, kind="stable")]


def fixation(advantage: float, population: int) -> float:
    """Probability that one mutant takes over a population of so many, (1 - e^-u) / (1 - e^-mu).

    advantage: u, the intensity of selection times what the mutant's payoff is above the residents'. At u = 0 it is 1/m.

    >>> round(fixation(0.1, 50), 10), fixation(0.0, 4)
    (0.0958081321, 0.25)
    """
    m = whole("population", population, 2)
    if abs(advantage) * m < 1e-12:
        return 1 / m
    if advantage > 0:
        return math.expm1(-advantage) / math.expm1(-m * advantage)
    # The same times e^(u (m - 1)) above and below: no exponent grows, and what is too rare for a float is 0.
    return math.exp(advantage * (m - 1)) * math.expm1(advantage) / math.expm1(m * advantage)


def alpha_rank(
    payoffs: ArrayLike | Sequence[ArrayLike],
    *,
    alpha: float = math.inf,
    population: int = 50,
    selection: str = "local",
    noise: float = 0.01,
) -> Ranking:
    """The stationary distribution of the evolution of one population, or of several that play each other.

    payoffs: of one population A[r, s], shape (S, S), what r earns against s; of K populations their payoffs, K arrays of shape
        (S_1, ..., S_K) each. Finite.
    alpha: intensity of selection, above 0. Infinite: what is better takes over with probability 1 - noise, what is worse with
        noise, and of two equals with 1/2.
    population: individuals m in each population, at least 2; of no matter where alpha is infinite.
    selection: in one population, `local`, where a mutant's advantage is A[r, s] - A[s, r] while it spreads; or `general`, where
        it meets mutants and residents as often as there are of each.
    Raises ValueError for what is not so. The chain is solved without a subtraction (Grassmann, Taksar, Heyman 1985): mass is
    right also where a profile is left once in 1e100 steps.

    >>> alpha_rank([[0, -1, 1], [1, 0, -1], [-1, 1, 0]]).mass.round(12).tolist()
    [0.333333333333, 0.333333333333, 0.333333333333]
    """
    tables = checked(payoffs)
    if isinstance(alpha, bool) or not isinstance(alpha, int | float | np.integer | np.floating) or not alpha > 0:
        raise bad("alpha", alpha, "a number above 0, or infinite")
    whole("population", population, 2)
    number("noise", noise, 0, 0.5)
    if selection not in SELECTIONS:
        raise bad("selection", selection, f"one of {', '.join(SELECTIONS)}")
    if selection == "general" and len(tables) > 1:
        raise ValueError("selection='general' is of one population: several play each other, so that a mutant meets no mutant")
    if selection == "general" and math.isinf(alpha):
        raise ValueError("selection='general' needs a finite alpha: without limits to selection only better and worse count")
    if math.isinf(alpha) and noise == 0:
        raise ValueError("noise=0 is not allowed where alpha is infinite: what is worse would never return, and no chain mix")

    def take_over(gain: float) -> float:
        if math.isinf(alpha):
            return 0.5 if gain == 0 else 1 - noise if gain > 0 else noise
        return fixation(alpha * gain, population)

    sizes = tables[0].shape if len(tables) > 1 else tables[0].shape[:1]
    profiles = tuple(product(*map(range, sizes)))
    index = {profile: k for k, profile in enumerate(profiles)}
    rate = 1 / max(sum(size - 1 for size in sizes), 1)
    chain = np.zeros((len(profiles), len(profiles)))
    for here in profiles:
        for k, there in neighbours(here, sizes):
            if len(tables) > 1:
                chance = take_over(tables[k][there] - tables[k][here])
            elif selection == "general":
                chance = _meeting(tables[0], there[0], here[0], alpha, population)
            else:
                chance = take_over(tables[0][there + here] - tables[0][here + there])
            chain[index[here], index[there]] = rate * chance
    mass = stationary(chain)
    np.fill_diagonal(chain, 1 - chain.sum(axis=1))
    return Ranking(profiles, mass, chain)


def checked(payoffs: ArrayLike | Sequence[ArrayLike]) -> list[Array]:
    """Payoffs as arrays: one of shape (S, S), or K of shape (S_1, ..., S_K). Raises ValueError for what fits neither."""
    try:
        given = np.asarray(payoffs, float)
    except (TypeError, ValueError):
        raise ValueError("payoffs must be numbers: one array of shape (S, S), or K arrays of shape (S_1, ..., S_K)") from None
    tables = [given] if given.ndim == 2 else list(given)
    one = len(tables) == 1 and given.ndim == 2 and given.shape[0] == given.shape[1]
    if not one and (given.ndim < 3 or given.ndim != len(tables) + 1):
        raise ValueError(f"payoffs of shape {given.shape} must be one array (S, S), or K arrays of K axes each")
    if not given.size or not np.isfinite(given).all():
        raise ValueError("payoffs must be finite, and of at least one strategy")
    if tables[0].size > MOST and len(tables) > 1:
        raise ValueError(f"{tables[0].size} profiles are too many: at most {MOST}")
    return tables


def neighbours(profile: Profile, sizes: Sequence[int]) -> list[tuple[int, Profile]]:
    """(population, profile) of every profile in which one population alone plays something else."""
    return [
        (k, (*profile[:k], other, *profile[k + 1 :]))
        for k, size in enumerate(sizes)
        for other in range(size)
        if other != profile[k]
    ]


def _meeting(A: Array, mutant: int, resident: int, alpha: float, m: int) -> float:
    """Fixation where j mutants and m - j residents meet at random: 1 / (1 + sum_l prod_{j <= l} e^-alpha(f_r - f_s))."""
    j = np.arange(1, m)
    mutants = ((j - 1) * A[mutant, mutant] + (m - j) * A[mutant, resident]) / (m - 1)
    residents = ((m - j - 1) * A[resident, resident] + j * A[resident, mutant]) / (m - 1)
    exponents = np.concatenate([[0.0], np.cumsum(-alpha * (mutants - residents))])
    largest = exponents.max()
    return math.exp(-largest) / float(np.exp(exponents - largest).sum())


def stationary(rates: ArrayLike) -> Array:
    """Stationary distribution of an irreducible chain from its rates off the diagonal, shape (n, n); the diagonal is not read.

    States are folded away one by one, with additions, products and quotients of nonnegative numbers only, so that every share
    keeps its relative precision (Grassmann, Taksar, Heyman 1985). Raises ValueError for a chain that in floats is reducible.

    >>> stationary([[0, 1e-200], [3e-200, 0]]).tolist()
    [0.75, 0.25]
    """
    P = np.array(rates, float)
    n = len(P)
    np.fill_diagonal(P, 0)
    leaving = np.zeros(n)
    for k in range(n - 1, 0, -1):
        leaving[k] = P[k, :k].sum()
        if leaving[k] == 0:
            raise ValueError(f"the chain never leaves state {k} for an earlier one: its rates are 0, or too small for a float")
        P[:k, k] /= leaving[k]
        P[:k, :k] += np.outer(P[:k, k], P[k, :k])
    mass = np.zeros(n)
    mass[0] = 1.0
    for k in range(1, n):
        mass[k] = mass[:k] @ P[:k, k]
    return mass / mass.sum()
