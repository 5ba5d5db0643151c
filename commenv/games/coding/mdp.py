"""Coding game on any finite Markov decision process: a sender acts in it so that whoever watches knows the message.

Agents: `sender`, `receiver`, who move in turn; with a rate limit also `source`. A message is drawn and the sender told. It acts
in the process, at most `horizon` steps; the receiver watches and then names the message. What the sender does is seen by
everybody, and nothing else carries the message. `commenv.coding.from_mdp` makes this game of arrays, or of Gymnasium's tables.

| | sender | receiver | source, if any |
|---|---|---|---|
| observation | what is public, then the message, one-hot (K,) | what is public | what is public, then the message |
| action | Discrete(A) | message, Discrete(K) | message over the channel, Discrete(2**bits) |

Public are the state, one-hot (S,); the clock, steps / horizon; and the last `history` transitions, each the state left, one-hot
(S,), and the executed action, one-hot (A,). An action that is not available is executed as the next available one, in a ring.
With probability `noise` the executed action is drawn uniformly from those available. With `rate_limit` the source tells the
sender, before each step or once, what `bits` bits can tell. A message of several `parts` is named one part a step; observations
then say which.

By default there is one decision among three actions that earn 4, 3 and 0: with two messages, naming earns 3.5 + zeta, and not to
bother 4 + zeta / 2.

Reward: that of the process, of step t, from 0, times discount**(t + 1) (with discount 1 as it is), and zeta if the message is
named rightly; the same for all. Ends when the receiver has named it. infos of a game that is over have `mdp_return`, the reward
of the process; `decode_correct`, which is also `success`; and `bits_delivered`, log2 1 / mu of the parts named rightly, chance
included.

Limits: silent the best policy and the likeliest message; ceiling: the converse of coding/code_grid. reachable: of processes in
which an action has one outcome, without noise and source, exact: the likeliest messages have the best ways, one each, as far as
that pays. Of others it is not known, and the ceiling that stands for it may be well above what any team reaches.

Sokota, Schroeder de Witt, Igl, Zintgraf, Torr, Strohmeier, Kolter, Whiteson, Foerster (2022), Communicating via Markov decision
processes. Version history: v0 first release.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from commenv.core.errors import bad
from commenv.games.coding import tabular
from commenv.games.coding.tabular import *  # noqa: F403 - all but which process it is
from commenv.info.distributions import numbers
from commenv.solvers.soft_value import Mdp

Table = Sequence[Any]


@dataclass(frozen=True, kw_only=True)
class Options(tabular.Options):
    """What a user may choose."""

    messages: int = 2
    horizon: int = 1
    transition: Table = (((0.0, 1.0), (0.0, 1.0), (0.0, 1.0)), ((0.0, 1.0), (0.0, 1.0), (0.0, 1.0)))
    """P(s' | s, a), shape (S, A, S), with at least two actions."""
    reward: Table = (((0.0, 4.0), (0.0, 3.0), (0.0, 0.0)), ((0.0, 0.0), (0.0, 0.0), (0.0, 0.0)))
    """On going from s by a to s', shape (S, A, S)."""
    start: Table | None = None
    """Distribution of the first state, length S; None: state 0."""
    terminal: Sequence[int] = (1,)
    """States in which the process is over."""
    available: Table | None = None
    """Which actions there are in each state, shape (S, A); None: all."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("transition", "reward", "start", "terminal", "available"):
            object.__setattr__(self, name, _frozen(getattr(self, name)))
        try:
            self.mdp  # noqa: B018 - whoever asks for it is told what is wrong
        except (TypeError, IndexError, OverflowError) as reason:
            raise ValueError(f"transition, reward, start, terminal and available are no process: {reason}") from None

    @property
    def mdp(self) -> Mdp:
        P = numbers("transition", self.transition)
        if P.ndim != 3 or P.shape[1] < 2:
            raise bad("transition", P.shape, "of shape (S, A, S) with A at least 2: one action tells nothing")
        S, A = P.shape[:2]
        states = numbers("terminal", self.terminal)
        if not np.isin(states, np.arange(S)).all():
            raise bad("terminal", self.terminal, f"states, from 0 to {S - 1}")
        over = np.zeros(S, bool)
        over[states.astype(int)] = True
        start = np.eye(S)[0] if self.start is None else numbers("start", self.start)
        available = np.ones((S, A), bool) if self.available is None else numbers("available", self.available).astype(bool)
        return Mdp(P, numbers("reward", self.reward), start, over, available)


def _frozen(table: Any) -> Any:
    """Nested tuples of Python's numbers: nobody changes them later, and a file of JSON holds them."""
    if table is None:
        return None
    found = np.asarray(table, dtype=object).tolist() if not isinstance(table, np.ndarray) else table.tolist()
    return _tuples(found)


def _tuples(table: Any) -> Any:
    if isinstance(table, list | tuple):
        return tuple(_tuples(row) for row in table)
    return table.item() if isinstance(table, np.generic) else table
