"""Guide: one agent knows where the goal is and speaks once; the other walks until it is there.

Agents: `guide`, who sees the goal and sends one message, and `mover`, who then walks, a place a step. What was said stays in its
inbox. The mover knows the map, and which of the places where the goal may be it has come to in vain.

| | guide | mover |
|---|---|---|
| observation | goal, one-hot, shape (n,) | place, one-hot, and goals visited, (V + n,), then the inbox, (2**bits + 1,) |
| action | message, Discrete(2**bits) | which way, Discrete(D) |

Worlds, with V places: `spider` (k `legs` of `length` l meet at the start; goals are the tips; at the start a way is a leg, on a
leg 0 leads to the start and 1 away from it), `line` (`places` in a row, each of which may be the goal, the start too; 0 to the
left, 1 to the right), `maze` (rows of text: `#` wall, `.` floor, `S` start, `G` goal; 0 up, 1 down, 2 left, 3 right). A way that
leads nowhere leaves the mover where it is. At most 16 goals, each as likely.

Reward: -1 a step of the mover, the same for both. Ends when the mover stands at the goal, or after `patience` steps of the mover.
Patience is never less than n times the longest way between two places: any plan has then come to all goals, and giving up
pays for nobody. The guide's step costs nothing. Success: 1 if the goal was found.

Limits, in reward a game: minus mean steps. silent and reachable: the best partition of the goals into 1 or 2**bits cells, each
searched at its best; exact by dynamic programs over subsets (Held, Karp 1962), for the spider l sum_c m_c**2 / k with cells of
equal size m_c. Through noise exact or a lower bound as the source says, for up to 6 goals. ceiling: reward-rate function at
capacity over all orders of visits, dual bound (Blahut 1972), for up to 6 goals; else the goal known, an upper bound.

Afrati et al. (1986), The complexity of the travelling repairman problem. Version history: v0 first release.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, ClassVar, NamedTuple

import numpy as np
from scipy.sparse.csgraph import shortest_path

from commenv import info
from commenv.core import game as core
from commenv.core.errors import bad, whole, word
from commenv.core.game import Layout, Role
from commenv.core.generator import integer
from commenv.core.limits import Limit, Limits
from commenv.core.links import lines
from commenv.solvers.partitions import MOST_THINGS
from commenv.solvers.search import MOST_ORDERED, Search

GUIDE, MOVER = 0, 1
MOST_PLACES = 1024
MAZE = (
    "G..#..G",
    ".#.#.#.",
    ".#...#.",
    "G..S..G",
    ".#.#.#.",
    ".#.#.#.",
    "G..#..G",
)


@dataclass(frozen=True)
class World:
    """A map."""

    moves: np.ndarray
    """Where each way leads from each place, shape (V, D)."""
    start: int
    goals: np.ndarray
    """Places where the goal may be, shape (n,)."""

    @cached_property
    def steps(self) -> np.ndarray:
        """From place to place, shape (V, V); infinite where there is no way."""
        V = len(self.moves)
        edges = np.zeros((V, V))
        edges[np.arange(V)[:, None], self.moves] = 1
        return shortest_path(edges, unweighted=True)

    @property
    def search(self) -> Search:
        n, steps = len(self.goals), self.steps
        return Search(np.full(n, 1 / n), steps[self.start, self.goals], steps[np.ix_(self.goals, self.goals)])


@dataclass(frozen=True, kw_only=True)
class Options(core.Options):
    """What a user may choose."""

    default_bits: ClassVar[int] = 2

    world: str = "spider"
    """`spider`, `line` or `maze`."""
    legs: int = 6
    """Of the spider, k, 2 to 16."""
    length: int = 2
    """Of each leg, l, 1 to 64."""
    places: int = 9
    """Of the line, 2 to 16."""
    start: int | None = None
    """Of the line, counted from 0; None: the middle."""
    maze: Sequence[str] = MAZE
    """Rows of equal length."""
    patience: int | None = None
    """Steps of the mover after which the game ends; None: the least that is allowed, n times the longest way."""

    def __post_init__(self) -> None:
        super().__post_init__()
        whole("legs", self.legs, 2, MOST_THINGS)
        whole("length", self.length, 1, 64)
        whole("places", self.places, 2, MOST_THINGS)
        if self.start is not None:
            whole("start", self.start, 0, self.places - 1)
        word("world", self.world, ("spider", "line", "maze"))
        if (
            not isinstance(self.maze, Sequence)
            or isinstance(self.maze, str)
            or not all(isinstance(row, str) for row in self.maze)
        ):
            raise bad("maze", self.maze, "rows of text")
        object.__setattr__(self, "maze", tuple(self.maze))
        least = len(self.map.goals) * int(self.map.steps.max())
        if self.patience is not None:
            whole("patience", self.patience, least, core.ENDLESS)

    @property
    def moves(self) -> int:
        """Steps of the mover in the longest game."""
        return self.patience or len(self.map.goals) * int(self.map.steps.max())

    @cached_property
    def map(self) -> World:
        match self.world:
            case "spider":
                return _spider(self.legs, self.length)
            case "line":
                return _line(self.places, self.places // 2 if self.start is None else self.start)
            case _:
                return _maze(self.maze)


def _spider(legs: int, length: int) -> World:
    V = 1 + legs * length
    moves = np.tile(np.arange(V)[:, None], (1, legs))
    for leg in range(legs):
        way = [0, *range(1 + leg * length, 1 + (leg + 1) * length)]
        moves[0, leg] = way[1]
        for inner, place in pairwise(way):
            moves[place, 0] = inner
            if inner:
                moves[inner, 1] = place
    return World(moves, 0, length * np.arange(1, legs + 1))


def _line(places: int, start: int) -> World:
    here = np.arange(places)
    return World(np.stack([np.maximum(here - 1, 0), np.minimum(here + 1, places - 1)], axis=1), start, here)


def _maze(rows: Sequence[str]) -> World:
    if not rows or len({len(row) for row in rows}) != 1 or not set("".join(rows)) <= set("#.SG") or "".join(rows).count("S") != 1:
        raise bad("maze", rows, "rows of equal length, of '#', '.', 'G' and one 'S'")
    floor = {(y, x): c for y, row in enumerate(rows) for x, c in enumerate(row) if c != "#"}
    number = {cell: k for k, cell in enumerate(floor)}
    goals = np.array([number[cell] for cell, c in floor.items() if c == "G"], int)
    start = next(number[cell] for cell, c in floor.items() if c == "S")
    if not 1 <= len(goals) <= MOST_THINGS or len(floor) > MOST_PLACES:
        raise bad("maze", rows, f"one of 1 to {MOST_THINGS} goals and at most {MOST_PLACES:,} places")
    ways = ((-1, 0), (1, 0), (0, -1), (0, 1))
    moves = np.array([[number.get((y + dy, x + dx), number[y, x]) for dy, dx in ways] for y, x in floor])
    world = World(moves, start, goals)
    if not np.isfinite(world.steps).all():
        raise bad("maze", rows, "one whose floor hangs together")
    return world


class Parameters(NamedTuple):
    moves: np.ndarray  # (V, D)
    goals: np.ndarray  # (n,)
    goal_at: np.ndarray  # which goal a place is, -1: none; (V,)
    start: int
    patience: int


class Game(core.Game):
    state: int  # the goal
    place: int


class Agent(core.Agent):
    pass


def layout(options: Options) -> Layout:
    world = options.map
    (V, D), n = world.moves.shape, len(world.goals)
    roles = (Role("guide", actions=1, observation=n), Role("mover", actions=D, observation=V + n))
    return Layout(roles=roles, links=((GUIDE, MOVER),), turns=True, cells=n, holds=True)


def parameters(options: Options) -> Parameters:
    world = options.map
    goal_at = np.full(len(world.moves), -1, np.int64)
    goal_at[world.goals] = np.arange(len(world.goals))
    moves, goals = world.moves.astype(np.int64), world.goals.astype(np.int64)
    return Parameters(np.ascontiguousarray(moves), goals, goal_at, int(world.start), options.moves)


def reset(p, game, agents, board, rng):
    game.turn = GUIDE
    game.state = integer(rng, len(p.goals))
    game.place = p.start
    for g in range(len(board)):
        board[g] = 1 if p.goals[g] == p.start else 0


def step(p, game, agents, board, act, sent, reward, rng):
    if game.turn == GUIDE:
        game.turn = MOVER
        return game.place == p.goals[game.state]
    reward[GUIDE] = reward[MOVER] = -1.0
    game.place = p.moves[game.place, act[MOVER]]
    if p.goal_at[game.place] >= 0:
        board[p.goal_at[game.place]] = 1
    return game.place == p.goals[game.state] or game.t == p.patience  # the guide's step was 0


def observe(p, game, agents, board, i, obs):
    for k in range(len(obs)):
        obs[k] = 0.0
    if i == GUIDE:
        obs[game.state] = 1.0
        return
    obs[game.place] = 1.0
    for g in range(len(board)):
        obs[len(p.goal_at) + g] = board[g]


def success(p, game, agents, board):
    return 1.0 if game.place == p.goals[game.state] else 0.0


def describe(options: Options, game: Any, agents: Any, board: Any) -> str:
    who = "guide" if game["turn"] == GUIDE else "mover"
    goal = options.map.goals[game["state"]]
    return f"step {game['t']}: goal at place {goal}, mover at {game['place']}, {who} to move"


def situations(options: Options) -> None:
    return None


# ---------------------------------------------------------------------------------------------------------------- limits
def limits(options: Options) -> Limits:
    search, channel = options.map.search, options.link
    n = len(options.map.goals)
    if options.max_cycles is not None and options.max_cycles <= options.moves:
        walked = np.minimum(np.asarray(search.first), options.max_cycles - 1).mean()
        cut = Limit(-float(walked), False, "upper bound: the goal known, and steps until the cut only")
        return Limits(silent=cut, reachable=cut, ceiling=cut)
    (line,) = lines(channel, layout(options))
    silent = Limit(-search.told(1)[0], True, "best search of all goals, dynamic program over subsets (Held, Karp 1962)")
    ceiling, noisy = Limit(-search.known, channel.size >= n and line.capacity >= np.log2(n), "the goal known"), None
    if n <= MOST_ORDERED:
        prior, reward = np.asarray(search.prior), -search.orders[1]
        most = info.rate_reward(prior, reward, line.capacity)
        source = "reward-rate function at capacity over orders of visits, dual bound (Blahut 1972)"
        ceiling = Limit(min(most.upper, -search.known), most.gap < 1e-9 and channel.memoryless, source)
        if channel.memoryless and not channel.floats:
            noisy = prior, reward
    if channel.memoryless and not channel.floats and channel.capacity == np.log2(channel.size):
        reachable = Limit(-search.told(channel.size)[0], True, "best cells, each searched at its best, by dynamic programs")
    elif noisy and n * channel.size <= 4096:
        code = info.noisy_one_shot(*noisy, line.matrix)
        reachable = Limit(code.value, code.exact, f"best code into orders of visits, by {code.method}")
    else:
        reachable = Limit(ceiling.value, False, "the ceiling: not all codes can be tried")
    return Limits(silent=silent, reachable=reachable, ceiling=ceiling)
