"""Newton's method for a smooth convex function of a probability vector: what capacity and F(R) both come down to.

Blahut's and Arimoto's multiplicative updates solve the same problems, but need of the order of 1/gap steps whenever
an input (or action) is exactly on the edge of being used. An interior point needs about 20, for the same certificate.
Compiled, for a step on a small alphabet takes microseconds; import it where it is called, for numba is slow to import.
"""

import numpy as np
from numba import njit

from commenv.info.distributions import Array

LOGARITHM, ENTROPY = 0, 1
"""What is summed over x = M @ p: -ln x, or x ln x."""
STEPS = 100
"""More than any problem has asked for (23); so that rounding cannot keep us forever."""


@njit(cache=True)
def minimise(kind: int, M: Array, weight: Array, linear: Array, gap: float) -> Array:
    """The p in the simplex that minimises linear @ p + weight @ g(M @ p), g(x) = -ln x or x ln x by `kind`.

    M has shape (terms, n) and positive entries in every row; weight (terms,) is not negative; linear (n,).
    Primal-dual interior point (Wright 1997). Stops when p @ (gradient - min gradient), which by convexity bounds the
    distance to the minimum (Frank and Wolfe 1956), is below `gap`, or when rounding leaves nothing to gain.
    """
    size = M.shape[1]
    p = np.full(size, 1 / size)
    slack = np.zeros(size)  # multiplier of p >= 0; at the optimum it is `excess`, and 0 wherever p is not
    eye = np.eye(size)
    sides = np.empty((size, 2))
    for count in range(STEPS):
        x = M @ p
        if kind == LOGARITHM:
            first, second = -weight / x, weight / (x * x)
        else:
            first, second = weight * (np.log(x) + 1), weight / x
        gradient = linear + first @ M
        excess = gradient - gradient.min()
        if count == 0:
            slack = excess + excess.max()
        if p @ excess <= gap or p @ slack <= gap / 100:
            break
        barrier = 0.1 * (p @ slack) / size
        # (hessian + diag(slack / p)) step = barrier / p - gradient + level, scaled to have no eigenvalue below 1
        scale = np.sqrt(p / slack)
        half = np.sqrt(second).reshape(-1, 1) * M * scale
        sides[:, 0], sides[:, 1] = scale * (barrier / p - gradient), scale
        found = np.linalg.solve(half.T @ half + eye, sides)
        descent, level = scale * found[:, 0], scale * found[:, 1]
        step = descent - descent.sum() / level.sum() * level
        relief = barrier / p - slack - slack / p * step
        p = p + _reach(p, step) * step
        p /= p.sum()
        slack = slack + _reach(slack, relief) * relief
    return p


@njit(cache=True)
def _reach(x: Array, step: Array) -> float:
    """The part of `step`, at most all of it, that keeps x positive."""
    return 0.99 / max(0.99, np.max(-step / x))
