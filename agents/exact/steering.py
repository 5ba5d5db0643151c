"""A planner who steers a herd as the solver says."""

from collections.abc import Mapping

import numpy as np

from agents.team import Deployed
from commenv.games.social.steering import Options

ID = "social/steering-v0"


class BestPlanner(Deployed):
    """The solver's precision for the belief that it sees, and who could lie tells the truth. A Bayesian agent, if asked.

    Optimal for transparent planners of Bayesian crowds, and exactly so on a lattice.
    """

    def __init__(self, options: Options) -> None:
        super().__init__(ID, options)
        self.found, _ = options.solve()
        levels = np.abs(options.precisions - self.found.precision[:, None]).argmin(axis=1)
        self.action = levels * (options.levels + 1) if options.lying else levels
        """Of each of the solver's beliefs."""

    def player(self, games: int) -> "BestPlanner":
        return self

    def act(self, seen: Mapping[str, np.ndarray], active: Mapping[str, np.ndarray], fresh: np.ndarray) -> dict[str, np.ndarray]:
        belief = seen["planner"][:, 0].astype(float)
        middles = (self.found.beliefs[1:] + self.found.beliefs[:-1]) / 2
        chosen = {"planner": self.action[np.searchsorted(middles, belief)]}
        if "agent" in seen:
            b, q, signal = (*seen["agent"][:, :2].T.astype(float), seen["agent"][:, 3].astype(int))
            herd = np.where(np.abs(b - 0.5) < 1e-6, signal, b > 0.5)  # observations are of single precision
            follows = q >= np.maximum(b, 1 - b) - 1e-6
            chosen["agent"] = np.where(follows, signal, herd).astype(int)
        return chosen
