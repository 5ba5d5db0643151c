"""Entropy and mutual information, in bits: of exact distributions, and estimated from counts with an error bar."""

from dataclasses import dataclass
from math import log, sqrt
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from commenv.info.distributions import Array, distribution

Method = Literal["plug-in", "miller-madow"]


def entropy(p: ArrayLike) -> float:
    """Entropy of the distribution `p`, shape (n,), in bits, from 0 to log2 n. Shannon (1948).

    >>> entropy([0.5, 0.25, 0.25])
    1.5
    """
    p = distribution(p)
    p = p[p > 0]
    return max(0.0, float(-p @ np.log2(p)))


def mutual_information(joint: ArrayLike) -> float:
    """I(X; Y) of the distribution `joint[x, y]`, shape (n, m), in bits, from 0 to log2 min(n, m). Shannon (1948).

    >>> mutual_information([[0.5, 0.0], [0.0, 0.5]])
    1.0
    """
    joint = np.asarray(joint, dtype=np.float64)
    if joint.ndim != 2:
        raise ValueError(f"a joint distribution of two variables must have shape (n, m), got shape {joint.shape}")
    p = distribution(joint.ravel()).reshape(joint.shape)
    cells, information = _pointwise_information(p)
    return max(0.0, float(cells @ information))


def kl_divergence(p: ArrayLike, q: ArrayLike) -> float:
    """D(p || q) of two distributions of shape (n,), in bits; infinite where `q` excludes what `p` allows.

    Kullback and Leibler (1951). Raises ValueError if the lengths differ.
    """
    p, q = distribution(p), distribution(q)
    if len(p) != len(q):
        raise ValueError(f"p and q must have the same length, got {len(p)} and {len(q)}")
    p, q = p[p > 0], q[p > 0]
    if not q.all():
        return float("inf")
    return max(0.0, float(p @ (np.log2(p) - np.log2(q))))


@dataclass(frozen=True)
class Estimate:
    """A quantity estimated from samples. It is never clamped, because clamping would bias the average of many."""

    bits: float
    """The estimate; that of a mutual information may come out below 0."""
    standard_error: float
    """Its standard deviation to first order in 1/samples (delta method), which is 0 at a uniform or constant sample."""
    samples: int
    """How many observations were counted."""


def estimate_entropy(counts: ArrayLike, method: Method = "miller-madow") -> Estimate:
    """Entropy in bits of the distribution that `counts`, shape (n,), were drawn from.

    "plug-in" takes the frequencies for the distribution and falls short by about (K - 1) / (2 N ln 2) bits, for N
    samples of K kinds; "miller-madow" adds that back, K being the kinds seen. Miller (1955); error: Basharin (1959).
    Raises ValueError for counts that are negative, fractional or all zero.

    >>> round(estimate_entropy([4, 2, 3, 0, 2, 4, 0, 0, 2, 1]).bits, 9)
    2.923991536
    """
    n = _counts(counts, dimensions=1, method=method)
    seen = n[n > 0]
    p = seen / n.sum()
    return _estimate(p, -np.log2(p), n, excess=len(seen) - 1, method=method)


def estimate_mutual_information(counts: ArrayLike, method: Method = "miller-madow") -> Estimate:
    """I(X; Y) in bits of the distribution that the contingency table `counts[x, y]`, shape (n, m), was drawn from.

    "plug-in" is too high by about (Kxy - Kx - Ky + 1) / (2 N ln 2) bits, for N samples in Kxy cells, Kx rows and Ky
    columns; "miller-madow" takes that off, counting those that are not empty. Miller (1955); error: Moddemeijer (1989).
    Raises ValueError for counts that are negative, fractional or all zero.

    >>> round(estimate_mutual_information([[30, 5], [4, 21], [10, 10]]).bits, 9)
    0.26766219
    """
    n = _counts(counts, dimensions=2, method=method)
    cells, information = _pointwise_information(n / n.sum())
    rows, columns = int(n.any(axis=1).sum()), int(n.any(axis=0).sum())
    return _estimate(cells, information, n, excess=rows + columns - len(cells) - 1, method=method)


def _pointwise_information(p: Array) -> tuple[Array, Array]:
    """Probability, and log2 p(x, y) / p(x) p(y), of every cell of `p[x, y]` that has mass."""
    x, y = np.nonzero(p)
    cells = p[x, y]
    return cells, np.log2(cells) - np.log2(p.sum(axis=1)[x]) - np.log2(p.sum(axis=0)[y])


def _estimate(p: Array, bits: Array, counts: Array, excess: int, method: Method) -> Estimate:
    """Mean of `bits` under `p`; both measures here are such means, and then so is their influence function."""
    N = int(counts.sum())
    mean = float(p @ bits)
    correction = excess / (2 * N * log(2)) if method == "miller-madow" else 0.0
    return Estimate(bits=mean + correction, standard_error=sqrt(p @ (bits - mean) ** 2 / N), samples=N)


def _counts(counts: ArrayLike, dimensions: int, method: str) -> Array:
    if method not in ("plug-in", "miller-madow"):
        raise ValueError(f"method must be 'plug-in' or 'miller-madow', got {method!r}")
    n = np.asarray(counts, dtype=np.float64)
    if n.ndim != dimensions:
        raise ValueError(f"counts must have {dimensions} dimension(s), got shape {n.shape}")
    bad = ~np.isfinite(n) | (n < 0) | (n != np.floor(n))
    if bad.any():
        raise ValueError(f"counts must be whole numbers from 0, got {n[bad][0]}")
    if not n.any():
        raise ValueError("counts must hold at least 1 sample, got 0")
    return n
