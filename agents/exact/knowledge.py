"""An informant and an ego by theory: the best menu of policies on clock and state, told by as few bits as there are."""

from collections.abc import Mapping

import numpy as np

from agents.team import Deployed
from commenv import info
from commenv.games.messaging.knowledge import Options
from commenv.solvers.knowledge import menus

ID = "messaging/knowledge-v0"


class MenuTeam(Deployed):
    """The informant names a policy of the menu, the ego plays the one that it hears; over a noisy channel by the best code known.

    Raises ValueError for channels with a memory, or of floats, whose codes cannot be listed.
    """

    def __init__(self, options: Options) -> None:
        super().__init__(ID, options)
        game, link = options.tables, options.link
        if not link.memoryless or link.floats:
            raise ValueError("a menu is told in one message: over a channel without memory, of symbols")
        found = menus(game)
        code = info.noisy_one_shot(np.asarray(game.prior), found.values, link.matrix)
        self.message = code.encoder
        """Of each type, shape (T,)."""
        silent = found.tables[int((np.asarray(game.prior) @ found.values).argmax())]
        heard = [found.tables[j] for j in code.decoder]
        self.policies = np.stack([*heard, silent][: link.size + 2])
        """Of each symbol, of an erasure and of nothing heard, shape (M + 2, H, S)."""

    def player(self, games: int) -> "MenuTeam":
        return self

    def act(self, seen: Mapping[str, np.ndarray], active: Mapping[str, np.ndarray], fresh: np.ndarray) -> dict[str, np.ndarray]:
        H, S = self.policies.shape[1:]
        ego = seen["ego"]
        state, t, inbox = ego[:, :S].argmax(axis=1), ego[:, S : S + H].argmax(axis=1), ego[:, S + H :]
        heard = np.where(inbox.any(axis=1), inbox.argmax(axis=1), inbox.shape[1])
        return {"informant": self.message[seen["informant"].argmax(axis=1)], "ego": self.policies[heard, t, state]}
