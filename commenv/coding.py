"""Markov coding games of your own: any finite Markov decision process as a channel.

>>> import gymnasium
>>> from commenv import coding
>>> lake = gymnasium.make("FrozenLake-v1", is_slippery=False)
>>> env = coding.from_mdp(lake.unwrapped.P, horizon=12, messages=4)
>>> env.possible_agents
['sender', 'receiver']
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from commenv.core.errors import bad

if TYPE_CHECKING:
    from commenv.interfaces.parallel import SimultaneousEnv

Rows = Mapping[int, Mapping[int, Sequence[tuple[float, int, float, bool]]]]
"""Gymnasium's tables: of a state and an action all (probability, next state, reward, whether it is over)."""


def from_mdp(
    P: ArrayLike | Rows,
    R: ArrayLike | None = None,
    *,
    start: ArrayLike | None = None,
    terminal: Sequence[int] = (),
    horizon: int,
    **options: Any,
) -> "SimultaneousEnv":
    """A coding game of a process, as a PettingZoo ParallelEnv: `commenv.make("coding/mdp-v0", **coding.tables(P, R, ...))`.

    options: those of coding/mdp-v0 (messages, zeta, noise, discount, ...). Raises what `tables` does, and ValueError for an
    option that is not allowed.
    """
    import commenv

    return commenv.make("coding/mdp-v0", **tables(P, R, start=start, terminal=terminal), horizon=horizon, **options)


def tables(
    P: ArrayLike | Rows, R: ArrayLike | None = None, *, start: ArrayLike | None = None, terminal: Sequence[int] = ()
) -> dict[str, Any]:
    """A process as options of coding/mdp-v0: for `make`, `make_batch`, `limits` and training.

    P: P(s' | s, a), shape (S, A, S), or a table of Gymnasium's toy texts, `env.unwrapped.P`, which has rewards and ends in it.
    R: rewards on going from s by a to s', shape (S, A, S), (S, A), or (S,) on entering s'. start: shape (S,); None: state 0.
    terminal: states in which it is over. Raises ValueError for shapes that do not fit.
    """
    if isinstance(P, Mapping):
        if R is not None:
            raise bad("R", R, "left out: the table has rewards in it")
        transition, reward, ends = _read(P)
        terminal = sorted({*terminal, *ends})
    else:
        transition = np.asarray(P, float)
        if transition.ndim != 3 or transition.shape[0] != transition.shape[2]:
            raise bad("P", transition.shape, "of shape (S, A, S)")
        if R is None:
            raise bad("R", R, "rewards of shape (S, A, S), (S, A) or (S,)")
        S, A, _ = transition.shape
        given = np.asarray(R, float)
        wide = {(S, A, S): given, (S, A): given[..., None], (S,): given}
        if given.shape not in wide:
            raise bad("R", given.shape, f"of shape {(S, A, S)}, {(S, A)} or {(S,)}")
        reward = np.broadcast_to(wide[given.shape], transition.shape)
    found: dict[str, Any] = {"transition": transition.tolist(), "reward": reward.tolist(), "terminal": list(terminal)}
    return found if start is None else {**found, "start": np.asarray(start, float).tolist()}


def _read(rows: Rows) -> tuple[np.ndarray, np.ndarray, set[int]]:
    """Transition, mean reward by transition, and the states that end it, of Gymnasium's tables."""
    S, A = len(rows), max(map(len, rows.values()))
    P, flow = np.zeros((S, A, S)), np.zeros((S, A, S))
    ends: set[int] = set()
    for s, actions in rows.items():
        for a, outcomes in actions.items():
            for probability, after, reward, over in outcomes:
                P[s, a, after] += probability
                flow[s, a, after] += probability * reward
                if over:
                    ends.add(int(after))
    return P, np.divide(flow, P, out=np.zeros_like(P), where=P > 0), ends
