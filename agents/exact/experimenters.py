"""Two experimenters who play the best pair of two rounds, at any number of messages."""

from collections.abc import Mapping

import numpy as np

from agents.team import Deployed
from commenv.games.acquisition import experiments
from commenv.solvers.experiments import best_pair


class Experimenters(Deployed):
    """The pair that `best_pair` finds. Raises ValueError for other numbers of experimenters or rounds than two."""

    def __init__(self, options: experiments.Options) -> None:
        super().__init__("acquisition/experiments-v0", options)
        if options.experimenters != 2 or options.rounds != 2:
            raise ValueError(
                f"the best pair is of two experimenters in two rounds, not {options.experimenters} in {options.rounds}"
            )
        prior, self.designs = options.problem
        self.pair = best_pair(prior, self.designs, min(options.link.size, self.designs.shape[-1]))

    def player(self, games: int) -> "_Experimenting":
        return _Experimenting(self)


class _Experimenting:
    def __init__(self, team: Experimenters) -> None:
        self.pair = team.pair
        D, n, M = team.designs.shape
        self.begun, self.results, self.inbox = n + 1, slice(n + 2 + D, n + 2 + D + M), n + 2 + D + M
        self.second = np.zeros((2, M, max(map(max, team.pair.codes)) + 1), np.int64)
        for i, chosen in enumerate(team.pair.second):
            for (result, message), design in chosen.items():
                self.second[i, result, message] = design

    def act(self, seen: Mapping[str, np.ndarray], active: Mapping[str, np.ndarray], fresh: np.ndarray) -> dict[str, np.ndarray]:
        actions = {}
        for i, (name, rows) in enumerate(seen.items()):
            result = rows[:, self.results].argmax(1)
            first = rows[:, self.begun] == 0
            design = np.where(first, self.pair.first[i], self.second[i, result, rows[:, self.inbox :].argmax(1)])
            actions[name] = np.stack([design, np.array(self.pair.codes[i])[result]], 1)
        return actions
