"""Maze: a sender walks on slippery ground past walls and a trap, and its way tells a message that it hears at a limited rate.

Agents: `source`, `sender`, `receiver`, who move in turn. A message is drawn and the source told. Before each step the source
tells the sender something in `bits` bits; the sender walks; the receiver watches and, when the walk is over, names the message.
The way is the channel: what the sender does is seen by everybody.

| | source | sender | receiver |
|---|---|---|---|
| observation | what is public, then the message, one-hot (K,) | what is public, then the inbox (2**bits + 1,) | what is public |
| action | Discrete(2**bits) | [up, right, down, left], Discrete(4) | message, Discrete(K) |

Public are the place, one-hot (64,), row by row; the clock, steps / horizon; and the last `history` transitions, by default one,
each the place left, one-hot, and the executed action, one-hot (4,). The grid is 8 x 8. Walls are (i, i) for i = 1..7; the goal
is (0, 7), the trap (1, 7), the start (5, 4). A step goes to either side of where it was meant with probability `slip` each;
against a wall it stays. With probability `noise` the action executed, which all see, is drawn uniformly. With
`rate_limit="total"` the source speaks before the first step only; with "none" there is no source, and the sender sees the
message. A message of several `parts` is named one part a step; observations then say which.

Reward: on entering the goal 1, the trap -1, times discount**steps; zeta if the message is named rightly; the same for all. Ends
when the receiver has named it, after the goal, the trap, or `horizon` steps. infos of a game that is over have `mdp_return`,
the reward of the walk; `decode_correct`, which is also `success`; and `bits_delivered`, log2 1 / mu of the parts named rightly,
chance included.

Limits: silent the best walk and the likeliest message. reachable = ceiling: the converse of coding/code_grid, and no more than
what the source may tell altogether. The rate limit here is on the symbols of a message; the exact agents (agents/exact) also
keep to an entropy H(T) <= R, which the meter measures.

Ebrahimi, Chen, Khisti (2024), Minimum entropy coupling with bottleneck. Version history: v0 first release.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from commenv.core.errors import number
from commenv.games.coding import tabular
from commenv.games.coding.tabular import *  # noqa: F403 - all but which process it is
from commenv.solvers.soft_value import Mdp

SIZE = 8
MOVES = ((-1, 0), (0, 1), (1, 0), (0, -1))
GOAL, TRAP, START = (0, 7), (1, 7), (5, 4)


@dataclass(frozen=True, kw_only=True)
class Options(tabular.Options):
    """What a user may choose."""

    default_bits: ClassVar[int] = 9

    messages: int = 512
    rate_limit: str = "per_step"
    horizon: int = 1000
    discount: float = 0.95
    slip: float = 0.1
    """Probability of each of the two sides of the direction meant, 0 to .5."""

    def __post_init__(self) -> None:
        super().__post_init__()
        number("slip", self.slip, 0, 0.5)

    @property
    def mdp(self) -> Mdp:
        S = SIZE * SIZE
        P = np.zeros((S, 4, S))
        for s in range(S):
            for a in range(4):
                for turn, share in ((0, 1 - 2 * self.slip), (-1, self.slip), (1, self.slip)):
                    dx, dy = MOVES[(a + turn) % 4]
                    x, y = s // SIZE + dx, s % SIZE + dy
                    walled = not (0 <= x < SIZE and 0 <= y < SIZE) or x == y > 0
                    P[s, a, s if walled else _cell(x, y)] += share
        reward = np.zeros((S, 4, S))
        reward[:, :, _cell(*GOAL)], reward[:, :, _cell(*TRAP)] = 1, -1
        over = np.isin(np.arange(S), [_cell(*GOAL), _cell(*TRAP)])
        return Mdp(P, reward, np.eye(S)[_cell(*START)], over, np.ones((S, 4), bool))


def _cell(x: int, y: int) -> int:
    return x * SIZE + y
