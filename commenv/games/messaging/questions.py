"""What games share in which a speaker tells of x by one message, and a listener who sees y answers: rules, situations, limits.

A round takes two steps. x is the state; reward[x, y, a] is what both earn for the answer a.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from commenv.core import game as core
from commenv.core.game import Layout, Role
from commenv.core.generator import categorical
from commenv.core.limits import Limit, Limits
from commenv.core.links import lines
from commenv.core.noise import MOST as MOST_MESSAGES
from commenv.core.situations import MOST, Situations
from commenv.solvers.one_way import bound, has_tight_bound, one_way

SPEAKER, LISTENER = 0, 1


@dataclass(frozen=True)
class Questions:
    """The tables of such a game."""

    prior: np.ndarray
    """Joint distribution of x and y, shape (X, Y)."""
    reward: np.ndarray
    """Shape (X, Y, A)."""
    seen: np.ndarray
    """What the speaker observes of each x, shape (X, w)."""


class Parameters(NamedTuple):
    prior: np.ndarray  # cumulative, (X * Y,)
    reward: np.ndarray  # (X, Y, A)
    seen: np.ndarray  # (X, w)


class Game(core.Game):
    state: int  # x
    own: int  # y


class Agent(core.Agent):
    pass


def layout(questions: Questions) -> Layout:
    _, Y, A = questions.reward.shape
    roles = (Role("speaker", actions=1, observation=questions.seen.shape[1]), Role("listener", actions=A, observation=Y))
    return Layout(roles=roles, links=((SPEAKER, LISTENER),), turns=True)


def parameters(questions: Questions) -> Parameters:
    return Parameters(
        prior=np.cumsum(questions.prior),
        reward=np.ascontiguousarray(questions.reward, dtype=np.float64),
        seen=np.ascontiguousarray(questions.seen, dtype=np.float64),
    )


def reset(p, game, agents, board, rng):
    game.turn = SPEAKER
    drawn, Y = categorical(rng, p.prior), p.reward.shape[1]
    game.state, game.own = drawn // Y, drawn % Y


def step(p, game, agents, board, act, sent, reward, rng):
    if game.turn == SPEAKER:
        game.turn = LISTENER
        return False
    reward[SPEAKER] = reward[LISTENER] = p.reward[game.state, game.own, act[LISTENER]]
    return True


def observe(p, game, agents, board, i, obs):
    for k in range(len(obs)):
        obs[k] = 0.0
    if i == LISTENER:
        obs[game.own] = 1.0
        return
    for k in range(p.seen.shape[1]):
        obs[k] = p.seen[game.state, k]


def situations(questions: Questions, options: core.Options) -> Situations | None:
    X, Y, A = questions.reward.shape
    if X * Y > MOST or _cut(options):
        return None
    x, y = np.divmod(np.arange(X * Y), Y)
    own = np.eye(Y, dtype=np.float32)[y]
    return Situations(
        questions.prior.ravel(), x, questions.seen[x].astype(np.float32), own, questions.reward.reshape(X * Y, A), 1
    )


def _cut(options: core.Options) -> bool:
    """Whether games are over before anybody answers."""
    return options.max_cycles is not None and options.max_cycles < 2


def limits(questions: Questions, options: core.Options) -> Limits:
    if _cut(options):
        nothing = Limit(0.0, True, "nobody comes to answer")
        return Limits(silent=nothing, reachable=nothing, ceiling=nothing)
    prior, reward, channel = questions.prior, questions.reward, options.link
    (line,) = lines(channel, layout(questions))
    silent = Limit(one_way(prior, reward, np.ones((1, 1))).value, True, "best answer to each y")
    most = bound(prior, reward, line.capacity)
    full = bound(prior, reward, np.log2(len(prior))).upper
    source = "reward-rate function at capacity, given what the listener knows, dual bound (Wyner, Ziv 1976; Gray 1972)"
    tight = most.gap < 1e-9 and channel.memoryless and has_tight_bound(prior, reward)
    ceiling = Limit(min(most.upper, full), tight, source)
    if channel.delays[0]:
        late = Limit(silent.value, True, "messages come after the answer")
        return Limits(silent=silent, reachable=late, ceiling=ceiling)
    if not channel.memoryless or channel.floats or channel.size > MOST_MESSAGES:
        unknown = Limit(ceiling.value, False, "the ceiling: not all codes can be tried")
        return Limits(silent=silent, reachable=unknown, ceiling=ceiling)
    W = line.matrix
    if channel.capacity == np.log2(channel.size):
        W = np.eye(min(channel.size, len(prior)))
    code = one_way(prior, reward, W)
    return Limits(silent=silent, reachable=Limit(code.value, code.exact, f"best code, by {code.method}"), ceiling=ceiling)


def sketch(game: Any) -> str:
    """Whose turn it is, for `describe`."""
    return "speaker to move" if game["turn"] == SPEAKER else "listener to move"
