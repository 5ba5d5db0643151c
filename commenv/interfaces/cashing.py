"""Reward cashing: a PettingZoo environment that pays for knowledge in the step in which it is won.

Each step also pays discount * U after it less U before it, U being what is known now could be cashed for, and 0 at the end. So
returns change by the constant -U at the beginning, and the best policies stay (Ng, Harada, Russell 1999). Ambrogioni (2021).
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from pettingzoo import ParallelEnv
from pettingzoo.utils import BaseParallelWrapper

from commenv.core.errors import number
from commenv.solvers.belief import BeliefGame

CashValue = Callable[[Mapping[str, Any], Mapping[str, Any] | None], float]
"""U, from the observations of all agents and the actions that led to them; None where a game begins."""


class Cashed(BaseParallelWrapper):
    """Any parallel environment with its knowledge paid when it is won, the same for all agents.

    What the environment itself paid stands in each agent's infos as `uncashed`. A game that is cut short is over as well: U is 0.
    Of acquisition/bandit, U is `games.acquisition.bandit.cash_of`, and its option `cashing` pays the same where it is trained.
    """

    def __init__(self, env: ParallelEnv, value: CashValue, discount: float = 1.0) -> None:
        super().__init__(env)
        self._value, self._discount, self._last = value, number("discount", discount, 0, 1), 0.0

    def reset(self, seed: int | None = None, options: dict | None = None) -> tuple[dict, dict]:
        observations, infos = self.env.reset(seed=seed, options=options)
        self._last = float(self._value(observations, None))
        return observations, infos

    def step(self, actions: dict) -> tuple[dict, dict, dict, dict, dict]:
        observations, rewards, terminations, truncations, infos = self.env.step(actions)
        over = all(terminations[name] or truncations[name] for name in rewards)
        now = 0.0 if over else float(self._value(observations, actions))
        bonus, self._last = self._discount * now - self._last, now
        infos = {name: {**infos[name], "uncashed": reward} for name, reward in rewards.items()}
        return observations, {n: r + bonus for n, r in rewards.items()}, terminations, truncations, infos


class Believed:
    """U of a finite belief game that is played in an environment: a belief that follows what is seen.

    state: from the observations of all agents to the game's state; action: from their actions to the game's.
    """

    def __init__(
        self, game: BeliefGame, state: Callable[[Mapping[str, Any]], int], action: Callable[[Mapping[str, Any]], int]
    ) -> None:
        self.game, self._state, self._action = game, state, action
        self.belief, self.t, self._at = game.prior, 0, 0

    def __call__(self, observations: Mapping[str, Any], actions: Mapping[str, Any] | None) -> float:
        state = self._state(observations)
        if actions is None:
            self.belief, self.t = self.game.prior, 0
        else:
            self.belief = self.game.posterior(self.belief, self._at, self._action(actions), state)
            self.t = min(self.t + 1, self.game.horizon)
        self._at = state
        return self.game.cashed(self.t, np.asarray(self.belief), state)
