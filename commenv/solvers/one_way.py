"""One message, then one answer by a listener who knows something of its own: one-way communication complexity, in the mean.

The speaker sees x and sends one message; the listener sees y and what the channel delivers, and answers a, which earns
reward[x, y, a]. Yao (1979); what the listener knows and the speaker does not is side information (Wyner, Ziv 1976).
"""

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import ArrayLike

from commenv import info
from commenv.info.distributions import Array, stochastic
from commenv.info.rate_reward import RateReward
from commenv.solvers.partitions import MOST_THINGS, best_partition, subset_sums

MOST_FUNCTIONS = 4096
"""Functions from y to answers that are taken for actions at most."""
STARTS = 64
"""Encoders that the local search sets out from."""
ROUNDING = 1e-12


@dataclass(frozen=True)
class OneWay:
    """A code for one question, and whether it is known to be the best."""

    value: float
    """Mean reward of the code."""
    exact: bool
    """Whether no code is better; otherwise `value` is a lower bound of the optimum."""
    method: str
    """By "partitions", "functions" or "local search"."""
    encoder: np.ndarray
    """Message for each x, shape (X,)."""
    decoder: np.ndarray
    """Answer for each output of the channel and each y, shape (outputs, Y)."""


def tables(prior: ArrayLike, reward: ArrayLike) -> tuple[Array, Array]:
    """The joint distribution, shape (X, Y), and the reward, shape (X, Y, A). Raises ValueError where they do not fit together."""
    joint, earned = np.asarray(prior, float), np.asarray(reward, float)
    if joint.ndim != 2 or earned.ndim != 3 or earned.shape[:2] != joint.shape or not earned.size or not np.isfinite(earned).all():
        raise ValueError(f"prior of shape {joint.shape} and reward of shape {earned.shape} must be (X, Y) and (X, Y, A), finite")
    return info.distribution(joint.ravel()).reshape(joint.shape), earned


def one_way(prior: ArrayLike, reward: ArrayLike, W: ArrayLike) -> OneWay:
    """Best mean reward with one use of the channel W[m, output], rows sum to 1; prior[x, y], reward[x, y, a].

    Without noise all partitions of up to 16 different x are tried (an x that is worth the same as another, whatever is answered,
    is no different one). Else, where the answers may be up to 4,096 functions of y, these are the actions of `info.one_shot` or
    `info.noisy_one_shot`. What is left is improved in turn from many encoders, and exact only if it meets the `bound`.
    Raises ValueError for tables that do not fit.

    >>> equal = np.eye(4)
    >>> prior = equal / 8 + (1 - equal) / 24
    >>> round(one_way(prior, np.stack([1 - equal, equal], axis=-1), np.eye(2)).value, 9)
    0.833333333
    """
    joint, r = tables(prior, reward)
    W = stochastic(W)
    worth = joint[:, :, None] * r
    noiseless = bool(np.isin(W, (0, 1)).all())
    if noiseless:
        kinds, kind = np.unique(worth.round(15).reshape(len(worth), -1), axis=0, return_inverse=True)
        if len(kinds) <= MOST_THINGS:
            return _partitioned(worth, kind.ravel(), W)
    _, Y, A = worth.shape
    if A**Y <= MOST_FUNCTIONS:
        functions = np.array(list(product(range(A), repeat=Y)))
        mass = joint.sum(axis=1)
        earned = worth[:, np.arange(Y), functions].sum(axis=-1)  # [x, function]
        earned = np.divide(earned, mass[:, None], out=np.zeros_like(earned), where=mass[:, None] > 0)
        code = info.noisy_one_shot(mass, earned, W)
        return OneWay(code.value, code.exact, "functions", np.asarray(code.encoder), functions[code.decoder])
    return _searched(joint, r, worth, W)


def _partitioned(worth: Array, kind: np.ndarray, W: Array) -> OneWay:
    """Messages that are heard alike are one; every partition of the kinds of x into as many blocks."""
    n = int(kind.max()) + 1
    rows = np.zeros((n, *worth.shape[1:]))
    np.add.at(rows, kind, worth)
    values = np.zeros(2**n)
    for y in range(worth.shape[1]):
        values += subset_sums(rows[:, y]).max(axis=-1)
    outputs, message = np.unique(W.argmax(axis=1), return_index=True)
    value, blocks = best_partition(values, len(outputs))
    block_of = np.empty(n, int)
    for k, block in enumerate(blocks):
        block_of[block] = k
    encoder = message[block_of[kind]]
    return OneWay(value, True, "partitions", encoder, _decode(worth, W, encoder))


def _decode(worth: Array, W: Array, encoder: np.ndarray) -> np.ndarray:
    return np.einsum("xo,xya->oya", W[encoder], worth).argmax(axis=-1)


def _searched(joint: Array, r: Array, worth: Array, W: Array) -> OneWay:
    """Best replies in turn, as in Lloyd's (1957) quantiser."""
    X, Y, _ = worth.shape
    starts = np.random.default_rng(0).integers(len(W), size=(STARTS, X))
    starts[0] = np.arange(X) * len(W) // X
    found = []
    for encoder in starts:
        value = -np.inf
        while True:
            decoder = _decode(worth, W, encoder)
            gain = worth[:, np.arange(Y), decoder].sum(axis=-1) @ W.T  # [x, m]
            encoder = gain.argmax(axis=1)
            better = float(gain.max(axis=1).sum())
            if better <= value + ROUNDING:
                break
            value = better
        found.append((value, encoder, decoder))
    value, encoder, decoder = max(found, key=lambda code: code[0])
    exact = value >= bound(joint, r, info.capacity(W).bits).upper - 1e-9
    return OneWay(value, exact, "local search", encoder, decoder)


def has_tight_bound(prior: ArrayLike, reward: ArrayLike) -> bool:
    """Whether `bound` is the reward-rate function itself: x and y are independent, and the answers few enough functions of y."""
    joint, r = tables(prior, reward)
    _, Y, A = r.shape
    return A**Y <= MOST_FUNCTIONS and np.allclose(joint, joint.sum(axis=1)[:, None] * joint.sum(axis=0), atol=1e-12)


def bound(prior: ArrayLike, reward: ArrayLike, bits: float) -> RateReward:
    """Reward that no code over many questions exceeds at so many bits a question.

    Where x and y are independent and the answers are up to 4,096 functions of y, this is the reward-rate function with side
    information at the listener: a message then names a function (Wyner, Ziv 1976). Else that of a speaker who sees y too, which
    is no less (Gray 1972).

    >>> round(bound(np.full((4, 2), 1 / 8), np.eye(2)[[[0, 0], [0, 1], [1, 0], [1, 1]]], 2.0).value, 9)
    1.0
    """
    joint, r = tables(prior, reward)
    _, Y, A = r.shape
    x, y = joint.sum(axis=1), joint.sum(axis=0)
    if has_tight_bound(prior, reward):
        functions = np.array(list(product(range(A), repeat=Y)))
        return info.rate_reward(x, r[:, np.arange(Y), functions] @ y, bits)
    return info.conditional_rate_reward(joint.T, r.transpose(1, 0, 2), bits)
