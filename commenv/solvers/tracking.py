"""Control of a Gauss-Markov plant over b bits a step: what no code can beat, and quantisers that zoom in and out.

X_0 is standard normal; in step t one message about X_t is sent, a number e_t named, and X_{t+1} = a (X_t - e_t) + W_t with W_t
standard normal. D_t = E (X_t - e_t)**2. The control -a e_t takes away what is believed; by certainty equivalence the same code
tracks a plant that nobody controls, with the same errors.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numba import njit
from scipy.optimize import minimize

from commenv.core.errors import number, whole
from commenv.info.distributions import Array
from commenv.solvers.estimation import lloyd_max, moments

MOST_LEVELS = 1024
"""Levels of a quantiser that zooms, at most."""
SLOWEST = 0.2
"""Of the logarithm by which the zoom out speeds up each time that an outermost cell comes again."""
LONGEST = 20
"""Times in a row after which it speeds up no more."""
TUNED_ON, JUDGED_ON = 8192, 65_536
"""Games simulated to choose a quantiser, and others to say what it earns."""


def needed_rate(gain: float) -> float:
    """Bits a step below which, and at which, no code keeps the error bounded: log2 |a|, 0 for a stable plant, which needs none.

    Data-rate theorem: Tatikonda, Mitter (2004), Nair, Evans (2004).
    """
    return float(np.log2(max(abs(gain), 1.0)))


def sequential_distortion(bits: float, gain: float) -> float:
    """The least mean squared error in the long run of codes without delay that send so many bits a step: 1 / (4**R - a**2),
    infinite where that is not positive: at or below log2 |a|.

    Sequential rate distortion: Gorbunov, Pinsker (1974), Tatikonda, Sahai, Mitter (2004). Attained only by coding over many
    plants at once.

    >>> sequential_distortion(1, 1.0), sequential_distortion(1, 2.0)
    (0.3333333333333333, inf)
    """
    room = 4.0**bits - gain**2
    return float(1 / room) if room > 0 else np.inf


def distortions(bits: float, gain: float, steps: int) -> Array:
    """Lower bounds of D_t, shape (steps,), of any code of at most so many bits a step: D_t >= 4**-R (a**2 D_{t-1} + 1).

    A message takes at most R bits from the entropy of X_t given what was heard, so at most a factor 4**R from its entropy power,
    which is no more than the error; and powers of independent terms add up at least (Shannon 1948, Stam 1959). With 0 bits exact.
    """
    found = np.empty(whole("steps", steps, 1))
    spread = 1.0
    for t in range(steps):
        found[t] = spread / 4.0**bits
        spread = gain**2 * found[t] + 1
    return found


# ------------------------------------------------------------------------------------------------------------ quantisers
@dataclass(frozen=True)
class Zoom:
    """A quantiser whose unit follows the messages, so that both ends know it: wider after an outermost cell, finer otherwise.

    Goodman, Gersho (1974), Theory of an adaptive quantizer; Yuksel (2010), Stochastic stabilization of noisy linear systems
    with fixed-rate limited feedback.
    """

    thresholds: Array
    """In units, shape (levels - 1,)."""
    points: Array
    """What is named after each message, in units, shape (levels,)."""
    left: Array
    """After each message: what is believed of the squared error, in squared units, shape (levels,)."""
    again: float
    """How often as much each time that an outermost cell comes once more in a row. Above 1, so that the unit overtakes any plant
    that has escaped: with a constant factor it may grow more slowly than the plant, and one game in a million is lost."""

    def after(self, unit: Array, message: np.ndarray, run: np.ndarray, gain: float) -> Array:
        """The unit of the next step; run: how often in a row this message has come before."""
        outermost = (message == 0) | (message == len(self.points) - 1)
        left = self.left[message] * np.where(outermost, self.again ** np.minimum(run, LONGEST), 1.0)
        return np.sqrt(1 + (gain * unit) ** 2 * left)


@njit(cache=True)
def _played(thresholds, points, left, again, gain, half, reach, x, noise):
    """Mean squared error of each game, and of each step; x [games] and noise [games, steps] are drawn beforehand."""
    games, steps = noise.shape
    by_game, by_step = np.zeros(games), np.zeros(steps)
    top = len(points) - 1
    for i in range(games):
        state, unit, before, run = x[i], 1.0, -1, 0
        for t in range(steps):
            m = np.searchsorted(thresholds, state / unit)
            named = round(unit * points[m] / reach * half)
            named = min(max(named, -half), half) * (reach / half)
            lost = (state - named) ** 2
            by_game[i] += lost / steps
            by_step[t] += lost / games
            run = run + 1 if m == before else 0
            believed = left[m]
            if m == 0 or m == top:
                believed *= again ** min(run, LONGEST)
            unit = np.sqrt(1.0 + (gain * unit) ** 2 * believed)
            state = gain * (state - named) + noise[i, t]
            before = m
    return by_game, by_step


@dataclass(frozen=True)
class Tracked:
    """What a quantiser earns."""

    zoom: Zoom
    error: float
    """Mean squared error over steps and games simulated."""
    standard_error: float
    by_step: Array
    """Mean squared error of each step, shape (steps,)."""


def _zoom(levels: int, tuned: Array) -> Zoom:
    """Lloyd's and Max's levels, stretched; what an outermost cell leaves over, and leaves over when it comes again."""
    stretched, outermost, again = np.exp(np.clip(tuned, [-1, -1, SLOWEST], 3))
    points = lloyd_max(levels).points * stretched
    thresholds = (points[1:] + points[:-1]) / 2
    mass, first, second = moments(np.concatenate([[-np.inf], thresholds, [np.inf]]))
    left = np.maximum((second - 2 * points * first + points**2 * mass) / np.maximum(mass, 1e-300), 0)
    left[[0, -1]] *= outermost
    return Zoom(thresholds, points, left, float(again))


@cache
def zoom(levels: int, gain: float, steps: int, points: int, reach: float) -> Tracked:
    """The best quantiser found of so many levels that zooms, where the number named is one of `points` from -reach to reach.

    Local search (Nelder, Mead 1965) over the stretch of Lloyd's and Max's levels and over the zoom, by 8,192 simulated games;
    judged by 65,536 others, so that the choice does not flatter. One level names 0.
    """
    M = min(whole("levels", levels, 1), points, MOST_LEVELS)
    half, rng = whole("points", points, 3) // 2, np.random.default_rng(0)
    number("gain", gain, 0, 4)

    def play(tuned: Array, x: Array, noise: Array) -> tuple[Array, Array]:
        z = _zoom(M, tuned)
        return _played(z.thresholds, z.points, z.left, z.again, gain, half, reach, x, noise)

    best = np.zeros(3)
    if M > 1:
        drawn = rng.standard_normal(TUNED_ON), rng.standard_normal((TUNED_ON, steps))
        begun = np.array([[0, 0, 0.4], [0.3, 0, 0.4], [0, 0.7, 0.4], [0, 0.3, 0.9]])
        options = {"initial_simplex": begun, "xatol": 0.01, "fatol": 1e-4, "maxfev": 90}
        best = minimize(lambda tuned: np.log(play(tuned, *drawn)[0].mean()), best, method="Nelder-Mead", options=options).x
    by_game, by_step = play(best, rng.standard_normal(JUDGED_ON), rng.standard_normal((JUDGED_ON, steps)))
    return Tracked(_zoom(M, best), float(by_game.mean()), float(by_game.std() / JUDGED_ON**0.5), by_step)
