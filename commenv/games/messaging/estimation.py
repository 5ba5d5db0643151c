"""Estimation: L sensors read a normal X in Gaussian noise and send b bits each; a centre that reads nothing names a number.

Agents: `sensor_0`, `sensor_1`, ... (`sensor_0`, `sensor_1` by default), who only speak, and `centre`, who only names. All act at
once: in the first step messages are sent, in the second the centre hears them.

| | sensor | centre |
|---|---|---|
| observation | X + sigma * noise, whether it may speak, (2,) | whether it names, (1,), an inbox a sensor, (2**bits + 1,) |
| action | message, Discrete(2**bits) | one of `points` numbers from -reach to reach, as far apart, Discrete(points) |

X and the noise of each sensor are independent, of mean 0 and variance 1. With sigma = 0 a sensor reads X itself. A sensor reads
once, and sees its reading in both steps, but has the floor in the first only.

Reward: -(X - number)**2, the same for all. Ends after the second step. Success: 1 if the number is nearer to X than 0 is, the
mean of all X. infos of a game that is over have `squared_error`.

Limits, in reward a game: minus mean squared errors. silent: -1, exact. reachable: for one sensor the best points for E[X | Y],
and for sensors that read X itself their messages as digits, both exact by a dynamic program, and with a fine grid Lloyd's and
Max's quantiser (-.363380 at 1 bit, -.117482 at 2); else a lower bound, the best team of a search by best replies. ceiling: the
quadratic Gaussian CEO's distortion at the sum of the links' capacities, for codes over many X at once; an upper bound, which
nobody attains with one X.

Lloyd (1957), Max (1960); Berger, Zhang, Viswanathan (1996), The CEO problem; Oohama (1998), The rate-distortion function for the
quadratic Gaussian CEO problem; Lam, Reibman (1993), Design of quantizers for decentralized estimation systems.
Version history: v0 first release.
"""

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np

from commenv.core import game as core
from commenv.core.errors import bad, number, whole
from commenv.core.game import Layout, Role
from commenv.core.limits import Limit, Limits
from commenv.core.links import lines
from commenv.core.noise import MOST as MOST_MESSAGES
from commenv.core.relay import FARTHEST, normal
from commenv.games.messaging.centre import Numbers, has_floor, observe, situations
from commenv.solvers.estimation import ceo_distortion, told

__all__ = ["has_floor", "observe", "situations"]

FIGURES = ("squared_error",)


@dataclass(frozen=True, kw_only=True)
class Options(Numbers):
    """What a user may choose; `points` are at most 1,025."""

    most_points: ClassVar[int] = 1025

    sensors: int = 2
    """Number of sensors L, 1 to 16."""
    sigma: float = 0.5
    """Standard deviation of the noise of a reading, 0 or .05 to 100; that of X is 1."""

    def __post_init__(self) -> None:
        super().__post_init__()
        whole("sensors", self.sensors, 1, 16)
        number("sigma", self.sigma, 0, 100)
        if 0 < self.sigma < 0.05:
            raise bad("sigma", self.sigma, "0, or from 0.05 to 100")


class Parameters(NamedTuple):
    sigma: float
    grid: np.ndarray  # (points,)


class Game(core.Game):
    x: float
    named: float


class Agent(core.Agent):
    reading: float
    squared_error: float


def layout(options: Options) -> Layout:
    L = options.sensors
    far = FARTHEST * (1.0 + options.sigma)
    roles = [Role(f"sensor_{i}", actions=1, observation=2, low=-far, high=far) for i in range(L)]
    centre = Role("centre", actions=options.points, observation=1)
    return Layout(roles=(*roles, centre), links=tuple((i, L) for i in range(L)))


def parameters(options: Options) -> Parameters:
    return Parameters(float(options.sigma), options.grid)


def reset(p, game, agents, board, rng):
    game.x, game.named = normal(rng), 0.0
    for i in range(len(agents)):
        agents[i].reading, agents[i].squared_error = 0.0, 0.0
    for i in range(len(agents) - 1):
        agents[i].reading = game.x + p.sigma * normal(rng)


def step(p, game, agents, board, act, sent, reward, rng):
    if game.t == 0:
        return False
    game.named = p.grid[act[len(agents) - 1]]
    lost = (game.x - game.named) ** 2
    for i in range(len(agents)):
        reward[i] = -lost
        agents[i].squared_error = lost
    return True


def success(p, game, agents, board):
    return 1.0 if abs(game.x - game.named) < abs(game.x) else 0.0


def describe(options: Options, game: Any, agents: Any, board: Any) -> str:
    readings = ", ".join(f"{agents[i]['reading']:.2f}" for i in range(options.sensors))
    return f"step {game['t']}: X {game['x']:.2f}, readings {readings}"


# ---------------------------------------------------------------------------------------------------------------- limits
def limits(options: Options) -> Limits:
    channel = options.link
    if options.max_cycles is not None and options.max_cycles < 2:
        nothing = Limit(0.0, True, "nobody comes to name a number")
        return Limits(silent=nothing, reachable=nothing, ceiling=nothing)
    silent = Limit(-1.0, True, "0 is named, the mean")
    if channel.size == 1 or channel.delays[0]:
        late = Limit(-1.0, True, "nothing is heard in time")
        return Limits(silent=silent, reachable=late, ceiling=late)
    rate = sum(line.capacity for line in lines(channel, layout(options)))
    least = ceo_distortion(rate, options.sensors, options.sigma)
    ceiling = Limit(-least, False, "upper bound: quadratic Gaussian CEO at the sum of capacities (Oohama 1998)")
    found = None
    if channel.memoryless and not channel.floats and channel.size <= MOST_MESSAGES:
        found = told(options.sensors, options.sigma, channel.matrix, options.grid)
    if found is None:
        return Limits(silent=silent, reachable=Limit(ceiling.value, False, f"the ceiling: {ceiling.source}"), ceiling=ceiling)
    source = "best points by a dynamic program" if found.exact else "lower bound: the best team found, by best replies"
    return Limits(silent=silent, reachable=Limit(-found.error, found.exact, source), ceiling=ceiling)
