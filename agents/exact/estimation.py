"""Sensors and a centre by theory: what each says in a cell of its reading, and what is named after all that may be heard."""

from collections.abc import Mapping

import numpy as np

from agents.team import Deployed
from commenv.games.messaging.estimation import Options
from commenv.solvers.estimation import told

ID = "messaging/estimation-v0"


class QuantiserTeam(Deployed):
    """The team of `commenv.solvers.estimation.told`, which says when it is the best.

    Raises ValueError for channels with a memory, or of floats, and where too much may be heard to sum over.
    """

    def __init__(self, options: Options) -> None:
        super().__init__(ID, options)
        link = options.link
        if not link.memoryless or link.floats:
            raise ValueError("a cell is named by one message: over a channel without memory, of symbols")
        found = told(options.sensors, options.sigma, link.matrix, options.grid)
        if found is None:
            raise ValueError(f"{options.sensors} sensors of {link.size} messages are too many to sum over")
        self.found = found

    def player(self, games: int) -> "QuantiserTeam":
        return self

    def act(self, seen: Mapping[str, np.ndarray], active: Mapping[str, np.ndarray], fresh: np.ndarray) -> dict[str, np.ndarray]:
        found, L = self.found, len(self.found.said)
        inboxes = seen["centre"][:, 1:].reshape(len(fresh), L, -1)
        heard = np.where(inboxes.any(axis=2), inboxes.argmax(axis=2), inboxes.shape[2])
        row = heard @ found.strides
        # In the first step nothing is heard, and what is named does not count.
        acts = {"centre": found.named[np.where(row < len(found.named), row, 0)]}
        for i in range(L):
            acts[f"sensor_{i}"] = found.said[i][np.searchsorted(found.edges[i], seen[f"sensor_{i}"][:, 0])]
        return acts
