"""Predator-capture-prey: perceivers who see a little find the prey, and tell a blind capturer who alone can capture it.

Agents: `perceiver_0`, `perceiver_1`, `capturer_0`. All act and speak at once, on a complete graph: what one sends goes to every
other one and is read a step later. With `reach` r it goes only to those at most r cells away, in a straight line between where
both stand when it is read. The grid is 5x5, with one prey that does not move.

| | perceiver | capturer |
|---|---|---|
| observation | the cells around, row by row, shape ((2 vision + 1)**2 * (grid**2 + 4),), then the inbox | the same shape |
| action | [move, message]: MultiDiscrete([6, 2**bits]); Discrete(6) without links | the same |

A cell is seen as the one-hot of its number, then the number of capturers on it, 1 outside of the grid, the number of prey, and
the number of perceivers; a capturer has -1 in these four places of every cell. Moves: up 0, right 1, down 2, left 3, stay 4; 5
is capture, with which a perceiver stays. The inbox has 2**bits + 1 places for every other agent: the delivered symbol, one-hot,
with a last place for an erasure. The channel is noiseless with bits=2 by default. With bits=0 there are no links.

At reset all are on different cells, uniformly drawn. Who would leave the grid stays; agents may share cells. Who reaches the prey
stays there. A capturer captures with action 5 when it is on the prey's cell as the step begins; elsewhere 5 does nothing.

Rewards, each step: a perceiver -.05 off the prey, 0 on it; a capturer -.05 until it has captured, 0 from that step on.
Ends when all have reached the prey and all capturers have captured it (terminated), else after max_cycles=20 steps (truncated).
Success, in the infos of the end: 1 if so, else 0. Mean steps are `episode_length`.

What is seen besides messages: perceivers see who is on the cells up to v away, and may signal so to each other. The capturer sees
its own place only; that a move inside the grid does not move it tells it that it has reached the prey.

Limits, in reward a game of one agent, averaged over the team. silent: perceivers that sweep the grid row by row, and a capturer
that does so and captures when it finds itself held, measured: a floor. reachable and ceiling: the value when all know where the
prey is (each goes there the shortest way and captures at once; exact sum over cells), which no team exceeds; at bits=0 silent.

Published with vision 1, 5x5: Seraj et al. (2022), HetNet; Hu et al. (2024), CommFormer, evaluated on 20 steps.
Left out: the variants of CommFormer's code in which reaching the prey pays half, a capturer sees, or the mode is not mixed.
Version history: v0 first release.
"""

import sys
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import permutations
from typing import Any, NamedTuple, cast

import numpy as np

from commenv.core import game as core
from commenv.core.errors import number, whole
from commenv.core.game import Layout, Role, Rules
from commenv.core.limits import Limit, Limits
from commenv.games.classic.measured import measured
from commenv.games.classic.predator_prey import CLASSES, OFF, distance, look, moved, near, nearest, pursue, scatter, sweep

CAPTURE = 5


@dataclass(frozen=True, kw_only=True)
class Options(core.Options):
    """What a user may choose."""

    grid: int = 5
    """Cells in a row and in a column, 2 to 64."""
    perceivers: int = 2
    """1 to 1,024."""
    capturers: int = 1
    """1 to 1,024; all agents together are fewer than the cells."""
    vision: int = 1
    """Cells that a perceiver sees in each direction, 0 to 64."""
    reach: float | None = None
    """Cells, in a straight line, that a message goes at most; None: any number."""

    def __post_init__(self) -> None:
        super().__post_init__()
        cells = whole("grid", self.grid, 2, 64) ** 2
        whole("perceivers", self.perceivers, 1, min(1024, cells - 2))
        whole("capturers", self.capturers, 1, min(1024, cells - 1 - self.perceivers))
        whole("vision", self.vision, 0, 64)
        if self.reach is not None:
            number("reach", self.reach, 0, np.inf)
        if self.max_cycles is None:
            object.__setattr__(self, "max_cycles", 20)


class Parameters(NamedTuple):
    grid: int
    vision: int
    perceivers: int
    reach: float  # infinite: no limit


class Game(core.Game):
    prey: int  # its cell
    finished: int  # perceivers that have arrived and capturers that have captured


class Agent(core.Agent):
    cell: int
    arrived: int
    captured: int


def layout(options: Options) -> Layout:
    seen = (2 * options.vision + 1) ** 2 * (options.grid**2 + CLASSES)
    everybody = range(options.perceivers + options.capturers)
    most = float(len(everybody))
    see = [Role(f"perceiver_{i}", actions=6, observation=seen, high=most) for i in range(options.perceivers)]
    blind = [Role(f"capturer_{i}", actions=6, observation=seen, low=-1.0) for i in range(options.capturers)]
    links = tuple(permutations(everybody, 2)) if options.link.size > 1 else ()
    return Layout(roles=(*see, *blind), links=links, cells=2 * options.grid**2)


def parameters(options: Options) -> Parameters:
    reach = np.inf if options.reach is None else float(options.reach)
    return Parameters(options.grid, options.vision, options.perceivers, reach)


def reset(p, game, agents, board, rng):
    """The board counts perceivers, and behind them capturers."""
    cells = p.grid * p.grid
    scatter(p, game, agents, board, rng)
    game.finished = 0
    for place in range(2 * cells):
        board[place] = 0
    for i in range(len(agents)):
        agents[i].arrived = agents[i].captured = 0
        board[agents[i].cell + (cells if i >= p.perceivers else 0)] += 1


def step(p, game, agents, board, act, sent, reward, rng):
    for i in range(len(agents)):
        agent = agents[i]
        blind = i >= p.perceivers
        if agent.arrived == 0:
            first = p.grid * p.grid if blind else 0
            board[first + agent.cell] -= 1
            agent.cell = moved(p.grid, agent.cell, act[i])
            board[first + agent.cell] += 1
            if agent.cell == game.prey:
                agent.arrived = 1
                game.finished += 0 if blind else 1
        elif blind and agent.captured == 0 and act[i] == CAPTURE:
            agent.captured = 1
            game.finished += 1
        reward[i] = 0.0 if (agent.captured if blind else agent.arrived) == 1 else OFF
    return game.finished == len(agents)


def route(p, game, agents, board, source, target):
    return near(p, agents[source].cell, agents[target].cell)


def observe(p, game, agents, board, i, obs):
    look(p, game.prey, agents[i].cell, board, obs)
    cells = p.grid * p.grid
    row, column = agents[i].cell // p.grid, agents[i].cell % p.grid
    start = cells  # behind the number of the cell
    for y in range(row - p.vision, row + p.vision + 1):
        for x in range(column - p.vision, column + p.vision + 1):
            if i >= p.perceivers:
                for k in range(CLASSES):
                    obs[start + k] = -1.0
            elif y >= 0 and y < p.grid and x >= 0 and x < p.grid:
                obs[start] = board[cells + y * p.grid + x]
            start += cells + CLASSES


def success(p, game, agents, board):
    return 1.0 if game.finished == len(agents) else 0.0


def describe(options: Options, game: Any, agents: Any, board: Any) -> str:
    names = layout(options).names
    where = [f"{name} at {divmod(int(agent['cell']), options.grid)}" for name, agent in zip(names, agents, strict=True)]
    prey = divmod(int(game["prey"]), options.grid)
    return f"step {game['t']}: prey at {prey}; {', '.join(where)}; {agents['captured'].sum()} captured"


def situations(options: Options) -> None:
    return None


# ---------------------------------------------------------------------------------------------------------------- limits
def limits(options: Options) -> Limits:
    bound = Limit(_prey_known(options), False, "upper bound: everybody knows where the prey is and goes there the shortest way")
    silent = _sweep(replace(options, bits=0, channel=None, reach=None))
    return Limits(silent=silent, reachable=bound if options.link.size > 1 else silent, ceiling=bound)


def _prey_known(options: Options) -> float:
    """Mean return: at distance d a perceiver pays in d - 1 steps and a capturer in d."""
    assert options.max_cycles is not None
    cells = np.arange(options.grid**2)
    apart = distance(cells, cells[:, None], options.grid)
    d = apart[apart > 0]
    paid = [np.minimum(d - late, options.max_cycles).mean() for late in (1, 0)]
    counts = options.perceivers, options.capturers
    return OFF * float(np.dot(paid, counts)) / sum(counts)


@lru_cache(64)
def _sweep(options: Options) -> Limit:
    grid, vision, P = options.grid, options.vision, options.perceivers
    paths = sweep(grid, vision), sweep(grid, 0)
    ways: list[dict] = [{}, {}]
    before = np.zeros(())

    def act(batch: Any) -> dict[str, np.ndarray]:
        nonlocal before
        games, cells = batch.state.games, batch.state.agents["cell"]
        teams = cells[:, :P], cells[:, P:]
        if (games["t"] == 0).all() or not ways[0]:
            before = np.full_like(teams[1], -1)
            for way, path, own in zip(ways, paths, teams, strict=True):
                way["at"] = nearest(path, own, grid)
                way["by"] = np.where(way["at"] < len(path) // 2, 1, -1)
        see = pursue(paths[0], ways[0], teams[0], games["prey"][:, None], grid, vision)
        search = pursue(paths[1], ways[1], teams[1], np.full((len(cells), 1), -(grid**2)), grid, 0)
        held = before == teams[1]  # the sweep never stays, so who has not moved is on the prey
        before = teams[1].copy()
        moves = np.concatenate([see, np.where(held, CAPTURE, search)], axis=1)
        return dict(zip(batch.possible_agents, moves.T, strict=True))

    return measured(cast(Rules, sys.modules[__name__]), options, act, "episode_return", "silent sweeps, row by row")
