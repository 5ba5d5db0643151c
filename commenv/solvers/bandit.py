"""Bayes-adaptive Bernoulli bandits: the best plan of an explorer who pulls, and then tells another which arm to keep.

What an explorer knows of K arms with Beta priors are its successes and failures, so its plan is a dynamic program over these
counts (Bellman 1956, A problem in the sequential design of experiments). What it tells is one of M messages. Every decoder gives
each message an expected arm, the explorer then says the message that is worth most, and the best decoder is found by trying all.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, product
from math import comb

import numpy as np

MOST_STATES = 400_000
"""Counts of successes and failures beyond which no plan is computed."""
MOST_DECODERS = 4_096
"""Decoders beyond which not all are tried."""


@dataclass(frozen=True)
class Plan:
    """The best plan found. Layer t holds every state that t pulls may lead to, a row each of `states[t]`."""

    value: float
    """Expected successes: of the explorer's pulls, and of `stake` pulls of the arm that is told."""
    decoder: np.ndarray
    """The arm that each delivered symbol stands for, shape (Y,)."""
    states: list[np.ndarray]
    """Of each layer the successes of all arms, then their failures, shape (n, 2 K)."""
    pull: list[np.ndarray]
    """Of each layer but the last the arm to pull, shape (n,)."""
    message: np.ndarray
    """What to say in each state of the last layer, shape (n,)."""

    def find(self, layer: int, counts: np.ndarray) -> np.ndarray:
        """Rows of the states of a layer, of counts (n, 2 K)."""
        base = len(self.states)
        return np.searchsorted(_codes(self.states[layer], base), _codes(counts, base))


def plan(
    priors: Sequence[Sequence[float]] | np.ndarray, pulls: int, stake: float = 0.0, channel: np.ndarray | None = None
) -> Plan:
    """The best explorer and listener: `pulls` pulls that pay a unit a success, one message, `stake` pulls of the arm told.

    priors: (a, b) of each arm's Beta distribution, shape (K, 2), positive. channel: W[m, y], the probability that symbol y is
    heard where m was said, shape (M, Y); None: the arm is told outright. Exact. Raises ValueError where there are more than
    400,000 states or 4,096 decoders.

    >>> plan([[1, 1], [1, 1]], 2).value
    1.0833333333333333
    >>> plan([[1, 1], [1, 1]], 0, stake=3).value
    1.5
    """
    beta = np.asarray(priors, float)
    K = len(beta)
    if (count := comb(pulls + 2 * K, 2 * K)) > MOST_STATES:
        raise ValueError(f"{K} arms and {pulls} pulls have {count:,} states: that is more than {MOST_STATES:,}")
    layers = [_layer(2 * K, t) for t in range(pulls + 1)]
    means = [(beta[:, 0] + x[:, :K]) / (beta.sum(axis=1) + x[:, :K] + x[:, K:]) for x in layers]
    W = np.eye(K) if channel is None else np.asarray(channel, float)
    best: tuple[float, np.ndarray, list[np.ndarray], np.ndarray] | None = None
    for decoder in decoders(beta, W):
        told = stake * means[-1][:, decoder] @ W.T  # [n, M] worth of each message
        value, arms = _backwards(layers, means, told.max(axis=1))
        if best is None or value > best[0] + 1e-12:
            best = value, decoder, arms, told.argmax(axis=1)
    assert best is not None
    value, decoder, arms, message = best
    return Plan(value, decoder, layers, arms, message)


def decoders(beta: np.ndarray, W: np.ndarray) -> list[np.ndarray]:
    """Decoders (Y,) that may be best; of those that differ only in the names of arms with the same prior, one.

    Where every message is heard as it is, all that matters is which arms are named. Raises ValueError for too many.
    """
    K, (M, Y) = len(beta), W.shape
    clean = M == Y and np.array_equal(W, np.eye(M))
    if clean and M >= K:
        return [np.minimum(np.arange(Y), K - 1)]
    if (count := comb(K, M) if clean else K**Y) > MOST_DECODERS:
        raise ValueError(f"{K} arms and {Y} symbols that may be heard have {count:,} decoders: more than {MOST_DECODERS:,}")
    found: dict[tuple, np.ndarray] = {}
    for decoder in combinations(range(K), M) if clean else product(range(K), repeat=Y):
        seen: dict[int, int] = {}
        key = tuple((*beta[arm].tolist(), seen.setdefault(arm, len(seen))) for arm in decoder)
        found.setdefault(key, np.array(decoder))
    return list(found.values())


def _backwards(layers: list[np.ndarray], means: list[np.ndarray], worth: np.ndarray) -> tuple[float, list[np.ndarray]]:
    """Value of the beginning, and the arm to pull in every state, from what the states after the last pull are worth."""
    K, base = layers[0].shape[1] // 2, len(layers)
    arms: list[np.ndarray] = []
    for t in range(len(layers) - 2, -1, -1):
        after, codes = _codes(layers[t + 1], base), _codes(layers[t], base)
        unit = _codes(np.eye(2 * K, dtype=np.int64), base)
        won, lost = (worth[np.searchsorted(after, codes[:, None] + step)] for step in (unit[:K], unit[K:]))
        earned = means[t] * (1 + won) + (1 - means[t]) * lost  # [n, K]
        arms.append(np.argmax(earned >= earned.max(axis=1, keepdims=True) - 1e-12, axis=1))
        worth = earned.max(axis=1)
    return float(worth[0]), arms[::-1]


def _layer(parts: int, total: int) -> np.ndarray:
    """All ways to write `total` as so many counts, in increasing order of their code; shape (n, parts)."""
    rows = np.zeros((1, 0), np.int64)
    left = np.array([total])
    for _ in range(parts - 1):
        repeats = left + 1
        first = np.repeat(np.cumsum(repeats) - repeats, repeats)
        next_count = np.arange(repeats.sum()) - first
        rows = np.column_stack([np.repeat(rows, repeats, axis=0), next_count])
        left = np.repeat(left, repeats) - next_count
    return np.column_stack([rows, left])


def _codes(counts: np.ndarray, base: int) -> np.ndarray:
    """Counts as one number each: the first count leads."""
    if base ** counts.shape[1] > 2**62:
        raise ValueError(f"{counts.shape[1]} counts below {base} do not fit one integer")
    return counts @ (base ** np.arange(counts.shape[1] - 1, -1, -1, dtype=np.int64))
