"""Traffic junction: cars cross a junction on fixed routes, each may brake, and they tell each other where they are.

Agents: `car_0`, `car_1`, `car_2`, `car_3`, `car_4` (easy; medium has 10, hard 20). All act and speak at once, on a complete
graph: what a car sends goes to every other one. Cars enter and leave; an agent without a car stays in the game, sees zeros,
and its action is ignored. A link carries what a car sent if there was a car to send it, and one to hear it a step later.
With `reach` r it carries only if both are on the road when it is heard, at most r cells apart in a straight line.

| difficulty | grid | roads | arrivals | routes, cells each | cars at most | add_rate | steps |
|---|---|---|---|---|---|---|---|
| easy | 7x7 | one-way row 3 and column 3: 13 cells | 2 | 2: 7 | 5 | .3 | 20 |
| medium | 14x14 | two-way at 6-7: 52 cells | 4 | 12: right 13, straight 14, left 15 | 10 | .2 | 40 |
| hard | 18x18 | two-way at 4-5 and 12-13: 128 cells | 8 | 56: 9 to 27 | 20 | .05 | 80 |

On hard a car turns or not at each of its first two junctions and then goes straight: seven routes an arrival.

| | each car |
|---|---|
| observation | last action, route / (routes - 1), then the cells around, row by row, (2 vision + 1)**2 of them, the inbox |
| action | [gas 0 or brake 1, message]: MultiDiscrete([2, 2**bits]); Discrete(2) without links |

A cell is seen as the one-hot of its number among the road cells with a last place for what is no road, then the number of cars
on it, itself included. With same_step one place before the inbox is 1 when it is time to act. The inbox has 2**bits + 1 places
for every other agent: the delivered symbol, one-hot, with a last place for an erasure. The channel is noiseless with bits=2 by
default. With bits=0 there are no links.

A step: cars on gas move on, and those at the end of their route leave; then at each arrival in turn, if fewer cars than the
most are on the road, with probability add_rate a uniformly drawn free agent gets a car on a uniformly drawn route, even if the
first cell is taken, and a place freed in this step may be taken; then everybody sees, and is paid. At reset there are no cars.
Messages sent at t are read at t + 1. With `same_step` each step has two halves, as in the published in-network exchange: in the
first one only messages count and nothing moves, in the second one everybody has heard them and only actions count. The clock,
`max_cycles` and the refill of a budget then count halves, so games have 40, 80 and 160 steps.

Rewards: each car -.01 * its steps on the road (0 when it enters), and -10 if it shares its cell; nothing without a car.
Ends after max_cycles steps (truncated). Crashes end nothing.
Success, in the infos of the end: 1 if no two cars ever shared a cell, else 0.

What is seen besides messages: with vision v a car sees how many cars are on the cells up to v away, so that cars near each other
can signal by standing there; with vision 0 only those that it crashes with. And who hears nothing from an agent knows that
nobody drives it.

With `sizes` the most cars at once are drawn for each game.

Limits, in reward a game of one agent, averaged over the team. silent: what cars that never brake earn, measured: a floor, and at
vision 1 not a good one. reachable: what they would earn if crashes were free, measured, and taken for a bound; what b bits
reach is not known, nor is it proven that holding a car back never saves time where all agents drive. ceiling: 0, for nobody is
paid more.
Success lies between that of cars that never brake, .281 on easy (exactly .281097), .037 on medium, .076 on hard, and 1: at the
rates above a controller that sees all cars, but not who will enter, lost none of 13,000 games.

Published success in % (easy, medium, hard), with full communication and the rates above. Vision 0: IC3Net 93.0, 89.3, 72.4
(Singh, Jain, Sukhbaatar 2019). Vision 1: TarMAC 2-round 99.9 +- .1 easy, 97.1 +- 1.6 hard; without messages 84.9 +- 4.3 and
74.1 +- 3.9 (Das et al. 2019).

Not reproduced from IC3Net's code: on easy its road cell 12 has the number of what is no road; here they differ. Its curriculum,
in which add_rate rises from .1, .05, .02, is `add_rate`. Sukhbaatar, Szlam, Fergus (2016), Learning multiagent communication.
Version history: v0 first release.
"""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import permutations, product
from typing import Any, NamedTuple, cast

import numpy as np

from commenv.core import game as core
from commenv.core.errors import bad, number, whole
from commenv.core.game import Layout, Role, Rules
from commenv.core.generator import chance, integer, rule
from commenv.core.limits import Limit, Limits
from commenv.core.topology import within
from commenv.games.classic.measured import batches, sample
from commenv.games.classic.sizes import checked, drawn_size

GAS, BRAKE = 0, 1
CRASH, WAIT = -10.0, -0.01

Cell = tuple[int, int]
NORTH, EAST, SOUTH, WEST = (-1, 0), (0, 1), (1, 0), (0, -1)


@dataclass(frozen=True)
class Map:
    """One published road map. Rows count downwards; traffic keeps to the right."""

    grid: int
    lanes: dict[Cell, tuple[int, ...]]
    """By heading, the columns or rows on which one drives so; arrivals are in this order."""
    junctions: int
    """At how many junctions a route may turn."""
    cars: int
    add_rate: float
    steps: int


MAPS = {
    "easy": Map(7, {SOUTH: (3,), EAST: (3,)}, 0, 5, 0.3, 20),
    "medium": Map(14, {SOUTH: (6,), NORTH: (7,), EAST: (7,), WEST: (6,)}, 1, 10, 0.2, 40),
    "hard": Map(18, {SOUTH: (4, 12), EAST: (5, 13), NORTH: (5, 13), WEST: (4, 12)}, 2, 20, 0.05, 80),
}


def routes(difficulty: str) -> list[list[tuple[Cell, ...]]]:
    """For each arrival the cells of its routes, in order."""
    chart = MAPS[difficulty]
    last = chart.grid - 1
    start = {SOUTH: lambda k: (0, k), NORTH: lambda k: (last, k), EAST: lambda k: (k, 0), WEST: lambda k: (k, last)}
    arrivals = [(start[heading](k), heading) for heading, lanes in chart.lanes.items() for k in lanes]
    wishes = list(product("srl", repeat=chart.junctions))  # straight, right, left
    # One that has left the map after its first junction drives the same way whatever it wished for the second.
    return [list(dict.fromkeys(tuple(_drive(chart, *arrival, wish)) for wish in wishes)) for arrival in arrivals]


def _drive(chart: Map, cell: Cell, heading: Cell, wish: tuple[str, ...]) -> Iterator[Cell]:
    """The cells of a car that turns as wished at its first junctions, then goes straight."""
    rows, columns = ({k for h in headings for k in chart.lanes.get(h, ())} for headings in ((EAST, WEST), (NORTH, SOUTH)))
    turns, inside, wanted = iter(wish), False, heading
    while 0 <= cell[0] < chart.grid and 0 <= cell[1] < chart.grid:
        yield cell
        entered, inside = not inside, cell[0] in rows and cell[1] in columns
        if inside and entered:
            dy, dx = heading
            wanted = {"s": heading, "r": (dx, -dy), "l": (-dx, dy)}[next(turns, "s")]
        lane = cell[0] if wanted in (EAST, WEST) else cell[1]
        if inside and lane in chart.lanes[wanted]:
            heading = wanted
        cell = (cell[0] + heading[0], cell[1] + heading[1])


@dataclass(frozen=True, kw_only=True)
class Options(core.Options):
    """What a user may choose."""

    difficulty: str = "easy"
    """`easy`, `medium` or `hard`: the map, and what is published with it."""
    vision: int = 0
    """Cells that a car sees in each direction: 0 in IC3Net's experiments, 1 in MAGIC's and TarMAC's; 0 to 8."""
    add_rate: float | None = None
    """Probability that a car enters at an arrival, each step. None: the published maximum."""
    cars: int | None = None
    """Agents, which is to say cars at once, 1 to 1,024. None: as published."""
    same_step: bool = False
    """Whether messages are heard before acting in the same step."""
    reach: float | None = None
    """Cells, in a straight line, that a message goes at most; None: any number."""
    sizes: Sequence[int] | None = None
    """The most cars at once are drawn for each game, from the first to the second of these. None: `cars`."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.difficulty, str) or self.difficulty not in MAPS:
            raise bad("difficulty", self.difficulty, f"one of {', '.join(MAPS)}")
        whole("vision", self.vision, 0, 8)
        if not isinstance(self.same_step, bool):
            raise bad("same_step", self.same_step, "True or False")
        if self.reach is not None:
            number("reach", self.reach, 0, np.inf)
        chart = MAPS[self.difficulty]
        rate = chart.add_rate if self.add_rate is None else number("add_rate", self.add_rate, 0, 1)
        cars = chart.cars if self.cars is None else whole("cars", self.cars, 1, 1024)
        steps = chart.steps * (1 + self.same_step) if self.max_cycles is None else self.max_cycles
        for name, value in (("add_rate", rate), ("cars", cars), ("max_cycles", steps), ("sizes", checked(self.sizes, cars))):
            object.__setattr__(self, name, value)


class Parameters(NamedTuple):
    routes: np.ndarray  # (R, longest) the road cell at each place of a route; -1 beyond its end
    length: np.ndarray  # (R,)
    sight: np.ndarray  # (cells, (2v+1)**2) road cells around a road cell; `cells` for what is no road
    arrivals: int
    add_rate: float
    same_step: int
    at: np.ndarray  # (cells, 2) row and column of each road cell
    reach: float  # -1: no limit
    fewest: int
    most: int


class Game(core.Game):
    cars: int  # on the road
    most: int  # of them, in this game
    crashes: int  # car-steps on a shared cell
    acting: int  # 1 in the second half of a step


class Agent(core.Agent):
    driving: int
    route: int
    place: int
    age: int  # steps since it entered
    last: int  # action


def layout(options: Options) -> Layout:
    assert options.cars is not None
    cells = len(_roads(options.difficulty))
    seen = 2 + (2 * options.vision + 1) ** 2 * (cells + 2) + options.same_step
    everybody = range(options.cars)
    roles = tuple(Role(f"car_{i}", actions=2, observation=seen, high=float(options.cars)) for i in everybody)
    links = tuple(permutations(everybody, 2)) if options.link.size > 1 else ()
    return Layout(roles=roles, links=links, cells=cells)


@lru_cache(None)
def _roads(difficulty: str) -> dict[Cell, int]:
    """Number of every cell that is road, row by row."""
    cells = {cell for arrival in routes(difficulty) for route in arrival for cell in route}
    return {cell: k for k, cell in enumerate(sorted(cells))}


def parameters(options: Options) -> Parameters:
    assert options.add_rate is not None
    assert options.cars is not None
    arrivals, roads, v = routes(options.difficulty), _roads(options.difficulty), options.vision
    ways = [route for arrival in arrivals for route in arrival]
    table = np.full((len(ways), max(map(len, ways))), -1)
    for k, way in enumerate(ways):
        table[k, : len(way)] = [roads[cell] for cell in way]
    around = list(product(range(-v, v + 1), repeat=2))
    sight = np.array([[roads.get((y + dy, x + dx), len(roads)) for dy, dx in around] for y, x in roads])
    length = np.array([len(way) for way in ways])
    at, reach = np.array(list(roads)), -1.0 if options.reach is None else float(options.reach)
    rate, sizes = float(options.add_rate), options.sizes or (options.cars, options.cars)
    return Parameters(table, length, sight, len(arrivals), rate, int(options.same_step), at, reach, *sizes)


def reset(p, game, agents, board, rng):
    game.cars = game.crashes = game.acting = 0
    game.most = drawn_size(rng, p.fewest, p.most)
    for i in range(len(agents)):
        agents[i].driving = 0
    for cell in range(len(board)):
        board[cell] = 0


def has_floor(p, game, agents, board, i):
    return agents[i].driving == 1 and game.acting == 0


def route(p, game, agents, board, source, target):
    if agents[target].driving == 0 or p.reach < 0.0:
        return agents[target].driving == 1
    if agents[source].driving == 0:  # it has just left, and is nowhere
        return False
    here = p.at[p.routes[agents[source].route, agents[source].place]]
    there = p.at[p.routes[agents[target].route, agents[target].place]]
    return within(here[0], here[1], there[0], there[1], p.reach)


def step(p, game, agents, board, act, sent, reward, rng):
    if p.same_step == 1:
        game.acting = 1 - game.acting
        if game.acting == 1:
            return False
    for i in range(len(agents)):
        if agents[i].driving == 1:
            drive(p, game, agents[i], board, act[i])
    for arrival in range(p.arrivals):
        if game.cars < game.most and chance(rng, p.add_rate):
            enter(p, game, agents, board, arrival, rng)
    for i in range(len(agents)):
        car = agents[i]
        if car.driving == 1:
            reward[i] = WAIT * car.age
            if board[p.routes[car.route, car.place]] > 1:
                reward[i] += CRASH
                game.crashes += 1
    return False


@rule
def drive(p, game, car, board, action):
    car.age += 1
    car.last = action
    if action == GAS:
        board[p.routes[car.route, car.place]] -= 1
        car.place += 1
        if car.place < p.length[car.route]:
            board[p.routes[car.route, car.place]] += 1
        else:
            car.driving = 0
            game.cars -= 1


@rule
def enter(p, game, agents, board, arrival, rng):
    free = integer(rng, len(agents) - game.cars)
    i = 0
    while agents[i].driving == 1 or free > 0:
        free -= 1 - agents[i].driving
        i += 1
    ways = len(p.length) // p.arrivals
    car = agents[i]
    car.driving, car.place, car.age, car.last = 1, 0, 0, GAS
    car.route = arrival * ways + integer(rng, ways)
    board[p.routes[car.route, 0]] += 1
    game.cars += 1


def observe(p, game, agents, board, i, obs):
    for k in range(len(obs)):
        obs[k] = 0.0
    car = agents[i]
    if car.driving == 1:
        cells = len(board)
        obs[0] = car.last
        obs[1] = car.route / (len(p.length) - 1)
        here = p.routes[car.route, car.place]
        start = 2
        for k in range(p.sight.shape[1]):
            cell = p.sight[here, k]
            obs[start + cell] = 1.0
            if cell < cells:
                obs[start + cells + 1] = board[cell]
            start += cells + 2
        if p.same_step == 1:
            obs[start] = game.acting


def success(p, game, agents, board):
    return 1.0 if game.crashes == 0 else 0.0


def describe(options: Options, game: Any, agents: Any, board: Any) -> str:
    ways = [way for arrival in routes(options.difficulty) for way in arrival]
    cars = [f"car_{i} at {ways[car['route']][car['place']]}" for i, car in enumerate(agents) if car["driving"]]
    half = f", {'acting' if game['acting'] else 'talking'}" if options.same_step else ""
    return f"step {game['t']}{half}: {', '.join(cars) or 'no cars'}; {game['crashes']} crashes"


def situations(options: Options) -> None:
    return None


def limits(options: Options) -> Limits:
    silent, timely = _never_brake(options)
    bound = Limit(0.0, False, "upper bound: nobody is ever paid more than 0")
    return Limits(silent=silent, reachable=timely if options.link.size > 1 else silent, ceiling=bound)


@lru_cache(64)
def _never_brake(options: Options) -> tuple[Limit, Limit]:
    """What cars that never brake earn, and what they would if crashes were free."""
    assert options.max_cycles is not None
    steps = options.max_cycles // (1 + options.same_step)
    # One step more, for the last one is to be looked at, and a batch begins anew where a game has ended.
    longer = replace(options, vision=0, bits=0, channel=None, same_step=False, max_cycles=steps + 1)
    times, crashes = [], []
    for batch in batches(cast(Rules, sys.modules[__name__]), longer):
        batch.reset()
        waited = np.zeros(batch.num_envs)
        for _ in range(steps):
            batch.step({name: np.full(batch.num_envs, GAS) for name in batch.possible_agents})
            agents = batch.state.agents
            waited += (agents["age"] * agents["driving"]).mean(axis=1)
        times.append(WAIT * waited)
        crashes.append(CRASH * batch.state.games["crashes"] / len(batch.possible_agents))
    timely, paid = np.concatenate(times), np.concatenate(times) + np.concatenate(crashes)
    silent = Limit(float(paid.mean()), False, f"lower bound: cars that never brake, {sample(paid)}")
    free = f"no proof: cars that never brake if crashes were free, {sample(timely)}"
    return silent, Limit(float(timely.mean()), False, free)
