"""Finite games in which the environment is unknown: what knowing it is worth, and how to pay for knowledge when it is won.

One of E environments is drawn from a prior and never seen; the state is. A player who knew that it is in environment e' would
play the optimal policy of e'; the cross-value C[t, e, e', s] is what that policy earns where the environment is e. What a belief
can be cashed for is U(b, s) = max_e' sum_e b(e) C[e, e', s], the best of these policies, none of which explores. Reward shaped by
U is potential-based on beliefs, so the optimal policies stay (Ng, Harada, Russell 1999, Policy invariance under reward
transformations); what exploring is worth is V - U, never negative. Ambrogioni (2021), Knowledge is reward.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from commenv.info import distribution


@dataclass(frozen=True, eq=False)
class BeliefGame:
    """A finite-horizon decision process of unknown environment. Raises ValueError for arrays that do not belong together."""

    prior: np.ndarray
    """Probability of each environment, shape (E,)."""
    transition: np.ndarray
    """P[e, s, a, s'], shape (E, S, A, S)."""
    reward: np.ndarray
    """Expected reward r[e, s, a], shape (E, S, A). The player learns from states, not from rewards: what is seen is a state."""
    horizon: int
    """Steps, at least 0."""
    discount: float = 1.0

    def __post_init__(self) -> None:
        for name in ("prior", "transition", "reward"):
            object.__setattr__(self, name, np.asarray(getattr(self, name), float))
        E, P = len(distribution(self.prior)), self.transition
        if P.ndim != 4 or len(P) != E or P.shape[1] != P.shape[3] or self.reward.shape != P.shape[:3]:
            shapes = f"prior {self.prior.shape}, transition {P.shape}, reward {self.reward.shape}"
            raise ValueError(f"{shapes} do not belong together: they must be (E,), (E, S, A, S) and (E, S, A)")
        if (P < 0).any() or not np.allclose(P.sum(axis=3), 1):
            raise ValueError("transition is not allowed: every P[e, s, a] must be a distribution over states")

    @cached_property
    def policies(self) -> np.ndarray:
        """The optimal action of one who knows the environment, shape (H, E, S); of equally good ones the first."""
        E, S, _ = self.reward.shape
        value, found = np.zeros((E, S)), np.zeros((self.horizon, E, S), np.int64)
        for t in range(self.horizon - 1, -1, -1):
            worth = self.reward + self.discount * np.einsum("esat,et->esa", self.transition, value)
            found[t] = np.argmax(worth >= worth.max(axis=2, keepdims=True) - 1e-12, axis=2)
            value = worth.max(axis=2)
        return found

    @cached_property
    def cross_values(self) -> np.ndarray:
        """C[t, e, e', s]: what is earned from step t on in environment e by the optimal policy of e'; shape (H + 1, E, E, S)."""
        E, S, _ = self.reward.shape
        found, states = np.zeros((self.horizon + 1, E, E, S)), np.arange(S)
        for t in range(self.horizon - 1, -1, -1):
            for other, action in enumerate(self.policies[t]):
                goes = self.transition[:, states, action]  # [E, S, S]
                after = np.einsum("est,et->es", goes, found[t + 1, :, other])
                found[t, :, other] = self.reward[:, states, action] + self.discount * after
        return found

    def cashed(self, t: int, belief: np.ndarray, state: int) -> float:
        """U(belief, state) with t steps gone."""
        return float((belief @ self.cross_values[t, :, :, state]).max())

    def posterior(self, belief: np.ndarray, state: int, action: int, after: int) -> np.ndarray:
        """The belief after a transition; as it was where the transition had no probability."""
        joint = belief * self.transition[:, state, action, after]
        return joint / joint.sum() if joint.sum() > 0 else belief

    def value(self, state: int = 0, *, cashing: bool = False) -> float:
        """V of the best policy, which knows no more than the prior and what it sees; exact, over all that may be seen.

        cashing: whether each step also pays discount * U after it less U before it.
        """
        known: dict[tuple, float] = {}

        def best(t: int, belief: np.ndarray, state: int) -> float:
            if t == self.horizon:
                return 0.0
            key = t, state, *np.round(belief, 12).tolist()
            if key not in known:
                known[key] = max(worth(t, belief, state, action) for action in range(self.reward.shape[2]))
            return known[key]

        def worth(t: int, belief: np.ndarray, state: int, action: int) -> float:
            total = float(belief @ self.reward[:, state, action])
            total -= self.cashed(t, belief, state) if cashing else 0.0
            for after, p in enumerate(belief @ self.transition[:, state, action]):
                if p > 0:
                    new = self.posterior(belief, state, action, after)
                    bonus = self.cashed(t + 1, new, after) if cashing else 0.0
                    total += p * self.discount * (best(t + 1, new, after) + bonus)
            return total

        return best(0, self.prior, state)
