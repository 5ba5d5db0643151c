"""How much reward R bits a decision can buy at best: the frontier F(R), rate-distortion theory read as reward.

A sender sees a state S, distributed as `prior`; at most R bits reach a receiver, who takes action A and earns r(S, A):

    F(R) = max E r(S, A)   over all ways of acting W(a|s) with I(S; A) <= R.

No scheme earns more (data processing); coding over many independent decisions comes arbitrarily close. Shannon (1959).
"""

from dataclasses import dataclass
from math import exp, inf, log, nan, sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from commenv.info.distributions import Array, distribution, numbers, reward_table, stochastic

TOLERANCE = 1e-12
"""The frontier is closed in on until its bounds differ by this part of the reward's range."""
ROUNDING = 2e-15
"""Nats that rounding may have taken from a certificate; added back, so that upper bounds stay upper bounds."""
STEEPEST = 100.0
"""Logarithm of the steepest slope that a secant may propose."""
TANGENTS = 100
"""More than any problem has asked for; so that rounding cannot keep us forever."""


@dataclass(frozen=True)
class RateReward:
    """A point of the frontier, between what a policy earns and what none can."""

    value: float
    """Mean reward of `policy`, a lower bound of F(R)."""
    upper: float
    """Certified by duality: no policy within the rate earns more."""
    policy: Array
    """W(a|s), shape (states, actions), or (side information, states, actions); spends at most R bits."""

    @property
    def gap(self) -> float:
        """upper - value: how much of F(R) is left open, at least 0."""
        return self.upper - self.value


def rate_reward(prior: ArrayLike, reward: ArrayLike, bits: float) -> RateReward:
    """F(R) for R = `bits` a decision, `prior` of shape (states,), `reward` of shape (states, actions).

    From max_a E r(S, a) at 0 bits, concave, to E max_a r(S, a) at H(S) bits or sooner. Infinite `bits` are allowed.
    Raises ValueError for negative bits, or a prior and a reward that do not fit. Blahut (1972).

    >>> round(rate_reward([0.5, 0.5], [[1, 0], [0, 1]], bits=0.5).value, 9)
    0.889972136
    """
    p = distribution(prior)
    r = reward_table(reward, len(p))
    point = _frontier(np.ones(1), p[None], r[None], bits)
    return RateReward(point.value, point.upper, point.policy[0])


def conditional_rate_reward(prior: ArrayLike, reward: ArrayLike, bits: float) -> RateReward:
    """F(R) when sender and receiver both see side information O: max E r(O, S, A) with I(S; A | O) <= `bits`.

    `prior[o, s]` is the joint distribution, `reward[s, a]` or `reward[o, s, a]`. It bounds every receiver that knows O,
    even if the sender does not. Raises ValueError like `rate_reward`. Gray (1972).

    >>> parity = [[0.25, 0, 0.25, 0], [0, 0.25, 0, 0.25]]  # of one of four states, which are to be named
    >>> round(conditional_rate_reward(parity, np.eye(4), bits=0.5).value, 9)
    0.889972136
    """
    joint = numbers("the prior", prior)
    if joint.ndim != 2:
        raise ValueError(f"prior must have shape (side information, states), got shape {joint.shape}")
    seen, states = joint.shape
    joint = distribution(joint.ravel()).reshape(seen, states)
    tables = numbers("reward", reward)
    if tables.ndim == 2:
        tables = np.array([tables] * seen)
    if tables.ndim != 3 or len(tables) != seen:
        raise ValueError(f"reward must have shape ([{seen},] {states}, actions), got shape {tables.shape}")
    r = np.array([reward_table(table, states) for table in tables])
    weight = joint.sum(axis=1)
    p = np.divide(joint, weight[:, None], out=np.zeros_like(joint), where=weight[:, None] > 0)
    return _frontier(weight, p, r, bits)


def reward_upper_bound(prior: ArrayLike, reward: ArrayLike, bits: float) -> float:
    """Reward a decision that nobody can exceed on `bits` a decision: the certified upper end of F(bits).

    `bits` may be log2 of the number of messages; the mutual information of state and message; n times the capacity of
    a channel used n times, with or without feedback; or the sum over several senders, who then count as one.
    Randomness, shared or private, does not help. For repeated decisions on independent states take the mean bits, as F
    is concave. Shapes and errors as in `rate_reward`.
    """
    return rate_reward(prior, reward, bits).upper


def leakage_bound(prior: ArrayLike, reward: ArrayLike, W: ArrayLike) -> float:
    """Reward that no single use of the channel `W[x, y]` can exceed, for rewards >= 0; often far below F(capacity).

    Nobody gains more than the factor sum_y max_x W[x, y] over the best blind action (Alvim et al. 2012), nor more than
    E max_a r. For n uses pass the n-fold product channel. Raises ValueError for a negative reward.

    >>> leakage_bound([0.25] * 4, np.eye(4), [[0.75, 0.25], [0.25, 0.75]])
    0.375
    """
    p = distribution(prior)
    r = reward_table(reward, len(p))
    if r.min() < 0:
        raise ValueError(f"reward must be at least 0 for the leakage bound, got {r.min()}")
    return min(float(stochastic(W).max(axis=0).sum() * (p @ r).max()), float(p @ r.max(axis=1)))


class _Point(NamedTuple):
    """One policy and where it lies in the plane of bits and regret."""

    bits: float
    value: float
    policy: Array


def _frontier(weight: Array, p: Array, r: Array, bits: float) -> RateReward:
    """F(bits) for weight[o], p[o, s] and r[o, s, a]: the frontier is squeezed between a chord and its tangents.

    Take the slope of the chord between two points of the frontier, one on either side of `bits`. The tangent of that
    slope bounds F from above, and touches at a point that replaces one end. That halves the distance, and where a table
    is so even that bits jump with the slope it finds the jump at once. Where they do not, the secant through the last two
    tangents is faster; it is taken for as long as the gap shrinks by more than it would have by halving. Between the ends
    we share time, which costs no more than the mean of their bits, as I(S; A) is convex in the policy.
    """
    if not bits >= 0:
        raise ValueError(f"bits must be at least 0, got {bits}")
    best = r.max(axis=2)
    ceiling = float(np.sum(weight[:, None] * p * best))
    regret = r - best[:, :, None]  # below, values are regrets, at most 0: a large mean reward must not cost digits
    silent = np.einsum("os,osa->oa", p, regret)
    blind = np.broadcast_to(np.eye(r.shape[2])[silent.argmax(axis=1), None], r.shape)
    left = _Point(0.0, float(weight @ silent.max(axis=1)), blind)
    if bits == 0:
        return RateReward(ceiling + left.value, ceiling + left.value, left.policy)
    right, _ = _tangent(weight, p, regret, np.where(regret == 0, 1.0, 0.0))
    if right.bits <= bits + TOLERANCE:
        return RateReward(ceiling, ceiling, right.policy)

    span = -float(regret.min())
    upper = min(0.0, left.value + span * sqrt(bits * log(2) / 2))  # Pinsker; F may start with infinite slope
    low, high = 0.0, inf  # slopes at the ends
    tried: list[tuple[float, float]] = []  # bits and slope of each tangent
    gap = inf
    for _ in range(TANGENTS):
        share = (bits - left.bits) / (right.bits - left.bits)
        value = (1 - share) * left.value + share * right.value
        gap, before = upper - value, gap
        if gap <= TOLERANCE * span:
            break
        beta = log(2) * (right.bits - left.bits) / (right.value - left.value)  # nats that a unit of reward is worth
        if len(tried) > 1 and gap < before / 8 and low < (guess := _secant(tried[-2], tried[-1], bits)) < high:
            beta = guess
        point, cost = _tangent(weight, p, regret, np.exp(beta * regret))
        tried.append((point.bits, beta))
        upper = min(upper, (bits * log(2) - cost + ROUNDING) / beta)
        if not left.bits < point.bits < right.bits:
            break
        left, right = (point, right) if point.bits <= bits else (left, point)
        low, high = (beta, high) if point.bits <= bits else (low, beta)
    policy = (1 - share) * left.policy + share * right.policy
    # Below about 1e-15 bits a policy's information is lost in rounding, and it may seem to earn more than can be.
    return RateReward(ceiling + min(value, upper), ceiling + upper, policy)


def _secant(first: tuple[float, float], second: tuple[float, float], bits: float) -> float:
    """The slope at which `bits` would be spent if its logarithm were linear in bits; NaN where that says nothing."""
    (x, a), (y, b) = first, second
    power = log(a) + (bits - x) / (y - x) * log(b / a) if x != y else inf
    return exp(power) if abs(power) < STEEPEST else nan


def _tangent(weight: Array, p: Array, regret: Array, A: Array) -> tuple[_Point, float]:
    """The policy that minimises I - beta E regret, for A = exp(beta regret), and a lower bound of that minimum in nats.

    Blahut (1972): W(a|s) = q(a) A[s, a] / Z(s) for the q that minimises -E ln Z. Whatever q is, no policy comes below
    -E ln Z - ln max_a c(a), with c(a) = E A[S, a] / Z(S).
    """
    from commenv.info.simplex import LOGARITHM, minimise  # numba is slow to import

    policy = np.full_like(regret, 1 / regret.shape[2])
    linear = np.zeros(regret.shape[2])
    bits = value = cost = 0.0
    for o in np.flatnonzero(weight):
        q = minimise(LOGARITHM, A[o], p[o], linear, ROUNDING)
        Z = A[o] @ q
        W = policy[o] = q * A[o] / Z[:, None]
        joint = p[o][:, None] * W
        ratio = np.divide(W, p[o] @ W, out=np.ones_like(W), where=joint > 1e-300)  # or overflow
        bits += weight[o] * np.sum(joint * np.log2(ratio))
        value += weight[o] * np.sum(joint * regret[o])
        cost -= weight[o] * (p[o] @ np.log(Z) + np.log((p[o] / Z @ A[o]).max()))
    return _Point(max(0.0, float(bits)), float(value), policy), float(cost)
