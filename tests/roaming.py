"""A game for tests: agents on a line that hear each other over edges drawn for each game, and only where they are near."""

from dataclasses import dataclass
from typing import NamedTuple

from commenv.core import game as core
from commenv.core import topology
from commenv.core.game import Layout, Role
from commenv.core.generator import uniform
from commenv.core.limits import Limit, Limits


@dataclass(frozen=True, kw_only=True)
class Options(core.Options):
    players: int = 5
    edge: float = 0.5
    reach: float = 0.4
    directed: bool = False


class Parameters(NamedTuple):
    edge: float
    reach: float
    directed: int


class Game(core.Game):
    pass


class Agent(core.Agent):
    x: float
    y: float


def layout(options):
    roles = tuple(Role(f"player_{i}", actions=1, observation=2, high=1.0) for i in range(options.players))
    return Layout(roles=roles, links=topology.links(n=options.players), cells=topology.mask_cells(options.players))


def parameters(options):
    return Parameters(float(options.edge), float(options.reach), int(options.directed))


def reset(p, game, agents, board, rng):
    topology.draw_mask(rng, board, 0, len(agents), p.edge, p.directed != 0)
    for i in range(len(agents)):
        agents[i].x, agents[i].y = uniform(rng), uniform(rng)


def route(p, game, agents, board, source, target):
    near = topology.within(agents[source].x, agents[source].y, agents[target].x, agents[target].y, p.reach)
    return topology.linked(board, 0, len(agents), source, target) and near


def step(p, game, agents, board, act, sent, reward, rng):
    for i in range(len(agents)):
        agents[i].x = min(max(agents[i].x + 0.2 * (uniform(rng) - 0.5), 0.0), 1.0)
    return False


def observe(p, game, agents, board, i, obs):
    obs[0], obs[1] = agents[i].x, agents[i].y


def limits(options):
    unknown = Limit(0.0, False, "not worked out")
    return Limits(unknown, unknown, unknown)


def describe(options, game, agents, board):
    return f"step {game['t']}"
