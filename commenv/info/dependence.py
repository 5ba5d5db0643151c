"""How far two variables are from independence, in other units than bits: exactly, of small tables."""

import numpy as np
from numpy.typing import ArrayLike

from commenv.info.distributions import Array, joint_distribution, numbers


def wasserstein_dependency(joint: ArrayLike, x: ArrayLike | None = None, y: ArrayLike | None = None) -> float:
    """W1(p(x, y), p(x) p(y)), in the units of the distances: a linear program. Ozair et al. (2019).

    joint[x, y]; x, y: distances between values of each variable, shape (n, n) and (m, m), which add up; None: 1 between any two.
    Raises ValueError for distances that do not fit.

    >>> wasserstein_dependency([[0.5, 0.0], [0.0, 0.5]])
    0.5
    """
    from scipy.optimize import linprog
    from scipy.sparse import eye_array, kron, vstack

    p = joint_distribution(joint, 2)
    n, m = p.shape
    both = np.add.outer(_distances("x", x, n), _distances("y", y, m)).transpose(0, 2, 1, 3).reshape(n * m, n * m)
    independent = np.outer(p.sum(axis=1), p.sum(axis=0)).ravel()
    cells, ones = eye_array(n * m), np.ones((1, n * m))
    found = linprog(both.ravel(), A_eq=vstack([kron(cells, ones), kron(ones, cells)]), b_eq=np.append(p.ravel(), independent))
    return max(0.0, float(found.fun))


def cauchy_schwarz(joint: ArrayLike) -> float:
    """Cauchy-Schwarz divergence of p(x, y) from p(x) p(y), in bits: -log2 [(sum p q)^2 / (sum p^2 sum q^2)]. Principe (2010).

    Neither above nor below mutual information; 0 only for independent variables.

    >>> round(cauchy_schwarz([[0.4, 0.1], [0.1, 0.4]]), 9)
    0.443606651
    """
    p = joint_distribution(joint, 2)
    q = np.outer(p.sum(axis=1), p.sum(axis=0))
    return max(0.0, float(np.log2((p**2).sum()) + np.log2((q**2).sum()) - 2 * np.log2((p * q).sum())))


def _distances(name: str, given: ArrayLike | None, n: int) -> Array:
    found = 1 - np.eye(n) if given is None else numbers(f"distances of {name}", given)
    if found.shape != (n, n) or not np.isfinite(found).all() or (found < 0).any():
        raise ValueError(f"distances of {name} must be finite and at least 0, shape ({n}, {n}), got shape {found.shape}")
    return found
