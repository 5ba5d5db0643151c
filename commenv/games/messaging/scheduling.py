"""Scheduling: M sources share a medium that carries one update a slot; one who knows their ages tells them who is to transmit.

Agents: `scheduler`, who speaks to all, and `source_0`, `source_1`, ... (`source_0`, `source_1`, `source_2`, `source_3` by
default), who transmit or wait. A slot takes two steps, in which all act at once: in the first the scheduler has the floor, in
the second sources have heard it, and may transmit. Who does so alone gets through with its reliability; several at once collide,
and nothing gets through. The age of a source is 1 after an update, and a slot more after each slot without one.

| | scheduler | source |
|---|---|---|
| observation | age / M of each source, (M,), the clock | whether it may transmit, (1,), the clock, the inbox, (2**bits + 1,) |
| action | message, Discrete(2**bits) | 1 to transmit, Discrete(2) |

The clock is the slot, one-hot, (slots,); with `clock` off there is none, and who goes by slots has to count. Sources do not learn
whether they got through: an update reaches the scheduler only, who so sees the sources act.

Reward: minus the mean age of the sources after each slot, divided by the slots, the same for all: a game's is minus the mean age.
Ends after the last slot. Success: share of slots in which an update got through. Infos of a game that is over also tell of each
source its `mean_age`, and how often it `delivered` and `collided`; of the scheduler the mean over sources and the sums.

Limits, in reward a game. silent: the best schedule that is said beforehand; exact: in turn where sources are alike, else by
branch and bound (a lower bound where more than 100,000 schedules are open in a slot, and `exact` says so). ceiling: all ages
known, exact: the oldest is served where sources are alike, in the long run of (M + 1) / (2 p), else a dynamic program over ages.
reachable: the same from one bit a slot without noise on, exact: who hears in every slot whether the last update got through, and
remembers it, knows all ages. That takes agents with a memory; without one, messages that name any source do, M of them. Through
other channels the ceiling stands in its place. A team that learns with a clock is apt to settle on a schedule, and not to listen.

Kaul, Yates, Gruteser (2012), Real-time status; Kadota, Sinha, Uysal-Biyikoglu, Singh, Modiano (2018), Scheduling policies for
minimizing age of information in broadcast wireless networks. Version history: v0 first release.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np

from commenv.core import game as core
from commenv.core.errors import bad, whole
from commenv.core.game import Layout, Role
from commenv.core.generator import chance
from commenv.core.limits import Limit, Limits
from commenv.solvers.ages import MOST_AGES, alike, planned, reliabilities, told

FIGURES = ("mean_age", "delivered", "collided")
SCHEDULER = 0


@dataclass(frozen=True, kw_only=True)
class Options(core.Options):
    """What a user may choose."""

    default_bits: ClassVar[int] = 2

    sources: int = 4
    """Number of sources M, 1 to 32."""
    slots: int = 16
    """Slots of a game, 1 to 256."""
    reliability: float | Sequence[float] = 0.6
    """Probability that an update gets through, above 0: of all sources, or of each. Where they differ, (slots + 1)**M is at
    most 3,000,000."""

    clock: bool = True
    """Whether agents see which slot it is."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.clock, bool):
            raise bad("clock", self.clock, "True or False")
        whole("sources", self.sources, 1, 32)
        whole("slots", self.slots, 1, 256)
        if isinstance(self.reliability, Sequence) and not isinstance(self.reliability, str):
            object.__setattr__(self, "reliability", reliabilities(self.reliability))
        if len(reliabilities(self.each)) != self.sources:
            raise bad("reliability", self.reliability, f"one number, or {self.sources}: one a source")
        if not alike(self.each) and (self.slots + 1) ** self.sources > MOST_AGES:
            raise ValueError(
                f"sources={self.sources} of different reliability over slots={self.slots} have too many ages: "
                f"(slots + 1)**sources must be at most {MOST_AGES:,}"
            )

    @property
    def each(self) -> tuple[float, ...]:
        """Reliability of each source."""
        return self.reliability if isinstance(self.reliability, tuple) else (self.reliability,) * self.sources  # type: ignore


class Parameters(NamedTuple):
    slots: int
    clock: int
    reliability: np.ndarray  # (M,)


class Game(core.Game):
    slot: int  # slots that are over
    arrived: int  # updates


class Agent(core.Agent):
    age: int
    mean_age: float
    delivered: int
    collided: int


def layout(options: Options) -> Layout:
    M, clock = options.sources, options.slots * options.clock
    sources = (Role(f"source_{i}", actions=2, observation=1 + clock) for i in range(M))
    scheduler = Role("scheduler", actions=1, observation=M + clock, high=max(1.0, (options.slots + 1) / M))
    return Layout(roles=(scheduler, *sources), links=tuple((SCHEDULER, 1 + i) for i in range(M)))


def parameters(options: Options) -> Parameters:
    return Parameters(options.slots, int(options.clock), np.array(options.each, np.float64))


def reset(p, game, agents, board, rng):
    game.slot, game.arrived = 0, 0
    for i in range(len(agents)):
        agents[i].age, agents[i].mean_age, agents[i].delivered, agents[i].collided = 1, 0.0, 0, 0


def has_floor(p, game, agents, board, i):
    return game.t % 2 == 0


def step(p, game, agents, board, act, sent, reward, rng):
    if game.t % 2 == 0:
        return False
    M = len(agents) - 1
    transmit, last = 0, SCHEDULER
    for i in range(1, M + 1):
        agents[i].age += 1
        if act[i] != 0:
            transmit, last = transmit + 1, i
    if transmit == 1 and chance(rng, p.reliability[last - 1]):
        agents[last].age = 1
        game.arrived += 1
        agents[last].delivered += 1
        agents[SCHEDULER].delivered += 1
    total = 0
    for i in range(1, M + 1):
        total += agents[i].age
        agents[i].mean_age += agents[i].age / p.slots
        if transmit > 1 and act[i] != 0:
            agents[i].collided += 1
            agents[SCHEDULER].collided += 1
    mean = total / M / p.slots
    agents[SCHEDULER].mean_age += mean
    for i in range(M + 1):
        reward[i] = -mean
    game.slot += 1
    return game.slot == p.slots


def observe(p, game, agents, board, i, obs):
    M = len(agents) - 1
    first = M if i == SCHEDULER else 1
    for k in range(len(obs)):
        obs[k] = 0.0
    if p.clock != 0 and game.slot < p.slots:
        obs[first + game.slot] = 1.0
    if i != SCHEDULER:
        obs[0] = float(game.t % 2)
        return
    for k in range(M):
        obs[k] = agents[k + 1].age / M


def success(p, game, agents, board):
    return game.arrived / p.slots


def describe(options: Options, game: Any, agents: Any, board: Any) -> str:
    what = "sources may transmit" if game["t"] % 2 else "the scheduler speaks"
    return f"slot {game['slot']}: ages {agents['age'][1:].tolist()}, {what}"


def situations(options: Options) -> None:
    return None


def limits(options: Options) -> Limits:
    slots = options.slots if options.max_cycles is None else min(options.slots, options.max_cycles // 2)
    if slots == 0:
        nothing = Limit(0.0, True, "no slot is over before the game is")
        return Limits(silent=nothing, reachable=nothing, ceiling=nothing)
    share, link = slots / options.slots, options.link
    plan = planned(options.each, slots)
    silent = Limit(-plan.age * share, plan.exact, "the best schedule said beforehand")
    if link.size == 1 or link.delays[0] >= 2 * slots:
        mute = Limit(silent.value, silent.exact, "nothing is heard in time")
        return Limits(silent=silent, reachable=mute, ceiling=mute)
    plain = bool(link.memoryless and not link.floats and link.capacity == np.log2(link.size))
    source = "all ages known: the oldest is served" if alike(options.each) else "all ages known, dynamic program"
    ceiling = Limit(-told(options.each, slots) * share, plain, source)
    source = "whether updates got through is told, and remembered" if plain else f"the ceiling: {source}"
    return Limits(silent=silent, reachable=Limit(ceiling.value, plain, source), ceiling=ceiling)
