"""Entropy and mutual information estimated from samples, in bits, with an error bar and, on request, a permutation test.

Of N samples of K kinds, n_i of the i-th. The plug-in estimate takes frequencies for probabilities; it makes entropies too small
by about (K - 1) / (2 N ln 2) bits, and so mutual informations too large. Mutual information is H(X) + H(Y) - H(X, Y), each
estimated by the same method, or, of numbers, what distances to neighbours tell (commenv/info/neighbours.py).

| method | entropy in nats | source |
|---|---|---|
| plug-in | H = -sum_i n_i/N ln n_i/N | |
| miller-madow | H + (K - 1) / 2N, K counting kinds that were seen | Miller (1955) |
| grassberger-1988 | sum_i n_i/N [ln N - psi(n_i) - (-1)^n_i / (n_i + 1)] | Grassberger (1988) |
| grassberger | ln N - sum_i n_i/N G(n_i), G(n) = psi(n) + (-1)^n [psi((n + 1)/2) - psi(n/2)] / 2 | Grassberger (2003) |
| chao-shen | -sum_i p_i ln p_i / (1 - (1 - p_i)^N), p_i = C n_i/N, coverage C = 1 - singletons/N | Chao, Shen (2003) |
| jackknife | N H - (N - 1)/N sum_i n_i H(without one i) | Zahl (1977) |
| nsb | posterior mean under a nearly flat prior of the entropy, of a known number of kinds | Nemenman, Shafee, Bialek (2002) |

With ten samples a kind miller-madow is as good as any. With fewer, grassberger, chao-shen and nsb are nearer: see
`commenv study estimators`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import log, sqrt
from typing import Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from commenv.info import entropies
from commenv.info.distributions import Array, numbers

Codes = NDArray[np.int64]

Method = Literal["plug-in", "miller-madow", "grassberger-1988", "grassberger", "chao-shen", "jackknife", "nsb"]
Continuous = Literal["ksg1", "ksg2", "ross"]
METHODS: tuple[str, ...] = get_args(Method)
CONTINUOUS: tuple[str, ...] = get_args(Continuous)

DENSE = 2**20
"""Cells of a table that is held whole, if it has no more than SPARSE cells a sample."""
SPARSE = 16


@dataclass(frozen=True)
class Estimate:
    """A quantity estimated from samples. It is never clamped, because clamping would bias the average of many."""

    bits: float
    """The estimate; that of a mutual information may come out below 0."""
    standard_error: float
    """Its standard deviation to first order in 1/samples (delta method), which is 0 at a uniform or constant sample."""
    samples: int
    """How many observations were counted."""
    kinds: int | None = None
    """How many different ones, K; of pairs for a mutual information; None where they are numbers."""
    coverage: float | None = None
    """Estimated share C of the distribution that was seen: 1 - singletons / N (Good 1953). Far below 1, trust no estimate."""
    p_value: float | None = None
    """Of independence, by permutations: how often shuffled samples look at least as dependent; None unless asked for."""


def estimate_entropy(
    samples_or_counts: ArrayLike, method: Method = "miller-madow", *, kind: Literal["counts", "samples"] = "counts"
) -> Estimate:
    """Entropy in bits of the distribution that samples were drawn from.

    samples_or_counts: shape (n,), by `kind` how often each of n kinds was seen (0 counts as a kind to nsb), or labels, one for
    each sample. Raises ValueError for counts that are negative, fractional or all zero.

    >>> round(estimate_entropy([4, 2, 3, 0, 2, 4, 0, 0, 2, 1]).bits, 9)
    2.923991536
    >>> estimate_entropy(["yes", "no", "no", "yes"], "plug-in", kind="samples").bits
    1.0
    """
    _check(method, METHODS)
    if kind == "samples":
        n = np.unique(_labels("samples", samples_or_counts), return_counts=True)[1].astype(np.float64)
    elif kind == "counts":
        n = _counts(samples_or_counts, dimensions=1)
    else:
        raise ValueError(f"kind must be 'counts' or 'samples', got {kind!r}")
    seen = n[n > 0]
    p = seen / seen.sum()
    return _estimate(entropies.entropy(seen, len(n), method), p, -np.log2(p), seen)


def estimate_mutual_information(
    x: ArrayLike,
    y: ArrayLike | None = None,
    method: Method | Continuous = "miller-madow",
    *,
    k: int = 3,
    subsamples: int = 0,
    permutations: int = 0,
    seed: int = 0,
) -> Estimate:
    """I(X; Y) in bits of the distribution that pairs (x[i], y[i]) were drawn from.

    x, y: labels of shape (N,): integers, booleans or words. Or `x` alone: how often each pair was seen, shape (n, m).
    For ksg1 and ksg2 numbers of shape (N,) or (N, d), scaled alike; for ross labels and numbers, either first: see
    `commenv.info.neighbours`. k: which neighbour they look at. nsb takes all pairs of labels that occur for possible.
    subsamples: of numbers, cut the sample into so many, at least 2, and take the standard error from how their estimates scatter
    (Holmes, Nemenman 2019); 10 are usual. Without it, it is that of the mean of the terms, too small by up to a quarter where
    dependence is weak.
    permutations: so many shuffles of y give the p-value of independence, (1 + shuffles at least as large) / (1 + shuffles);
    at least 200 are usual. Raises ValueError for what does not fit the method.

    >>> round(estimate_mutual_information([[30, 5], [4, 21], [10, 10]]).bits, 9)
    0.26766219
    >>> round(estimate_mutual_information([0, 0, 1, 1] * 9, [0, 1, 1, 1] * 9, "plug-in").bits, 9)
    0.311278124
    """
    _check(method, (*METHODS, *CONTINUOUS))
    if isinstance(permutations, bool) or not isinstance(permutations, int | np.integer) or permutations < 0:
        raise ValueError(f"permutations must be a whole number from 0, got {permutations!r}")
    if method in CONTINUOUS:
        if y is None:
            raise ValueError(f"{method} needs samples of x and of y, got x alone")
        from commenv.info import neighbours  # scipy is slow to import

        terms, again = neighbours.terms(x, y, method, k)
        scatter = terms.std() / sqrt(len(terms)) if not subsamples else neighbours.scatter(x, y, method, k, subsamples, seed)
        found = Estimate(float(terms.mean()) / log(2), float(scatter) / log(2), len(terms))
        return _tested(found, lambda rng: float(again(rng).mean()) / log(2), permutations, seed)
    if subsamples:
        raise ValueError(f"subsamples={subsamples} is for numbers: {method} knows its standard error without")
    if y is None:
        n = _counts(x, dimensions=2)
        rows, columns = np.nonzero(n)
        pairs, shape = _Pairs(n[rows, columns], rows, columns), n.shape
    else:
        first, second = _coded(_labels("x", x), _labels("y", y))
        pairs = _pairs(first, second)
        shape = len(np.unique(pairs.x)), len(np.unique(pairs.y))
    totals: list[Array] = [np.bincount(codes, pairs.counts).astype(np.float64) for codes in (pairs.x, pairs.y)]
    alone = sum(entropies.entropy(n[n > 0], kinds, method) for n, kinds in zip(totals, shape, strict=True))

    def together(pairs: _Pairs) -> float:
        return alone - entropies.entropy(pairs.counts, shape[0] * shape[1], method)

    p = pairs.counts / pairs.counts.sum()
    told = np.log2(p) - np.log2(totals[0][pairs.x] / pairs.counts.sum()) - np.log2(totals[1][pairs.y] / pairs.counts.sum())
    found = _estimate(together(pairs), p, told, pairs.counts)
    if permutations and y is None:
        times = pairs.counts.astype(np.int64)
        first, second = (_Coded(np.repeat(codes, times), 0, int(codes.max()) + 1) for codes in (pairs.x, pairs.y))
    return _tested(
        found, lambda rng: together(_pairs(first, second._replace(codes=rng.permutation(second.codes)))), permutations, seed
    )


class _Coded(NamedTuple):
    """Labels as numbers from `first` to first + size - 1."""

    codes: Codes
    first: int
    size: int


class _Pairs(NamedTuple):
    """Pairs that occur, how often, and the numbers of their labels from 0."""

    counts: Array
    x: Codes
    y: Codes


def _coded(x: NDArray, y: NDArray) -> tuple[_Coded, _Coded]:
    """Integers stay what they are where a table from the least to the largest is small; any other labels are numbered."""
    if len(x) != len(y):
        raise ValueError(f"x and y must have the same length, got {len(x)} and {len(y)}")
    if x.dtype.kind in "bi" and y.dtype.kind in "bi":
        from commenv.info.counting import span  # numba is slow to import

        whole = [labels.astype(np.int64, copy=False) for labels in (x, y)]
        ends = [span(labels) for labels in whole]
        a, b = (_Coded(labels, low, high - low + 1) for labels, (low, high) in zip(whole, ends, strict=True))
        if _small(a, b):
            return a, b
    numbered = [np.unique(labels, return_inverse=True) for labels in (x, y)]
    a, b = (_Coded(codes, 0, len(labels)) for labels, codes in numbered)
    return a, b


def _small(a: _Coded, b: _Coded) -> bool:
    return a.size * b.size <= min(DENSE, SPARSE * len(a.codes))


def _pairs(a: _Coded, b: _Coded) -> _Pairs:
    if _small(a, b):
        from commenv.info.counting import table  # numba is slow to import

        n = table(a.codes, b.codes, a.first, b.first, a.size, b.size)
        x, y = np.nonzero(n)
        return _Pairs(n[x, y].astype(np.float64), x, y)
    cells, counts = np.unique(a.codes * b.size + b.codes, return_counts=True)
    return _Pairs(counts.astype(np.float64), *np.divmod(cells, b.size))


def _tested(found: Estimate, shuffled: Callable[[np.random.Generator], float], permutations: int, seed: int) -> Estimate:
    """The estimate with its p-value, if so many permutations are asked for."""
    if not permutations:
        return found
    rng = np.random.default_rng(seed)
    least = found.bits - 1e-12  # what is equal but for rounding counts as at least as large
    larger = sum(shuffled(rng) >= least for _ in range(permutations))
    return replace(found, p_value=(1 + larger) / (1 + permutations))


def _estimate(bits: float, p: Array, pointwise: Array, counts: Array) -> Estimate:
    """Entropy and information are means of something under p, and then so is their influence function."""
    N = int(counts.sum())
    spread = sqrt(p @ (pointwise - p @ pointwise) ** 2 / N)
    return Estimate(bits, spread, N, len(counts), 1 - float(np.count_nonzero(counts == 1)) / N)


def _check(method: str, allowed: Sequence[str]) -> None:
    if method not in allowed:
        raise ValueError(f"method must be one of {', '.join(map(repr, allowed))}, got {method!r}")


def _labels(name: str, labels: ArrayLike) -> NDArray:
    """Labels of shape (N,), N at least 1."""
    found = np.asarray(labels)
    if found.ndim != 1 or found.size == 0:
        raise ValueError(f"{name} must have shape (N,) with N at least 1, got shape {found.shape}")
    if found.dtype.kind not in "biuUS":
        raise ValueError(f"{name} must be labels (integers, booleans or words), got {found.dtype}; for numbers take ksg1 or ross")
    return found


def _counts(counts: ArrayLike, dimensions: int) -> Array:
    n = numbers("counts", counts)
    if n.ndim != dimensions:
        raise ValueError(f"counts must have {dimensions} dimension(s), got shape {n.shape}")
    bad = ~np.isfinite(n) | (n < 0) | (n != np.floor(n))
    if bad.any():
        raise ValueError(f"counts must be whole numbers from 0, got {n[bad][0]}")
    if not n.any():
        raise ValueError("counts must hold at least 1 sample, got 0")
    return n
