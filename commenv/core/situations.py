"""Every way a game of one message can begin: what exact evaluation sums over, where others would play and average."""

from dataclasses import dataclass

import numpy as np

MOST = 100_000
"""Situations beyond which a game is better played."""


@dataclass(frozen=True)
class Situations:
    """The n beginnings of a round in which one agent speaks once, another answers, and the round is over.

    All rounds of a game are alike and independent. Raises ValueError where the arrays do not belong together.
    """

    probability: np.ndarray
    """Shape (n,)."""
    state: np.ndarray
    """What the message is to tell, as a number from 0; shape (n,)."""
    seen: np.ndarray
    """The speaker's observation, shape (n, w)."""
    own: np.ndarray
    """The listener's own part of its observation, before the inbox; shape (n, v), v may be 0."""
    reward: np.ndarray
    """Reward of each of the listener's actions, shape (n, A)."""
    rounds: int
    """Rounds in a game, each of one message."""

    def __post_init__(self) -> None:
        rows = {len(array) for array in (self.probability, self.state, self.seen, self.own, self.reward)}
        if len(rows) != 1 or not np.isclose(self.probability.sum(), 1):
            raise ValueError(f"situations of {sorted(rows)} rows and total probability {self.probability.sum()}")
