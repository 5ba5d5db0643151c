"""The rules of Markov coding games on a finite process; code_grid, code_maze and mdp say which process.

All of them have the same agents, observations and limits, described on their pages. What is public stands first in every
observation: the state, one-hot (S,); the clock, steps done / horizon; the last `history` transitions, each the state one-hot
(S,) and the executed action one-hot (A,), that of step t in slot t mod history; and, of a message in parts, which one is to be
named, one-hot (parts,).
"""

from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from commenv.core.errors import number, whole
from commenv.core.game import Layout
from commenv.core.generator import categorical, chance, integer
from commenv.core.limits import Limit, Limits
from commenv.games.coding import message
from commenv.games.coding.message import (
    FIGURES,
    RECEIVER,
    SENDER,
    SOURCE,
    UNLIMITED,
    Agent,
    available_action,
    bits_of_values,
    draw_message,
    earn,
    go_on,
    name_part,
    seats,
    show_message,
    situations,
    success,
    told_turn,
)
from commenv.solvers.soft_value import Mdp, objective_bound, soft_values
from commenv.solvers.ways import best_objective, deterministic

__all__ = [
    "FIGURES",
    "Agent",
    "Game",
    "Parameters",
    "describe",
    "layout",
    "limits",
    "observe",
    "parameters",
    "reset",
    "situations",
    "step",
    "success",
]
"""What a game of a process has from here; its own are the page and the Options, which say which process."""


@dataclass(frozen=True, kw_only=True)
class Options(message.Options):
    """What a user may choose of a coding game on a finite process."""

    discount: float = 1.0
    """Reward of step t, from 0, counts discount**(t + 1); above 0 to 1."""
    history: int = 1
    """Transitions that an observation holds, the last ones, 1 to 64. With `horizon` of them it holds all that has happened."""

    def __post_init__(self) -> None:
        super().__post_init__()
        number("discount", self.discount, 1e-6, 1)
        whole("history", self.history, 1, 64)

    @property
    def mdp(self) -> Mdp:
        """The process, without actuator noise."""
        raise NotImplementedError

    @property
    def noisy(self) -> Mdp:
        """The process with actuator noise, as whoever acts in it finds it."""
        return self.mdp.noisy(self.noise) if self.noise else self.mdp


class Parameters(NamedTuple):
    prior: np.ndarray  # cumulative, (K,)
    surprise: np.ndarray  # (K,)
    parts: int
    zeta: float
    noise: float
    limit: int
    start: np.ndarray  # cumulative, (S,)
    transition: np.ndarray  # cumulative, (S, A, S)
    reward: np.ndarray  # (S, A, S)
    terminal: np.ndarray  # (S,)
    available: np.ndarray  # (S, A)
    horizon: int
    discount: float
    history: int


class Game(message.Game):
    place: int  # state of the process
    worth: float  # of a reward now


def layout(options: Options) -> Layout:
    S, A, _ = options.mdp.transition.shape
    return seats(options, A, public(options, S, A), 2 * options.history)


def public(options: Options, states: int, actions: int) -> int:
    """Length of what everybody sees."""
    return states + 1 + options.history * (states + actions) + (options.parts if options.parts > 1 else 0)


def parameters(options: Options) -> Parameters:
    mdp = options.mdp
    return Parameters(
        prior=np.cumsum(options.probabilities),
        surprise=bits_of_values(options),
        parts=options.parts,
        zeta=float(options.zeta),
        noise=float(options.noise),
        limit=options.limit,
        start=np.cumsum(mdp.start),
        transition=np.ascontiguousarray(np.cumsum(mdp.transition, axis=2)),
        reward=np.ascontiguousarray(mdp.reward),
        terminal=mdp.terminal.astype(np.int64),
        available=mdp.available.astype(np.int64),
        horizon=options.horizon,
        discount=float(options.discount),
        history=options.history,
    )


def reset(p, game, agents, board, rng):
    draw_message(p, game, agents, board, rng)
    game.place = categorical(rng, p.start)
    game.worth = p.discount
    for k in range(2 * p.history):
        board[p.parts + k] = -1


def step(p, game, agents, board, act, sent, reward, rng):
    if game.turn == SOURCE:
        game.turn = SENDER
        return False
    if game.turn == RECEIVER:
        return name_part(p, game, agents, board, act[RECEIVER], reward)
    s, A = game.place, p.available.shape[1]
    if p.noise > 0.0 and chance(rng, p.noise):
        skip, a = integer(rng, p.available[s].sum()), available_action(p, s, 0)
        for _ in range(skip):
            a = available_action(p, s, a + 1 if a + 1 < A else 0)
    else:
        a = available_action(p, s, act[SENDER])
    slot = p.parts + 2 * (game.clock % p.history)
    board[slot], board[slot + 1] = s, a
    game.place = categorical(rng, p.transition[s, a])
    earn(agents, reward, game.worth * p.reward[s, a, game.place])
    game.worth *= p.discount
    game.clock += 1
    go_on(p, game, p.terminal[game.place] != 0 or game.clock >= p.horizon)
    return False


def observe(p, game, agents, board, i, obs):
    S, A = p.available.shape
    for k in range(len(obs)):
        obs[k] = 0.0
    obs[game.place] = 1.0
    obs[S] = game.clock / p.horizon
    at = S + 1
    for slot in range(p.history):
        s, a = board[p.parts + 2 * slot], board[p.parts + 2 * slot + 1]
        if s >= 0:
            obs[at + s] = 1.0
            obs[at + S + a] = 1.0
        at += S + A
    show_message(p, game, board, i, at, obs)


def describe(options: Options, game: Any, agents: Any, board: Any) -> str:
    return f"step {game['clock']}: state {game['place']}, message {board[: options.parts].tolist()}, {told_turn(game)}"


# ---------------------------------------------------------------------------------------------------------------- limits
def limits(options: Options) -> Limits:
    return _limits(options)


@cache
def _limits(options: Options) -> Limits:
    mdp, prior, (steps, cut) = options.noisy, options.probabilities, options.reached
    best = soft_values(mdp, 0.0, steps, options.discount).value
    bound = objective_bound(mdp, prior, options.zeta, steps, options.discount, parts=options.parts, told=options.told(steps))
    silent = Limit(best if cut else best + options.guess, not cut, "best policy of the process, and the likeliest message named")
    bound = max(bound, silent.value)
    exact = silent.exact and bound <= silent.value + 1e-9
    source = "converse: most of reward and causal entropy together, at every price of a bit"
    ceiling = Limit(bound, exact, source)
    if not options.noise and deterministic(mdp):
        known = best_objective(mdp, prior, options.zeta, steps, options.discount, options.parts)
        if known is not None:
            attained = silent.exact and options.limit == UNLIMITED
            rest = "" if attained else ", were the message known to the sender and named"
            way = f"the likeliest messages have the best ways, one each, as far as that pays{rest}"
            value = min(max(known, silent.value), bound)
            return Limits(silent, Limit(value, attained or (silent.exact and value <= silent.value + 1e-9), way), ceiling)
    return Limits(silent, Limit(bound, exact, f"not known; the ceiling: {source}"), ceiling)
