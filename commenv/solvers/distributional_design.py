"""Distributional optimal design: which arm of each set to pull, where sets are drawn anew from a known law.

The value of a policy pi is E_X max_{x in X} sqrt(x' V^-1 x), V = ridge I + E_X E_{x ~ pi(X)} x x': how uncertain the most
uncertain arm of a set is on average, if all pull by pi. Where all sets are alike the best value is sqrt(d) (Kiefer, Wolfowitz
1960). A G-optimal design of every set by itself is only known to come below a multiple of d, for it spends pulls on what other
sets show anyway; a fixed order of arms has no bound at all.

The policy is the mixed softmax of Ruan, Yang, Zhou (2021), Linear bandits with limited adaptivity and learning distributional
optimal design, which Amani, Lattimore, Gyorgy, Yang (2023) sample from in DisBE-LUCB: with probability 1/2 a G-optimal design of
the set, else arm x with probability proportional to (x' M x)**ln K, where M is one of a few matrices, drawn in proportion to
how long it was in use while the policy was learned from sets of the core. Theirs: the mixture, the exponent, the core, a new
matrix whenever the determinant of what has been pulled doubles. Ours, as the papers' constants serve proofs: designs are within
a factor of 2 of optimal, the core is found in one pass, and sets are drawn from the known law instead of taken from a batch.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = np.ndarray
Mask = NDArray[np.bool_]

CORE = 100.0
"""Times 2 d**2: the most x' V^-1 x of a set of the core, under local designs. Its mean is at most 2 d**2, so that by Markov at
most one set in so many lies outside."""


@dataclass(frozen=True, eq=False)
class MixedSoftmax:
    """Half a G-optimal design of each set, half a softmax by one of J matrices."""

    shares: Array
    """How often each matrix is used, shape (J,), sums to 1."""
    matrices: Array
    """M of every softmax, shape (J, d, d)."""

    def draw(self, sets: Array, left: Mask, rng: np.random.Generator) -> NDArray[np.int64]:
        """One arm of each set. sets: shape (n, K, d); left: which arms may be pulled, shape (n, K), at least one of each set;
        returns their places, shape (n,)."""
        weights = np.empty(left.shape)
        local = rng.random(len(sets)) < 0.5
        weights[local] = local_designs(sets[local], left[local])
        used = rng.choice(len(self.shares), p=self.shares, size=len(sets))[~local]
        weights[~local] = softmax(sets[~local], left[~local], self.matrices[used])
        return drawn(weights, rng)


def mixed_softmax(sets: Array, left: Mask, ridge: float) -> MixedSoftmax:
    """The policy as it is learned from sets of arms. sets: shape (n, K, d), draws from the law; left: the arms that may be
    pulled, shape (n, K); ridge: positive, what is known beforehand of every direction, in units of one pull.

    Sets pass one by one, each is pulled by the softmax of the matrix in use, and what was pulled adds up; where its determinant
    has doubled, its inverse becomes the matrix in use. Of a pool of n sets the squared value is, by the doubling, of order
    d ln(1 / ridge), whatever the law.
    """
    d = sets.shape[2]
    weights = local_designs(sets, left)
    learned = ridge * np.eye(d) + _moments(sets, weights).mean(axis=0)
    furthest = _spread(sets, left, np.linalg.inv(learned)).max(axis=1)
    core = furthest <= CORE * 2 * d**2
    sets, left = sets[core], left[core]
    n, begun, ahead = len(sets), 0, 64
    pulled = n * ridge * np.eye(d)
    shares, matrices = [], []
    while begun < n:
        matrix, start, doubled = n * np.linalg.inv(pulled), begun, False
        limit = np.linalg.slogdet(pulled)[1] + np.log(2)
        while begun < n and not doubled:
            now = slice(begun, begun + ahead)
            weights = softmax(sets[now], left[now], matrix)
            grown = pulled + np.cumsum(_moments(sets[now], weights), axis=0)
            over = np.flatnonzero(np.linalg.slogdet(grown)[1] > limit)
            doubled = len(over) > 0
            last = int(over[0]) if doubled else len(grown) - 1
            pulled, begun = grown[last], begun + last + 1
        shares.append((begun - start) / n)
        matrices.append(matrix)
        ahead = max(64, 2 * (begun - start))
    return MixedSoftmax(np.array(shares), np.array(matrices))


def local_designs(sets: Array, left: Mask) -> Array:
    """A design of each set by itself, within a factor of 2 of G-optimal: weights, shape (n, K), rows sum to 1.

    So max_k x_k' V^-1 x_k <= 2 r, r the rank of the set. Arms that are not left have weight 0. Multiplicative updates, each
    arm's weight times x' V^-1 x / r (Silvey, Titterington, Torsney 1978), which approach the optimum from any positive weights.
    """
    weights = left / left.sum(axis=1, keepdims=True)
    rest = np.arange(len(sets))
    while len(rest):
        x, w = sets[rest], weights[rest]
        spread = _spread(x, left[rest], np.linalg.pinv(_moments(x, w), rcond=1e-12, hermitian=True))
        rank = (w * spread).sum(axis=1)
        far = spread.max(axis=1) > 2 * rank
        rest, w, spread, rank = rest[far], w[far], spread[far], rank[far]
        weights[rest] = w * spread / rank[:, None]
    return weights


def softmax(sets: Array, left: Mask, matrix: Array) -> Array:
    """Weights proportional to (x' M x)**ln K of the arms that are left, shape (n, K); matrix: M, one or (n, d, d)."""
    worth = _spread(sets, left, matrix)
    most = worth.max(axis=1, keepdims=True)
    with np.errstate(invalid="ignore"):
        power = np.where(most > 0, worth / most, 1.0) ** np.log(max(sets.shape[1], 2)) * left
    return power / power.sum(axis=1, keepdims=True)


def drawn(weights: Array, rng: np.random.Generator) -> NDArray[np.int64]:
    """A place of each row, by its weights (n, K): shape (n,)."""
    ends = np.cumsum(weights, axis=1)
    return (ends <= rng.random((len(weights), 1)) * ends[:, -1:]).sum(axis=1)


def value(sets: Array, left: Mask, chosen: NDArray[np.int64], ridge: float) -> float:
    """Mean over sets of max sqrt(x' V^-1 x), V = ridge I + mean of x x' of the arms that were chosen, shape (n,)."""
    x = sets[np.arange(len(sets)), chosen]
    inverse = np.linalg.inv(ridge * np.eye(x.shape[1]) + x.T @ x / len(x))
    return float(np.sqrt(_spread(sets, left, inverse).max(axis=1)).mean())


def _moments(sets: Array, weights: Array) -> Array:
    """sum of weight x x' over the arms of each set, shape (n, d, d)."""
    return (sets * weights[:, :, None]).transpose(0, 2, 1) @ sets


def _spread(sets: Array, left: Mask, inverse: Array) -> Array:
    """x' V^-1 x of the arms that are left, 0 of the others, shape (n, K); V^-1 is one (d, d), or one a set (n, d, d)."""
    return np.where(left, ((sets @ inverse) * sets).sum(axis=2), 0.0)
