"""Box search: K searchers look for a thing in n boxes, a box each and round, until one of them sees it.

Agents: `searcher_0`, `searcher_1`, ... (K of them), who act and speak at once. The thing lies in box j with probability
prior[j]. Every step each searcher looks into a box; if the thing is there it is seen with probability `detect`. Then each may
tell all others b bits, which they read in the next step.

observation: its own looks into each box, divided by `rounds`, shape (n,); the share of `rounds` that is over, shape (1,); then
the inboxes of the others, shape (2**bits + 1,) each.
action: [box, message], MultiDiscrete([n, 2**bits]); without others, Discrete(n).

Reward, the same for all: -1 a step. Ends when the thing is seen, or after `rounds` steps. Success: 1 if it was seen.

Limits: silent = reachable = ceiling: that the search goes on tells everybody that no look has succeeded, and there is nothing
else to tell. So a plan made beforehand is optimal: the looks most likely to succeed first, K a round; without noise sum_i p_(i)
ceil(i / K). This game does not measure communication, it measures whether a team can share out its work: searchers who all do
what is best for one of them look into the same boxes, and K of them are no better than one.

For one searcher Blackwell, in Matula (1964), A periodic optimal search.
Version history: v0 first release.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np

from commenv import info
from commenv.core import game as core
from commenv.core.errors import bad, number, whole
from commenv.core.game import Layout, Role
from commenv.core.generator import categorical, chance
from commenv.core.limits import Limit, Limits
from commenv.solvers.box_search import expected_rounds


@dataclass(frozen=True, kw_only=True)
class Options(core.Options):
    """What a user may choose."""

    default_bits: ClassVar[int] = 1

    prior: Sequence[float] = (0.3, 0.25, 0.15, 0.1, 0.1, 0.05, 0.03, 0.02)
    """Distribution of the place, over 1 to 1,024 boxes."""
    searchers: int = 2
    """Number K, 1 to 16."""
    detect: float = 1.0
    """Probability that a look into the right box sees the thing; above 0."""
    rounds: int = 16
    """Steps after which the search is given up, 1 to 10,000."""

    def __post_init__(self) -> None:
        super().__post_init__()
        try:
            prior = info.distribution(self.prior).tolist()
        except ValueError:
            prior = []
        if not 1 <= len(prior) <= 1024:
            raise bad("prior", self.prior, "the probabilities of 1 to 1,024 boxes: not negative, with sum 1")
        object.__setattr__(self, "prior", tuple(np.asarray(self.prior, float).tolist()))
        whole("searchers", self.searchers, 1, 16)
        if not number("detect", self.detect, 0, 1):
            raise bad("detect", self.detect, "above 0")
        whole("rounds", self.rounds, 1, 10**4)


class Parameters(NamedTuple):
    cumulative: np.ndarray  # (n,)
    detect: float
    rounds: int


class Game(core.Game):
    place: int
    seen: int


class Agent(core.Agent):
    box: int  # it looked into last


def layout(options: Options) -> Layout:
    K, n = options.searchers, len(options.prior)
    roles = tuple(Role(f"searcher_{i}", actions=n, observation=n + 1) for i in range(K))
    return Layout(roles=roles, links=tuple(itertools.permutations(range(K), 2)), cells=K * n)


def parameters(options: Options) -> Parameters:
    return Parameters(np.cumsum(info.distribution(options.prior)), float(options.detect), options.rounds)


def reset(p, game, agents, board, rng):
    game.place, game.seen = categorical(rng, p.cumulative), 0
    for i in range(len(agents)):
        agents[i].box = 0
    for k in range(len(board)):
        board[k] = 0


def step(p, game, agents, board, act, sent, reward, rng):
    n = len(p.cumulative)
    for i in range(len(agents)):
        agents[i].box = act[i]
        board[i * n + act[i]] += 1
        if act[i] == game.place and chance(rng, p.detect):
            game.seen = 1
        reward[i] = -1.0
    return game.seen == 1 or game.t + 1 >= p.rounds


def observe(p, game, agents, board, i, obs):
    n = len(p.cumulative)
    for j in range(n):
        obs[j] = board[i * n + j] / p.rounds
    obs[n] = game.t / p.rounds


def success(p, game, agents, board):
    return float(game.seen)


def describe(options: Options, game: Any, agents: Any, board: Any) -> str:
    return f"step {game['t']}: the thing is in box {game['place']}; looked last into {agents['box'].tolist()}"


def situations(options: Options) -> None:
    return None


def limits(options: Options) -> Limits:
    rounds = options.rounds if options.max_cycles is None else min(options.rounds, options.max_cycles)
    value = -expected_rounds(options.prior, options.searchers, options.detect, rounds)
    limit = Limit(value, True, "the likeliest looks first, by a plan made beforehand")
    return Limits(silent=limit, reachable=limit, ceiling=limit)
