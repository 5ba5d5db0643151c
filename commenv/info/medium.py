"""Channels with a memory and shared media: bursts of noise, and many who speak at once."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import log2
from typing import Any

import numpy as np

from commenv.info.capacity import erasure_capacity, symmetric_capacity
from commenv.info.distributions import Array, real

GRID = 2**12
"""Beliefs are told apart to this part of their range; bounds stay bounds whatever it is."""
STEPS = 20_000
"""Steps after which bounds are as close as they will come."""


@dataclass(frozen=True)
class BurstCapacity:
    """Capacity of a channel whose noise comes in bursts, in bits a use."""

    bits: float
    """At least this, where nobody knows the state."""
    upper: float
    """At most this, where nobody knows the state."""
    known: float
    """Where the receiver knows the state: the mean of the states' capacities; a sender who knows it too gains no more."""


def burst_capacity(
    symbols: int,
    to_bad: float,
    to_good: float,
    good: tuple[float, float] = (0.0, 0.0),
    bad: tuple[float, float] = (0.0, 0.0),
    gap: float = 1e-9,
) -> BurstCapacity:
    """Capacity of the Gilbert-Elliott channel with `symbols` (at least 2), (error, erasure) in the `good` and the `bad` state.

    Noise adds to the symbols and uniform inputs are best: C = log2 K (1 - P(erased)) - P(error) log2(K - 1) - H(Z) + H(E),
    with H(Z) the entropy rate of the noise's letters right, wrong, erased, and H(E) that of erasures alone. For 2 symbols
    without erasures that is 1 - H(Z) (Gilbert 1960; Mushkin, Bar-David 1989). Stops when the bounds are within `gap` bits,
    or come no closer. Raises ValueError for what are no probabilities, or if to_bad + to_good is 0.

    >>> found = burst_capacity(2, 0.1, 0.3, bad=(0.5, 0.0))
    >>> round(found.bits, 6), round(found.known, 6)
    (0.503238, 0.75)
    """
    for name, probability in (("to_bad", to_bad), ("to_good", to_good)):
        if not 0 <= real(name, probability) <= 1:
            raise ValueError(f"{name} must be a probability from 0 to 1, got {probability}")
    if to_bad + to_good == 0:
        raise ValueError("to_bad + to_good must be above 0: a state that never changes has no stationary law")
    shares = np.array([to_good, to_bad]) / (to_bad + to_good)
    ends = (good, bad)
    known = sum(s * (1 - x) * symmetric_capacity(symbols, e) for s, (e, x) in zip(shares, ends, strict=True))
    for _, erasure in ends:
        erasure_capacity(symbols, erasure)  # checks it
    letters = np.array([[(1 - x) * (1 - e), (1 - x) * e, x] for e, x in ends], dtype=float)
    lost = np.array([[1 - x, x] for _, x in ends], dtype=float)
    wrong, erased = shares @ letters[:, 1], shares @ letters[:, 2]
    fixed = log2(symbols) * (1 - erased) - wrong * log2(symbols - 1)
    noise, erasures = (_entropy_rate(emission, to_bad, to_good, gap / 2) for emission in (letters, lost))
    lower, upper = fixed - noise[1] + erasures[0], fixed - noise[0] + erasures[1]
    return BurstCapacity(float(max(0.0, min(lower, known))), float(max(0.0, min(upper, known))), float(known))


def _entropy_rate(emission: Array, to_bad: float, to_good: float, gap: float) -> tuple[float, float]:
    """Bounds of the entropy rate, in bits, of letters emitted by a two-state Markov chain: emission[state, letter].

    H(Z_n | Z_1..Z_n-1) falls to it, H(Z_n | Z_1..Z_n-1, S_0) rises to it (Cover, Thomas 2006, theorem 4.5.1). Both are means,
    concave in the belief in the bad state, over beliefs that move by Bayes: to merge beliefs into their mean raises them, to
    split one between two neighbours lowers them. So beliefs on a grid bound them from above and from below.
    """
    if np.array_equal(*emission) or to_bad == 0 or to_good == 0:  # memoryless, or for ever in one state
        p = emission[1 if to_good == 0 else 0]
        return (_entropies(p[None])[0],) * 2
    low, high = sorted((to_bad, 1 - to_good))
    span = max(high - low, 1e-300)
    share = to_bad / (to_bad + to_good)

    def move(belief: Array, mass: Array) -> tuple[Array, Array]:
        joint = np.stack([(1 - belief)[:, None] * emission[0], belief[:, None] * emission[1]])
        total = joint.sum(axis=0)
        posterior = np.divide(joint[1], total, out=np.zeros_like(total), where=total > 0)
        later = to_bad + posterior * (1 - to_good - to_bad)
        return later.ravel(), (mass[:, None] * total).ravel()

    def split(belief: Array, mass: Array) -> tuple[Array, Array]:
        place = np.clip((belief - low) / span * GRID, 0, GRID)
        left = np.minimum(place.astype(int), GRID - 1)
        right = mass * (place - left)
        shares = np.bincount(left, mass - right, GRID + 1) + np.bincount(left + 1, right, GRID + 1)
        return _kept(low + span * np.arange(GRID + 1) / GRID, shares)

    def merge(belief: Array, mass: Array) -> tuple[Array, Array]:
        place = np.clip(np.rint((belief - low) / span * GRID), 0, GRID).astype(int)
        together, weight = np.bincount(place, mass, GRID + 1), np.bincount(place, mass * belief, GRID + 1)
        return _kept(np.divide(weight, together, out=np.zeros(GRID + 1), where=together > 0), together)

    def walk(start: tuple[Array, Array], settle: Callable[[Array, Array], tuple[Array, Array]]) -> Iterator[float]:
        belief, mass = start
        while True:
            yield float(mass @ _entropies((1 - belief)[:, None] * emission[0] + belief[:, None] * emission[1]))
            belief, mass = settle(*move(belief, mass))

    told = split(np.array([to_bad, 1 - to_good]), np.array([1 - share, share]))
    lower, upper, before = 0.0, np.inf, np.inf
    for n, (under, over) in enumerate(zip(walk(told, split), walk((np.array([share]), np.ones(1)), merge), strict=False)):
        lower, upper = max(lower, under), min(upper, over)
        if upper - lower < gap or n == STEPS:
            break
        if n % 64 == 63:
            if before - (upper - lower) < gap / 8:
                break
            before = upper - lower
    return lower, max(lower, upper)


def _kept(belief: Array, mass: Any) -> tuple[Array, Array]:
    return belief[mass > 0], mass[mass > 0]


def _entropies(p: Array) -> Array:
    """Entropy of each row, in bits."""
    return -np.sum(p * np.log2(p, out=np.zeros_like(p), where=p > 0), axis=1)


def contention_throughput(speakers: int, speaking: float, winners: int = 1, collisions: bool = False) -> float:
    """Messages a step that get through to a shared medium when each of `speakers` speaks by itself with that probability.

    E min(N, winners) where so many of N are let through; with collisions E[N; N <= winners], which for one winner is slotted
    ALOHA's n q (1 - q)**(n - 1), at most 1 / e as n grows (Abramson 1970). This is what random access gets through, no
    capacity: agents who agree on whose turn it is get `winners` through in every step, and who speaks informs as well.

    >>> round(contention_throughput(4, 0.25, collisions=True), 9)
    0.421875
    """
    for name, count in (("speakers", speakers), ("winners", winners)):
        if not real(name, count) >= 1 or count % 1:
            raise ValueError(f"{name} must be a whole number of at least 1, got {count}")
    if not 0 <= real("speaking", speaking) <= 1:
        raise ValueError(f"speaking must be a probability from 0 to 1, got {speaking}")
    if speakers * speaking < 1e-100:  # two never speak at once, and binom.pmf overflows
        return speakers * speaking
    from scipy.stats import binom

    together = np.arange(speakers + 1)
    through = np.where(together <= winners, together, 0 if collisions else winners)
    return float(binom.pmf(together, speakers, speaking) @ through)
