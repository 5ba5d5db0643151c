"""Bandit: a scout tries slot machines and tells a crew, in one message, at which of them to stay.

Agents: `scout`, `crew`, who move in turn. Each of K arms pays with a probability that nobody knows, drawn from its Beta prior.
The scout pulls `pulls` arms, one a step, and sees what each pays. In the step after its last pull it sends one message; then
the crew, which has seen nothing, names an arm and pulls it `stake` times.

| | scout | crew |
|---|---|---|
| observation | shares of `pulls`: successes of each arm, failures, pulls left, shape (2K + 1,) | 1 in its turn, the inbox |
| action | arm and message, MultiDiscrete([K, 2**bits]) | arm, Discrete(K) |

The scout's message counts in its last step alone, when no pulls are left, and its arm in all others. The inbox has 2**bits + 1
places: the delivered symbol, one-hot, with a last place for an erasure.

Reward: 1 for each success, the same for both. Ends when the crew has pulled. With `cashing` knowledge is paid when it is won:
each step also pays U after it less U before it, where U is what the best arm known would pay in all pulls to come, the crew's
among them, and 0 at the end. A game then pays the same less U at its beginning, and the best team is the same one.

Limits: silent: the best scout with a crew that stays where the prior is best. reachable: the best scout, code and crew
together, by a dynamic program over successes and failures for every decoder; exact where decoders can be tried (through a
channel with a memory or a budget it is the ceiling). ceiling: the crew is told the scout's arm outright.

Cross-value and reward cashing: Ambrogioni (2021), Knowledge is reward; the shaping theorem: Ng, Harada, Russell (1999). An
arm's chances are never drawn: the next pull pays with the mean of what is known, which is the same law (Polya's urn).
Version history: v0 first release.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import comb
from typing import Any, ClassVar, NamedTuple

import numpy as np

from commenv.core import game as core
from commenv.core.errors import bad, number, whole
from commenv.core.game import Layout, Role
from commenv.core.generator import chance, rule
from commenv.core.limits import Limit, Limits
from commenv.solvers import bandit as solver

SCOUT, CREW = 0, 1


@dataclass(frozen=True, kw_only=True)
class Options(core.Options):
    """What a user may choose."""

    default_bits: ClassVar[int] = 2

    arms: int = 4
    """Number of arms K, 2 to 64."""
    pulls: int = 6
    """Pulls H of the scout, at least 1; its states, C(H + 2K, 2K), may be at most 400,000."""
    stake: int = 8
    """Pulls of the crew, 0 to 10,000."""
    priors: Sequence[Sequence[float]] | None = None
    """(a, b) of each arm's Beta prior, shape (K, 2), from .001 to 1,000,000; None: uniform, (1, 1)."""
    cashing: bool = False
    """Whether knowledge is paid when it is won."""

    def __post_init__(self) -> None:
        super().__post_init__()
        whole("arms", self.arms, 2, 64)
        whole("pulls", self.pulls, 1, 10_000)
        whole("stake", self.stake, 0, 10_000)
        if (count := comb(self.pulls + 2 * self.arms, 2 * self.arms)) > solver.MOST_STATES:
            raise ValueError(
                f"arms={self.arms} and pulls={self.pulls} have {count:,} states: more than {solver.MOST_STATES:,} are not solved"
            )
        if not isinstance(self.cashing, bool):
            raise bad("cashing", self.cashing, "True or False")
        if self.priors is not None:
            allowed = f"pairs (a, b), one for each of the {self.arms} arms"
            if not isinstance(self.priors, Sequence | np.ndarray) or isinstance(self.priors, str):
                raise bad("priors", self.priors, allowed)
            if len(self.priors) != self.arms or any(np.shape(pair) != (2,) for pair in self.priors):
                raise bad("priors", self.priors, allowed)
            checked = tuple(tuple(number("a prior's parameter", x, 1e-3, 1e6) for x in pair) for pair in self.priors)
            object.__setattr__(self, "priors", checked)

    @property
    def beta(self) -> np.ndarray:
        """Parameters of the priors, shape (K, 2)."""
        return np.ones((self.arms, 2)) if self.priors is None else np.array(self.priors, float)


class Parameters(NamedTuple):
    beta: np.ndarray  # (K, 2)
    pulls: int
    stake: int
    cashing: int


class Game(core.Game):
    pulled: int  # by the scout


class Agent(core.Agent):
    pass


def layout(options: Options) -> Layout:
    K = options.arms
    scout = Role("scout", actions=K, observation=2 * K + 1)
    crew = Role("crew", actions=K, observation=1)
    return Layout(roles=(scout, crew), links=((SCOUT, CREW),), turns=True, cells=2 * K)  # successes, then failures


def parameters(options: Options) -> Parameters:
    return Parameters(np.ascontiguousarray(options.beta), options.pulls, options.stake, int(options.cashing))


def reset(p, game, agents, board, rng):
    game.pulled, game.turn = 0, SCOUT
    for k in range(len(board)):
        board[k] = 0


def has_floor(p, game, agents, board, i):
    return game.pulled == p.pulls


@rule
def mean(p, board, arm):
    """Of what is known, the probability that an arm pays."""
    K = len(p.beta)
    won, lost = p.beta[arm, 0] + board[arm], p.beta[arm, 1] + board[K + arm]
    return won / (won + lost)


@rule
def stay(p, board, arm, rng):
    """Successes of the crew's pulls; each tells what the next is likely to be."""
    K = len(p.beta)
    won, lost = p.beta[arm, 0] + board[arm], p.beta[arm, 1] + board[K + arm]
    start = won
    for _ in range(p.stake):
        if chance(rng, won / (won + lost)):
            won += 1.0
        else:
            lost += 1.0
    return won - start


@rule
def cash_value(p, board, left):
    """U: what the best arm known would pay in so many pulls."""
    best = 0.0
    for arm in range(len(p.beta)):
        best = max(best, mean(p, board, arm))
    return left * best


def step(p, game, agents, board, act, sent, reward, rng):
    if game.turn == SCOUT and game.pulled == p.pulls:  # it has spoken
        game.turn = CREW
        return False
    left = p.pulls - game.pulled + p.stake
    before, after = cash_value(p, board, left), 0.0
    over = game.turn == CREW
    if over:
        earned = stay(p, board, act[CREW], rng)
    else:
        arm = act[SCOUT]
        earned = 1.0 if chance(rng, mean(p, board, arm)) else 0.0
        board[arm if earned > 0.0 else len(p.beta) + arm] += 1
        game.pulled += 1
        after = cash_value(p, board, left - 1)
    if p.cashing == 1:
        earned += after - before
    reward[SCOUT] = reward[CREW] = earned
    return over


def observe(p, game, agents, board, i, obs):
    if i == SCOUT:
        for k in range(len(board)):
            obs[k] = board[k] / p.pulls
        obs[len(board)] = 1.0 - game.pulled / p.pulls
    else:
        obs[0] = 1.0 if game.turn == CREW else 0.0


def describe(options: Options, game: Any, agents: Any, board: Any) -> str:
    won, lost = board[: options.arms].tolist(), board[options.arms :].tolist()
    return f"{game['pulled']} of {options.pulls} pulls: successes {won}, failures {lost}"


def situations(options: Options) -> None:
    return None


# ---------------------------------------------------------------------------------------------------------------- limits
@lru_cache(64)
def best_plan(options: Options) -> solver.Plan:
    """The best scout and crew at this rate. Raises ValueError where the channel remembers, or decoders are too many."""
    link = options.link
    if not link.memoryless or link.floats:
        raise ValueError("the best code is known for channels that remember nothing and carry symbols, not for this one")
    if link.size == 1:
        return solver.plan(options.beta, options.pulls, options.stake, np.ones((1, 1)))
    W = link.matrix
    return solver.plan(options.beta, options.pulls, options.stake, W[:, W.any(axis=0)])


def cash_of(options: Options) -> Callable[[Mapping[str, Any], Any], float]:
    """U of one game from its observations, for `interfaces.cashing.Cashed`: what `cashing` pays, for any learner."""
    beta, K, H = options.beta, options.arms, options.pulls

    def value(observations: Mapping[str, Any], actions: Any) -> float:
        seen = np.rint(np.asarray(observations["scout"], float)[: 2 * K + 1] * H)
        won, lost, left = beta[:, 0] + seen[:K], beta[:, 1] + seen[K : 2 * K], seen[2 * K]
        return float((left + options.stake) * (won / (won + lost)).max())

    return value


def cashed_at_first(options: Options) -> float:
    """U at the beginning: what `cashing` takes from the reward of every game."""
    beta = options.beta
    return (options.pulls + options.stake) * float((beta[:, 0] / beta.sum(axis=1)).max())


def limits(options: Options) -> Limits:
    shift = cashed_at_first(options) if options.cashing else 0.0
    if options.max_cycles is not None and options.max_cycles < options.pulls + 2:  # cut before the crew acts
        shift = 0.0
        alone = solver.plan(options.beta, min(options.max_cycles, options.pulls)).value
        cut = Limit(alone, not options.cashing, "dynamic program of the scout: the crew never acts")
        if options.cashing:
            best = Limit(float(options.pulls + options.stake), False, "a success in every pull: cut short, cashing is no shaping")
            worst = Limit(-float(options.pulls + options.stake), False, "lower bound: none, and all that was known lost")
            return Limits(silent=worst, reachable=best, ceiling=best)
        return Limits(silent=cut, reachable=cut, ceiling=cut)
    beta, H, n = options.beta, options.pulls, options.stake
    silent = Limit(solver.plan(beta, H, n, np.ones((1, 1))).value - shift, True, "dynamic program; the crew is told nothing")
    ceiling = Limit(
        solver.plan(beta, H, n).value - shift, options.link.size >= options.arms, "dynamic program; the crew is told the best arm"
    )
    if options.link.delays[0]:
        late = Limit(silent.value, True, "messages come late, and the crew acts after one step")
        return Limits(silent=silent, reachable=late, ceiling=ceiling)
    try:
        found = best_plan(options)
    except ValueError as reason:
        return Limits(silent=silent, reachable=Limit(ceiling.value, False, f"the ceiling: {reason}"), ceiling=ceiling)
    best = Limit(found.value - shift, True, "dynamic program over successes and failures, for every decoder")
    return Limits(silent=silent, reachable=best, ceiling=ceiling)
