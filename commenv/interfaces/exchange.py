"""The exchange: a game without rules, in which agents send messages and nothing else happens.

`metered` puts it beside an environment that somebody else wrote: noise, budgets, meters and seeds are then those of every
game, compiled and tested once. Who has the floor and who is there to hear stand on the board, two places an agent; the
environment decides that, not this game. It never ends and rewards nothing, so it has no limits and no id to ask for them by.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

from commenv.core import game as core
from commenv.core.game import Layout, Role


@dataclass(frozen=True, kw_only=True)
class Options(core.Options):
    """Who exchanges messages with whom."""

    agents: tuple[str, ...] = ()
    """Names."""
    links: tuple[tuple[int, int], ...] = ()
    """(source, target), by index of the names."""


class Parameters(NamedTuple):
    agents: int


class Game(core.Game):
    pass


class Agent(core.Agent):
    pass


def layout(options: Options) -> Layout:
    roles = tuple(Role(name, actions=1, observation=0) for name in options.agents)
    return Layout(roles=roles, links=options.links, cells=2 * len(roles))


def parameters(options: Options) -> Parameters:
    return Parameters(len(options.agents))


def reset(p, game, agents, board, rng):
    pass


def step(p, game, agents, board, act, sent, reward, rng):
    return False


def observe(p, game, agents, board, i, obs):
    pass


def has_floor(p, game, agents, board, i):
    return board[i] != 0


def route(p, game, agents, board, source, target):
    return board[p.agents + target] != 0


def describe(options: Options, game: Any, agents: Any, board: Any) -> str:
    return f"step {game['t']}"
