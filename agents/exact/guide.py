"""A guide and a mover by theory: the guide names the cell of the goal, the mover searches the cell in its best order."""

from collections.abc import Mapping

import numpy as np

from agents.team import Deployed
from commenv import info
from commenv.games.messaging.guide import Options

ID = "messaging/guide-v0"


class SearchTeam(Deployed):
    """The mover walks by shortest ways to the first goal of an order that it has not visited; what it hears says which order.

    Raises ValueError for channels with a memory, or of floats, and through noise for more than 6 goals.
    """

    def __init__(self, options: Options) -> None:
        super().__init__(ID, options)
        world, link = options.map, options.link
        search, n = world.search, len(world.goals)
        if not link.memoryless or link.floats:
            raise ValueError("a cell is named by one message: over a channel without memory, of symbols")
        silent = search.order(range(n))
        orders = [silent] * (link.size + 2)
        if link.capacity == np.log2(link.size):
            self.message = np.empty(n, int)
            """Of each goal, shape (n,)."""
            for m, cell in enumerate(search.told(link.size)[1]):
                self.message[cell] = m
                orders[m] = [*search.order(cell), *(g for g in silent if g not in cell)]
        else:
            every, steps = search.orders
            code = info.noisy_one_shot(np.asarray(search.prior), -steps, link.matrix)
            self.message = np.asarray(code.encoder)
            for y, j in enumerate(code.decoder):
                orders[y] = list(every[j])
        self.orders = np.array(orders)
        """After each symbol, an erasure, and nothing heard, shape (M + 2, n)."""
        goals, V = world.goals, len(world.moves)
        self.way = world.steps[world.moves[:, :, None], goals].argmin(axis=1)
        """The shortest way from each place to each goal, shape (V, n)."""
        self.sizes = V, n

    def player(self, games: int) -> "SearchTeam":
        return self

    def act(self, seen: Mapping[str, np.ndarray], active: Mapping[str, np.ndarray], fresh: np.ndarray) -> dict[str, np.ndarray]:
        V, n = self.sizes
        mover = seen["mover"]
        place, visited, inbox = mover[:, :V].argmax(axis=1), mover[:, V : V + n] > 0, mover[:, V + n :]
        order = self.orders[np.where(inbox.any(axis=1), inbox.argmax(axis=1), inbox.shape[1])]
        left = ~np.take_along_axis(visited, order, axis=1)
        goal = np.take_along_axis(order, left.argmax(axis=1)[:, None], axis=1)[:, 0]
        return {"guide": self.message[seen["guide"].argmax(axis=1)], "mover": self.way[place, goal]}
