"""Hallway: two agents, each blind to the other, must leave their corridors in the same step.

Agents: `agent_0`, `agent_1`, who act and speak at once. Agent i starts in a uniformly drawn place 1..lengths[i] of a corridor
of its own and wants to place 0.

| | each agent |
|---|---|
| observation | its place 0..lengths[i], one-hot, shape (lengths[i] + 1,), then the inbox, shape (2**bits + 1,) |
| action | [stay, towards 0, away from 0] and a message to the other, MultiDiscrete([3, 2**bits]) |

Nobody walks past the ends of a corridor. The benchmark has no messages of its own: here each agent broadcasts, 1 bit a step
by default, and the other reads it in the next step; `bits=0` takes that away.

Reward: 10 for both if both reach 0 in the same step. Ends when either does, or after `horizon` steps.
Success: 1 if both reached 0 in the same step.

Limits: silent = reachable = ceiling = 10 P(both starts <= h), h the steps there are. Without a word each agent waits until
only as many steps are left as it needs; nobody who starts beyond h arrives, whatever it is told. So this game does not
measure communication, which published comparisons leave unsaid; it measures whether a team can keep a clock. Those that
cannot, and act on their place alone, must walk at once and earn 10 / 6 in two corridors of 6. What an agent does is not seen
by the other, but the end of the game is: that it goes on tells that nobody is at 0.

Wang, Wang, Zheng, Zhang (2020), Learning nearly decomposable value functions via communication minimization (NDQ).
Version history: v0 first release.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np

from commenv.core import game as core
from commenv.core.errors import bad, whole
from commenv.core.game import Layout, Role
from commenv.core.generator import integer
from commenv.core.limits import Limit, Limits

STAY, FORWARD, BACK = 0, 1, 2
PRIZE = 10.0


@dataclass(frozen=True, kw_only=True)
class Options(core.Options):
    """What a user may choose."""

    default_bits: ClassVar[int] = 1

    lengths: Sequence[int] = (6, 6)
    """Places in each of the two corridors, the exit not counted; 1 to 1,000."""
    horizon: int = 16
    """Steps after which the game is lost, at least 1."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.lengths, Sequence) or isinstance(self.lengths, str) or len(self.lengths) != 2:
            raise bad("lengths", self.lengths, "two whole numbers")
        for length in self.lengths:
            whole("a length", length, 1, 1000)
        whole("horizon", self.horizon, 1, 10**6)


class Parameters(NamedTuple):
    lengths: np.ndarray  # (2,)
    horizon: int


class Game(core.Game):
    won: int


class Agent(core.Agent):
    place: int


def layout(options: Options) -> Layout:
    roles = tuple(Role(f"agent_{i}", actions=3, observation=length + 1) for i, length in enumerate(options.lengths))
    return Layout(roles=roles, links=((0, 1), (1, 0)))


def parameters(options: Options) -> Parameters:
    return Parameters(np.array(options.lengths, np.int64), options.horizon)


def reset(p, game, agents, board, rng):
    game.won = 0
    for i in range(2):
        agents[i].place = 1 + integer(rng, p.lengths[i])


def step(p, game, agents, board, act, sent, reward, rng):
    for i in range(2):
        if act[i] == FORWARD:
            agents[i].place = max(agents[i].place - 1, 0)
        elif act[i] == BACK:
            agents[i].place = min(agents[i].place + 1, p.lengths[i])
    out = 0
    for i in range(2):
        if agents[i].place == 0:
            out += 1
    if out == 2:
        game.won = 1
        reward[0] = reward[1] = PRIZE
    return out > 0 or game.t + 1 >= p.horizon


def observe(p, game, agents, board, i, obs):
    for k in range(len(obs)):
        obs[k] = 0.0
    obs[agents[i].place] = 1.0


def success(p, game, agents, board):
    return float(game.won)


def describe(options: Options, game: Any, agents: Any, board: Any) -> str:
    return f"step {game['t']}: places {agents['place'].tolist()}"


def situations(options: Options) -> None:
    return None


def limits(options: Options) -> Limits:
    steps = options.horizon if options.max_cycles is None else min(options.horizon, options.max_cycles)
    first, second = options.lengths
    value = PRIZE * min(steps, first) / first * min(steps, second) / second
    return Limits(
        silent=Limit(value, True, "a fixed deadline: everybody who can arrives in the last step"),
        reachable=Limit(value, True, "as without a word"),
        ceiling=Limit(value, True, "nobody arrives who starts farther away than there are steps"),
    )
