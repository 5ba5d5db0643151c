"""How two sources share what they tell of a target: redundancy, unique information and synergy (BROJA).

Of all joint distributions that keep each source's own relation to the target take the one in which both together tell least:
what they still tell there needs no knowledge of both at once, so that the rest is synergy.
Bertschinger, Rauh, Olbrich, Jost, Ay (2014); as a convex program: Makkeh, Theis, Vicente (2017).
"""

from dataclasses import dataclass
from math import log

import numpy as np
from numpy.typing import ArrayLike, NDArray

from commenv.info.distributions import Array, joint_distribution
from commenv.info.measures import mutual_information

STEPS = 200
"""More than any barrier has asked for (20); so that rounding cannot keep us forever."""
NEAR = 0.25
"""Newton decrement from which on the whole step is taken, and the barrier may fade."""


@dataclass(frozen=True)
class PartialInformation:
    """Parts, in bits, of what two sources tell of a target; each at least 0, to within `gap`."""

    redundancy: float
    """What either source tells alone."""
    unique: tuple[float, float]
    """What only the first tells, and only the second."""
    synergy: float
    """What only both together tell."""
    gap: float
    """Each part is known to within so many bits, by duality."""


def partial_information(joint: ArrayLike, gap: float = 1e-9) -> PartialInformation:
    """The parts of I(X1, X2; T) for the distribution `joint[x1, x2, t]`.

    I(X1; T) = redundancy + unique[0]; I(X2; T) = redundancy + unique[1]; the four together are I(X1, X2; T).
    Stops within `gap` bits of the optimum, or where rounding lets it come no closer. Raises ValueError for what is no
    distribution of three variables.

    >>> parts = partial_information([[[0.25, 0.0], [0.25, 0.0]], [[0.25, 0.0], [0.0, 0.25]]])  # T = X1 and X2
    >>> round(parts.redundancy, 6), round(parts.synergy, 6)
    (0.311278, 0.5)
    """
    if not gap > 0:
        raise ValueError(f"gap must be above 0 bits, got {gap}")
    p = joint_distribution(joint, 3)
    first, second = mutual_information(p.sum(axis=1)), mutual_information(p.sum(axis=0))
    together = mutual_information(p.reshape(-1, p.shape[2]))
    q, left = _least_told(p, gap * log(2))
    union = min(max(mutual_information(q.reshape(-1, p.shape[2])), first, second), together, first + second)
    return PartialInformation(first + second - union, (union - second, union - first), together - union, left / log(2))


def _least_told(p: Array, gap: float) -> tuple[Array, float]:
    """The q[x1, x2, t] with the margins q(x1, t) and q(x2, t) of p that minimises -H(T | X1, X2), and how near it is, in nats.

    Newton's method along directions that change no margin, with a barrier -sum ln q that fades. Near its centre the optimum is
    at most twice the barrier times the number of cells away (Nesterov, Nemirovskii 1994).
    """
    from scipy.linalg import block_diag

    blocks: list[NDArray[np.int64]] = []
    directions: list[Array] = []
    starts: list[Array] = []
    for t in range(p.shape[2]):
        rows, columns = np.flatnonzero(p[:, :, t].sum(axis=1)), np.flatnonzero(p[:, :, t].sum(axis=0))
        if not rows.size:
            continue
        blocks.append(np.array([(x, y, t) for x in rows for y in columns]))
        margins = p[rows, :, t].sum(axis=1), p[:, columns, t].sum(axis=0)
        starts.append(
            np.outer(margins[0], margins[1]).ravel() / margins[0].sum()
        )  # independent given t: inside, and with these margins
        lines: list[Array] = [np.vstack([-np.ones(len(axis) - 1), np.eye(len(axis) - 1)]) for axis in (rows, columns)]
        directions.append(np.kron(lines[0], lines[1]).astype(np.float64))
    cells = np.concatenate(blocks)
    moves = block_diag(*directions)
    pair = cells[:, 0] * p.shape[1] + cells[:, 1]
    same = (pair[:, None] == pair).astype(float)  # which cells differ in t alone

    q, n = np.concatenate(starts), len(cells)
    full, barrier = np.zeros(p.shape), 1.0
    while moves.shape[1]:
        for _ in range(STEPS):
            level = same @ q
            downhill = moves.T @ (barrier / q - np.log(q / level))  # log(q / level) is the gradient
            hessian = np.diag(1 / q + barrier / q**2) - same / level
            solved = np.linalg.lstsq(moves.T @ hessian @ moves, downhill, rcond=None)[0]
            decrement = np.sqrt(max(0.0, downhill @ solved) / barrier)
            q = q + moves @ solved / (1 + decrement if decrement > NEAR else 1)
            if decrement <= NEAR:
                break
        if 2 * barrier * n <= gap:
            break
        barrier /= 10
    full[tuple(cells.T)] = q
    return full / full.sum(), 2 * barrier * n if moves.shape[1] else 0.0
