"""A planner who chooses how well each agent of a row sees: exact values of steering a herd, and its regimes.

Arghal, He, Saeedi Bidokhti, Sarkar (2025), Steering the herd. The state of the world is good or bad; agent after agent gets one
signal of the precision q that the planner chooses at a cost, sees what all before did, and acts. b is the public belief in good;
a signal informs others where q >= max(b, 1 - b), for only then does the agent follow it.
"""

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numba import njit

from commenv.core.errors import bad, number, whole, word

Array = np.ndarray
EDGE = 1e-12
"""By how little a signal may be too weak, and still be followed: beliefs are rounded."""
ALIKE = 1e-10
"""Value by which an action may fall short and still be among the best."""


@dataclass(frozen=True, kw_only=True)
class Planner:
    """What a planner wants and what steering costs. Raises ValueError for what is not allowed."""

    planner: str = "altruistic"
    """`altruistic`: pays `error_cost` whenever an agent errs; or `biased`: earns `preference` whenever one chooses good."""
    cost_shape: str = "quadratic"
    """Of a precision's cost in its distance from the baseline: `quadratic` or `linear`."""
    cost_weight: float = 1.0
    """k of k (q - q0)^2, or of k |q - q0|; at least 0."""
    baseline: float = 0.6
    """Precision q0 that costs nothing, 1/2 to 1."""
    min_precision: float = 0.5
    max_precision: float = 1.0
    """Least and largest precision, 1/2 to 1."""
    discount: float = 0.9
    """Worth of the next step in this one, at least 0 and below 1."""
    error_cost: float = 1.0
    """C, what an altruist loses by an error; at least 0."""
    preference: float = 1.0
    """rho, what a biased planner earns by a choice of good; at least 0."""
    tie: str = "signal"
    """Where q is just max(b, 1 - b): the agent follows its `signal`, or whatever suits the `planner`, to whom it means no
    information: so that a biased planner attains what otherwise is only approached."""

    def __post_init__(self) -> None:
        known = {"planner": ("altruistic", "biased"), "cost_shape": ("quadratic", "linear"), "tie": ("signal", "planner")}
        for name, allowed in known.items():
            word(name, getattr(self, name), allowed)
        for name in ("cost_weight", "error_cost", "preference"):
            number(name, getattr(self, name), 0, math.inf)
        for name in ("min_precision", "baseline", "max_precision"):
            number(name, getattr(self, name), 0.5, 1)
        if self.min_precision > self.max_precision:
            raise bad("min_precision", self.min_precision, f"at most max_precision, {self.max_precision}")
        if number("discount", self.discount, 0, 1) == 1:
            raise bad("discount", self.discount, "below 1")

    def cost(self, q: Any) -> Any:
        """What precisions cost."""
        away = np.abs(np.asarray(q) - self.baseline)
        return self.cost_weight * (away**2 if self.cost_shape == "quadratic" else away)

    def informs(self, b: Any, q: Any) -> Any:
        """Whether an agent of precision q follows its signal at belief b."""
        need = np.maximum(b, 1 - np.asarray(b))
        return np.asarray(q) > need + EDGE if self.tie == "planner" else np.asarray(q) >= need - EDGE

    def stage(self, b: Any, q: Any) -> Any:
        """Mean reward of one step."""
        b, q = np.asarray(b, float), np.asarray(q, float)
        informs = self.informs(b, q)
        if self.planner == "altruistic":
            return -self.error_cost * np.where(informs, 1 - q, np.minimum(b, 1 - b)) - self.cost(q)
        herd = np.where(np.abs(b - 0.5) <= EDGE, 0.5, b > 0.5)
        return self.preference * np.where(informs, b * q + (1 - b) * (1 - q), herd) - self.cost(q)


@dataclass(frozen=True)
class Steering:
    """The best a planner can do from every belief."""

    planner: Planner
    beliefs: Array
    """b, ascending, shape (N,)."""
    value: Array
    """Discounted reward from each, shape (N,)."""
    precision: Array
    """A best precision at each, shape (N,): of several the nearest to the baseline, then the larger."""
    allowed: Array = field(repr=False)
    """The precisions that were allowed, ascending."""

    def regimes(self) -> list[str]:
        """What the best precision does at each belief.

        `full revelation`: the largest there is, and it informs. `obfuscation`: less than the baseline, so that the agent joins
        the herd. `investment`: more than the baseline. `no investment`: the baseline. `hiding`: less, which still informs.
        """
        names = []
        for b, q in zip(self.beliefs, self.precision, strict=True):
            informs = bool(self.planner.informs(b, q))
            if abs(q - self.planner.baseline) <= EDGE:
                names.append("no investment")
            elif informs and q >= self.allowed[-1] - EDGE:
                names.append("full revelation")
            elif q > self.planner.baseline:
                names.append("investment")
            else:
                names.append("hiding" if informs else "obfuscation")
        return names


def convexity_report(value: Array, beliefs: Array) -> tuple[float, float]:
    """Least second divided difference of a value, and the belief where it is: below 0, the value is not convex there.

    >>> convexity_report(np.array([1.0, 0.0, 1.0]), np.array([0.0, 0.5, 1.0]))
    (8.0, 0.5)
    """
    slopes = np.diff(value) / np.diff(beliefs)
    second = 2 * np.diff(slopes) / (beliefs[2:] - beliefs[:-2])
    k = int(second.argmin())
    return float(second[k]), float(beliefs[k + 1])


def lattice(planner: Planner, *, step: float = math.log(1.5), levels: int = 4, baseline: int | None = None) -> Steering:
    """Exact solution where precisions are 1 / (1 + e^-(step m)), m = 0..levels: beliefs then stay on a lattice.

    step: nats of log-likelihood ratio. baseline: level of the precision that costs nothing; None: the planner's own baseline.
    The planner's least and largest precision say which levels are allowed. Raises ValueError if none is.
    """
    M = whole("levels", levels, 1)
    quality = 1 / (1 + np.exp(-number("step", step, 1e-9, 100) * np.arange(M + 1)))
    if baseline is not None:
        planner = Planner(**{**vars(planner), "baseline": float(quality[whole("baseline", baseline, 0, M)])})
    allowed = np.flatnonzero((quality >= planner.min_precision - EDGE) & (quality <= planner.max_precision + EDGE))
    if not len(allowed):
        raise ValueError(f"no level lies between the precisions {planner.min_precision} and {planner.max_precision}")
    places = np.arange(-2 * M, 2 * M + 1)
    beliefs = 1 / (1 + np.exp(-step * places))
    d, m = places[:, None], allowed[None, :]
    informs = m > abs(d) if planner.tie == "planner" else m >= abs(d)
    q = quality[m]
    up = beliefs[:, None] * q + (1 - beliefs[:, None]) * (1 - q)
    reward = planner.stage(np.broadcast_to(beliefs[:, None], up.shape), np.broadcast_to(q, up.shape))
    reach = [np.clip(np.where(informs, d + sign * m, d) + 2 * M, 0, 4 * M) for sign in (1, -1)]
    value = np.zeros(len(places))
    while True:
        Q = reward + planner.discount * (up * value[reach[0]] + (1 - up) * value[reach[1]])
        best = Q.max(axis=1)
        done = np.abs(best - value).max() < 1e-14 * max(1.0, np.abs(best).max())
        value = best
        if done:
            return Steering(planner, beliefs, value, _chosen(planner, Q, quality[allowed]), quality[allowed])


def _chosen(planner: Planner, Q: Array, allowed: Array) -> Array:
    """Of the best precisions at each belief the nearest to the baseline, of two such the larger."""
    among = Q.max(axis=1, keepdims=True) - Q <= ALIKE
    away = np.where(among, np.abs(allowed - planner.baseline), np.inf)
    nearest = away <= away.min(axis=1, keepdims=True) + EDGE
    return np.where(nearest, allowed, -np.inf).max(axis=1)


def grid(planner: Planner, *, beliefs: int = 1001, precisions: int | Array = 201, tolerance: float = 1e-12) -> Steering:
    """Value iteration on grids of beliefs and precisions, linear between beliefs.

    precisions: how many, evenly from the planner's least to its largest, or which, ascending.
    Stops within tolerance d / (1 - d) of this discretised problem's value.
    With tie="planner" each belief's own precision max(b, 1 - b) is tried as well, where the planner may choose it.
    """
    N = whole("beliefs", beliefs, 3)
    number("tolerance", tolerance, 1e-15, 1)
    b = np.arange(N) / (N - 1)
    if isinstance(precisions, np.ndarray):
        q = precisions
    else:
        q = np.linspace(planner.min_precision, planner.max_precision, whole("precisions", precisions, 1))
    choices = np.broadcast_to(q, (N, len(q)))
    if planner.tie == "planner":
        own = np.maximum(b, 1 - b)
        fits = (own >= planner.min_precision) & (own <= planner.max_precision)
        choices = np.column_stack([choices, np.where(fits, own, q[0])])
    choices = np.ascontiguousarray(choices)
    wide = np.broadcast_to(b[:, None], choices.shape)
    informs = np.ascontiguousarray(planner.informs(wide, choices))
    reward = np.ascontiguousarray(planner.stage(wide, choices))
    value, Q = np.zeros(N), np.zeros(choices.shape)
    _iterate(value, Q, b, choices, informs, reward, planner.discount, tolerance)
    allowed = np.unique(choices)
    return Steering(planner, b, value, _chosen(planner, Q, choices), allowed)


@njit(cache=True, error_model="numpy")
def _iterate(value, Q, beliefs, choices, informs, reward, discount, tolerance):
    """Value iteration in place."""
    N, J = choices.shape
    before = np.empty(N)
    while True:
        before[:] = value
        for i in range(N):
            b, best = beliefs[i], -np.inf
            for j in range(J):
                if informs[i, j]:
                    q = choices[i, j]
                    up = b * q + (1 - b) * (1 - q)
                    total = up * _between(before, b * q / up) if up > 0 else 0.0
                    if up < 1:
                        total += (1 - up) * _between(before, b * (1 - q) / (1 - up))
                else:
                    total = before[i]
                Q[i, j] = reward[i, j] + discount * total
                best = max(best, Q[i, j])
            value[i] = best
        if np.abs(value - before).max() < tolerance:
            return


@njit(cache=True, error_model="numpy")
def _between(value, b):
    """The value at a belief, linear between the grid's."""
    place = b * (len(value) - 1)
    k = min(int(place + 1e-9), len(value) - 2)
    return value[k] + (place - k) * (value[k + 1] - value[k])
