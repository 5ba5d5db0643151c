"""Agents of acquisition/linear_bandit with two arms: they tell each reward by the best quantiser and pull the likelier arm."""

from collections.abc import Mapping

import numpy as np

from agents.team import Deployed
from commenv.games.acquisition.linear_bandit import Options
from commenv.solvers.linear_bandit import quantiser


class Sharing(Deployed):
    """Optimal for two agents and two rounds; else a floor. Raises ValueError for other games than those of two arms without a
    server, over a noiseless channel of at most 16 symbols."""

    def __init__(self, options: Options) -> None:
        super().__init__("acquisition/linear_bandit-v0", options)
        link = options.link
        if options.dimension != 2 or options.server:
            raise ValueError("sharing is known for two arms and no server: dimension=2, server=False")
        if not link.memoryless or link.floats or any((link.error, link.erasure, link.flip, link.fade, link.drop)):
            raise ValueError(f"the best quantiser is known for noiseless channels without a memory, not for {link!r}")
        self.quantiser = quantiser(options.gap, options.noise, link.size)

    def player(self, games: int) -> "_Team":
        return _Team(self, games)


class _Team:
    """What each agent holds for likely: ln P(first arm) - ln P(second)."""

    def __init__(self, team: Sharing, games: int) -> None:
        self.options: Options = team.options  # type: ignore[assignment]
        self.quantiser, self.evidence = team.quantiser, np.zeros((self.options.agents, games))

    def act(self, seen: Mapping[str, np.ndarray], active: Mapping[str, np.ndarray], fresh: np.ndarray) -> dict[str, np.ndarray]:
        options, found = self.options, {}
        h = options.gap / (2 * options.noise)
        self.evidence[:, fresh] = 0.0
        for i in range(options.agents):
            view = seen[f"agent_{i}"]
            pulling, arm = view[:, 8] > 0, view[:, 6:8].argmax(axis=1)
            # The reward of the first arm is gap or 0 on average, of the second 0 or gap: in either case +-h about its middle.
            x = np.where(arm == 0, 1, -1) * (view[:, 5].astype(float) / options.noise - h)
            fresh_reward = view[:, 6:8].any(axis=1) & (~pulling if options.halves > 1 else pulling)
            self.evidence[i] += np.where(fresh_reward, 2 * h * x, 0.0)
            inboxes = view[:, 9:].reshape(len(view), -1, options.link.places) if options.halves > 1 else None
            if inboxes is not None:
                told = (inboxes[:, :, : len(self.quantiser.evidence)] * self.quantiser.evidence).sum(axis=(1, 2))
                self.evidence[i] += told
            pull = np.where(self.evidence[i] >= 0, 0, 1)
            say = np.searchsorted(self.quantiser.thresholds, x)
            found[f"agent_{i}"] = np.column_stack([pull, say]) if options.halves > 1 else pull
        return found
