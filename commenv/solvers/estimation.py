"""Estimation of a Gaussian from a few bits: quantisers of one reading, of several, and what no code can beat.

X is normal with mean 0 and, unless it is said otherwise, variance 1; sensor i reads Y_i = X + N(0, noise**2) and sends one
message; a centre names a number. Everything is a mean squared error.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import ArrayLike
from scipy.linalg import solve_banded
from scipy.stats import norm

from commenv.core.errors import number, whole
from commenv.info.distributions import Array, stochastic

MOST_LEVELS = 4096
"""Levels of a quantiser without a grid."""
FARTHEST = 8.0
"""Standard deviations beyond which a normal is taken for nothing: its mass there is below 2e-15."""
READINGS = 256
"""Values of a reading at which the search weighs messages; between them it draws a line."""
MOST_SUMMED = 5_000_000
"""Numbers that the search may hold: values of X times all that the centre may hear."""
ROUNDS = 200
"""Rounds of best replies at most."""
GAIN = 1e-9
"""Of the mean squared error: what a round of best replies must gain for another."""


# ---------------------------------------------------------------------------------------------------------- asymptotic
def ceo_rate(distortion: float, sensors: int, noise: float, variance: float = 1.0) -> float:
    """Bits of all L sensors together, for each X, without which the mean squared error is above `distortion`: the quadratic
    Gaussian CEO's sum rate, which codes over many X at once attain. Infinite at or below the error of who reads everything.

    Oohama (1998), Prabhakaran, Tse, Ramchandran (2004); for one sensor Dobrushin, Tsybakov (1962).

    >>> round(ceo_rate(1 / 3, 2, .5 ** .5), 9)
    1.79248125
    """
    L = whole("sensors", sensors, 1)
    read = noise**2 / L * (1 / distortion - 1 / variance)  # share of what all readings tell that must be given up
    if distortion >= variance:
        return 0.0
    if read >= 1:
        return np.inf
    return float(0.5 * np.log2(variance / distortion) - L / 2 * np.log2(1 - read))


def ceo_distortion(bits: float, sensors: int, noise: float, variance: float = 1.0) -> float:
    """The least mean squared error at a sum rate of so many bits: `ceo_rate` turned round, by bisection over the rate at which
    each sensor describes its own noise.

    >>> [round(ceo_distortion(bits, 2, .5 ** .5), 9) for bits in (0, 1, 2)]
    [1.0, 0.475959179, 0.311651514]
    """
    L = whole("sensors", sensors, 1)
    if noise == 0:
        return float(variance * 4.0**-bits)
    low, high = 0.0, float(bits) / L

    def error(own: float) -> float:
        return float(1 / (1 / variance + L / noise**2 * (1 - 4.0**-own)))

    while high - low > 1e-15 * high:
        middle = (low + high) / 2
        if middle in (low, high):
            break
        low, high = (middle, high) if 0.5 * np.log2(variance / error(middle)) + L * middle <= bits else (low, middle)
    return error(low)


# ----------------------------------------------------------------------------------------------------------- one normal
@dataclass(frozen=True)
class Quantiser:
    """A quantiser of a normal with mean 0 and variance 1; between two thresholds lies the cell of a point."""

    points: Array
    """Shape (levels,), rising."""
    error: float
    """Mean squared error."""

    @property
    def thresholds(self) -> Array:
        """Shape (levels - 1,): halfway between points, since the nearest is named."""
        return (self.points[1:] + self.points[:-1]) / 2


def moments(edges: ArrayLike) -> tuple[Array, Array, Array]:
    """Of the cells of a standard normal between edges, each shape (cells,): mass, integral of z, integral of z**2."""
    t = np.asarray(edges, float)
    with np.errstate(invalid="ignore"):
        density = norm.pdf(t)
        slope = np.where(np.isfinite(t), t * density, 0.0)
    # From the nearer tail: differences of a distribution function near 1 lose their digits.
    mass = np.where(t[:-1] > 0, norm.sf(t[:-1]) - norm.sf(t[1:]), norm.cdf(t[1:]) - norm.cdf(t[:-1]))
    return mass, density[:-1] - density[1:], mass + slope[:-1] - slope[1:]


@cache
def lloyd_max(levels: int) -> Quantiser:
    """The best quantiser of a standard normal. Lloyd (1957), Max (1960): each point the mean of its cell, each threshold halfway
    between points; for a density whose logarithm is concave only one quantiser is so (Fleischer 1964), hence exact.

    Newton's method from companded points (Panter, Dite 1951), until nothing moves by more than 1e-13. Up to 4,096 levels.

    >>> [round(lloyd_max(levels).error, 9) for levels in (1, 2, 4, 8)]
    [1.0, 0.363380228, 0.117481848, 0.034547761]
    """
    M = whole("levels", levels, 1, MOST_LEVELS)
    points = np.sqrt(3) * norm.ppf((np.arange(M) + 0.5) / M)
    for _ in range(100):
        edges = np.concatenate([[-np.inf], (points[1:] + points[:-1]) / 2, [np.inf]])
        mass, first, _ = moments(edges)
        means = first / mass
        density = norm.pdf(edges[1:-1])
        # A threshold that moves by d moves the mean below it by density (t - mean) d / mass; it moves half as far as its points.
        below = density * (edges[1:-1] - means[:-1]) / mass[:-1] / 2
        above = density * (means[1:] - edges[1:-1]) / mass[1:] / 2
        bands = np.zeros((3, M))
        bands[0, 1:], bands[2, :-1] = -below, -above
        bands[1] = 1.0
        bands[1, :-1] -= below
        bands[1, 1:] -= above
        step = solve_banded((1, 1), bands, means - points)
        moved = points + step
        points = moved if (np.diff(moved) > 0).all() else means
        if np.abs(step).max() < 1e-13:
            break
    points = (points - points[::-1]) / 2  # symmetric, as the only best one must be
    return Quantiser(points, float(1 - (_cells(points)[1] ** 2 / _cells(points)[0]).sum()))


def _cells(points: Array) -> tuple[Array, Array, Array]:
    return moments(np.concatenate([[-np.inf], (points[1:] + points[:-1]) / 2, [np.inf]]))


def grid_error(points: ArrayLike, scale: float = 1.0) -> float:
    """Mean squared error of who knows Z, normal with standard deviation `scale`, but names the nearest of these points."""
    p = np.asarray(points, float) / scale
    mass, first, second = _cells(p)
    return float(scale**2 * (second - 2 * p * first + p**2 * mass).sum())


def on_grid(levels: int, points: ArrayLike, scale: float = 1.0) -> tuple[float, np.ndarray]:
    """Which so many of these points name best a Z, normal with standard deviation `scale`: error, and indices [levels], exact.

    A dynamic program over the points: what is named is the nearest one chosen, so that the error is a sum over neighbours.
    """
    p = np.asarray(points, float) / scale
    n, M = len(p), min(whole("levels", levels, 1), len(p))
    if n == M:
        return grid_error(points, scale), np.arange(n)
    ends = _half_costs(p)
    middles = (p[:, None] + p[None, :]) / 2
    upto = moments_between(p[:, None], middles, p[:, None])
    rest = moments_between(middles, p[None, :], p[None, :])
    error, chosen = _cheapest(M, ends[0], np.where(middles > p[:, None], upto + rest, np.inf), ends[1])
    return float(scale**2 * error), chosen


def moments_between(low: Array, high: Array, point: Array) -> Array:
    """Integral of (z - point)**2 over a standard normal from low to high, elementwise."""
    mass = np.where(low > 0, norm.sf(low) - norm.sf(high), norm.cdf(high) - norm.cdf(low))
    first = norm.pdf(low) - norm.pdf(high)
    second = mass + low * norm.pdf(low) - high * norm.pdf(high)
    return second - 2 * point * first + point**2 * mass


def _half_costs(p: Array) -> tuple[Array, Array]:
    """Error of all below each point, if it is the lowest; and of all above, if it is the highest."""
    below = (1 + p**2) * norm.cdf(p) + p * norm.pdf(p)
    return below, (1 + p**2) * norm.sf(p) - p * norm.pdf(p)


@njit(cache=True)
def _cheapest(M, below, between, above):
    """M of n points: the cheapest way from the lowest to the highest, and its cost."""
    n = len(below)
    best, came = below.copy(), np.zeros((M, n), np.int64)
    for k in range(1, M):
        longer = np.full(n, np.inf)
        for j in range(k, n):
            for i in range(k - 1, j):
                cost = best[i] + between[i, j]
                if cost < longer[j]:
                    longer[j], came[k, j] = cost, i
        best = longer
    last = np.argmin(best + above)
    error = best[last] + above[last]
    chosen = np.zeros(M, np.int64)
    for k in range(M - 1, -1, -1):
        chosen[k] = last
        last = came[k, last]
    return error, chosen


# -------------------------------------------------------------------------------------------------------- several sensors
@dataclass(frozen=True)
class Estimators:
    """Sensors and a centre that play by tables."""

    error: float
    """Mean squared error."""
    exact: bool
    """Whether it is the least of all teams."""
    edges: tuple[Array, ...]
    """Of each sensor: where what it says may change, rising."""
    said: tuple[np.ndarray, ...]
    """Of each sensor: its message in each of the intervals between."""
    strides: np.ndarray
    """Of each sensor, shape (L,): what it is heard as, times this, summed over sensors, is the row of `named`."""
    named: np.ndarray
    """The point that the centre names."""


def told(sensors: int, noise: float, W: ArrayLike, points: ArrayLike) -> Estimators | None:
    """The best team found whose centre names one of these points, over the channel W[message, output]; None where too much may
    be heard to sum over.

    One sensor without noise on its channel: exact, the best points for E[X | Y]. Sensors that read X itself over such channels:
    exact, each says a digit of the number of a cell. Else a local search: sensors in turn say what is best for their reading, the
    centre names the best point, until nothing is gained (person by person; Lam, Reibman 1993); from equal quantisers and from
    quantisers moved against each other.
    """
    channel = stochastic(W)
    grid = tuple(np.asarray(points, float).tolist())
    return _told(whole("sensors", sensors, 1), number("noise", noise, 0, 1e3), channel.tobytes(), channel.shape, grid)


@cache
def _told(L: int, noise: float, matrix: bytes, shape: tuple[int, ...], grid: tuple[float, ...]) -> Estimators | None:
    W, points = np.frombuffer(matrix).reshape(shape), np.array(grid)
    M = len(W)
    if bool((W[np.arange(M), np.arange(M)] == 1).all()) and (L == 1 or noise == 0):
        return _digits(L, noise, M, points)
    heard = np.asarray(W.any(axis=0))
    return _search(L, noise, W[:, heard], heard, points) if noise else None


def _digits(L: int, noise: float, M: int, points: Array) -> Estimators:
    """One quantiser of E[X | Y], whose cell the sensors say digit by digit, as many of them as it takes."""
    seen = 1 + noise**2
    levels, talking = min(M, len(points)), 1
    while talking < L and levels < len(points) and M > 1:
        levels, talking = min(levels * M, len(points)), talking + 1
    error, chosen = on_grid(levels, points, seen**-0.5)
    thresholds = (points[chosen][1:] + points[chosen][:-1]) / 2 * seen
    base = min(M, len(points))
    strides = np.array([base**i if i < talking else 0 for i in range(L)])
    said = tuple(np.arange(levels) // base**i % base if i < talking else np.zeros(levels, int) for i in range(L))
    named = chosen[np.minimum(np.arange(base**talking), levels - 1)]
    return Estimators(1 - 1 / seen + error, True, (thresholds,) * L, said, strides, named)


def _search(L: int, noise: float, W: Array, heard: np.ndarray, points: Array) -> Estimators | None:
    """Best replies, from several beginnings; W without the outputs that never come, which `heard` marks."""
    M, Y = W.shape
    step = min(0.1, noise / 3)
    x = np.arange(-FARTHEST, FARTHEST + step / 2, step)
    if len(x) * Y**L > MOST_SUMMED:
        return None
    best = None
    for apart in (0.0, 1.0, 0.5):
        shifts = apart * (np.arange(L) - (L - 1) / 2) / (L * M)
        shares = [np.clip(np.arange(1, M) / M + shift, 1e-3, 1 - 1e-3) for shift in shifts]
        begun = [Sensor(norm.ppf(share) * np.sqrt(1 + noise**2), np.arange(M)) for share in shares]
        found = _replies(begun, x, noise, W, points)
        if best is None or found[0] < best[0] - 1e-12:
            best = found
        if L == 1 or M == 1:
            break
    assert best is not None
    error, sensors, answers = best
    full = np.zeros((len(heard),) * L, int)  # what never comes is heard as 0
    full[np.ix_(*[np.flatnonzero(heard)] * L)] = answers.reshape((Y,) * L)
    strides = len(heard) ** np.arange(L - 1, -1, -1)
    return Estimators(error, M == 1, tuple(s.edges for s in sensors), tuple(s.said for s in sensors), strides, full.ravel())


class Sensor(NamedTuple):
    """What one sensor says."""

    edges: Array
    said: np.ndarray

    def given(self, x: Array, noise: float, messages: int) -> Array:
        """P(message | x), shape (x, messages)."""
        bounds = np.concatenate([[-np.inf], self.edges, [np.inf]])
        cells = np.diff(norm.cdf(bounds[None, :], loc=x[:, None], scale=noise), axis=1)
        return np.stack([cells[:, self.said == m].sum(axis=1) for m in range(messages)], axis=1)


def _best_reply(y: Array, loss: Array) -> Sensor:
    """The message of least loss [y, message] everywhere; where the least changes is found on the line between two y."""
    least = loss.argmin(axis=1)
    last = np.flatnonzero(least[1:] != least[:-1])
    ahead = loss[last, least[last + 1]] - loss[last, least[last]]
    behind = loss[last + 1, least[last]] - loss[last + 1, least[last + 1]]
    share = ahead / np.maximum(ahead + behind, 1e-300)
    return Sensor(y[last] + share * (y[last + 1] - y[last]), least[np.append(last, len(y) - 1)])


def _replies(begun: Sequence[Sensor], x: Array, noise: float, W: Array, points: Array) -> tuple[float, list[Sensor], np.ndarray]:
    """Error, sensors, and the points named by what is heard; each in turn does its best until none gains.

    The centre first names any number, and only then points: those are so many traps for a search that changes little at a time.
    """
    sensors, L, (M, Y) = list(begun), len(begun), W.shape
    weight = norm.pdf(x) / norm.pdf(x).sum()  # a trapezium rule, which for smooth functions errs by less than rounding
    y = np.linspace(-6, 6, READINGS) * np.sqrt(1 + noise**2)
    posterior = weight * norm.pdf(y[:, None], loc=x, scale=noise)  # [y, x]
    posterior /= posterior.sum(axis=1, keepdims=True)
    shares = [sensor.given(x, noise, M) @ W for sensor in sensors]  # [x, heard]
    error, free, halves = np.inf, True, (points[1:] + points[:-1]) / 2
    for _ in range(ROUNDS):
        joint = _product(shares)
        mass, first = weight @ joint, (weight * x) @ joint
        means = first / np.maximum(mass, 1e-300)
        answers = np.searchsorted(halves, means)  # the nearest
        values = means if free else points[answers]
        now = float(1 + (values**2 * mass - 2 * values * first).sum())
        if error - now < GAIN:
            if not free:
                break
            error, free = np.inf, False
            continue
        error = now
        for i in range(L):
            others = _product(shares[:i] + shares[i + 1 :])
            value = np.moveaxis(values.reshape((Y,) * L), i, 0).reshape(Y, -1)
            loss = others @ (value**2).T - 2 * x[:, None] * (others @ value.T)  # [x, heard of i], less x**2
            sensors[i] = _best_reply(y, posterior @ (loss @ W.T))
            shares[i] = sensors[i].given(x, noise, M) @ W
    values = points[answers]
    return float(1 + (values**2 * mass - 2 * values * first).sum()), sensors, answers


def _product(shares: Sequence[Array]) -> Array:
    """P(all that is heard | x), shape (x, Y**k), the first sensor's varying slowest."""
    found = np.ones((len(shares[0]) if shares else 1, 1))
    for share in shares:
        found = (found[:, :, None] * share[:, None, :]).reshape(len(share), -1)
    return found
