"""A principal who does not know what signals are worth: it explores every profile, then commits to a mechanism that is safe.

Explore-then-commit (Cacciamani, Castiglioni, Gatti 2023, Online information acquisition: hiring multiple agents): every profile
of efforts is played T^(2/3) times, then one mechanism for what is left of T rounds. Prior and costs are known, P(signals |
efforts, state) is not. What the data leave open is an interval around every probability, all of them right with probability 1 -
1/T; the mechanism is the best that is incentive compatible for every kernel in them. So nobody need know the truth, or the gap it
leaves, to be safe from deviations.

While it explores, efforts have to be forced, or overpaid, by means that are not modelled here, as in the paper: each round is
charged all that can be at stake, the spread of the utility.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy.stats import beta

from commenv.core.errors import number, whole
from commenv.solvers.hiring import Array, Instance, Mechanism, audit
from commenv.solvers.hiring_program import optimal, robust


@dataclass(frozen=True, eq=False)
class Learned:
    """What came of T rounds."""

    mechanism: Mechanism
    explored: int
    """Rounds."""
    gap: float
    """The optimum less what the mechanism earns, a round."""
    violation: float
    """The most that any agent gains by deviating from the mechanism, a round: 0 if the intervals held the truth."""
    regret: float
    """Of all T rounds together."""


def explore_then_commit(instance: Instance, cap: float, rounds: int, seed: int, *, share: float = 1.0) -> Learned:
    """Learn the kernel of an instance, of which nothing but prior, costs and utility is looked at, and count the regret.

    share: of T^(2/3), rounds for every profile. Raises ValueError where T rounds are too few for that.
    """
    whole("rounds", rounds, 1)
    number("share", share, 0, math.inf)
    each, profiles = math.ceil(share * rounds ** (2 / 3)), len(instance.worth)
    if profiles * each > rounds:
        raise ValueError(f"rounds={rounds} are too few to try {profiles} profiles {each} times each")
    estimate, low, high = estimated(instance, each, 1 / rounds, np.random.default_rng(seed))
    found = robust(estimate, cap, low, high)
    gap = optimal(instance, cap).earns(instance) - found.earns(instance)
    gain = max(deviation.gain for deviation in audit(instance, found))
    explored, stake = profiles * each, float(np.ptp(instance.utility))
    return Learned(found, explored, gap, gain, explored * stake + (rounds - explored) * gap)


def estimated(instance: Instance, each: int, risk: float, rng: np.random.Generator) -> tuple[Instance, Array, Array]:
    """The instance as so many rounds of every profile show it, and the ends of intervals around its kernel, which all hold the
    truth but for a probability of `risk`: exact ones (Clopper, Pearson 1934), shared out alike."""
    counts = np.array(
        [rng.multinomial(each, law.ravel()).reshape(law.shape) for law in instance.law]
    )  # [profile, state, signals]
    seen = counts.sum(axis=2, keepdims=True)
    kernel = np.divide(counts, seen, out=np.full(counts.shape, 1 / counts.shape[2]), where=seen > 0)
    tail = risk / (2 * counts.size)
    low = np.where(counts > 0, beta.ppf(tail, np.maximum(counts, 1), seen - counts + 1), 0.0)
    high = np.where(counts < seen, beta.ppf(1 - tail, counts + 1, np.maximum(seen - counts, 1)), 1.0)
    shape = instance.kernel.shape
    guess = Instance(instance.prior, instance.costs, kernel.reshape(shape), instance.utility)
    return guess, low.reshape(shape), high.reshape(shape)
