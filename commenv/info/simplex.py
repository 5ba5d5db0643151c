"""Newton's method for a smooth convex function of a probability vector: what capacity and F(R) both come down to.

Blahut's and Arimoto's multiplicative updates solve the same problems, but need of the order of 1/gap steps whenever
an input (or action) is exactly on the edge of being used. An interior point needs about 12, for the same certificate.
"""

from collections.abc import Callable

import numpy as np

from commenv.info.distributions import Array

Derivatives = Callable[[Array], tuple[Array, Array]]

STEPS = 100
"""More than any problem has asked for (23); so that rounding cannot keep us forever."""


def minimise(derivatives: Derivatives, size: int, gap: float) -> Array:
    """The p in the simplex that minimises a convex function, given its (gradient, Hessian) at any p > 0.

    Primal-dual interior point (Wright 1997). Stops when p @ (gradient - min gradient), which by convexity bounds the
    distance to the minimum (Frank and Wolfe 1956), is below `gap`, or when rounding leaves nothing to gain.
    """
    p = np.full(size, 1 / size)
    gradient, hessian = derivatives(p)
    excess = gradient - gradient.min()
    slack = excess + excess.max()  # multiplier of p >= 0; at the optimum it is `excess`, and 0 wherever p is not
    for _ in range(STEPS):
        if p @ excess <= gap or p @ slack <= gap / 100:
            break
        barrier = 0.1 * (p @ slack) / size
        # (hessian + diag(slack / p)) step = barrier / p - gradient + level, scaled to have no eigenvalue below 1
        scale = np.sqrt(p / slack)
        scaled = scale[:, None] * hessian * scale + np.eye(size)
        sides = np.column_stack([scale * (barrier / p - gradient), scale])
        descent, level = scale * np.linalg.solve(scaled, sides).T
        step = descent - descent.sum() / level.sum() * level
        relief = barrier / p - slack - slack / p * step
        p = p + _reach(p, step) * step
        p /= p.sum()
        slack = slack + _reach(slack, relief) * relief
        gradient, hessian = derivatives(p)
        excess = gradient - gradient.min()
    return p


def _reach(x: Array, step: Array) -> float:
    """The part of `step`, at most all of it, that keeps x positive."""
    return 0.99 / max(0.99, float(np.max(-step / x)))
