"""Tracking: a sensor sees a plant that drifts and sends b bits a step; a controller that is blind says where it is, and pulls.

Agents: `sensor`, who only speaks, and `controller`, who only names. All act at once, and a step of the plant is two of the game:
in the first a message is sent, in the second the controller hears it and names a number e. The plant then moves to
X' = gain * (X - e) + W: the control takes away what the controller believes. X at first, and each W, are standard normal.

| | sensor | controller |
|---|---|---|
| observation | X, whether it may speak, share of steps gone, (3,) | whether it names, share of steps gone, (2,), and the inbox |
| action | message, Discrete(2**bits) | one of `points` numbers from -reach to reach, as far apart, Discrete(points) |

The sensor sees X in both steps. X moves by what was named: so the controller's acts show to the sensor, who learns no more
from them than what it said itself, where the channel has no noise.

Reward: -(X - e)**2 a step of the plant, the same for both. Ends after `steps` steps of the plant. Success: 1 if the squared
errors of the game add up to less than the squares of X, the errors of who always names 0. infos of a game that is over have
`mean_squared_error`, over its steps, and `last_squared_error`, of the last.

Limits, in reward a game: minus sums of squared errors. silent: 0 is always named, exact. ceiling: the sequential rate-distortion
function step by step, D_t >= (gain**2 D_{t-1} + 1) / 4**C at capacity C, an upper bound of any code without delay, which a single
plant does not attain; in the long run 1 / (4**C - gain**2), and unbounded errors at C <= log2 gain, the data-rate theorem.
reachable: a lower bound, the best quantiser found that zooms with what it has said, its mean over 65,536 simulated games; through
noise the ceiling.

Gorbunov, Pinsker (1974), Prognostic epsilon entropy of a Gaussian message; Tatikonda, Sahai, Mitter (2004), Stochastic linear
control over a communication channel; Nair, Evans (2004), Stabilizability of stochastic linear systems with finite feedback
data rates. `commenv study tracking`: quantisers against the limit. Version history: v0 first release.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from commenv.core import game as core
from commenv.core.errors import bad, number, whole
from commenv.core.game import Layout, Role
from commenv.core.limits import Limit, Limits
from commenv.core.links import lines
from commenv.core.relay import FARTHEST, normal
from commenv.games.messaging.centre import Numbers
from commenv.solvers.tracking import distortions, zoom

SENSOR, CONTROLLER = 0, 1
FIGURES = ("mean_squared_error", "last_squared_error")
MOST = 1e15
"""The farthest that a plant may come: beyond, its square overflows single precision."""


@dataclass(frozen=True, kw_only=True)
class Options(Numbers):
    """What a user may choose."""

    gain: float = 0.9
    """What is left of an error after a step, a, 0 to 4; from 1 on the plant is unstable."""
    steps: int = 16
    """Steps of the plant, 1 to 1,000; so few that the plant cannot come farther than 1e15."""

    def __post_init__(self) -> None:
        super().__post_init__()
        number("gain", self.gain, 0, 4)
        whole("steps", self.steps, 1, 1000)
        if self.far > MOST:
            raise bad("steps", self.steps, f"so few that a plant of gain {self.gain:g} cannot come farther than {MOST:g}")

    @property
    def far(self) -> float:
        """The farthest that the plant can come."""
        found = FARTHEST
        for _ in range(self.steps):
            found = self.gain * (found + self.reach) + FARTHEST
        return found


class Parameters(NamedTuple):
    gain: float
    steps: int
    grid: np.ndarray  # (points,)


class Game(core.Game):
    named: float
    drift: float  # sum of X**2


class Agent(core.Agent):
    x: float  # the plant, of the sensor
    mean_squared_error: float
    last_squared_error: float


def layout(options: Options) -> Layout:
    far = max(options.far, 1.0)
    sensor = Role("sensor", actions=1, observation=3, low=-far, high=far)
    return Layout(roles=(sensor, Role("controller", actions=options.points, observation=2)), links=((SENSOR, CONTROLLER),))


def parameters(options: Options) -> Parameters:
    return Parameters(float(options.gain), options.steps, options.grid)


def reset(p, game, agents, board, rng):
    game.named, game.drift = 0.0, 0.0
    for i in range(len(agents)):
        agents[i].x, agents[i].mean_squared_error, agents[i].last_squared_error = 0.0, 0.0, 0.0
    agents[SENSOR].x = normal(rng)


def has_floor(p, game, agents, board, i):
    return game.t % 2 == 0


def step(p, game, agents, board, act, sent, reward, rng):
    if game.t % 2 == 0:
        return False
    x = agents[SENSOR].x
    game.named = p.grid[act[CONTROLLER]]
    lost = (x - game.named) ** 2
    game.drift += x * x
    done = game.t // 2 + 1
    for i in range(len(agents)):
        reward[i] = -lost
        agents[i].mean_squared_error += (lost - agents[i].mean_squared_error) / done
        agents[i].last_squared_error = lost
    agents[SENSOR].x = p.gain * (x - game.named) + normal(rng)
    return done == p.steps


def observe(p, game, agents, board, i, obs):
    gone = (game.t // 2) / p.steps
    if i == SENSOR:
        obs[0] = agents[SENSOR].x
        obs[1] = 1.0 - game.t % 2
        obs[2] = gone
    else:
        obs[0] = game.t % 2
        obs[1] = gone


def success(p, game, agents, board):
    done = game.t // 2
    return 1.0 if agents[CONTROLLER].mean_squared_error * done < game.drift else 0.0


def describe(options: Options, game: Any, agents: Any, board: Any) -> str:
    what = "a message" if game["t"] % 2 == 0 else "a number"
    return f"step {game['t'] // 2} of {options.steps}, {what} next: X {agents[SENSOR]['x']:.2f}, named last {game['named']:.2f}"


def situations(options: Options) -> None:
    return None


# ---------------------------------------------------------------------------------------------------------------- limits
def limits(options: Options) -> Limits:
    channel, a = options.link, float(options.gain)
    steps = options.steps if options.max_cycles is None else min(options.steps, options.max_cycles // 2)
    if not steps:
        nothing = Limit(0.0, True, "nobody comes to name a number")
        return Limits(silent=nothing, reachable=nothing, ceiling=nothing)
    silent = Limit(-float(distortions(0, a, steps).sum()), True, "0 is named, the mean")
    (line,) = lines(channel, layout(options))
    if line.capacity == 0:
        return Limits(silent=silent, reachable=silent, ceiling=silent)
    source = "upper bound: sequential rate distortion at capacity (Tatikonda, Sahai, Mitter 2004)"
    ceiling = Limit(-float(distortions(line.capacity, a, steps).sum()), False, source)
    if channel.floats or not channel.memoryless or line.capacity < np.log2(channel.size):
        return Limits(silent=silent, reachable=Limit(ceiling.value, False, f"the ceiling: {ceiling.source}"), ceiling=ceiling)
    found = zoom(channel.size, a, steps, options.points, float(options.reach))
    source = f"lower bound: a quantiser that zooms, simulated, standard error {found.standard_error * steps:.2g}"
    return Limits(silent=silent, reachable=Limit(-found.error * steps, False, source), ceiling=ceiling)
