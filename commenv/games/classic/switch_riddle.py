"""Switch riddle: prisoners enter a room one at a time and must know when all of them have been there.

Agents: `prisoner_0`, `prisoner_1`, `prisoner_2`, ... Each step a uniformly drawn prisoner stands in the room, perhaps the
same again. It finds the message that the one before it left, its own if that was itself, leaves one for the next, and may
tell that all have visited.

| | each prisoner |
|---|---|
| observation | whether it is inside (1,), any number (n,), any clock (1,); then the inbox (2**bits + 1,) |
| action | [say nothing, tell] and a message, MultiDiscrete([2, 2**bits]) |

With `numbered` a prisoner sees its number, one-hot, with `clock` the step divided by the horizon. Agents move in turn.
Everybody is told at every step whether it is inside, so it can count the steps; views that only ask agents who move (AEC,
RLlib's own) hide the steps between visits: `clock` gives them back. Who left the message is not told. The inbox is empty
before the first visit and for everybody outside.

Reward, the same for all: telling earns 1 if all have visited, the teller among them, and else -1. Ends when somebody tells,
or with 0 after 4n - 6 steps. Success: 1 if it was told in time and rightly.

Limits. ceiling: P(all have visited in time), inclusion and exclusion; .7407 for n = 3, which two messages attain ("at least
two have visited"), and .7806 for n = 4, of which two earn at least .7748 and four .78060. reachable: the best protocol found
among those in which all prisoners act alike on the clock, the message and whether they have been inside before; a lower bound
unless it meets the ceiling. silent: for n = 3 exact, .5350, an integer program over all protocols; else a lower bound, the
best found, .5717 for n = 4. The fraction of the ceiling flatters, for most of it needs no communication: (v - silent) /
(reachable - silent) is what messages bought.

Foerster, Assael, de Freitas, Whiteson (2016), Learning to communicate with deep multi-agent reinforcement learning (DIAL).
Its continuous messages with noise of sigma 2 during training belong to the agents, not to the game.
Version history: v0 first release.
"""

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np

from commenv.core import game as core
from commenv.core.errors import bad, whole
from commenv.core.game import Layout, Role
from commenv.core.generator import integer, rule
from commenv.core.limits import Limit, Limits
from commenv.games.classic import counting
from commenv.games.classic.narrowed import narrowed

NONE, TELL = 0, 1
NOBODY = -1


@dataclass(frozen=True, kw_only=True)
class Options(core.Options):
    """What a user may choose."""

    default_bits: ClassVar[int] = 1

    prisoners: int = 3
    """Number of prisoners n, 2 to 16."""
    numbered: bool = False
    """Whether a prisoner sees its number."""
    clock: bool = False
    """Whether a prisoner sees how much of the time has passed."""

    def __post_init__(self) -> None:
        super().__post_init__()
        whole("prisoners", self.prisoners, 2, 16)
        for name in ("numbered", "clock"):
            if not isinstance(getattr(self, name), bool):
                raise bad(name, getattr(self, name), "True or False")

    @property
    def horizon(self) -> int:
        """Steps after which time is out."""
        return 4 * self.prisoners - 6


class Parameters(NamedTuple):
    horizon: int
    numbered: int
    clock: int


class Game(core.Game):
    visitors: int  # different prisoners that have been inside
    following: int  # who comes next, NOBODY at the end
    right: int  # whether it was told, and rightly


class Agent(core.Agent):
    visited: int


def layout(options: Options) -> Layout:
    n = options.prisoners
    seen = 1 + (n if options.numbered else 0) + options.clock
    roles = tuple(Role(f"prisoner_{i}", actions=2, observation=seen) for i in range(n))
    links = tuple((source, target) for source in range(n) for target in range(n))
    return Layout(roles=roles, links=links, turns=True, anonymous=True)


def parameters(options: Options) -> Parameters:
    return Parameters(options.horizon, int(options.numbered), int(options.clock))


def reset(p, game, agents, board, rng):
    game.visitors, game.right = 0, 0
    for i in range(len(agents)):
        agents[i].visited = 0
    enter(game, agents, rng)


@rule
def enter(game, agents, rng):
    who = integer(rng, len(agents))
    game.turn = game.following = who
    game.visitors += 1 - agents[who].visited
    agents[who].visited = 1


def step(p, game, agents, board, act, sent, reward, rng):
    told = act[game.turn] == TELL
    if told:
        game.right = int(game.visitors == len(agents))
        for i in range(len(agents)):
            reward[i] = 1.0 if game.right == 1 else -1.0
    if told or game.t + 1 >= p.horizon:
        game.following = NOBODY
        return True
    enter(game, agents, rng)
    return False


def route(p, game, agents, board, source, target):
    return target == game.following


def observe(p, game, agents, board, i, obs):
    obs[0] = 1.0 if game.turn == i else 0.0
    if p.numbered != 0:
        for k in range(len(agents)):
            obs[1 + k] = 1.0 if k == i else 0.0
    if p.clock != 0:
        obs[len(obs) - 1] = game.t / p.horizon


def success(p, game, agents, board):
    return float(game.right)


def describe(options: Options, game: Any, agents: Any, board: Any) -> str:
    return f"step {game['t']} of {options.horizon}: prisoner {game['turn']} inside, {game['visitors']} have visited"


def situations(options: Options) -> None:
    return None


def limits(options: Options) -> Limits:
    n, channel = options.prisoners, options.link
    steps = options.horizon if options.max_cycles is None else min(options.horizon, options.max_cycles)
    ceiling = counting.all_visited(n, steps)
    starts = 200 if n <= 8 else 100  # long riddles: for patience
    mute, _ = counting.search(counting.Riddle(n, steps, np.ones((1, 2)) * [1, 0]), starts=starts)
    silent = Limit(mute, False, "best protocol found by clock and own first visit")
    if n**steps < 3000:
        silent = Limit(counting.silent(n, steps), True, "integer program over all protocols")
    elif n**steps <= 4**10:
        mute = max(mute, counting.climb_alone(n, steps)[0])
        silent = Limit(mute, False, "best protocol found by clock and all own visits, the same for all")
    if channel.size == 1:
        return Limits(silent, silent, silent if silent.exact else Limit(ceiling, False, "P(all have visited)"))
    if not channel.limited:
        value, _ = counting.search(counting.Riddle(n, steps, narrowed(channel, 16).matrix), starts=starts)
        attained = value >= ceiling - 1e-9
        by = "best protocol found by clock, message and whether one has been inside" + (
            ", attains the ceiling" if attained else ""
        )
        reachable = max(silent, Limit(value, attained, by), key=lambda limit: limit.value)
    else:
        reachable = Limit(silent.value, False, "what silence earns: no protocol under a budget was searched")
    return Limits(silent, reachable, Limit(ceiling, reachable.exact, "P(all have visited in time)"))
