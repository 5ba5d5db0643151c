"""What an estimator must get right whatever it is: self-consistency tests (Song, Ermon 2020)."""

from collections.abc import Callable
from dataclasses import dataclass
from math import log2

import numpy as np

from commenv.core.errors import whole

Estimate = Callable[[np.ndarray, np.ndarray], float]
"""Bits of two samples of shape (N, d)."""


@dataclass(frozen=True)
class Check:
    """One property, as an estimator has it."""

    name: str
    found: float
    """Bits, the mean over seeds."""
    wanted: float
    """What `found` should be."""
    tolerance: float
    """How far it may be off: three standard errors of the difference, and a tenth of the bits at stake."""
    passed: bool


def self_consistency(
    estimate: Estimate, *, samples: int = 2_000, rho: float = 0.7, dimensions: int = 2, seeds: int = 3
) -> list[Check]:
    """Checks of any estimator, neural or not, on Gaussians of which the truth is known.

    estimate: a function of x and y, shape (samples, d) each, that returns bits. rho: correlation of each component.

    independence     I(X; Y) = 0 for independent ones
    truth            I(X; Y) = -d/2 log2(1 - rho^2)
    data processing  I(X; Y without its last component) is no more than I(X; Y), and (d - 1)/d of it
    repetition       I(X; [Y, Y without its last component]) = I(X; Y)
    additivity       I([X1, X2]; [Y1, Y2]) = 2 I(X1; Y1) for independent pairs
    symmetry         I(Y; X) = I(X; Y)
    bijection        I(X; 2 Y + 1) = I(X; Y)
    """
    whole("samples", samples, 10)
    whole("dimensions", dimensions, 2)
    whole("seeds", seeds, 1)
    if not 0 < abs(rho) < 1:
        raise ValueError(f"rho={rho!r} is not allowed: it must be between -1 and 1, and not 0")
    truth = -dimensions / 2 * log2(1 - rho**2)
    rows = []
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        (x, y), (u, v) = _gaussians(rng, samples, dimensions, rho), _gaussians(rng, samples, dimensions, rho)
        own = estimate(x, y)
        rows.append(
            {
                "independence": (estimate(x, v), 0.0),
                "truth": (own, truth),
                "data processing": (estimate(x, y[:, :-1]), own * (dimensions - 1) / dimensions),
                "repetition": (estimate(x, np.hstack([y, y[:, :-1]])), own),
                "additivity": (estimate(np.hstack([x, u]), np.hstack([y, v])), 2 * own),
                "symmetry": (estimate(y, x), own),
                "bijection": (estimate(x, 2 * y + 1), own),
            }
        )
    return [_check(name, np.array([row[name] for row in rows]), truth) for name in rows[0]]


def _gaussians(rng: np.random.Generator, N: int, d: int, rho: float) -> tuple[np.ndarray, np.ndarray]:
    x = rng.standard_normal((N, d))
    return x, rho * x + np.sqrt(1 - rho**2) * rng.standard_normal((N, d))


def _check(name: str, pairs: np.ndarray, truth: float) -> Check:
    apart = pairs[:, 0] - pairs[:, 1]
    error = apart.std(ddof=1) / np.sqrt(len(apart)) if len(apart) > 1 else 0.0
    found, wanted = pairs.mean(axis=0)
    tolerance = 3 * error + 0.1 * (2 * truth if name == "additivity" else truth)
    return Check(name, float(found), float(wanted), float(tolerance), bool(abs(found - wanted) <= tolerance))
