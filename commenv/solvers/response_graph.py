"""Which profile is the better response, found from noisy games: ResponseGraphUCB, and what is then sure of a ranking.

Rowland, Omidshafiei, Tuyls, Perolat, Valko, Piliouras, Munos (2019), Multiagent evaluation under incomplete information.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from scipy.stats import beta

from commenv.core.errors import bad, number, whole
from commenv.solvers.alpha_rank import Profile, alpha_rank, neighbours

Array = np.ndarray
SCHEMES = ("uniform-exhaustive", "uniform-profile", "valence-weighted", "count-weighted")
BOUNDS = ("hoeffding", "clopper-pearson")
Edge = tuple[Profile, Profile, int]
"""Two profiles that differ in what one population, the last number, plays."""


@dataclass(frozen=True)
class ResponseGraph:
    """What sampling found. Payoffs and bounds have shape (K, S_1, ..., S_K)."""

    means: Array
    low: Array
    high: Array
    counts: Array
    """Games of each profile, shape (S_1, ..., S_K)."""
    better: tuple[Edge, ...]
    """Resolved edges, from the worse profile to the better one."""
    unresolved: tuple[Edge, ...]
    """Edges whose intervals still overlap: the games ran out, or the payoffs are too alike."""

    @property
    def samples(self) -> int:
        """Games played."""
        return int(self.counts.sum())


def response_graph(
    sample: Callable[[Profile, np.random.Generator], Sequence[float]],
    sizes: Sequence[int],
    *,
    delta: float = 0.1,
    scheme: str = "uniform-exhaustive",
    bound: str = "hoeffding",
    max_samples: int = 100_000,
    max_each: int | None = None,
    tie: float = 0.0,
    at_once: int = 1,
    seed: int = 0,
) -> ResponseGraph:
    """Sample profiles until every comparison is sure, each with all of them together to probability 1 - delta.

    sample: one game of a profile, to the payoffs of its K populations, in [0, 1].
    sizes: strategies of each population.
    scheme: what is sampled next. `uniform-exhaustive`: both ends of an unresolved edge, drawn evenly; `uniform-profile`: a
        profile drawn evenly from those on unresolved edges; `valence-weighted`: likewise, in proportion to how many;
        `count-weighted`: the one of them that was sampled least.
    bound: `hoeffding`, valid at all times and for any payoffs: sqrt(ln(2 |S| K pi^2 n^2 / 6 delta) / 2n); or `clopper-pearson`,
        at the same level, for games that are won (1) or lost (0) only.
    max_samples, max_each: games at most, of all profiles and of each: equal payoffs never resolve.
    tie: edges whose two intervals are both narrower than this are left.
    at_once: games of a profile each time it is drawn.
    Raises ValueError for a payoff outside [0, 1], and for options that are not so.
    """
    sizes = tuple(whole("sizes", size, 1) for size in sizes)
    number("delta", delta, 1e-12, 1)
    number("tie", tie, 0, 1)
    for name, value, known in (("scheme", scheme, SCHEMES), ("bound", bound, BOUNDS)):
        if value not in known:
            raise bad(name, value, f"one of {', '.join(known)}")
    whole("at_once", at_once, 1)
    profiles = list(product(*map(range, sizes)))
    whole("max_samples", max_samples, len(profiles))
    each = max_samples if max_each is None else whole("max_each", max_each, 1)
    rng = np.random.default_rng(seed)
    level = delta * 6 / (2 * len(profiles) * len(sizes) * math.pi**2)
    counts, sums = np.zeros(sizes, int), np.zeros((len(sizes), *sizes))
    low, high = np.zeros_like(sums), np.ones_like(sums)

    def play(profile: Profile, times: int) -> None:
        place: Any = (slice(None), *profile)
        for _ in range(min(times, max_samples - int(counts.sum()), each - int(counts[profile]))):
            paid = np.asarray(sample(profile, rng), float)
            if paid.shape != (len(sizes),) or not ((paid >= 0) & (paid <= 1)).all():
                raise bad(f"payoffs of {profile}", paid.tolist(), f"{len(sizes)} numbers from 0 to 1")
            if bound == "clopper-pearson" and not np.isin(paid, (0, 1)).all():
                raise bad(f"payoffs of {profile}", paid.tolist(), "0 or 1 where the bound is clopper-pearson")
            counts[profile] += 1
            sums[place] += paid
        n = int(counts[profile])
        below, above = _interval(sums[place], n, level / n**2, bound)
        # All bounds hold at once, so the narrowest do: what was sure stays sure.
        low[place], high[place] = np.maximum(low[place], below), np.minimum(high[place], above)

    def open_edges(among: list[Edge]) -> list[Edge]:
        going_on = [(a, b, k) for a, b, k in among if min(counts[a], counts[b]) < each and not _tied(low, high, a, b, k, tie)]
        return [edge for edge in going_on if not _apart(low, high, *edge)]

    for profile in profiles:
        play(profile, 1)
    edges = [(a, b, k) for a in profiles for k, b in neighbours(a, sizes) if a < b]
    left = open_edges(edges)
    while left and counts.sum() < max_samples:
        for profile in _drawn(left, scheme, counts, rng):
            if counts.sum() < max_samples and counts[profile] < each:
                play(profile, at_once)
        left = open_edges(left)
    better = [(a, b, k) if high[(k, *a)] < low[(k, *b)] else (b, a, k) for a, b, k in edges if _apart(low, high, a, b, k)]
    unresolved = [edge for edge in edges if not _apart(low, high, *edge)]
    return ResponseGraph(sums / counts, low, high, counts, tuple(better), tuple(unresolved))


def _apart(low: Array, high: Array, a: Profile, b: Profile, k: int) -> bool:
    return bool(high[(k, *a)] < low[(k, *b)] or high[(k, *b)] < low[(k, *a)])


def _tied(low: Array, high: Array, a: Profile, b: Profile, k: int, tie: float) -> bool:
    return all(high[(k, *profile)] - low[(k, *profile)] < tie for profile in (a, b))


def _drawn(left: list[Edge], scheme: str, counts: Array, rng: np.random.Generator) -> Sequence[Profile]:
    if scheme == "uniform-exhaustive":
        a, b, _ = left[rng.integers(len(left))]
        return a, b
    ends = [end for a, b, _ in left for end in (a, b)]
    if scheme == "valence-weighted":
        return (ends[rng.integers(len(ends))],)
    profiles = sorted(set(ends))
    if scheme == "uniform-profile":
        return (profiles[rng.integers(len(profiles))],)
    return (min(profiles, key=lambda profile: (counts[profile], profile)),)


def _interval(total: Array, n: int, level: float, bound: str) -> tuple[Array, Array]:
    """Bounds on means in [0, 1] of which n were seen with this sum, both together wrong with probability level * 2 at most."""
    if bound == "hoeffding":
        radius = math.sqrt(math.log(1 / level) / (2 * n))
        return np.maximum(total / n - radius, 0), np.minimum(total / n + radius, 1)
    won = np.round(total)
    low = np.where(won > 0, beta.ppf(level, won, n - won + 1), 0.0)
    high = np.where(won < n, beta.ppf(1 - level, won + 1, n - won), 1.0)
    return low, high


def uniform_samples(gap: float, profiles: int, populations: int, delta: float) -> float:
    """Games a profile, in payoffs of [0, 1], after which the graph is right with probability 1 - delta if no gap is smaller.

    2 / gap^2 ln(2 |S| K / delta), from Hoeffding's inequality and a union bound.
    """
    return 2 / gap**2 * math.log(2 * profiles * populations / delta)


def ranking_intervals(
    graph: ResponseGraph, *, symmetric: bool = False, corners: int = 200, seed: int = 0, **options: Any
) -> Array:
    """Least and largest mass of each profile over payoffs within their bounds, shape (profiles, 2).

    Corners of the box of bounds are drawn, and the means are looked at: an inner estimate of the true span, which grows with
    `corners`. symmetric: the graph is of one population's matches, sizes (S, S), of whose payoffs the first is read; else of K
    populations. options: those of `alpha_rank`.
    """
    whole("corners", corners, 0)
    rng = np.random.default_rng(seed)
    found = []
    for corner in range(corners + 1):
        upper = rng.random(graph.means.shape) < 0.5
        payoffs = graph.means if corner == 0 else np.where(upper, graph.high, graph.low)
        found.append(alpha_rank(payoffs[0] if symmetric else list(payoffs), **options).mass)
    return np.stack([np.min(found, axis=0), np.max(found, axis=0)], axis=1)
