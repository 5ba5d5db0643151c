"""Fusion: N sensors read theta = +-1 in Gaussian noise and send b bits each; a centre that reads nothing itself decides on theta.

Agents: `sensor_0`, `sensor_1`, ... (`sensor_0`, `sensor_1`, `sensor_2`, `sensor_3`, `sensor_4` by default), who only speak, and
`centre`, who only decides. All act at once: in the first step messages are sent, in the second the centre hears them.

| | sensor | centre |
|---|---|---|
| observation | theta + sigma * noise, whether it may speak, (2,) | whether it decides, (1,), an inbox a sensor, (2**bits + 1,) |
| action | message, Discrete(2**bits) | 0 for theta = -1, 1 for theta = 1, Discrete(2) |

Both signs are as likely; the noise of the sensors is independent. A sensor reads once, and sees its reading in both steps, but
has the floor in the first only.

Reward: 1 for the right sign, else 0, the same for all. Ends after the second step.

Limits, in reward a game: how often the sign is right. silent 1/2. reachable: all sensors share the best quantiser found, and the
centre fuses at its best; for one bit and an odd N that is the sign of each reading and the majority, for an even N a threshold
other than 0. A lower bound, exact for one sensor without noise on the channel: other rules are not excluded, but
`commenv.solvers.detection.least_error` bounds one-bit sensors of any thresholds by branch and bound, and none of up to 5 errs
less by .001 at sigma = 1. ceiling: 1 - Q(sqrt(N) / sigma), for a centre that reads all sensors; an upper bound.

Tenney, Sandell (1981), Detection with distributed sensors; Tsitsiklis (1993), Decentralized detection.
Version history: v0 first release.
"""

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from commenv.core import game as core
from commenv.core.errors import number, whole
from commenv.core.game import Layout, Role
from commenv.core.generator import integer
from commenv.core.limits import Limit, Limits
from commenv.core.noise import MOST as MOST_MESSAGES
from commenv.core.relay import FARTHEST, normal
from commenv.games.messaging.centre import has_floor, observe, situations
from commenv.solvers.detection import detector, unquantised

__all__ = ["has_floor", "observe", "situations"]


@dataclass(frozen=True, kw_only=True)
class Options(core.Options):
    """What a user may choose."""

    default_bits: ClassVar[int] = 1

    sensors: int = 5
    """Number of sensors N, 1 to 64."""
    sigma: float = 1.0
    """Standard deviation of the noise of a reading, .001 to 1,000."""

    def __post_init__(self) -> None:
        super().__post_init__()
        whole("sensors", self.sensors, 1, 64)
        number("sigma", self.sigma, 1e-3, 1e3)


class Parameters(NamedTuple):
    sigma: float


class Game(core.Game):
    state: int  # 0: theta = -1, 1: theta = 1


class Agent(core.Agent):
    reading: float


def layout(options: Options) -> Layout:
    N = options.sensors
    far = 1.0 + FARTHEST * options.sigma
    roles = [Role(f"sensor_{i}", actions=1, observation=2, low=-far, high=far) for i in range(N)]
    return Layout(roles=(*roles, Role("centre", actions=2, observation=1)), links=tuple((i, N) for i in range(N)))


def parameters(options: Options) -> Parameters:
    return Parameters(float(options.sigma))


def reset(p, game, agents, board, rng):
    game.state = integer(rng, 2)
    theta = 2.0 * game.state - 1.0
    for i in range(len(agents) - 1):
        agents[i].reading = theta + p.sigma * normal(rng)
    agents[len(agents) - 1].reading = 0.0


def step(p, game, agents, board, act, sent, reward, rng):
    if game.t == 0:
        return False
    right = 1.0 if act[len(agents) - 1] == game.state else 0.0
    for i in range(len(agents)):
        reward[i] = right
    return True


def describe(options: Options, game: Any, agents: Any, board: Any) -> str:
    readings = ", ".join(f"{agents[i]['reading']:.2f}" for i in range(options.sensors))
    return f"step {game['t']}: theta {2 * game['state'] - 1}, readings {readings}"


def limits(options: Options) -> Limits:
    channel = options.link
    if options.max_cycles is not None and options.max_cycles < 2:
        nothing = Limit(0.0, True, "nobody comes to decide")
        return Limits(silent=nothing, reachable=nothing, ceiling=nothing)
    silent = Limit(0.5, True, "a guess")
    if channel.size == 1 or channel.delays[0]:
        late = Limit(0.5, True, "nothing is heard in time")
        return Limits(silent=silent, reachable=late, ceiling=late)
    ceiling = Limit(
        1 - unquantised(options.sensors, options.sigma), False, "upper bound: all readings known, 1 - Q(sqrt(N) / sigma)"
    )
    if not channel.memoryless or channel.floats or channel.size > MOST_MESSAGES:
        return Limits(silent=silent, reachable=Limit(ceiling.value, False, f"the ceiling: {ceiling.source}"), ceiling=ceiling)
    best = detector(options.sensors, options.sigma, channel.matrix)
    source = "lower bound: the best quantiser found that all sensors share, and the best fusion"
    source = "the sign of the reading (Bayes)" if best.exact else source
    return Limits(silent=silent, reachable=Limit(1 - best.error, best.exact, source), ceiling=ceiling)
