"""Predator-prey: predators who see little look for one prey that does not move, and tell each other what they know.

Agents: `predator_0`, `predator_1`, `predator_2` (5; on 10 there are 5 predators, on 20 there are 10). All act and speak at once,
on a complete graph: what a predator sends goes to every other one and is read a step later. With `reach` r it goes only
to those at most r cells away, in a straight line between where both stand when it is read.

| size | grid | predators | vision | steps at most |
|---|---|---|---|---|
| 5 | 5x5 | 3 | 0 | 20 |
| 10 | 10x10 | 5 | 1 | 40 |
| 20 | 20x20 | 10 | 1 | 80 |

| | each predator |
|---|---|
| observation | the cells around, row by row, shape ((2 vision + 1)**2 * (grid**2 + 4),), then the inbox |
| action | [up 0, right 1, down 2, left 3, stay 4; message]: MultiDiscrete([5, 2**bits]); Discrete(5) without links |

A cell is seen as the one-hot of its number, then a spare place, 1 outside of the grid, the number of prey on it, and the number
of predators on it, itself included. The inbox has 2**bits + 1 places for every other predator: the delivered symbol, one-hot,
with a last place for an erasure. The channel is noiseless with bits=2 by default. With bits=0 there are no links. The spare
place is 0 here; predator_capture_prey counts its capturers there.

At reset predators and prey are on different cells, uniformly drawn. Who would leave the grid stays; predators may share cells.
A predator that reaches the prey stays there and its actions count no more; its messages do.

Rewards, each step, for each predator: -.05 off the prey. On it: `mixed` 0; `cooperative` .05 * predators on the prey;
`competitive` .05 / predators on the prey.
Ends in mode mixed when all predators have arrived (terminated), else after max_cycles steps (truncated).
Success, in the infos of the end: 1 if all predators are on the prey, else 0. Mean steps are `episode_length`.

What is seen besides messages: how many predators are on the cells up to v away. So they can signal by where they stand, but only
to those near by; with vision 0 only to those on the same cell.

With `sizes` each game has that many of the predators. The others see zeros, cannot speak or be spoken to, are paid 0, and need
not arrive. Bounds below are then means over sizes, in which who is not there counts with 0.

Limits, in reward a game of one predator, averaged over the team. silent: predators that sweep the grid row by row and go to the
prey when they see it, measured: a floor. reachable and ceiling: the value when all know where the prey is (each goes there the
shortest way; exact sum over cells), which no team exceeds; at bits=0 reachable is silent. Exact where vision covers the grid.

Published mean steps in mode mixed, at the sizes and visions above (5, 10, 20): IC3Net 8.9, 13.0, 52.4; CommNet 9.1, 13.1, 76.5
(Singh, Jain, Sukhbaatar 2019); TarMAC+IC3Net 35.57 +- 3.96 on 20 (Das et al. 2019). Hard to reproduce: a recent rerun of IC3Net
with 5 seeds on 20 got 75.31 steps and 31 % success.

Version history: v0 first release.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import permutations
from typing import Any, NamedTuple, cast

import numpy as np
from scipy.stats import hypergeom

from commenv.core import game as core
from commenv.core.errors import bad, number, whole
from commenv.core.game import Layout, Role, Rules
from commenv.core.generator import integer, rule
from commenv.core.limits import Limit, Limits
from commenv.core.topology import within
from commenv.games.classic.measured import measured
from commenv.games.classic.sizes import checked, choose_agents, drawn_size, mean_limits

UP, RIGHT, DOWN, LEFT, STAY = range(5)
MIXED, COOPERATIVE, COMPETITIVE = range(3)
MODES = ("mixed", "cooperative", "competitive")
OFF, ON = -0.05, 0.05
CLASSES = 4
"""Places of a cell after its number: spare or capturers, outside, prey, predators."""


class Setting(NamedTuple):
    """Every number of a game."""

    grid: int
    predators: int
    vision: int
    max_cycles: int


SIZES = {5: Setting(5, 3, 0, 20), 10: Setting(10, 5, 1, 40), 20: Setting(20, 10, 1, 80)}
"""As published."""


@dataclass(frozen=True, kw_only=True)
class Options(core.Options):
    """What a user may choose."""

    size: int = 5
    """5, 10 or 20: a published setting, of which each part can be chosen differently."""
    grid: int | None = None
    """Cells in a row and in a column, 2 to 64. None: as published."""
    predators: int | None = None
    """1 to 1,024, fewer than there are cells. None: as published."""
    vision: int | None = None
    """Cells that a predator sees in each direction, 0 to 64. None: as published."""
    mode: str = "mixed"
    """`mixed`, `cooperative` or `competitive`: what a predator earns on the prey."""
    reach: float | None = None
    """Cells, in a straight line, that a message goes at most; None: any number."""
    sizes: Sequence[int] | None = None
    """Fewest and most predators of a game: how many of all there are, and who, is drawn for each. None: all."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.size, bool) or not isinstance(self.size, int) or self.size not in SIZES:
            raise bad("size", self.size, f"one of {', '.join(map(str, SIZES))}")
        for name, value in self.setting._asdict().items():
            object.__setattr__(self, name, value)
        cells = whole("grid", self.grid, 2, 64) ** 2
        whole("predators", self.predators, 1, min(1024, cells - 1))
        whole("vision", self.vision, 0, 64)
        if not isinstance(self.mode, str) or self.mode not in MODES:
            raise bad("mode", self.mode, f"one of {', '.join(MODES)}")
        if self.reach is not None:
            number("reach", self.reach, 0, np.inf)
        object.__setattr__(self, "sizes", checked(self.sizes, self.setting.predators))

    @property
    def setting(self) -> Setting:
        """What was published for this size, but for what was chosen differently."""
        chosen = {name: value for name in Setting._fields if (value := getattr(self, name)) is not None}
        return SIZES[self.size]._replace(**chosen)


class Parameters(NamedTuple):
    grid: int
    vision: int
    mode: int
    reach: float  # infinite: no limit
    fewest: int
    most: int


class Game(core.Game):
    prey: int  # its cell
    players: int
    arrived: int


class Agent(core.Agent):
    there: int
    cell: int
    arrived: int


def layout(options: Options) -> Layout:
    grid, predators, vision, _ = options.setting
    seen, everybody = (2 * vision + 1) ** 2 * (grid**2 + CLASSES), range(predators)
    roles = tuple(Role(f"predator_{i}", actions=5, observation=seen, high=float(predators)) for i in everybody)
    links = tuple(permutations(everybody, 2)) if options.link.size > 1 else ()
    return Layout(roles=roles, links=links, cells=grid**2)


def parameters(options: Options) -> Parameters:
    grid, predators, vision, _ = options.setting
    fewest, most = options.sizes or (predators, predators)
    far = np.inf if options.reach is None else float(options.reach)
    return Parameters(grid, vision, MODES.index(options.mode), far, fewest, most)


def reset(p, game, agents, board, rng):
    scatter(p, game, agents, board, rng)
    game.players, game.arrived = drawn_size(rng, p.fewest, p.most), 0
    choose_agents(rng, agents, game.players)
    for cell in range(p.grid * p.grid):
        board[cell] = 0
    for i in range(len(agents)):
        agents[i].arrived = 0
        board[agents[i].cell] += agents[i].there


@rule
def scatter(p, game, agents, board, rng):
    """Agents and prey on different cells: a cell that is taken is drawn again."""
    for cell in range(p.grid * p.grid):
        board[cell] = 0
    for i in range(len(agents) + 1):
        cell = integer(rng, p.grid * p.grid)
        while board[cell] > 0:
            cell = integer(rng, p.grid * p.grid)
        board[cell] = 1
        if i < len(agents):
            agents[i].cell = cell
        else:
            game.prey = cell


@rule
def moved(grid, cell, action):
    """Where a move leads; nobody leaves the grid."""
    row, column = cell // grid, cell % grid
    if action == UP:
        row = max(row - 1, 0)
    elif action == RIGHT:
        column = min(column + 1, grid - 1)
    elif action == DOWN:
        row = min(row + 1, grid - 1)
    elif action == LEFT:
        column = max(column - 1, 0)
    return row * grid + column


def step(p, game, agents, board, act, sent, reward, rng):
    for i in range(len(agents)):
        predator = agents[i]
        if predator.there == 1 and predator.arrived == 0:
            board[predator.cell] -= 1
            predator.cell = moved(p.grid, predator.cell, act[i])
            board[predator.cell] += 1
            if predator.cell == game.prey:
                predator.arrived = 1
                game.arrived += 1
    on = 0.0
    if p.mode == COOPERATIVE:
        on = ON * game.arrived
    elif p.mode == COMPETITIVE and game.arrived > 0:
        on = ON / game.arrived
    for i in range(len(agents)):
        if agents[i].there == 1:
            reward[i] = on if agents[i].arrived == 1 else OFF
    return p.mode == MIXED and game.arrived == game.players


def has_floor(p, game, agents, board, i):
    return agents[i].there == 1


@rule
def near(p, here, there):
    """Whether a message goes from one cell to the other."""
    if p.reach > p.grid + p.grid:  # farther than any two cells: the usual game pays for no distances
        return True
    return within(here // p.grid, here % p.grid, there // p.grid, there % p.grid, p.reach)


def route(p, game, agents, board, source, target):
    if agents[target].there == 0:
        return False
    return near(p, agents[source].cell, agents[target].cell)


def observe(p, game, agents, board, i, obs):
    if agents[i].there == 1:
        look(p, game.prey, agents[i].cell, board, obs)
    else:
        for k in range(len(obs)):
            obs[k] = 0.0


@rule
def look(p, prey, cell, board, obs):
    """What is around a cell, predators as the board counts them."""
    for k in range(len(obs)):
        obs[k] = 0.0
    cells = p.grid * p.grid
    row, column = cell // p.grid, cell % p.grid
    start = 0
    for y in range(row - p.vision, row + p.vision + 1):
        for x in range(column - p.vision, column + p.vision + 1):
            if y >= 0 and y < p.grid and x >= 0 and x < p.grid:
                seen = y * p.grid + x
                obs[start + seen] = 1.0
                obs[start + cells + 2] = 1.0 if seen == prey else 0.0
                obs[start + cells + 3] = board[seen]
            else:
                obs[start + cells + 1] = 1.0
            start += cells + CLASSES


def success(p, game, agents, board):
    return 1.0 if game.arrived == game.players else 0.0


def unseen(options: Options, games: Any) -> np.ndarray:
    """The prey's cell, one-hot, [n, grid**2]."""
    return np.eye(options.setting.grid**2, dtype=np.float32)[games["prey"]]


def describe(options: Options, game: Any, agents: Any, board: Any) -> str:
    grid = options.setting.grid
    where = [f"predator_{i} at {divmod(int(agent['cell']), grid)}" for i, agent in enumerate(agents) if agent["there"]]
    prey = divmod(int(game["prey"]), grid)
    return f"step {game['t']}: prey at {prey}; {', '.join(where)}; {game['arrived']} arrived"


def situations(options: Options) -> None:
    return None


# ---------------------------------------------------------------------------------------------------------------- limits
def limits(options: Options) -> Limits:
    if options.sizes:
        (fewest, most), N = options.sizes, options.setting.predators
        found = [(n, limits(replace(options, predators=n, sizes=None))) for n in range(fewest, most + 1)]
        return mean_limits(found, N)
    silenced = replace(options, bits=0, channel=None)
    known = _prey_known(silenced)
    if options.setting.vision >= options.setting.grid - 1:
        best = Limit(known, True, "everybody sees the prey and goes there the shortest way")
        return Limits(silent=best, reachable=best, ceiling=best)
    bound = Limit(known, False, "upper bound: everybody knows where the prey is and goes there the shortest way")
    silent = _sweep(silenced)
    return Limits(silent=silent, reachable=bound if options.link.size > 1 else silent, ceiling=bound)


@lru_cache(64)
def _prey_known(options: Options) -> float:
    """Mean return of predators on shortest ways: of N, those within distance t of the prey have arrived at step t.

    Given the prey's cell their number is hypergeometric; what the team earns in a step grows with it, so sooner is better.
    """
    grid, N, _, steps = options.setting
    cells = grid**2
    arrived = np.arange(N + 1)
    on = {"mixed": 0 * arrived, "cooperative": ON * arrived**2, "competitive": ON * (arrived > 0)}[options.mode]
    team = on + OFF * (N - arrived)
    row, column = np.divmod(np.arange(cells), grid)
    apart = np.abs(row[:, None] - row) + np.abs(column[:, None] - column)
    farthest = 2 * (grid - 1)
    total = 0.0
    for t in range(1, min(steps, farthest) + 1):
        near, prey_cells = np.unique((apart <= t).sum(axis=1) - 1, return_counts=True)
        total += sum(k * float(hypergeom.pmf(arrived, cells - 1, b, N) @ team) for b, k in zip(near, prey_cells, strict=True))
    return float(total / cells + max(steps - farthest, 0) * team[N]) / N


@lru_cache(64)
def _sweep(options: Options) -> Limit:
    grid, _, vision, _ = options.setting
    path = sweep(grid, vision)
    way: dict[str, np.ndarray] = {}

    def act(batch: Any) -> dict[str, np.ndarray]:
        games, agents = batch.state.games, batch.state.agents
        if (games["t"] == 0).all() or not way:
            way["at"] = nearest(path, agents["cell"], grid)
            way["by"] = np.where(way["at"] < len(path) // 2, 1, -1)  # to the farther end, where there is more to see
        towards = pursue(path, way, agents["cell"], games["prey"][:, None], grid, vision)
        return dict(zip(batch.possible_agents, towards.T, strict=True))

    rules = cast(Rules, sys.modules[__name__])
    return measured(rules, options, act, "episode_return", "silent sweeps, row by row")


def sweep(grid: int, vision: int) -> np.ndarray:
    """Cells of a path from which everything is seen: rows 2 vision + 1 apart, there and back by turns."""
    band = 2 * vision + 1
    rows = [min(r, grid - 1) for r in range(min(vision, grid - 1), grid + vision, band)]
    columns = list(range(min(vision, grid - 1), max(grid - vision, vision + 1))) if vision < grid else [0]
    path: list[int] = []
    for k, row in enumerate(dict.fromkeys(rows)):
        ends = columns if k % 2 == 0 else columns[::-1]
        between = range(path[-1] // grid + 1, row) if path else ()
        path += [r * grid + ends[0] for r in between] + [row * grid + column for column in ends]
    return np.array(path)


def nearest(path: np.ndarray, cell: np.ndarray, grid: int) -> np.ndarray:
    """Index on the path of the cell nearest to each of these."""
    return distance(path, cell[..., None], grid).argmin(axis=-1)


def distance(a: np.ndarray, b: np.ndarray, grid: int) -> np.ndarray:
    return np.abs(a // grid - b // grid) + np.abs(a % grid - b % grid)


def pursue(path: np.ndarray, way: dict, cell: np.ndarray, prey: np.ndarray, grid: int, vision: int) -> np.ndarray:
    """Moves: to the prey where it is in sight, else on along the path, which is walked from end to end."""
    there = path[way["at"]] == cell
    turn = there & ((way["at"] + way["by"] < 0) | (way["at"] + way["by"] >= len(path)))
    way["by"] = np.where(turn, -way["by"], way["by"])
    way["at"] = np.clip(way["at"] + np.where(there, way["by"], 0), 0, len(path) - 1)
    seen = np.maximum(np.abs(cell // grid - prey // grid), np.abs(cell % grid - prey % grid)) <= vision
    goal = np.where(seen, prey, path[way["at"]])
    down, right = goal // grid - cell // grid, goal % grid - cell % grid
    moves = [down < 0, right > 0, down > 0, right < 0]
    return np.select(moves, [UP, RIGHT, DOWN, LEFT], STAY)
