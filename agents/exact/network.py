"""Bayesians on a network, who know the graph and each other, and tell what they did, saw or believe."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from agents.team import Deployed
from commenv.games.social.network import Options, ways
from commenv.solvers.herding import herd

ID = "social/network-v0"


class Bayesians(Deployed):
    """Exact over noiseless links, up to 20 agents. way: what is told, as `herd` takes it; None: whichever is best at this rate.

    Raises ValueError for a channel that is noisy or too narrow for what is told.
    """

    def __init__(self, options: Options, way: Mapping[str, Any] | None = None) -> None:
        super().__init__(ID, options)
        link = options.link
        bits = int(np.log2(link.size))
        if not link.memoryless or link.capacity != np.log2(link.size):
            raise ValueError("these agents take what they hear for what was sent: the channel must be noiseless")
        told = [dict(way)] if way is not None else ways(bits)
        herds = [herd(options.heard, options.precision, prior=options.prior, **one) for one in told]
        self.herd = max(herds, key=lambda one: one.accuracy.mean())
        if self.herd.said.max() >= link.size:
            raise ValueError(f"what is told needs {int(self.herd.said.max()) + 1} messages, and the channel has {link.size}")
        self.tables = []
        for i, others in enumerate(options.heard):
            seen = np.column_stack([self.herd.signals[:, i], *(self.herd.said[:, j] for j in others)])
            rows, first = np.unique(seen, axis=0, return_index=True)
            answers = np.column_stack([self.herd.actions[first, i], self.herd.said[first, i]])
            self.tables.append(dict(zip(map(tuple, rows.tolist()), answers.tolist(), strict=True)))

    def player(self, games: int) -> "Bayesians":
        return self

    def act(self, seen: Mapping[str, np.ndarray], active: Mapping[str, np.ndarray], fresh: np.ndarray) -> dict[str, np.ndarray]:
        chosen, speakers = {}, {j for others in self.options.heard for j in others}  # type: ignore[attr-defined]
        for i, (name, table) in enumerate(zip(seen, self.tables, strict=True)):
            inbox = seen[name][:, 2:].reshape(len(fresh), -1, self.options.link.places).argmax(axis=2)
            rows = np.column_stack([seen[name][:, :2].argmax(axis=1), inbox]).tolist()
            answers = np.array([table.get(tuple(row), (row[0], 0)) for row in rows])  # before its turn what it hears is no row
            chosen[name] = answers if i in speakers else answers[:, 0]
        return chosen
