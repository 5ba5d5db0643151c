"""Expected information gain of experiments, I(parameter; result | design) in nats: exact, and as it is estimated.

The parameter takes n values with a prior p. An experiment with M results is a matrix L[parameter, result]; one with a result in
the reals, here normal about a mean that the parameter says, is integrated numerically. Lindley (1956); Foster et al. (2019,
2020).
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.integrate import trapezoid
from scipy.special import logsumexp, ndtr, ndtri

from commenv.info.distributions import Array, distribution

NODES = 40_001
"""Of the trapezoid rule."""
AT_ONCE = 1_000_000
"""Inner draws that are held at a time."""


def entropy(p: Array, axis: int = -1) -> Array:
    """In nats, along an axis of probabilities."""
    return -np.where(p > 0, p * np.log(np.where(p > 0, p, 1)), 0).sum(axis)


# ----------------------------------------------------------------------------------------------------------- exact
def gain(prior: ArrayLike, likelihood: ArrayLike) -> float:
    """I(parameter; result) of a matrix L[parameter, result], whose rows are distributions: H(E L) - E H(L)."""
    p, L = distribution(prior), np.asarray(likelihood, float)
    return max(0.0, float(entropy(p @ L) - p @ entropy(L)))


def normal_gain(prior: ArrayLike, means: ArrayLike, sigma: float) -> float:
    """I(parameter; result) where the result is means[parameter] + N(0, sigma**2): trapezoid rule, nine sigma on either side."""
    p, mu = distribution(prior), np.asarray(means, float)
    y = np.linspace(mu.min() - 9 * sigma, mu.max() + 9 * sigma, NODES)
    density = np.zeros(NODES)
    for weight, mean in zip(p, mu, strict=True):
        density += weight * np.exp(-0.5 * ((y - mean) / sigma) ** 2) / (sigma * math.sqrt(2 * math.pi))
    marginal = float(trapezoid(-density * np.log(np.where(density > 0, density, 1)), y))
    return marginal - 0.5 * math.log(2 * math.pi * math.e * sigma**2)


def together(likelihoods: Sequence[Array] | Array) -> Array:
    """L[parameter, all results] of experiments that are independent given the parameter, side by side."""
    joint = likelihoods[0]
    for L in likelihoods[1:]:
        joint = (joint[:, :, None] * L[:, None, :]).reshape(len(L), -1)
    return joint


def best_designs(prior: ArrayLike, designs: Array, count: int) -> tuple[float, tuple[int, ...]]:
    """The designs, perhaps repeated, of most joint gain; all are tried. designs [D, parameter, result]."""
    sets = itertools.combinations_with_replacement(range(len(designs)), count)
    return max(((gain(prior, together(designs[list(chosen)])), chosen) for chosen in sets), key=lambda found: round(found[0], 12))


def greedy_designs(prior: ArrayLike, designs: Array, count: int) -> tuple[float, tuple[int, ...]]:
    """Each design is the one that tells most beside those before it. Results are independent given the parameter, so the joint
    gain is submodular, and this has at least 1 - 1/e of the best (Nemhauser, Wolsey, Fisher 1978)."""
    chosen: tuple[int, ...] = ()
    value = 0.0
    for _ in range(count):
        gains = [round(gain(prior, together(designs[[*chosen, d]])), 12) for d in range(len(designs))]
        chosen = (*chosen, int(np.argmax(gains)))
        value = gain(prior, together(designs[list(chosen)]))
    return value, chosen


# ------------------------------------------------------------------------------------------------------- estimates
@dataclass(frozen=True)
class Estimate:
    """A gain from samples, in nats."""

    nats: float
    standard_error: float


def nested_monte_carlo(
    prior: ArrayLike, means: ArrayLike, sigma: float, outer: int, inner: int, seed: int, contrastive: bool = False
) -> Estimate:
    """Estimate of `normal_gain`: mean over `outer` draws of ln p(y | parameter) - ln mean p(y | `inner` other parameters).

    It is too high on average, by O(1 / inner) (Rainforth et al. 2018). contrastive: the parameter that made y is counted among
    the inner ones; then it is a lower bound on average, of at most ln(inner + 1) (prior contrastive estimation; Foster et al.
    2020).
    """
    p, mu = distribution(prior), np.asarray(means, float)
    rng = np.random.default_rng(seed)
    made = mu[rng.choice(len(p), outer, p=p)]
    y = made + sigma * rng.standard_normal(outer)
    terms = np.empty(outer)
    rows = max(1, AT_ONCE // inner)
    for k in range(0, outer, rows):
        here = slice(k, min(k + rows, outer))
        others = mu[rng.choice(len(p), (here.stop - k, inner), p=p)]
        others = np.column_stack([others, made[here]]) if contrastive else others
        logs = -0.5 * ((y[here, None] - others) / sigma) ** 2
        own = -0.5 * ((y[here] - made[here]) / sigma) ** 2
        terms[here] = own - logsumexp(logs, axis=1) + math.log(others.shape[1])
    return Estimate(float(terms.mean()), float(terms.std(ddof=1) / math.sqrt(outer)))


# ---------------------------------------------------------------------------------------------------------- models
def location_mean(theta: ArrayLike, design: float, base: float = 0.1, strength: float = 1.0, soft: float = 0.1) -> Array:
    """ln intensity at a place, of a source at theta on a line: ln(base + strength / (soft + (theta - design)**2)).

    Foster et al. (2021), Deep adaptive design, whose results are this and N(0, 0.5**2).
    """
    return np.log(base + strength / (soft + (np.asarray(theta, float) - design) ** 2))


def marked(means: Array, sigma: float, levels: int) -> Array:
    """Results read off an instrument of so many marks: L[design, parameter, level] of means[design, parameter].

    The marks are the quantiles of all results, parameters and designs being equally likely.
    """
    y = np.linspace(means.min() - 9 * sigma, means.max() + 9 * sigma, NODES)
    below = ndtr((y[:, None] - means.ravel()) / sigma).mean(1)
    marks = np.interp(np.arange(1, levels) / levels, below, y)
    cumulative = ndtr((marks - means[..., None]) / sigma)
    edges = np.concatenate([np.zeros((*means.shape, 1)), cumulative, np.ones((*means.shape, 1))], -1)
    return np.diff(edges, axis=-1)


def discounting_grid(points: int) -> tuple[Array, Array]:
    """(k, alpha) at the quantiles (i + 1/2) / points of both priors, points**2 equally likely pairs: ln k ~ N(-4.25, 1.5**2),
    alpha half-normal of scale 2."""
    u = (np.arange(points) + 0.5) / points
    k, alpha = np.exp(-4.25 + 1.5 * ndtri(u)), 2.0 * ndtri((1 + u) / 2)
    return np.repeat(k, points), np.tile(alpha, points)


def prefers_delayed(k: Array, alpha: Array, now: float, later: float, days: float, slip: float = 0.01) -> Array:
    """Probability that the larger, later reward is chosen under hyperbolic discounting: it is worth later / (1 + k days).

    Mazur (1987); with choice noise alpha and slips as in BoxingGym (Gandhi et al. 2025).
    """
    return slip + (1 - 2 * slip) * ndtr((later / (1 + k * days) - now) / alpha)


# --------------------------------------------------------------------------------------------- experimenters in a team
def last_gains(weights: Array, designs: Array, count: int) -> tuple[Array, list[tuple[int, ...]]]:
    """Gain of every set of `count` designs for every belief: weights [B, parameter] -> ([B, sets], the sets)."""
    sets = list(itertools.combinations_with_replacement(range(len(designs)), count))
    found = np.empty((len(weights), len(sets)))
    for s, chosen in enumerate(sets):
        L = together(designs[list(chosen)])
        found[:, s] = entropy(weights @ L) - weights @ entropy(L)
    return found, sets


def adaptive_gain(prior: ArrayLike, designs: Array, count: int, rounds: int) -> float:
    """The most that `count` experiments a round tell in so many rounds, all results being known before the next round.

    V_0 = 0, V_t(p) = max over sets of I(parameter; results) + E V_{t-1}(posterior), summed over all results.
    """

    def value(weights: np.ndarray, left: int) -> np.ndarray:
        """Of every belief [B, n]."""
        gains, sets = last_gains(weights, designs, count)
        if left > 1:
            for s, chosen in enumerate(sets):
                joint: Array = weights[:, :, None] * together(designs[list(chosen)])  # [B, n, results]
                chance = joint.sum(1)
                beliefs = np.moveaxis(joint / np.where(chance > 0, chance, 1)[:, None], 1, 2)
                later = value(beliefs.reshape(-1, beliefs.shape[-1]), left - 1).reshape(chance.shape)
                gains[:, s] += (chance * later).sum(1)
        return gains.max(1)

    return float(value(distribution(prior)[None], rounds)[0])


@dataclass(frozen=True)
class Pair:
    """The best two experimenters in two rounds, who tell each other one of so many messages in between."""

    value: float
    """Expected gain, in nats."""
    first: tuple[int, int]
    """Their designs in the first round."""
    codes: tuple[tuple[int, ...], tuple[int, ...]]
    """The message of each after each result."""
    second: tuple[dict[tuple[int, int], int], dict[tuple[int, int], int]]
    """The design of each in the second round after (its own result, the message heard)."""


def best_pair(prior: ArrayLike, designs: Array, messages: int) -> Pair:
    """The pair of most expected gain, exactly, by trying all codes.

    What both told parts their results into blocks, in each of which the second designs, of each a function of its own result,
    are a team problem of its own (Radner 1962): all functions of one are tried, with the other's best answer. First designs
    come in the order of what they could gain if all results were shared, and the rest is not tried once nobody can do better.
    """
    p = distribution(prior)
    D, _, M = designs.shape
    firsts = list(itertools.combinations_with_replacement(range(D), 2))
    tables = {e: _second_gains(p, designs, *e) for e in firsts}
    now = {e: gain(p, together(designs[list(e)])) for e in firsts}
    bound = {e: now[e] + float(tables[e].max((2, 3)).sum()) for e in firsts}
    codes = [word for word in itertools.product(range(min(messages, M)), repeat=M) if _named_in_order(word, min(messages, M))]
    best: tuple[float, Any] = (-math.inf, None)
    for e in sorted(firsts, key=lambda one: -bound[one]):
        if bound[e] <= best[0] + 1e-12:
            break
        solved: dict[tuple[tuple[int, ...], tuple[int, ...]], tuple[float, Any]] = {}
        for one, two in itertools.product(codes, repeat=2):
            total, chosen = now[e], []
            for m1, m2 in itertools.product(range(max(one) + 1), range(max(two) + 1)):
                cells = tuple(y for y in range(M) if one[y] == m1), tuple(y for y in range(M) if two[y] == m2)
                if cells not in solved:
                    solved[cells] = _block(tables[e][np.ix_(*cells)])
                total += solved[cells][0]
                chosen.append((m1, m2, cells, solved[cells][1]))
            if total > best[0] + 1e-12:
                best = total, (e, (one, two), chosen)
    first, both, chosen = best[1]
    second: tuple[dict, dict] = ({}, {})
    for m1, m2, (cell_1, cell_2), (designs_1, designs_2) in chosen:
        second[0].update({(y, m2): int(d) for y, d in zip(cell_1, designs_1, strict=True)})
        second[1].update({(y, m1): int(d) for y, d in zip(cell_2, designs_2, strict=True)})
    return Pair(best[0], first, both, second)


def _second_gains(p: Array, designs: Array, one: int, two: int) -> Array:
    """P(results) times the gain of the second designs after them: [y_1, y_2, d_1, d_2]."""
    D, _, M = designs.shape
    joint = p[:, None, None] * designs[one][:, :, None] * designs[two][:, None, :]
    chance = joint.sum(0)
    beliefs = (joint / np.where(chance > 0, chance, 1)).reshape(len(p), -1).T
    gains, sets = last_gains(beliefs, designs, 2)
    found = np.empty((M, M, D, D))
    for s, (d, c) in enumerate(sets):
        found[:, :, d, c] = found[:, :, c, d] = chance * gains[:, s].reshape(M, M)
    return found


def _block(table: Array) -> tuple[float, tuple[Array, Array]]:
    """The best second designs in one block of table[y_1, y_2, d_1, d_2]: value, and the designs by result of each."""
    rows, columns, D, _ = table.shape
    if rows > columns:
        value, (one, two) = _block(table.transpose(1, 0, 3, 2))
        return value, (two, one)
    sums = table[0].transpose(1, 0, 2)  # [functions so far, y_2, d_2]
    for y in range(1, rows):
        sums = (sums[:, None] + table[y].transpose(1, 0, 2)[None]).reshape(-1, columns, D)
    totals = sums.max(2).sum(1)
    best = int(totals.argmax())
    return float(totals[best]), (np.array(np.unravel_index(best, (D,) * rows)), sums[best].argmax(1))


def _named_in_order(word: tuple[int, ...], cells: int) -> bool:
    """Whether a code uses all its messages, each for the first time in their order: others are this one renamed."""
    return max(word) + 1 == cells and all(word[k] <= max(word[:k], default=-1) + 1 for k in range(len(word)))
