"""Reference: each of two agents knows where the other shall go. MPE's simple_reference.

Agents: `agent_0`, `agent_1`, who move and speak at once. Agents and three landmarks begin anywhere in [-1, 1]^2; each agent
sees the colour of the landmark that the other is to reach, and nothing else of the other.

| | each agent |
|---|---|
| observation | velocity (2,), landmarks from here (6,), colour of the other's goal (3,); then the inbox (M + 1,) |
| action | [stay, left, right, down, up] and a message, MultiDiscrete([5, M]); M = 10 by default |

A colour is .75 at the landmark's place and .25 elsewhere. mpe2's Discrete(50) is the same with move = a % 5 and message = a
// 5. A step: position += .1 v; v = .75 v + .5 push. A message is in the next observation. The inbox has a last place for an
erasure, which MPE has not; otherwise observations, rewards and their order are those of mpe2's simple_reference_v3.

Reward: local_ratio * (- the OTHER's distance to its goal) + (1 - local_ratio) * (- the mean of both distances), after the
move; with .5 a speaker gets .75 of what its words do and .25 of what its own moves do. Ends, truncated, after `max_cycles`
steps, 25 by default. Success: the share of the agents that end nearer to their goal than to any other landmark.

Limits are of the mean of the two agents' returns, measured over 20,000 games of a scripted team, and no proofs; each says its
standard error. silent: each steers for least expected distance, to the geometric median (the centroid is best for squares).
reachable: each hears the other, a perfect speaker, one step late; with two messages it spells. ceiling: the goals are known
from the start. Two messages cap only agents without memory: -13.1 a game instead of -7.6. Efficiency is (reward - silent) /
(reachable - silent). Noise is believed by Bayes' rule; a budget limits how long the speakers speak.

Lowe, Wu, Tamar, Harb, Abbeel, Mordatch (2017), Multi-agent actor-critic for mixed cooperative-competitive environments. Not
reproduced: mpe2 draws noise from the global generator and ignores the seed.
Version history: v0 first release.
"""

import math
import sys
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from commenv.core.errors import number
from commenv.core.game import Layout, Role
from commenv.core.limits import Limits
from commenv.games.classic import particles
from commenv.games.classic.particles import LANDMARKS, look, move, nearest, scatter, square

BRIGHT, DARK = 0.75, 0.25


@dataclass(frozen=True, kw_only=True)
class Options(particles.Timed):
    """What a user may choose."""

    default_symbols: ClassVar[int | None] = 10

    local_ratio: float = 0.5
    """Weight of the other's distance alone in an agent's reward, 0 to 1; the rest goes to the mean of both."""

    def __post_init__(self) -> None:
        super().__post_init__()
        number("local_ratio", self.local_ratio, 0, 1)


class Parameters(NamedTuple):
    local_ratio: float


class Game(particles.Scene):
    pass


class Agent(particles.Body):
    pass


def layout(options: Options) -> Layout:
    far = particles.reach(options.max_cycles)
    roles = tuple(Role(f"agent_{i}", actions=5, observation=8 + LANDMARKS, low=-far, high=far) for i in range(2))
    return Layout(roles=roles, links=((0, 1), (1, 0)))


def parameters(options: Options) -> Parameters:
    return Parameters(float(options.local_ratio))


def reset(p, game, agents, board, rng):
    scatter(game, agents, rng)


def step(p, game, agents, board, act, sent, reward, rng):
    for i in range(2):
        move(agents[i], act[i])
    for i in range(2):
        reward[i] = -math.sqrt(square(game, agents[1 - i], agents[i].goal))
    both = (reward[0] + reward[1]) / 2.0
    for i in range(2):
        reward[i] = both * (1.0 - p.local_ratio) + reward[i] * p.local_ratio
    return False


def observe(p, game, agents, board, i, obs):
    look(game, agents[i], obs)
    for k in range(LANDMARKS):
        obs[8 + k] = DARK + (BRIGHT - DARK) * int(k == agents[i].goal)


def success(p, game, agents, board):
    arrived = 0.0
    for i in range(2):
        if nearest(game, agents[1 - i]) == agents[i].goal:
            arrived += 0.5
    return arrived


def describe(options: Options, game: Any, agents: Any, board: Any) -> str:
    return f"step {game['t']}: agent_0 to {agents[1]['goal']}, agent_1 to {agents[0]['goal']}; {particles.sketch(game, agents)}"


def situations(options: Options) -> None:
    return None


PAIRS = ((0, 1), (1, 0))
RECORDED = {
    "nothing": (-16.761918, 0.050340),
    "heard from 2": (-7.675922, 0.026121),
    "heard from more": (-7.564640, 0.026049),
    "start": (-7.378254, 0.026086),
}
"""What `particles.measured` gives without noise."""


def limits(options: Options) -> Limits:
    return particles.limits(sys.modules[__name__], options, PAIRS, squared=False, recorded=RECORDED)
