"""Probability vectors, channels and reward tables as callers hand them over, checked once and returned as float64."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

NEGATIVE = 1e-12
"""How far below 0 rounding may have pushed a probability."""
MASS = 1e-9
"""How far from 1 rounding may have pushed a sum of probabilities."""


def numbers(name: str, values: Any) -> Array:
    """Table of real numbers as float64; ValueError for words, ragged rows, complex numbers, integers beyond floats."""
    try:
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as reason:
        raise ValueError(f"{name} must be a table of numbers, got {type(values).__name__}: {reason}") from None


def real(name: str, value: Any) -> float:
    """One real number, which may be infinite or NaN; ValueError for what is none."""
    if np.ndim(found := numbers(name, value)) or isinstance(value, str | bytes):
        raise ValueError(f"{name} must be a number, got {type(value).__name__}")
    return float(found)


def distribution(p: ArrayLike) -> Array:
    """Probability vector `p`, shape (n,), as a fresh float64 array whose sum is 1.

    Negative rounding down to -1e-12 is clipped, a sum within 1e-9 of 1 is normalised; anything worse raises ValueError.

    >>> distribution([1, 3, -1e-13][::-1] / np.float64(4))
    array([0.  , 0.75, 0.25])
    """
    p = numbers("a distribution", p)
    if p.ndim != 1 or p.size == 0:
        raise ValueError(f"a distribution must have shape (n,) with n at least 1, got shape {p.shape}")
    return _normalised("a distribution", p)


def stochastic(W: ArrayLike) -> Array:
    """Channel `W[x, y]`, shape (inputs, outputs), as a fresh float64 array whose rows are distributions.

    Raises ValueError under the same conditions as `distribution`, row by row.
    """
    W = numbers("a channel", W)
    if W.ndim != 2 or W.size == 0:
        raise ValueError(f"a channel must have shape (inputs, outputs), both at least 1, got shape {W.shape}")
    return _normalised("every row of a channel", W)


def joint_distribution(joint: ArrayLike, variables: int | None = None) -> Array:
    """Joint distribution of variables, one axis each, as a fresh float64 array whose sum is 1.

    Raises ValueError for another number of axes than `variables`, if that is given, else as `distribution`.
    """
    p = numbers("a joint distribution", joint)
    if p.ndim == 0 or p.size == 0 or (variables is not None and p.ndim != variables):
        axes = f"{variables} axes" if variables else "an axis"
        raise ValueError(f"a joint distribution must have {axes} for its variables, one each, got shape {p.shape}")
    return _normalised("a joint distribution", p.ravel()).reshape(p.shape)


def frequencies(*variables: ArrayLike) -> Array:
    """Joint distribution of the columns of a sample: an array with one axis for each of the variables, which sums to 1.

    Each variable has shape (N,), of labels that are numbered in ascending order. It is what the exact measures take, and so
    gives plug-in estimates. Raises ValueError for none, for different lengths, or for no samples.

    >>> frequencies(["a", "b", "b", "a"], [0, 1, 1, 1])
    array([[0.25, 0.25],
           [0.  , 0.5 ]])
    """
    try:
        columns = [np.asarray(v) for v in variables]
    except ValueError as reason:
        raise ValueError(f"samples must have the same shape (N,), N at least 1: {reason}") from None
    if not columns or any(c.ndim != 1 or c.shape != columns[0].shape or c.size == 0 for c in columns):
        raise ValueError(f"samples must have the same shape (N,), N at least 1, got shapes {[c.shape for c in columns]}")
    found = [np.unique(c, return_inverse=True) for c in columns]
    shape = tuple(len(labels) for labels, _ in found)
    cells = np.ravel_multi_index([codes for _, codes in found], shape)
    return np.bincount(cells, minlength=int(np.prod(shape))).reshape(shape) / len(columns[0])


def reward_table(reward: ArrayLike, states: int) -> Array:
    """Reward `r[s, a]`, shape (states, actions), as a fresh float64 array; ValueError unless it is finite and fits."""
    r = numbers("reward", reward).copy()
    if r.ndim != 2 or r.shape[0] != states or r.shape[1] == 0:
        raise ValueError(f"reward must have shape ({states}, actions) to match the prior, got shape {r.shape}")
    if not np.isfinite(r).all():
        raise ValueError(f"reward must be finite, got {r[~np.isfinite(r)][0]}")
    return r


def _normalised(name: str, p: Array) -> Array:
    if not np.isfinite(p).all():
        raise ValueError(f"{name} must be finite, got {p[~np.isfinite(p)][0]}")
    if p.min() < -NEGATIVE:
        raise ValueError(f"{name} must be non-negative (to within {NEGATIVE}), got {p.min()}")
    total = p.sum(axis=-1)
    worst = total.flat[np.abs(total - 1).argmax()]
    if abs(worst - 1) > MASS:
        raise ValueError(f"{name} must sum to 1 (to within {MASS}), got {worst}")
    p = p.clip(min=0)
    return p / p.sum(axis=-1, keepdims=True)
