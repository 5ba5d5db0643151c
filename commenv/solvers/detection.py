"""Detection by many sensors (Tenney, Sandell 1981; Tsitsiklis 1993): each quantises theta + noise, a centre decides.

theta is -1 or 1, as likely; the noise is Gaussian and independent. Given theta, sensors are independent, so
that the best quantiser of each is by thresholds on what it reads, whose likelihood ratio rises.
"""

from dataclasses import dataclass
from functools import cache
from itertools import combinations_with_replacement
from math import comb, lgamma

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import minimize
from scipy.stats import norm

from commenv.core.errors import number, whole
from commenv.info.distributions import Array, stochastic

MOST_LEVELS = 8
"""Levels of a quantiser that are optimised at most."""
SEARCH = {"xatol": 1e-7, "fatol": 1e-12, "maxiter": 500}
MOST_COUNTS = 20_000
"""Ways in which sensors may share out over what is heard that are summed over at most."""


def unquantised(sensors: int, noise: float) -> float:
    """Probability of error of who reads all sensors: Q(sqrt(N) / sigma).

    >>> round(unquantised(5, 1.0), 9)
    0.012673659
    """
    return float(norm.sf(np.sqrt(whole("sensors", sensors, 1)) / number("noise", noise, 1e-6, 1e6)))


def levels(thresholds: ArrayLike, noise: float) -> Array:
    """P(level | theta) of a quantiser, shape (2, levels), theta = -1 first; thresholds rise."""
    cuts = np.concatenate([[-np.inf], np.asarray(thresholds, float), [np.inf]])
    return np.stack([np.diff(norm.cdf(cuts, loc=theta, scale=noise)) for theta in (-1, 1)])


@cache
def _counts(sensors: int, heard: int) -> tuple[Array, Array]:
    """How many of alike sensors are heard as what, shape (n, heard), and the logarithm of the ways in which that comes about."""
    found = np.array([np.bincount(drawn, minlength=heard) for drawn in combinations_with_replacement(range(heard), sensors)])
    factorial = np.array([lgamma(k + 1) for k in range(sensors + 1)])
    return found, factorial[sensors] - factorial[found].sum(axis=1)


def fused(heard: ArrayLike, sensors: int) -> float:
    """Probability of error of the best fusion of N alike sensors; heard: P(what is heard of one | theta), shape (2, symbols).

    Raises ValueError where there are more than 20,000 ways to share out.

    >>> round(fused(levels([0.0], 1.0), 5), 9)
    0.03103498
    """
    table = stochastic(heard)
    if comb(sensors + table.shape[1] - 1, sensors) > MOST_COUNTS:
        raise ValueError(f"{sensors} sensors and {table.shape[1]} symbols are too many to sum over")
    counts, ways = _counts(sensors, table.shape[1])
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.where(counts[:, None] > 0, counts[:, None] * np.log(table), 0.0).sum(axis=-1) + ways[:, None]  # [way, theta]
    return float(np.exp(logs).min(axis=1).sum() / 2)


@dataclass(frozen=True)
class Detector:
    """Alike sensors with the best thresholds found, and how often they err: `error` is an upper bound of the least error, and
    `exact` where it is known to be the least."""

    error: float
    exact: bool
    thresholds: Array
    """Shape (levels - 1,), rising."""


def detector(sensors: int, noise: float, W: ArrayLike) -> Detector:
    """The best quantiser found that all sensors share, and the best fusion, over the channel W[message, output].

    Local search from levels of equal mass, as they are and moved to one side: an even number of one-bit sensors does best with a
    threshold other than 0. Up to 8 levels, as many as can be summed over. Exact for one sensor whose levels tell the sign without
    noise, and for no message.
    """
    channel = stochastic(W)
    M = min(len(channel), MOST_LEVELS)
    while M > 1 and comb(sensors + channel.shape[1] - 1, sensors) > MOST_COUNTS:
        M -= 1
        channel = channel[:M]
        channel = channel[:, channel.any(axis=0)]
    channel = channel[:M]
    if M == 1:
        return Detector(0.5, len(stochastic(W)) == 1, np.zeros(0))

    def error(thresholds: Array) -> float:
        return fused(levels(np.sort(thresholds), noise) @ channel, sensors)

    even = norm.ppf(np.arange(1, M) / M) * noise
    best = even
    for moved in (0.0, -0.4 * noise):
        found = np.sort(minimize(error, even + moved, method="Nelder-Mead", options=SEARCH).x)
        if error(found) < error(best) - 1e-12:
            best = found
    noiseless = bool(np.isin(channel, (0, 1)).all())
    return Detector(error(best), sensors == 1 and noiseless and M == 2, best)


def least_error(sensors: int, noise: float, gap: float, most: int = 2_000_000) -> tuple[float, float]:
    """Lower and upper bound, not further apart than `gap`, of the least error of N one-bit sensors of any thresholds, any fusion.

    Branch and bound over boxes of thresholds up to 8 standard deviations beyond theta, where a sensor tells nothing; sensors are
    sorted by threshold. Raises ValueError where more than `most` boxes are left.

    >>> low, high = least_error(2, 1.0, 1e-3)
    >>> bool(low <= fused(levels([0.0], 1.0), 2) and high - low <= 1e-3)
    True
    """
    far = 1 + 8 * noise
    low, high = np.full((1, sensors), -far), np.full((1, sensors), far)
    shares = np.array(np.meshgrid(*[range(3)] * sensors, indexing="ij")).reshape(sensors, -1)
    best = 0.5
    while len(low):
        middle = (low + high) / 2
        best = min(best, float(_errors(middle, middle, noise, shares).min()))
        bounds = _errors(low, high, noise, shares)
        open_ = bounds < best - gap
        if not open_.any():
            break
        low, high, middle = low[open_], high[open_], middle[open_]
        widest = (high - low).argmax(axis=1)
        rows = np.arange(len(low))
        left, right = high.copy(), low.copy()
        left[rows, widest] = right[rows, widest] = middle[rows, widest]
        low, high = np.concatenate([low, right]), np.concatenate([left, high])
        sorted_ = (low[:, :-1] <= high[:, 1:]).all(axis=1)
        low, high = low[sorted_], high[sorted_]
        if len(low) > most:
            raise ValueError(f"more than {most:,} boxes of thresholds are left: ask for a wider gap than {gap}")
    return best - gap, best


def _errors(low: Array, high: Array, noise: float, shares: np.ndarray) -> Array:
    """Of each box, a bound of the error of the sensors with thresholds in it; for a box without width the error itself.

    Of readings between both ends nobody knows on which side of the threshold they fall. But their likelihood ratio is at least
    that of the lower end, so that if they have mass m under theta = -1 they count for no less than m and m times that ratio do,
    however they are divided; and likewise with the upper end.
    """
    ends = [[norm.cdf(end, theta, noise) for end in (low, high)] for theta in (-1, 1)]
    below, above = [end[0] for end in ends], [1 - end[1] for end in ends]
    between = [upto - under for under, upto in ends]
    least = between[0], np.minimum(between[0] * np.exp(2 * low / noise**2), between[1])
    most = np.minimum(between[1] * np.exp(-2 * high / noise**2), between[0]), between[1]
    bounds = []
    for middle in (least, most):
        products = []
        for theta in (0, 1):
            table = np.stack([below[theta], middle[theta], above[theta]], axis=-1)  # [box, sensor, level]
            products.append(np.prod([table[:, k, share] for k, share in enumerate(shares)], axis=0))
        bounds.append(np.minimum(*products))
    return np.maximum(*bounds).sum(axis=-1) / 2
