"""Tabular Markov decision processes: most reward, most reward plus entropy, and what a policy earns and tells.

A policy that trades reward for entropy at a temperature alpha is the Boltzmann policy of its own values: Q = r + E V',
V = alpha ln sum_a exp(Q / alpha). Ziebart (2010), Haarnoja et al. (2017). alpha is in units of reward a nat.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import log, log2

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize_scalar
from scipy.sparse import csr_array

Array = NDArray[np.float64]

TIE = 1e-12
"""Values within this are equal: at temperature 0 a policy is uniform over the best actions."""


@dataclass(frozen=True)
class Mdp:
    """A finite Markov decision process. Raises ValueError for arrays that do not belong together."""

    transition: Array
    """P(s' | s, a), shape (S, A, S)."""
    reward: Array
    """On going from s by a to s', shape (S, A, S)."""
    start: Array
    """Distribution of the first state, shape (S,)."""
    terminal: NDArray[np.bool_]
    """States in which it is over, shape (S,). None of them may be a start."""
    available: NDArray[np.bool_]
    """Actions that there are in each state, shape (S, A); at least one in each."""

    def __post_init__(self) -> None:
        P = self.transition
        if P.ndim != 3 or P.shape[0] != P.shape[2] or 0 in P.shape:
            raise ValueError(f"transition must have shape (states, actions, states), got {P.shape}")
        S, A, _ = P.shape
        shapes = {"reward": (S, A, S), "start": (S,), "terminal": (S,), "available": (S, A)}
        for name, shape in shapes.items():
            if getattr(self, name).shape != shape:
                raise ValueError(f"{name} must have shape {shape} to fit the transition, got {getattr(self, name).shape}")
        for name, rows in (("transition", P), ("start", self.start)):
            if not (np.isfinite(rows).all() and rows.min() >= 0 and np.allclose(rows.sum(axis=-1), 1, rtol=0, atol=1e-9)):
                raise ValueError(f"{name} must be probabilities: at least 0, and each row of sum 1")
        if not np.isfinite(self.reward).all():
            raise ValueError("reward must be finite")
        if not self.available.any(axis=1).all():
            raise ValueError(f"state {int(self.available.any(axis=1).argmin())} has no action available")
        if self.start[self.terminal].any():
            raise ValueError(f"start gives probability {self.start[self.terminal].sum():g} to terminal states")

    def noisy(self, noise: float) -> "Mdp":
        """The same where an action is, with probability `noise`, replaced by one drawn uniformly from those available."""
        share = self.available / self.available.sum(axis=1, keepdims=True)
        P = (1 - noise) * self.transition + noise * np.einsum("sa,sat->st", share, self.transition)[:, None]
        flow = self.transition * self.reward
        mixed = (1 - noise) * flow + noise * np.einsum("sa,sat->st", share, flow)[:, None]
        return Mdp(P, np.divide(mixed, P, out=np.zeros_like(P), where=P > 0), self.start, self.terminal, self.available)


@dataclass(frozen=True)
class SoftValues:
    """Values and policy at a temperature."""

    value: float
    """Of the start: expected reward plus alpha times entropy in nats."""
    values: Array
    """V, shape (T + 1, S), or (S,) if it is stationary."""
    action_values: Array
    """Q, shape (T, S, A) or (S, A); -inf for what is not available."""
    policy: Array
    """pi(a | s), shape (T, S, A) or (S, A)."""


@dataclass(frozen=True)
class Played:
    """What a policy earns and tells in an episode, exactly."""

    reward: float
    """Expected discounted sum of rewards."""
    bits: float
    """Expected sum of H(pi(. | s_t)), not discounted: entropy of the actions given what was seen before each."""
    steps: float
    """Expected length."""


def boltzmann(Q: Array, alpha: float) -> tuple[Array, Array]:
    """V (...,) and pi (..., A) of Q (..., A): alpha ln sum exp(Q / alpha) and its gradient; the maximum at alpha = 0."""
    top = Q.max(axis=-1, keepdims=True)
    if alpha == 0:
        weights = (top - TIE <= Q).astype(float)
        return top[..., 0], weights / weights.sum(axis=-1, keepdims=True)
    weights = np.exp((Q - top) / alpha)
    total = weights.sum(axis=-1, keepdims=True)
    return top[..., 0] + alpha * np.log(total[..., 0]), weights / total


def soft_values(mdp: Mdp, alpha: float, horizon: int, discount: float = 1.0) -> SoftValues:
    """The policy of most E sum_t discount**(t+1) r_t + alpha sum_t H(pi(. | s_t)) in `horizon` steps, of all that there are.

    With discount 1 rewards count as they are; else that of step t, from 0, counts discount**(t+1), entropy always fully. Entropy
    in nats. alpha = 0: most reward, uniform over the best actions. Raises ValueError for an alpha below 0.
    """
    _check(alpha)
    S, A, _ = mdp.transition.shape
    V, Q, pi = np.zeros((horizon + 1, S)), np.full((horizon, S, A), -np.inf), np.zeros((horizon, S, A))
    flat = csr_array(mdp.transition.reshape(S * A, S))
    expected = np.einsum("sat,sat->sa", mdp.transition, mdp.reward)
    _backwards(alpha, discount, expected, flat.data, flat.indices, flat.indptr, mdp.available, mdp.terminal, V, Q, pi)
    return SoftValues(float(mdp.start @ V[0]), V, Q, pi)


@njit(cache=True, error_model="numpy")
def _backwards(alpha, discount, expected, data, indices, indptr, available, terminal, V, Q, pi):
    """Fill V, Q and pi from the last step to the first; transitions as rows of a sparse matrix."""
    horizon, S, A = Q.shape
    for t in range(horizon - 1, -1, -1):
        worth = discount ** (t + 1)
        for s in range(S):
            top = -np.inf
            for a in range(A):
                if available[s, a]:
                    value = worth * expected[s, a]
                    for k in range(indptr[s * A + a], indptr[s * A + a + 1]):
                        value += data[k] * V[t + 1, indices[k]]
                    Q[t, s, a] = value
                    top = max(top, value)
            total = 0.0
            for a in range(A):
                if available[s, a]:
                    gap = Q[t, s, a] - top
                    pi[t, s, a] = np.exp(gap / alpha) if alpha > 0.0 else (1.0 if gap >= -TIE else 0.0)
                    total += pi[t, s, a]
            for a in range(A):
                pi[t, s, a] /= total
            if not terminal[s]:
                V[t, s] = top + alpha * np.log(total) if alpha > 0.0 else top


def soft_q(mdp: Mdp, alpha: float, discount: float, iterations: int | None = None, terminal_bonus: bool = False) -> SoftValues:
    """The stationary policy of soft Q-iteration: Q = discount E (r + V'), V = alpha ln sum exp(Q / alpha), 0 where it is over.

    iterations: how often, from Q = 0 everywhere; None: until nothing moves by 1e-13. terminal_bonus: the value alpha ln A of
    what is over, which published code of Ebrahimi, Chen, Khisti (2024) adds by giving terminal states actions.
    Entropy is discounted as rewards are. Raises ValueError for an alpha below 0 or a discount that is not in 0..1, or 1 without a
    number of iterations.
    """
    _check(alpha)
    if not 0 < discount <= 1 or (discount == 1 and iterations is None):
        raise ValueError(f"discount must be above 0 and below 1, or at most 1 with a number of iterations, got {discount}")
    S, A, _ = mdp.transition.shape
    over = alpha * log(A) if terminal_bonus else 0.0
    expected = np.einsum("sat,sat->sa", mdp.transition, mdp.reward)
    flat = csr_array(mdp.transition.reshape(S * A, S))
    Q, V = np.zeros((S, A)), np.where(mdp.terminal, over, boltzmann(np.zeros((S, A)), alpha)[0])
    done = 0
    while iterations is None or done < iterations:
        known = expected if done or iterations is None else 0.0  # published code begins with Q = 0 where it is over, too
        before, done = Q, done + 1
        Q = np.where(mdp.available, discount * (known + (flat @ V).reshape(S, A)), -np.inf)
        V = np.where(mdp.terminal, over, boltzmann(Q, alpha)[0])
        if iterations is None and np.abs(np.where(mdp.available, Q - before, 0)).max() < 1e-13:
            break
    return SoftValues(float(mdp.start @ V), V, Q, boltzmann(Q, alpha)[1])


def played(mdp: Mdp, policy: ArrayLike, horizon: int, discount: float = 1.0) -> Played:
    """What a policy, shape (T, S, A) with T of at least `horizon`, or (S, A), earns and tells in so many steps at most."""
    pi = np.asarray(policy, float)
    at, reward, bits, steps = np.where(mdp.terminal, 0, mdp.start), 0.0, 0.0, 0.0
    expected = np.einsum("sat,sat->sa", mdp.transition, mdp.reward)
    for t in range(horizon):
        now = pi if pi.ndim == 2 else pi[t]
        logs = np.log2(now, where=now > 0, out=np.zeros_like(now))
        reward += discount ** (t + 1) * float(at @ (now * expected).sum(axis=1))
        bits -= float(at @ (now * logs).sum(axis=1))
        steps += float(at.sum())
        at = np.einsum("s,sa,sat->t", at, now, mdp.transition)
        at[mdp.terminal] = 0
        if at.sum() < 1e-15:
            break
    return Played(reward, bits, steps)


def soft_converse(mdp: Mdp, information: float, horizon: int, discount: float = 1.0) -> float:
    """Expected reward that nobody exceeds whose actions tell `information` bits: min over alpha of V(alpha) - alpha ln 2 I.

    Actions tell no more than their causal entropy, and V(alpha) is the most of reward plus alpha times it, so every alpha gives a
    bound; the tightest is found, for V is convex. -inf if there are not so many bits in `horizon` steps.
    """
    most = played(mdp, soft_values(mdp, _scale(mdp) * 1e6, horizon, discount).policy, horizon, discount).bits
    if information > most + 1e-9:
        return -np.inf
    return _least(mdp, horizon, discount, lambda alpha: -alpha * log(2) * information)


def objective_bound(
    mdp: Mdp,
    prior: ArrayLike,
    zeta: float,
    horizon: int,
    discount: float = 1.0,
    *,
    parts: int = 1,
    told: float = np.inf,
) -> float:
    """Most E reward + zeta P(all parts of a message are named rightly) that a sender who acts can have, whoever receives.

    Each of `parts` parts is drawn from `prior`, shape (K,); `told` is how many bits of it reach the sender at most. Every price
    of a bit gives a bound, most reward plus price times causal entropy, and names less price times information: the tightest is
    found.
    """
    p = np.asarray(prior, float)
    both = _least(mdp, horizon, discount, lambda alpha: naming_value(p, zeta, alpha * log(2), parts))
    if told >= parts * log2(len(p)):
        return both
    return min(both, soft_values(mdp, 0.0, horizon, discount).value + best_named(p, zeta, told, parts))


def best_named(prior: Array, zeta: float, bits: float, parts: int = 1) -> float:
    """Most zeta P(all parts named) from so many bits about the message, an upper bound: the least over prices of a bit."""
    silent = zeta * float(prior.max()) ** parts
    if zeta == 0 or bits <= 0 or bits >= parts * log2(len(prior)):
        return zeta if bits > 0 else silent

    def bound(log_price: float) -> float:
        price = zeta * float(np.exp(log_price))
        return naming_value(prior, zeta, price, parts) + price * bits

    found = minimize_scalar(bound, bounds=(-14, 6), method="bounded", options={"xatol": 1e-7})
    return max(silent, min(zeta, float(found.fun)))


def naming_value(prior: Array, zeta: float, price: float, parts: int = 1) -> float:
    """Upper bound of max zeta P(all parts named) - price I(message; names), price in reward a bit.

    For a uniform prior price log2(1 + (2**(zeta / price) - 1) / M), attained; else that of Blahut's (1972) dual, for one part.
    """
    if zeta == 0 or price <= zeta * 1e-12:  # then bits cost nothing
        return zeta
    if np.ptp(prior) < TIE:
        return price * float(np.logaddexp2(0, _log2_minus_one(zeta / price) - parts * log2(len(prior))))
    if parts > 1:
        return zeta
    gain = _log2_minus_one(zeta / price)  # rest = 1 + q 2**gain, counted in 2**gain so that nothing overflows
    one, q = float(np.exp2(-gain)), prior[prior > 0]
    p = q.copy()

    def slope() -> Array:
        return one * (p / (q + one)).sum() + p / (q + one)

    for _ in range(60):  # a few of Blahut's steps towards the best names, then his certificate
        q = q * slope()
        q /= q.sum()
    return min(zeta, price * float(p @ np.log2(q + one) + gain + log2(slope().max())))


def _log2_minus_one(x: float) -> float:
    """log2(2**x - 1)."""
    return x + log2(-np.expm1(-x * log(2))) if x > 0 else -np.inf


def _least(mdp: Mdp, horizon: int, discount: float, rest: Callable[[float], float]) -> float:
    """min over alpha >= 0 of V(alpha) + rest(alpha), both convex."""
    scale = _scale(mdp)

    def bound(log_alpha: float) -> float:
        alpha = scale * np.exp(log_alpha)
        return soft_values(mdp, alpha, horizon, discount).value + rest(alpha)

    found = minimize_scalar(bound, bounds=(-14, 6), method="bounded", options={"xatol": 1e-5})
    return min(float(found.fun), soft_values(mdp, 0.0, horizon, discount).value + rest(0.0))


def _scale(mdp: Mdp) -> float:
    return float(np.abs(mdp.reward[mdp.transition > 0]).max()) or 1.0


def _check(alpha: float) -> None:
    if not alpha >= 0:
        raise ValueError(f"alpha must be at least 0, got {alpha}")
