"""Rows of Bayesian, naive and other agents, as theory has them."""

from collections.abc import Mapping, Sequence

import numpy as np

from agents.team import Deployed, Team
from commenv.games.social.cascade import Options
from commenv.solvers.cascade import Rule, mixed

ID = "social/cascade-v0"


class Row(Deployed):
    """One rule an agent, `bayesian`, `naive` or a function; Bayesians know everybody's. At most 20 agents.

    rules: a rule for all, or one each. Raises ValueError for a number of rules that does not fit, and for what `mixed` refuses.
    """

    def __init__(self, options: Options, rules: Rule | Sequence[Rule] = "bayesian") -> None:
        super().__init__(ID, options)
        one = isinstance(rules, str) or callable(rules)
        each = [rules] * options.agents if one else list(rules)  # type: ignore[arg-type]
        if len(each) != options.agents:
            raise ValueError(f"{len(each)} rules do not fit {options.agents} agents: give one for all, or one each")
        self.herd, self.tables = mixed(each, options.precision, prior=options.prior)  # type: ignore[arg-type]

    def player(self, games: int) -> "Row":
        return self

    def act(self, seen: Mapping[str, np.ndarray], active: Mapping[str, np.ndarray], fresh: np.ndarray) -> dict[str, np.ndarray]:
        chosen = {}
        for t, (name, table) in enumerate(zip(seen, self.tables, strict=True)):
            ones = seen[name][:, 3 : 3 + 2 * t : 2].astype(int)  # of the agents before it, whether they chose 1
            chosen[name] = table[seen[name][:, 1].astype(int), ones @ (2 ** np.arange(t))]
        return chosen


def learned(team: Team, t: int) -> Rule:
    """What agent t of a trained team does, greedily, as a rule in a row with others."""
    options = team.options
    assert isinstance(options, Options)

    def rule(signals: np.ndarray, acts: np.ndarray) -> np.ndarray:
        seen = np.zeros((len(signals), 2 + 2 * options.agents), np.float32)
        rows = np.arange(len(signals))
        seen[rows, signals] = 1
        for j in range(acts.shape[1]):
            seen[rows, 2 + 2 * j + acts[:, j]] = 1
        return team.act(f"agent_{t}", seen)

    return rule
