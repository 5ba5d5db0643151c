"""Purchase: to be told a new secret each day, at a rent, or to buy the whole timetable; nobody knows how long the season is.

Agents: `subscriber`, `source`, who move in turn. Each day has a state, one of K alike, which the source sees. In its turn the
subscriber names a state, which ends the day; or it first rents: the source sends one message; or it first buys, once and for
all: from then on it sees the state itself, which is one full synchronisation instead of a message a day. The season ends after
a random number of days, whose law is known.

| | subscriber | source |
|---|---|---|
| observation | how the season stands, shape (K + 3,), then the inbox, shape (2**bits + 1,) | the state, one-hot, shape (K,) |
| action | a state, K to rent or K + 1 to buy, Discrete(K + 2) | message, Discrete(2**bits) |

The subscriber sees, in this order: days gone / longest season, 1 if it has bought, 1 if it was told today, and the state one-hot
once it has bought. The inbox is the delivered symbol, one-hot, with a last place for an erasure.

Rewards, the same for both: -rent, -buy, and -failure for a day on which anything but the state is named: also for renting or
buying again when that is done. Ends with the season.

Limits: silent: nobody rents, but one may buy. reachable: the best day to buy and the best code until then, exact: all one learns
is that the season goes on. ceiling: one who knows the length of the season, and is told the state whenever it rents. With the
state told outright it is ski rental: one who does not know the law of the season and buys when rents would come to the price
loses at most 2 - 1 / B times as much as that one, B = buy / rent, and at random, by the best law, e / (e - 1).

Ma, Tzamos (2023), Buying information for stochastic optimization; Karlin, Manasse, McGeoch, Owicki (1994).
Version history: v0 first release.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np

from commenv import info
from commenv.core import game as core
from commenv.core.errors import bad, number, whole
from commenv.core.game import Layout, Role
from commenv.core.generator import categorical, integer
from commenv.core.limits import Limit, Limits
from commenv.solvers.purchase import best_day

SUBSCRIBER, SOURCE = 0, 1
LONGEST = 10_000


def usual_season() -> np.ndarray:
    """Four seasons in five end each day with probability 1/2, the fifth lasts 24 days."""
    day = np.arange(1, 25)
    short = 0.5**day
    short[-1] *= 2  # what is left
    return 0.8 * short + 0.2 * (day == 24)


@dataclass(frozen=True, kw_only=True)
class Options(core.Options):
    """What a user may choose."""

    default_bits: ClassVar[int] = 2

    states: int = 4
    """Number of states K, 2 to 1,024."""
    rent: float = 1.0
    """What a message costs, from 0."""
    buy: float = 12.0
    """What the timetable costs, from 0."""
    failure: float = 6.0
    """What a day costs on which the state is not named, from 0."""
    season: Sequence[float] | None = None
    """Probability of a season of 1, 2, ... days, at most 10,000. None: four in five end each day with probability 1/2, the
    fifth lasts 24 days."""

    def __post_init__(self) -> None:
        super().__post_init__()
        whole("states", self.states, 2, 1024)
        for name in ("rent", "buy", "failure"):
            number(name, getattr(self, name), 0, 1e9)
        if self.season is not None:
            try:
                season = info.distribution(self.season)
            except ValueError:
                season = np.zeros(0)
            if not 0 < len(season) <= LONGEST:
                allowed = f"the probabilities of 1, 2, ... days, at most {LONGEST:,}: not negative, with sum 1"
                raise bad("season", self.season, allowed)
            object.__setattr__(self, "season", tuple(season.tolist()))

    @property
    def lengths(self) -> np.ndarray:
        """Probability of each length of a season, from 1 day."""
        return usual_season() if self.season is None else np.array(self.season)


class Parameters(NamedTuple):
    states: int
    rent: float
    buy: float
    failure: float
    season: np.ndarray  # cumulative


class Game(core.Game):
    state: int
    day: int  # days that are over
    days: int  # of the season
    bought: int
    told: int


class Agent(core.Agent):
    pass


def layout(options: Options) -> Layout:
    K = options.states
    subscriber = Role("subscriber", actions=K + 2, observation=K + 3)
    source = Role("source", actions=1, observation=K)
    return Layout(roles=(subscriber, source), links=((SOURCE, SUBSCRIBER),), turns=True)


def parameters(options: Options) -> Parameters:
    o = options
    return Parameters(o.states, float(o.rent), float(o.buy), float(o.failure), np.cumsum(o.lengths))


def reset(p, game, agents, board, rng):
    game.days = 1 + categorical(rng, p.season)
    game.state = integer(rng, p.states)
    game.day = game.bought = game.told = 0
    game.turn = SUBSCRIBER


def step(p, game, agents, board, act, sent, reward, rng):
    if game.turn == SOURCE:
        game.told, game.turn = 1, SUBSCRIBER
        return False
    does, cost, named = act[SUBSCRIBER], 0.0, False
    if game.bought == 0 and game.told == 0 and does == p.states:
        cost = p.rent
        game.turn = SOURCE
    elif game.bought == 0 and game.told == 0 and does == p.states + 1:
        cost = p.buy
        game.bought = 1
    else:
        named = True
        cost = 0.0 if does == game.state else p.failure
    reward[SUBSCRIBER] = reward[SOURCE] = -cost
    if not named:
        return False
    game.day += 1
    game.told = 0
    game.state = integer(rng, p.states)
    return game.day == game.days


def observe(p, game, agents, board, i, obs):
    for k in range(len(obs)):
        obs[k] = 0.0
    if i == SUBSCRIBER:
        obs[0] = min(game.day / len(p.season), 1.0)
        obs[1], obs[2] = game.bought, game.told
        if game.bought == 1:
            obs[3 + game.state] = 1.0
    else:
        obs[game.state] = 1.0


def describe(options: Options, game: Any, agents: Any, board: Any) -> str:
    how = "bought" if game["bought"] else "told today" if game["told"] else "not told"
    return f"day {game['day'] + 1} of {game['days']}: state {game['state']}, {how}"


def situations(options: Options) -> None:
    return None


# ---------------------------------------------------------------------------------------------------------------- limits
def day_without(options: Options) -> float:
    """What a day costs without information."""
    return options.failure * (1 - 1 / options.states)


def day_rented(options: Options) -> tuple[float, bool]:
    """What a day costs that is rented, by the best code, and whether that is exact. Raises ValueError for channels that
    remember, or carry floats."""
    K, link = options.states, options.link
    if not link.memoryless or link.floats:
        raise ValueError("the best code is known for channels that remember nothing and carry symbols, not for this one")
    if link.delays[0]:
        return options.rent + day_without(options), True
    noisy = any((link.error, link.erasure, link.flip, link.fade, link.drop)) and link.size > 1
    if not noisy:
        return options.rent + options.failure * (1 - min(link.size, K) / K), True
    code = info.noisy_one_shot(np.full(K, 1 / K), np.eye(K), link.matrix)
    return options.rent + options.failure * (1 - code.value), code.exact


def buying(options: Options) -> tuple[int, float, bool]:
    """The best day to buy (one beyond the longest season: never), its expected cost, and whether that is exact."""
    rented, exact = day_rented(options)
    day, cost = best_day(options.lengths, min(rented, day_without(options)), options.buy)
    return day, cost, exact


def limits(options: Options) -> Limits:
    season = options.lengths
    silent = Limit(
        -best_day(season, day_without(options), options.buy)[1], True, "the best day to buy, with no message till then"
    )
    if options.max_cycles is not None:  # who is cut short pays less: what the uncut game costs is paid at most
        most = Limit(0.0, False, "nobody pays less than nothing")
        lower = Limit(silent.value, False, f"lower bound, uncut: {silent.source}")
        return Limits(silent=lower, reachable=most, ceiling=most)
    daily = min(options.rent, day_without(options))
    hindsight = -float(season @ np.minimum(daily * np.arange(1, len(season) + 1), options.buy))
    ceiling = Limit(hindsight, False, "one who knows the season's length and is told the state")
    try:
        day, cost, exact = buying(options)
    except ValueError as reason:
        return Limits(silent=silent, reachable=Limit(hindsight, False, f"the ceiling: {reason}"), ceiling=ceiling)
    never = "never to buy" if day > len(season) else f"to buy at the start of day {day}"
    return Limits(silent=silent, reachable=Limit(-cost, exact, f"best of all days, which is {never}"), ceiling=ceiling)
