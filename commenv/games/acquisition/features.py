"""Features: a hub buys features from the sensors that own them, hears each in b bits, and names the label.

Agents: `hub`, `sensor_0`, `sensor_1`, `sensor_2`, `sensor_3`, ..., who move in turn. A label y and d features are drawn
together. In its turn the hub asks for a feature, which costs costs[i], or names a label. If it asks, the feature's owner is
next: it alone sees the value, and sends the hub one message. Each feature can be bought once, and all together for `budget`
at most.

observation of the hub: 1 if it is its turn, the share of the budget that is left, shape (2,); which features it has bought,
shape (d,); the one asked for last, one-hot, shape (d,); then the inbox of each sensor, shape (2**bits + 1,) each. Of a sensor:
1 if it is its turn, shape (1,), and then the feature asked for, one-hot, shape (d,), and its value, one-hot, shape (V,).
action of the hub: a feature to buy, or d + label to name, Discrete(d + C); of a sensor: a message, Discrete(2**bits).

The hub's inboxes hold what each sensor told last; with several features to a sensor it has to remember. That a sensor is asked
tells it what the hub has heard, by acting; no value passes but through the channel.

Reward, the same for all: 1 if the named label is right, and -`price` * costs[i] when a feature is bought. Ends when a label is
named, and without reward when a feature is asked for that was bought before or that the budget does not pay.
Success: 1 if the label was right.

By default y is uniform and binary and each feature equals it with its accuracy; or `joint`, any table p[y][x_1]...[x_d]. An
exclusive or is one: there what a feature tells by itself says nothing of what it is worth.

Limits: silent: the likeliest label. ceiling: the dynamic program over all that may be bought and seen. reachable: the same,
where every value has a message of its own and none is lost; with fewer messages that of the best fixed code, tried out, which a
team with codes that change in time may beat; where that is too much, and with noise, the ceiling as a bound.

Gadgil, Covert, Lee (2024), Estimating conditional mutual information for dynamic feature selection.
Version history: v0 first release.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np

from commenv.core import game as core
from commenv.core.errors import bad, number, whole
from commenv.core.game import Layout, Role
from commenv.core.generator import categorical
from commenv.core.limits import Limit, Limits
from commenv.games.acquisition.reliable import reliable
from commenv.solvers.feature_selection import Selection, best_code, noisy_copies, optimal

HUB = 0
CODES = 500
"""Codes beyond which not all are tried."""
STATES = 50_000
"""Of what the hub may know, beyond which nothing is worked out."""


@dataclass(frozen=True, kw_only=True)
class Options(core.Options):
    """What a user may choose."""

    default_bits: ClassVar[int] = 1

    accuracies: Sequence[float] = (0.9, 0.75, 0.7, 0.65)
    """Probability that each feature equals the label, 1 to 12 of them."""
    joint: Any = None
    """A table p[y][x_1]...[x_d] instead, of up to 100,000 entries, 12 features and 16 values each; None: from the accuracies."""
    costs: Sequence[float] = (3, 1, 1, 1)
    """Of each feature, above 0."""
    budget: float = 3.0
    """What all features may cost together, at least 0."""
    price: float = 0.0
    """Reward that a unit of cost takes away, at least 0."""
    owners: Sequence[int] | None = None
    """The sensor, from 0, that owns each feature; every sensor owns one at least. None: each its own."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.joint is None:
            if not isinstance(self.accuracies, Sequence) or not 1 <= len(self.accuracies) <= 12:
                raise bad("accuracies", self.accuracies, "1 to 12 probabilities")
            for accuracy in self.accuracies:
                number("an accuracy", accuracy, 0, 1)
        else:
            object.__setattr__(self, "joint", _nested(self._checked()))
        d = self.table.ndim - 1
        if not isinstance(self.costs, Sequence) or len(self.costs) != d:
            raise bad("costs", self.costs, f"one for each of the {d} features")
        for cost in self.costs:
            if number("a cost", cost, 0, 1e6) == 0:
                raise bad("a cost", cost, "above 0")
        number("budget", self.budget, 0, 1e9)
        number("price", self.price, 0, 1e6)
        if self.owners is not None:
            owners = list(self.owners) if isinstance(self.owners, Sequence) else []
            for owner in owners:
                whole("an owner", owner, 0, d - 1)
            if len(owners) != d or set(owners) != set(range(max(owners) + 1)):
                raise bad("owners", self.owners, f"a sensor for each of the {d} features, numbered from 0 without gaps")
        for name in ("accuracies", "costs", "owners"):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, tuple(getattr(self, name)))

    def _checked(self) -> np.ndarray:
        try:
            table = np.array(self.joint, float)
        except (TypeError, ValueError, OverflowError):
            table = np.zeros(0)
        fits = 2 <= table.ndim <= 13 and 0 < table.size <= 100_000 and max(table.shape[1:]) <= 16
        if not fits or not (table >= 0).all() or abs(table.sum() - 1) > 1e-9:
            raise bad("joint", self.joint, "probabilities p[y][x_1]...[x_d], with sum 1, of 1 to 12 features of up to 16 values")
        return table

    @property
    def table(self) -> np.ndarray:
        """p[y, x_1, ..., x_d]"""
        return noisy_copies(self.accuracies) if self.joint is None else np.array(self.joint, float)

    @property
    def owner(self) -> tuple[int, ...]:
        """The sensor of each feature."""
        return tuple(range(len(self.costs))) if self.owners is None else tuple(self.owners)

    @property
    def problem(self) -> Selection:
        """What the hub has to solve."""
        asks = None if self.max_cycles is None else (self.max_cycles - 1) // 2
        return Selection(self.table, tuple(map(float, self.costs)), self.budget, self.price, asks)


def _nested(table: np.ndarray) -> Any:
    """As tuples, which nobody changes later."""
    return tuple(map(_nested, table)) if table.ndim > 1 else tuple(table.tolist())


class Parameters(NamedTuple):
    cumulative: np.ndarray  # of the cells of the joint, in C order
    shape: np.ndarray  # (1 + d,)
    costs: np.ndarray  # (d,)
    owner: np.ndarray  # (d,)
    budget: float
    price: float


class Game(core.Game):
    state: int  # the label
    left: float  # of the budget
    last: int  # feature asked for, -1 for none
    right: int


class Agent(core.Agent):
    pass


def layout(options: Options) -> Layout:
    C, *values = options.table.shape
    d, K = len(values), max(options.owner) + 1
    hub = Role("hub", actions=d + C, observation=2 + 2 * d)
    sensors = tuple(Role(f"sensor_{k}", actions=1, observation=1 + d + max(values)) for k in range(K))
    # The board: the values of the features, then which of them were bought.
    return Layout(roles=(hub, *sensors), links=tuple((1 + k, HUB) for k in range(K)), turns=True, holds=True, cells=2 * d)


def parameters(options: Options) -> Parameters:
    table = options.table
    return Parameters(
        cumulative=np.cumsum(table.ravel()),
        shape=np.array(table.shape, np.int64),
        costs=np.array(options.costs, float),
        owner=np.array(options.owner, np.int64),
        budget=float(options.budget),  # a whole number would compile the rules anew
        price=float(options.price),
    )


def reset(p, game, agents, board, rng):
    d = len(p.costs)
    cell = categorical(rng, p.cumulative)
    for k in range(d):  # from the last axis on
        i = d - 1 - k
        board[i] = cell % p.shape[1 + i]
        cell = cell // p.shape[1 + i]
        board[d + i] = 0
    game.state, game.left, game.last, game.right, game.turn = cell, p.budget, -1, 0, HUB


def step(p, game, agents, board, act, sent, reward, rng):
    d = len(p.costs)
    if game.turn != HUB:
        game.turn = HUB
        return False
    asked = act[HUB]
    if asked >= d:
        game.right = int(asked - d == game.state)
        for i in range(len(agents)):
            reward[i] = float(game.right)
        return True
    if board[d + asked] == 1 or p.costs[asked] > game.left + 1e-9:
        return True
    board[d + asked] = 1
    game.left -= p.costs[asked]
    game.last, game.turn = asked, 1 + p.owner[asked]
    for i in range(len(agents)):
        reward[i] = -p.price * p.costs[asked]
    return False


def observe(p, game, agents, board, i, obs):
    d = len(p.costs)
    for k in range(len(obs)):
        obs[k] = 0.0
    if game.turn == i:
        obs[0] = 1.0
    if i == HUB:
        if p.budget > 0.0:
            obs[1] = max(game.left, 0.0) / p.budget
        for k in range(d):
            obs[2 + k] = board[d + k]
        if game.last >= 0:
            obs[2 + d + game.last] = 1.0
    elif game.turn == i:
        obs[1 + game.last] = 1.0
        obs[1 + d + board[game.last]] = 1.0


def success(p, game, agents, board):
    return float(game.right)


def describe(options: Options, game: Any, agents: Any, board: Any) -> str:
    d = len(options.costs)
    bought = [f"{i}: {int(board[i])}" for i in range(d) if board[d + i]]
    return f"step {game['t']}: label {game['state']}, bought {', '.join(bought) or 'nothing'}, {game['left']:g} left"


def situations(options: Options) -> None:
    return None


def limits(options: Options) -> Limits:
    problem, link = options.problem, options.link
    silent = Limit(float(problem.masses(problem.beginning).max()), True, "the likeliest label")
    ceiling = _best(options)
    if link.size == 1:
        return Limits(silent=silent, reachable=silent, ceiling=silent)
    if not reliable(link):
        reachable = Limit(ceiling.value, False, f"upper bound, as if no message were lost: {ceiling.source}")
    elif link.size >= max(problem.joint.shape[1:]):
        reachable = ceiling
    else:
        reachable = _coded(options, link.size, ceiling)
    return Limits(silent=silent, reachable=reachable, ceiling=ceiling)


def _best(options: Options) -> Limit:
    if np.prod([n + 1 for n in options.table.shape[1:]]) > STATES:
        return Limit(1.0, False, "upper bound: nobody is right more often than always")
    return Limit(optimal(options.problem).value, True, "dynamic program over what the hub may know")


def _coded(options: Options, messages: int, ceiling: Limit) -> Limit:
    try:
        return Limit(best_code(options.problem, messages, CODES)[0], False, "attained: the best of all codes that do not change")
    except ValueError:
        return Limit(ceiling.value, False, f"upper bound, as if each value had a message: {ceiling.source}")
