"""The games in RLlib's registry, for its stock algorithms. The only module of commenv that needs ray.

from commenv.interfaces import rllib
rllib.register()
PPOConfig().environment("messaging/referential-v0", env_config={"bits": 2})
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
from ray.rllib.env.multi_agent_env import MultiAgentEnv
from ray.tune.registry import register_env

from commenv.games import CATALOGUE
from commenv.interfaces.parallel import SimultaneousEnv


def register() -> None:
    """Make every game known to RLlib and Tune under its id; `env_config` holds the game's options."""
    for id in CATALOGUE:
        register_env(id, partial(MultiAgentGame, id))


class MultiAgentGame(MultiAgentEnv):
    """One game: agents that act next, and nobody else, stand in the observations. At its end all agents do.

    Rewards go to all agents at every step: RLlib keeps an idle agent's until it is asked again. It would drop what an agent earns
    before it comes to act, so that is kept here until it has; what an agent earns that never comes to act is lost.
    """

    def __init__(self, id: str, config: Mapping[str, Any] | None = None) -> None:
        options = dict(config or {})
        self._game = SimultaneousEnv(id, options.pop("render_mode", None), **options)
        self.metadata, self.render_mode = self._game.metadata, self._game.render_mode
        self.possible_agents = self._game.possible_agents
        self.agents = self.possible_agents.copy()
        self.observation_spaces, self.action_spaces = self._game.observation_spaces, self._game.action_spaces
        self._kept: dict[str, float] = {}
        super().__init__()

    def reset(self, *, seed: int | None = None, options: dict | None = None) -> tuple[dict[str, np.ndarray], dict[str, dict]]:
        observations, infos = self._game.reset(seed)
        self._kept = dict.fromkeys(self.possible_agents, 0.0)
        return self._of_movers(observations), self._of_movers(infos)

    def step(self, action_dict: Mapping[str, Any]) -> tuple[dict, dict, dict, dict, dict]:
        observations, rewards, terminations, truncations, infos = self._game.step(action_dict)
        for name in list(self._kept):
            if name in action_dict:
                rewards[name] += self._kept.pop(name)
            else:
                self._kept[name] += rewards[name]
                rewards[name] = 0.0
        terminated, truncated = any(terminations.values()), any(truncations.values())
        if not (terminated or truncated):
            observations, infos = self._of_movers(observations), self._of_movers(infos)
        return observations, rewards, {"__all__": terminated}, {"__all__": truncated}, infos

    def render(self) -> str | np.ndarray | None:
        return self._game.render()

    def _of_movers(self, by_agent: dict[str, Any]) -> dict[str, Any]:
        return {name: by_agent[name] for name in self._game.movers}
