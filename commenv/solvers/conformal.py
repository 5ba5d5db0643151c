"""Conformal information pursuit: prediction sets of known coverage, and queries that are expected to make them small.

Chan, Ge, Dobriban, Hassani, Vidal (2025), Conformal information pursuit; split conformal prediction: Vovk, Gammerman, Shafer
(2005). Everything is in bits.
"""

import math
from collections.abc import Sequence

import numpy as np

from commenv.info import entropy
from commenv.info.distributions import Array, distribution


def entropy_bound(joint: Array, sets: np.ndarray) -> tuple[float, float]:
    """(H(Y | X), what sets C(x) say of it at most) of joint[x, y] and sets[x, y], whether y is in C(x).

    H(Y|X) <= h(alpha) + E[1{Y in C} log |C|] + E[1{Y not in C} log(|Y| - |C|)], alpha = P(Y not in C): to name Y, say first
    whether it is in C, then which of those it is.
    """
    p: np.ndarray = distribution(joint.ravel()).reshape(joint.shape)
    sets = np.asarray(sets, bool)
    if sets.shape != p.shape or sets.ndim != 2:
        raise ValueError(f"sets of shape {sets.shape} do not fit a joint of shape {p.shape}")
    conditional = entropy(p.ravel()) - entropy(p.sum(1))
    size = sets.sum(1)
    inside, outside = (p * sets).sum(1), (p * ~sets).sum(1)
    alpha = float(min(outside.sum(), 1.0))
    within = inside @ np.log2(np.maximum(size, 1)) + outside @ np.log2(np.maximum(sets.shape[1] - size, 1))
    return conditional, entropy([alpha, 1 - alpha]) + float(within)


def threshold(scores: Sequence[float] | Array, alpha: float) -> float:
    """The score that a new one exceeds with probability alpha at most, if it is exchangeable with these n: the
    ceil((n + 1)(1 - alpha))-th of them; infinite where n is below 1 / alpha - 1.

    >>> threshold([0.1, 0.2, 0.3, 0.4], 0.25), threshold([0.1], 0.25)
    (0.4, inf)
    """
    if not 0 < alpha < 1:
        raise ValueError(f"alpha={alpha!r} must be between 0 and 1")
    ordered = np.sort(np.asarray(scores, float))
    rank = math.ceil((len(ordered) + 1) * (1 - alpha) - 1e-9)
    return float(ordered[rank - 1]) if rank <= len(ordered) else math.inf


def prediction_sets(probabilities: Array, tau: float) -> np.ndarray:
    """Which labels have score 1 - probability of at most tau: [..., labels] of bool; the likeliest one where none has."""
    sets = 1 - probabilities <= tau
    best = np.arange(probabilities.shape[-1]) == probabilities.argmax(-1)[..., None]
    return np.where(sets.any(-1, keepdims=True), sets, best)


def calibrate(histories: Sequence[Array], truths: Sequence[np.ndarray], alpha: float) -> list[float]:
    """A threshold for each length of history: histories[k] [n, labels] is predicted after k answers, truths[k] [n] is true.

    The coverage holds at each length by itself, for histories made by the same query policy.
    """
    return [threshold(1 - f[np.arange(len(y)), y], alpha) for f, y in zip(histories, truths, strict=True)]


def best_query(beliefs: Array, likelihood: Array, tau: float) -> np.ndarray:
    """Of each belief [B, n] the query, by number, after whose answer the mean log size of the set is least. Where sets are equal,
    as while all labels are in them, the one after whose answer the entropy is least; then the lowest.

    likelihood [Q, n, answers]; tau: threshold of histories that are longer by one answer.
    """
    joint = beliefs[:, None, :, None] * likelihood  # [B, Q, n, answers]
    chance = joint.sum(2)
    after = np.moveaxis(joint / np.where(chance > 0, chance, 1)[:, :, None], 2, 3)
    sizes = np.log2(prediction_sets(after, tau).sum(-1))
    entropies = -(after * np.log2(np.where(after > 0, after, 1))).sum(-1)
    size, uncertain = (np.round((chance * value).sum(-1), 12) for value in (sizes, entropies))
    return np.where(size == size.min(1, keepdims=True), uncertain, np.inf).argmin(1)
