"""Entropy, mutual information and what is made of them, in bits, of exact distributions.

A joint distribution of n variables is an array with n axes, one a variable: `joint[x, y]`, `joint[x, y, z]`, ...
"""

from collections.abc import Sequence
from itertools import chain

import numpy as np
from numpy.typing import ArrayLike

from commenv.info.distributions import Array, distribution, joint_distribution


def entropy(p: ArrayLike) -> float:
    """Entropy of the distribution `p`, shape (n,), in bits, from 0 to log2 n. Shannon (1948).

    >>> entropy([0.5, 0.25, 0.25])
    1.5
    """
    return _entropy(distribution(p))


def mutual_information(joint: ArrayLike) -> float:
    """I(X; Y) of the distribution `joint[x, y]`, shape (n, m), in bits, from 0 to log2 min(n, m). Shannon (1948).

    >>> mutual_information([[0.5, 0.0], [0.0, 0.5]])
    1.0
    """
    p = joint_distribution(joint, 2)
    cells, information = pointwise_information(p)
    return max(0.0, float(cells @ information))


def conditional_mutual_information(joint: ArrayLike) -> float:
    """I(X; Y | Z) of the distribution `joint[x, y, z]`, in bits: H(X, Z) + H(Y, Z) - H(X, Y, Z) - H(Z), at least 0.

    Shannon (1948). For several variables on one side join their axes by reshape.

    >>> xor = [[[0.25, 0.0], [0.0, 0.25]], [[0.0, 0.25], [0.25, 0.0]]]
    >>> conditional_mutual_information(xor)
    1.0
    """
    p = joint_distribution(joint, 3)
    return max(0.0, _entropy(p.sum(axis=1)) + _entropy(p.sum(axis=0)) - _entropy(p) - _entropy(p.sum(axis=(0, 1))))


def kl_divergence(p: ArrayLike, q: ArrayLike) -> float:
    """D(p || q) of two distributions of shape (n,), in bits; infinite where `q` excludes what `p` allows.

    Kullback and Leibler (1951). Raises ValueError if the lengths differ.
    """
    p, q = _pair(p, q)
    p, q = p[p > 0], q[p > 0]
    if not q.all():
        return float("inf")
    return max(0.0, float(p @ (np.log2(p) - np.log2(q))))


def jensen_shannon(p: ArrayLike, q: ArrayLike) -> float:
    """Jensen-Shannon divergence of two distributions of shape (n,), in bits, from 0 to 1: (D(p || m) + D(q || m)) / 2 with
    m = (p + q) / 2. Lin (1991). It is the mutual information of a fair coin and a draw from p or q, whichever it says.

    >>> jensen_shannon([1, 0], [0, 1])
    1.0
    """
    return mutual_information(np.stack(_pair(p, q)) / 2)


def total_correlation(joint: ArrayLike) -> float:
    """Total correlation of n variables, in bits, at least 0: sum_i H(X_i) - H(X). Watanabe (1960).

    `joint` has n >= 1 axes; for 2 it is the mutual information.
    """
    p = joint_distribution(joint)
    return max(0.0, sum(_entropy(_marginal(p, [i])) for i in range(p.ndim)) - _entropy(p))


def o_information(joint: ArrayLike) -> float:
    """O-information of n >= 1 variables, in bits: (n - 2) H(X) + sum_i [H(X_i) - H(X without X_i)]. Rosas et al. (2019).

    Above 0 where redundancy prevails, below 0 where synergy does; 0 for two variables. `joint` has n axes.

    >>> xor = [[[0.25, 0.0], [0.0, 0.25]], [[0.0, 0.25], [0.25, 0.0]]]
    >>> o_information(xor)
    -1.0
    """
    p = joint_distribution(joint)
    n = p.ndim
    alone = sum(_entropy(_marginal(p, [i])) for i in range(n))
    without = sum(_entropy(p.sum(axis=i)) for i in range(n))
    return (n - 2) * _entropy(p) + alone - without + 0.0  # no -0


def directed_information(joint: ArrayLike) -> float:
    """I(X^T -> Y^T) = sum_t I(X_1..X_t; Y_t | Y_1..Y_{t-1}) in bits, at least 0. Massey (1990).

    `joint` has 2 T axes: x_1, ..., x_T, y_1, ..., y_T. What messages X tell a receiver who acts by Y, also where what Y does
    changes later X: then it is this, and not the mutual information, that the sum of the rates bounds.

    >>> directed_information([[0.5, 0.0], [0.0, 0.5]])
    1.0
    """
    p, T = _two_processes(joint, 1)
    return sum(_conditional(p, range(t + 1), [T + t], range(T, T + t)) for t in range(T))


def transfer_entropy(joint: ArrayLike) -> float:
    """T(X -> Y) = I(X_{t-l}..X_{t-1}; Y_t | Y_{t-l}..Y_{t-1}) in bits, at least 0. Schreiber (2000).

    `joint` has 2 (l + 1) axes for a lag of l >= 1 steps: x_{t-l}, ..., x_t, y_{t-l}, ..., y_t.
    """
    p, T = _two_processes(joint, 2)
    return _conditional(p, range(T - 1), [2 * T - 1], range(T, 2 * T - 1))


def pointwise_information(p: Array) -> tuple[Array, Array]:
    """Probability, and log2 p(x, y) / p(x) p(y), of every cell of `p[x, y]` that has mass."""
    x, y = np.nonzero(p)
    cells = p[x, y]
    return cells, np.log2(cells) - np.log2(p.sum(axis=1)[x]) - np.log2(p.sum(axis=0)[y])


def _entropy(p: Array) -> float:
    p = p[p > 0]
    return max(0.0, float(-p @ np.log2(p)))


def _pair(p: ArrayLike, q: ArrayLike) -> tuple[Array, Array]:
    p, q = distribution(p), distribution(q)
    if len(p) != len(q):
        raise ValueError(f"p and q must have the same length, got {len(p)} and {len(q)}")
    return p, q


def _marginal(p: Array, kept: Sequence[int]) -> Array:
    return p.sum(axis=tuple(i for i in range(p.ndim) if i not in kept))


def _conditional(p: Array, x: Sequence[int], y: Sequence[int], z: Sequence[int]) -> float:
    """I(X; Y | Z) of groups of axes, each of which rises and lies before the next."""
    groups = [list(x), list(y), list(z)]
    axes = list(chain(*groups))
    kept = _marginal(p, axes)
    order = np.argsort(np.argsort(axes))
    sizes = [int(np.prod([p.shape[i] for i in group], dtype=int)) for group in groups]
    return conditional_mutual_information(kept.transpose(order).reshape(sizes))


def _two_processes(joint: ArrayLike, steps: int) -> tuple[Array, int]:
    p = joint_distribution(joint)
    if p.ndim % 2 or p.ndim < 2 * steps:
        raise ValueError(
            f"a joint distribution of two processes must have 2 axes a step, {steps} or more steps, got shape {p.shape}"
        )
    return p, p.ndim // 2
