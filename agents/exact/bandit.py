"""The best scout and crew of acquisition/bandit: the plan that the dynamic program finds, played from what each of them sees."""

from collections.abc import Mapping

import numpy as np

from agents.team import Deployed
from commenv.games.acquisition.bandit import Options, best_plan


class BestScout(Deployed):
    """Plays `best_plan`. Raises ValueError for channels for which no best plan is known."""

    def __init__(self, options: Options) -> None:
        super().__init__("acquisition/bandit-v0", options)
        self.plan, self.arms, self.pulls = best_plan(options), options.arms, options.pulls
        W = options.link.matrix if options.link.size > 1 else np.ones((1, 2))
        heard = np.flatnonzero(W.any(axis=0)) if options.link.size > 1 else np.array([0])
        self.decoder = np.zeros(W.shape[1] + 1, np.int64)  # what is heard: a symbol, an erasure, nothing
        self.decoder[heard] = self.plan.decoder

    def player(self, games: int) -> "BestScout":
        return self

    def act(self, seen: Mapping[str, np.ndarray], active: Mapping[str, np.ndarray], fresh: np.ndarray) -> dict[str, np.ndarray]:
        counts = np.rint(seen["scout"][:, : 2 * self.arms].astype(float) * self.pulls).astype(np.int64)
        pulled, scout = counts.sum(axis=1), np.zeros((len(counts), 2), np.int64)
        for layer in np.unique(pulled):
            rows = pulled == layer
            places = self.plan.find(int(layer), counts[rows])
            if layer < self.pulls:
                scout[rows, 0] = self.plan.pull[layer][places]
            else:
                scout[rows, 1] = self.plan.message[places]
        inbox = seen["crew"][:, 1:]
        heard = np.where(inbox.any(axis=1), inbox.argmax(axis=1), inbox.shape[1])
        return {"scout": scout, "crew": self.decoder[np.minimum(heard, len(self.decoder) - 1)]}
