"""Perception: viewpoints along a grid see different cells, with noise; sensors tell a centre, which says where objects are.

Agents: `centre`, and `sensor_0`, `sensor_1`, ... (`sensor_0`, `sensor_1` by default), who only speak. All act at once: in the
first step messages are sent, in the second the centre hears them and names a set of cells.

| | centre | sensor |
|---|---|---|
| observation | v readings, whether it decides, an inbox a sensor, (2**bits + 1,) | v readings, whether it may speak, (v + 1,) |
| action | map, Discrete(2**K) | message, Discrete(2**bits) |

The grid has K = rows * columns cells, numbered row by row; each holds an object with probability `density`. The centre stands at
the first column, the last sensor at the last, the others evenly in between. A viewpoint reads all cells of its own column, and of
those next to it: a reading, 1 for an object, is wrong with the probability that `noise` has for the distance in columns, and
columns for which it has none are not seen. Readings are told in the order of the cells. A map is a number, bit k for cell k.
A message is an index into a codebook that a sensor and the centre agree on, and an entry a mask of where objects were read.

Reward: F1 of the map, 2 hits / (objects + named), 1 where there are neither; the same for all. Ends after the second step.
Success: whether the map is right. Infos of a game that is over tell of the centre its `hits`, `misses` and `false_alarms`.

Limits, in reward a game. silent: the best maps by the centre's own readings, exact. ceiling: all readings known, exact for these
and an upper bound for fewer bits. reachable: the best code found, sensors and centre improved in turn (as in Lloyd's quantiser)
from information filling and random codes on: a lower bound, exact only where all readings can be told. Information filling
itself, each sensor in turn telling of the cells that those before it leave most in doubt, is `agents.exact.perception`.

Hu, Fang, Lei, Zhong, Chen (2022), Where2comm; Hu, Peng, Liu, Ge, Liu, Chen (2024), Communication-efficient collaborative
perception via information filling with codebook. Version history: v0 first release.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, NamedTuple

import numpy as np

from commenv.core import game as core
from commenv.core.errors import bad, number, whole
from commenv.core.game import Layout, Role
from commenv.core.generator import chance
from commenv.core.limits import Limit, Limits
from commenv.core.noise import MOST as MOST_MESSAGES
from commenv.solvers.viewpoints import MOST_CELLS, Scene

FIGURES = ("hits", "misses", "false_alarms")
CENTRE = 0
MOST_HEARD = 4225
"""Combinations of what is heard over which codes are searched: of two sensors, 64 messages and an erasure."""


@dataclass(frozen=True, kw_only=True)
class Options(core.Options):
    """What a user may choose."""

    default_bits: ClassVar[int] = 2

    rows: int = 2
    """Of the grid; rows * columns is at most 8."""
    columns: int = 3
    """Of the grid."""
    sensors: int = 2
    """Number of sensors, 1 to 4. Cells that are read, by all viewpoints together, and twice the cells are at most 30."""
    density: float = 0.3
    """Probability of an object in a cell."""
    noise: Sequence[float] = (0.05, 0.2)
    """How often a reading is wrong, 0 to 1/2, of a cell in the viewpoint's own column, in the next, ..."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("rows", "columns"):
            whole(name, getattr(self, name), 1, MOST_CELLS)
        whole("sensors", self.sensors, 1, 4)
        if isinstance(self.noise, str) or not isinstance(self.noise, Sequence) or not 0 < len(self.noise) <= MOST_CELLS:
            raise bad("noise", self.noise, "probabilities of a wrong reading, from one's own column on")
        object.__setattr__(self, "noise", tuple(float(number("noise", p, 0, 0.5)) for p in self.noise))
        assert self.scene  # one that is too large is refused here

    @cached_property
    def scene(self) -> Scene:
        """The grid and its viewpoints, the centre's first."""
        views = []
        for i in range(self.sensors + 1):
            stand = round(i * (self.columns - 1) / self.sensors)
            away = [abs(cell % self.columns - stand) for cell in range(self.rows * self.columns)]
            views.append(tuple(self.noise[d] if d < len(self.noise) else None for d in away))
        return Scene(self.density, tuple(views))


class Parameters(NamedTuple):
    density: float
    wrong: np.ndarray  # (viewpoints, K), -1 where nothing is seen


class Game(core.Game):
    state: int  # the true map
    named: int


class Agent(core.Agent):
    reading: int  # bit k for cell k
    hits: int
    misses: int
    false_alarms: int


def layout(options: Options) -> Layout:
    scene, N = options.scene, options.sensors
    centre = Role("centre", actions=2**scene.cells, observation=len(scene.seen[0]) + 1)
    sensors = (Role(f"sensor_{i}", actions=1, observation=len(scene.seen[i + 1]) + 1) for i in range(N))
    return Layout(roles=(centre, *sensors), links=tuple((1 + i, CENTRE) for i in range(N)))


def parameters(options: Options) -> Parameters:
    wrong = [[-1.0 if p is None else p for p in view] for view in options.scene.wrong]
    return Parameters(float(options.density), np.array(wrong, np.float64))


def reset(p, game, agents, board, rng):
    game.state, game.named = 0, 0
    for i in range(len(agents)):
        agents[i].reading = agents[i].hits = agents[i].misses = agents[i].false_alarms = 0
    for k in range(p.wrong.shape[1]):
        there = 1 if chance(rng, p.density) else 0
        game.state |= there << k
        for i in range(len(agents)):
            if p.wrong[i, k] >= 0.0:
                read = 1 - there if chance(rng, p.wrong[i, k]) else there
                agents[i].reading |= read << k


def has_floor(p, game, agents, board, i):
    return game.t == 0


def step(p, game, agents, board, act, sent, reward, rng):
    if game.t == 0:
        return False
    game.named = act[CENTRE]
    centre = agents[CENTRE]
    for k in range(p.wrong.shape[1]):
        there, named = game.state >> k & 1, game.named >> k & 1
        centre.hits += there * named
        centre.misses += there * (1 - named)
        centre.false_alarms += (1 - there) * named
    total = 2 * centre.hits + centre.misses + centre.false_alarms
    score = 1.0 if total == 0 else 2.0 * centre.hits / total
    for i in range(len(agents)):
        reward[i] = score
    return True


def observe(p, game, agents, board, i, obs):
    place = 0
    for k in range(p.wrong.shape[1]):
        if p.wrong[i, k] >= 0.0:
            obs[place] = float(agents[i].reading >> k & 1)
            place += 1
    now = 1.0 if game.t > 0 else 0.0
    obs[place] = now if i == CENTRE else 1.0 - now


def success(p, game, agents, board):
    return 1.0 if game.t > 1 and game.named == game.state else 0.0


def describe(options: Options, game: Any, agents: Any, board: Any) -> str:
    K = options.scene.cells
    truth, *read = ("".join(".#"[int(value) >> k & 1] for k in range(K)) for value in (game["state"], *agents["reading"]))
    return f"step {game['t']}: objects {truth}, read {', '.join(read)}"


def situations(options: Options) -> None:
    return None


def matrix(options: Options) -> np.ndarray:
    """The channel for codes, W[m, output]: without noise, of no more messages than anybody has readings."""
    link = options.link
    if link.capacity == np.log2(link.size):
        return np.eye(min(link.size, max(table.shape[1] for table in options.scene.readings[1:])))
    return link.matrix


def fits(options: Options) -> bool:
    """Whether what all sensors may say, as it is heard, is little enough to search for codes."""
    return options.link.size <= MOST_MESSAGES and matrix(options).shape[1] ** options.sensors <= MOST_HEARD


def limits(options: Options) -> Limits:
    scene, link = options.scene, options.link
    if options.max_cycles is not None and options.max_cycles < 2:
        nothing = Limit(0.0, True, "nobody comes to decide")
        return Limits(silent=nothing, reachable=nothing, ceiling=nothing)
    silent = Limit(scene.silent, True, "the best maps by the centre's own readings")
    if link.size == 1 or link.delays[0]:
        mute = Limit(silent.value, True, "nothing is heard in time")
        return Limits(silent=silent, reachable=mute, ceiling=mute)
    source, most = "all readings known", max(silent.value, scene.all_told)
    if not link.memoryless or link.floats or not fits(options):
        unknown = Limit(most, False, f"the ceiling: {source}; no codes were tried")
        return Limits(silent=silent, reachable=unknown, ceiling=Limit(most, False, f"upper bound: {source}"))
    code = scene.best_code(matrix(options))
    exact = bool(code.value >= most - 1e-12)
    reachable = Limit(min(code.value, most), exact, f"{'' if exact else 'lower bound: '}{code.method}")
    return Limits(silent=silent, reachable=reachable, ceiling=Limit(most, exact, source if exact else f"upper bound: {source}"))
