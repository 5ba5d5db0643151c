"""A hub and sensors of the game of features who play a policy on exact beliefs."""

from collections.abc import Mapping

import numpy as np

from agents.team import Deployed
from commenv.core.errors import bad
from commenv.games.acquisition import features
from commenv.games.acquisition.reliable import reliable
from commenv.solvers.feature_selection import Policy, State, optimal


class Hub(Deployed):
    """Every sensor sends its value as it is; the hub remembers them, buys by a policy, and names the likeliest label.

    policy: state -> feature or None; None for the dynamic program. solvers/feature_selection.py has greedy policies,
    agents/dime.py a learned one. Raises ValueError for a channel of fewer messages than a feature has values, and for one that
    may lose a message.
    """

    def __init__(self, options: features.Options, policy: Policy | None = None) -> None:
        super().__init__("acquisition/features-v0", options)
        self.problem, self.owner = options.problem, options.owner
        self.values = max(self.problem.joint.shape[1:])
        if options.link.size < self.values:
            raise bad("bits", options.bits, f"enough for the {self.values} values of a feature")
        if not reliable(options.link):
            raise bad("channel", options.link, "one that loses no message")
        self.policy = optimal(self.problem) if policy is None else policy

    def player(self, games: int) -> "_Buying":
        return _Buying(self, games)

    def move(self, state: State) -> int:
        """The hub's action in a state."""
        feature = self.policy(state)
        return len(state) + int(self.problem.masses(state).argmax()) if feature is None else feature


class _Buying:
    def __init__(self, team: Hub, games: int) -> None:
        self.team, self.owner, self.d = team, np.array(team.owner), len(team.owner)
        self.states: list[State] = [team.problem.beginning] * games
        self.moves: dict[State, int] = {}

    def act(self, seen: Mapping[str, np.ndarray], active: Mapping[str, np.ndarray], fresh: np.ndarray) -> dict[str, np.ndarray]:
        hub, d = seen["hub"], self.d
        last = hub[:, 2 + d : 2 + 2 * d].argmax(1)
        inbox = hub[:, 2 + 2 * d :].reshape(len(hub), int(self.owner.max()) + 1, -1).argmax(2)
        actions = np.zeros(len(hub), np.int64)
        for g in np.nonzero(active["hub"])[0]:
            i = int(last[g])
            if fresh[g]:
                self.states[g] = self.team.problem.beginning
            else:
                self.states[g] = (*self.states[g][:i], int(inbox[g, self.owner[i]]), *self.states[g][i + 1 :])
            if self.states[g] not in self.moves:
                self.moves[self.states[g]] = self.team.move(self.states[g])
            actions[g] = self.moves[self.states[g]]
        told = {name: rows[:, 1 + d :].argmax(1) for name, rows in seen.items() if name != "hub"}
        return {"hub": actions, **told}
