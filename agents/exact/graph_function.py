"""Agents on a graph by theory: each says what a protocol has for all that it has heard, and answers its best guess."""

from collections.abc import Mapping

import numpy as np

from agents.team import Deployed
from commenv.games.messaging.graph_function import Options, layout, protocol
from commenv.solvers.spreading import guess, values, words

ID = "messaging/graph_function-v0"


class ProtocolTeam(Deployed):
    """The best protocol found, or, where nothing can be said, the best guess by one's own bit.

    Raises ValueError for channels that may deliver anything but what was sent, in the step after, or that differ from game to
    game.
    """

    def __init__(self, options: Options) -> None:
        super().__init__(ID, options)
        link = options.link
        if not link.memoryless or link.floats or link.drawn or link.capacity != np.log2(link.size):
            raise ValueError(f"a protocol goes by what it hears: noiseless channels only, not {link!r}")
        seated = layout(options)
        self.agents, self.rounds = options.agents, options.rounds
        self.ears = [len(seated.ears(i)) for i in range(self.agents)]
        self.speaks = [seated.speaks(i) for i in range(self.agents)]
        self.protocol = protocol(options) if link.size > 1 else None
        bit = words(self.agents)[:, 0]
        self.guess = guess(bit, values(options.function, self.agents))[np.unique(bit, return_index=True)[1]]
        """By one's own bit, shape (2,)."""

    def player(self, games: int) -> "_Listeners":
        return _Listeners(self, games)


class _Listeners:
    """A team at play: of each agent in each game, what it knows, as a number."""

    def __init__(self, team: ProtocolTeam, games: int) -> None:
        self.team, self.classes = team, np.zeros((team.agents, games), int)

    def act(self, seen: Mapping[str, np.ndarray], active: Mapping[str, np.ndarray], fresh: np.ndarray) -> dict[str, np.ndarray]:
        return {f"agent_{i}": self._one(i, seen[f"agent_{i}"]) for i in range(self.team.agents)}

    def _one(self, i: int, view: np.ndarray) -> np.ndarray:
        team = self.team
        step = int(view[0, 2 : 3 + team.rounds].argmax())  # the same in all games, which are of one length
        says = team.guess[view[:, 1].astype(int)]
        if team.protocol is not None:
            code = self.classes[i] if step else view[:, 1].astype(int)
            for inbox in np.split(view[:, 3 + team.rounds :], team.ears[i], axis=1) if step and team.ears[i] else ():
                code = code * team.protocol.messages + inbox.argmax(axis=1)
            turn = team.protocol.turns[step][i]
            self.classes[i] = np.searchsorted(turn.known, code)
            says = turn.says[self.classes[i]]
        answers, nothing = step == team.rounds, np.zeros(len(view), int)
        act = says if answers else nothing
        message = nothing if answers or team.protocol is None else says
        return np.stack([act, message], axis=1) if team.speaks[i] else act
