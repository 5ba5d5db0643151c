"""Mutual information of numbers, or of labels and numbers, from the distances to nearest neighbours.

Distances are those of the maximum norm, over x and y together; N samples, k-th neighbours, psi the digamma function; nats:

    ksg1    psi(k) + psi(N) - psi(n_x + 1) - psi(n_y + 1)      n: samples nearer than the k-th neighbour, along x or y alone
    ksg2    psi(k) - 1/k + psi(N) - psi(n_x) - psi(n_y)        n: those as near as the farthest of the k, along x or y alone
    ross    psi(k) + psi(N) - psi(N_label) - psi(m)            m: those as near as the k-th neighbour of the same label

Kraskov, Stögbauer, Grassberger (2004); Ross (2014). The estimate is the mean of such a term over the samples.
They need variables of like scale, and samples that are not equal. None finds more than a few bits (Gao et al. 2015): a
dependence as strong as that needs exponentially many samples. Variables may be vectors, of up to about ten numbers.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import cKDTree
from scipy.special import digamma

from commenv.info.distributions import Array, numbers

NARROWER = 1 - 1e-10
"""Part of a distance within which only nearer samples lie, in spite of rounding; a `nextafter` biases by -.003 to -.01."""

Again = Callable[[np.random.Generator], Array]


def terms(x: ArrayLike, y: ArrayLike, method: str, k: int) -> tuple[Array, Again]:
    """Terms in nats whose mean is the estimate, and a function that shuffles y and gives those of the shuffled sample."""
    if isinstance(k, bool) or not isinstance(k, int | np.integer) or k < 1:
        raise ValueError(f"k must be a whole number from 1, got {k!r}")
    if method == "ross":
        labels, numbers = _told_apart(x, y)
        codes = np.unique(labels, return_inverse=True)[1]
        return _ross(codes, numbers, k), lambda rng: _ross(rng.permutation(codes), numbers, k)
    a, b = _numbers("x", x), _numbers("y", y)
    _same_length(a, b)
    if len(a) <= k:
        raise ValueError(f"{method} with k={k} needs at least {k + 1} samples, got {len(a)}")
    estimate = _ksg1 if method == "ksg1" else _ksg2
    return estimate(a, b, k), lambda rng: estimate(a, rng.permutation(b), k)


def scatter(x: ArrayLike, y: ArrayLike, method: str, k: int, parts: int, seed: int) -> float:
    """Standard error in nats, from estimates of so many disjoint parts: variance falls with the number of samples."""
    N = len(np.asarray(x))
    if isinstance(parts, bool) or not isinstance(parts, int | np.integer) or not 2 <= parts <= N:
        raise ValueError(f"subsamples must be a whole number from 2 to the number of samples, {N}, got {parts!r}")
    cuts = np.array_split(np.random.default_rng(seed).permutation(N), parts)
    found = [terms(np.asarray(x)[cut], np.asarray(y)[cut], method, k)[0].mean() for cut in cuts]
    return float(np.std(found, ddof=1) / np.sqrt(parts))


def _ksg1(x: Array, y: Array, k: int) -> Array:
    x, y = _sorted(x, y)
    both = np.hstack([x, y])
    radius = _tree(both).query(both, [k + 1], p=np.inf)[0][:, 0] * NARROWER
    _no_ties(radius)
    return digamma(k) + digamma(len(x)) - digamma(_within(x, radius)) - digamma(_within(y, radius))


def _ksg2(x: Array, y: Array, k: int) -> Array:
    x, y = _sorted(x, y)
    both = np.hstack([x, y])
    distance, near = _tree(both).query(both, k + 1, p=np.inf)
    _no_ties(distance[:, -1])
    total = digamma(k) - 1 / k + digamma(len(x))
    for z in (x, y):
        radius = np.abs(z[near[:, 1:]] - z[:, None]).max(axis=(1, 2))
        total = total - digamma(_within(z, radius / NARROWER) - 1)
    return total


def _ross(codes: NDArray[np.int64], y: Array, k: int) -> Array:
    order = np.argsort(codes, kind="stable")
    y, codes = y[order], codes[order]
    sizes = np.bincount(codes)
    kept = sizes[codes] > 1  # a label that occurs once has no neighbour of its own
    if not kept.any():
        raise ValueError("ross needs a label that occurs twice, and every one occurs once")
    y, codes = y[kept], codes[kept]
    sizes = np.bincount(codes)
    radius = np.empty(len(y))
    neighbour = np.minimum(k, sizes - 1)
    for label, end in enumerate(np.cumsum(sizes)):
        if sizes[label]:
            own = y[end - sizes[label] : end]
            radius[end - sizes[label] : end] = _tree(own).query(own, [neighbour[label] + 1], p=np.inf)[0][:, 0]
    _no_ties(radius)
    near = _within(y, radius / NARROWER) - 1
    return digamma(len(y)) + digamma(neighbour[codes]) - digamma(sizes[codes]) - digamma(near)


def _within(z: Array, radius: Array) -> NDArray[np.int64]:
    """How many samples lie within so much of each, itself included."""
    if z.shape[1] > 1:
        return _tree(z).query_ball_point(z, radius, p=np.inf, return_length=True)
    line = np.sort(z[:, 0])
    return np.searchsorted(line, z[:, 0] + radius, side="right") - np.searchsorted(line, z[:, 0] - radius)


def _tree(points: Array) -> cKDTree:
    return cKDTree(points, balanced_tree=False)  # finds as fast, and is built in half the time


def _sorted(x: Array, y: Array) -> tuple[Array, Array]:
    """In the order of x, so that what is looked up in turn lies near in memory."""
    order = np.argsort(x[:, 0], kind="stable")
    return x[order], y[order]


def _no_ties(radius: Array) -> None:
    if not radius.all():
        raise ValueError(
            "k + 1 samples are equal, so that distances tell nothing: these are no continuous numbers. "
            "Take them for labels, or add noise far below what matters"
        )


def _told_apart(x: ArrayLike, y: ArrayLike) -> tuple[NDArray, Array]:
    """Labels and numbers, whichever comes first."""
    sides = [np.asarray(x), np.asarray(y)]
    labels = [side.dtype.kind in "biuUS" for side in sides]
    if labels[0] == labels[1]:
        raise ValueError(
            f"ross needs labels (integers, booleans or words) and numbers (floats), got {sides[0].dtype} and {sides[1].dtype}"
        )
    first, second = sides if labels[0] else reversed(sides)
    if first.ndim != 1:
        raise ValueError(f"labels must have shape (N,), got shape {first.shape}")
    numbers = _numbers("y" if labels[0] else "x", second)
    _same_length(first, numbers)
    return first, numbers


def _numbers(name: str, values: ArrayLike) -> Array:
    found = numbers("values", values)
    if found.ndim == 1:
        found = found[:, None]
    if found.ndim != 2 or found.size == 0:
        raise ValueError(f"{name} must have shape (N,) or (N, d), both at least 1, got shape {np.shape(values)}")
    if not np.isfinite(found).all():
        raise ValueError(f"{name} must be finite, got {found[~np.isfinite(found)][0]}")
    return found


def _same_length(x: NDArray, y: NDArray) -> None:
    if len(x) != len(y):
        raise ValueError(f"x and y must have the same length, got {len(x)} and {len(y)}")
