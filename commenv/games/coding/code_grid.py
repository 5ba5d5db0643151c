"""CodeGrid: a sender walks across a grid so that whoever watches its way knows the message.

Agents: `sender`, `receiver`, who move in turn; with a rate limit also `source`. A message is drawn and the sender told. It walks
from one corner of a grid to the other, at most `horizon` steps; the receiver watches and then names the message. The way is the
channel: what the sender does is seen by everybody, and nothing else carries the message.

| | sender | receiver | source, if any |
|---|---|---|---|
| observation | what is public, then the message, one-hot (K,) | what is public | what is public, then the message |
| action | [x + 1, y + 1, x - 1, y - 1], Discrete(4) | message, Discrete(K) | message over the channel, Discrete(2**bits) |

Public are the place, one-hot (size**2,); the clock, steps / horizon; and the last `history` transitions, by default all, each the
place left, one-hot, and the executed action, one-hot (4,). A step off the grid is not available: the next available action is
executed instead, in the order above. With probability `noise` the executed action is drawn uniformly from those available.
With `rate_limit` the source tells the sender, before each step or once, what `bits` bits can tell; the sender sees the inbox in
the message's place. A message of several `parts` is named one part a step; observations then say which.

Reward: 1 on reaching the corner, and zeta if the message is named rightly, the same for all. Ends when the receiver has named it.
infos of a game that is over have `mdp_return`, the reward of the walk; `decode_correct`, which is also `success`; and
`bits_delivered`, log2 1 / mu of the parts named rightly, chance included.

Limits: silent the best walk and the likeliest message. ceiling: the converse min over alpha of V(alpha) + max over channels of
zeta P(named) - alpha ln 2 I, with V the best sum of reward and alpha times causal entropy (soft value iteration). reachable:
without noise and source exact, for a team may give its messages ways of their own, the likeliest the best (solvers/ways); with
a source it may be less, with noise it is not known and the ceiling stands for it. Exact agents are in agents/exact.

Sokota, Schroeder de Witt, Igl, Zintgraf, Torr, Strohmeier, Kolter, Whiteson, Foerster (2022), Communicating via Markov decision
processes. Version history: v0 first release.
"""

from dataclasses import dataclass

import numpy as np

from commenv.core.errors import whole
from commenv.games.coding import tabular
from commenv.games.coding.tabular import *  # noqa: F403 - all but which process it is
from commenv.solvers.soft_value import Mdp

MOVES = ((1, 0), (0, 1), (-1, 0), (0, -1))


@dataclass(frozen=True, kw_only=True)
class Options(tabular.Options):
    """What a user may choose."""

    size: int = 4
    """Cells of a side, 2 to 16."""
    history: int = 8

    def __post_init__(self) -> None:
        super().__post_init__()
        whole("size", self.size, 2, 16)

    @property
    def mdp(self) -> Mdp:
        n = self.size
        S = n * n
        P, available = np.zeros((S, 4, S)), np.zeros((S, 4), bool)
        for s in range(S):
            for a, (dx, dy) in enumerate(MOVES):
                x, y = s // n + dx, s % n + dy
                available[s, a] = 0 <= x < n and 0 <= y < n
                P[s, a, x * n + y if available[s, a] else s] = 1
        reward = np.zeros((S, 4, S))
        reward[:, :, S - 1] = 1
        return Mdp(P, reward, np.eye(S)[0], np.arange(S) == S - 1, available)
