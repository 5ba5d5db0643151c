"""A game for tests: agents in a ring act and speak at once; each earns by naming the secret of the one before it.

Every agent draws a secret bit a step and may tell the next agent; agent 0 also tells the last one. Each is paid .5 for naming
the secret that its predecessor had one step ago, and less `toll` for a message that is not 0. The game ends at a random
step, or when `max_cycles` cuts it. It has what the referential game has not: several links, simultaneous actions, fields of
its own on the agents, a float on the board of rewards, and draws at every step.
"""

from dataclasses import dataclass
from typing import NamedTuple

from commenv.core import game as core
from commenv.core.game import Layout, Role
from commenv.core.generator import chance, integer
from commenv.core.limits import Limit, Limits
from commenv.core.transmission import NOTHING


@dataclass(frozen=True, kw_only=True)
class Options(core.Options):
    players: int = 3
    stop: float = 0.1
    toll: float = 0.25


class Parameters(NamedTuple):
    stop: float
    toll: float


class Game(core.Game):
    pot: float


class Agent(core.Agent):
    secret: int
    won: float


def layout(options):
    n = options.players
    links = [(i, (i + 1) % n) for i in range(n)] + [(0, n - 1)]
    roles = tuple(Role(f"player_{i}", actions=2, observation=3, low=-1.0) for i in range(n))
    return Layout(roles=roles, links=tuple(links), cells=n)


def parameters(options):
    return Parameters(float(options.stop), float(options.toll))


def reset(p, game, agents, board, rng):
    game.pot = 0.0
    for i in range(len(agents)):
        agents[i].secret = integer(rng, 2)
        agents[i].won = 0.0
        board[i] = -1


def step(p, game, agents, board, act, sent, reward, rng):
    n = len(agents)
    for i in range(n):
        before = board[(i - 1) % n]
        if before >= 0 and act[i] == before:
            reward[i] += 0.5
        if sent[i] != NOTHING and sent[i] != 0:
            reward[i] -= p.toll
        agents[i].won += reward[i]
        game.pot += reward[i]
    for i in range(n):
        board[i] = agents[i].secret
        agents[i].secret = integer(rng, 2)
    return chance(rng, p.stop)


def success(p, game, agents, board):
    return game.pot


def observe(p, game, agents, board, i, obs):
    obs[0] = agents[i].secret
    obs[1] = board[i]
    obs[2] = min(max(game.pot / 100.0, -1.0), 1.0)


def limits(options):
    unknown = Limit(0.0, False, "not worked out")
    return Limits(unknown, unknown, unknown)


def situations(options):
    return None


def describe(options, game, agents, board):
    return f"step {game['t']}: secrets {agents['secret'].tolist()}"
