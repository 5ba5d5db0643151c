"""A batch as a Gymnasium VectorEnv: all agents under one hand, or one of them with given policies for the others."""

from typing import Any

import numpy as np
from gymnasium.spaces import Dict
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from commenv.core.batch import Batch
from commenv.core.errors import bad
from commenv.core.game import choose
from commenv.games import rules
from commenv.interfaces.others import Others

METADATA = {"autoreset_mode": AutoresetMode.SAME_STEP, "render_modes": ["ansi"]}
"""Of the class, for gymnasium reads it before there is a game."""


class VectorGame(VectorEnv):
    """n games side by side that reset themselves in the step in which they end; reset(seed) begins seeds seed..seed+n-1.

    agent=None: observations and actions are dictionaries by agent, rewards the mean of the agents'. Who decides so for all at
    once sees past the channel: for training, not for what communication is worth.
    agent=NAME: that agent's alone; `others` (see `Others`) play the rest. Where agents move in turn every step is one of the
    game's: the info `active` says where the agent acts, elsewhere its action is ignored.
    infos are those of `Batch`, by agent if there is no single one, in Gymnasium's form: each with a mask `_name`, and at ends
    `final_obs`, an array of observations or None, and `final_info`.
    """

    metadata: dict[str, Any] = METADATA

    def __init__(
        self,
        game: str,
        num_envs: int = 1,
        agent: str | None = None,
        others: Any = None,
        *,
        threads: int = 1,
        render_mode: str | None = None,
        **options: Any,
    ) -> None:
        module = rules(game)
        if render_mode not in (None, "ansi"):
            raise bad("render_mode", render_mode, "None or 'ansi'")
        self.batch = Batch(module, choose(module, options), num_envs, threads=threads)
        self.num_envs, self.render_mode, self.agent = num_envs, render_mode, agent
        names = self.batch.possible_agents
        if agent is not None and agent not in names:
            raise bad("agent", agent, f"None or one of {names}")
        if agent is None and others is not None:
            raise ValueError("others play what one agent leaves: say which agent is yours")
        sees, acts = self.batch.observation_spaces, self.batch.action_spaces
        self._others = Others(others, {name: space for name, space in acts.items() if name != agent})
        self.single_observation_space = Dict(sees) if agent is None else sees[agent]
        self.single_action_space = Dict(acts) if agent is None else acts[agent]
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._ones = np.ones(num_envs, bool)

    def reset(self, *, seed: int | None = None, options: dict | None = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        self._seen = self.batch.reset(seed)
        return self._view(self._seen), self._told(self.batch.infos())

    def step(self, actions: Any) -> tuple[Any, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        if self.agent is not None:
            others = [name for name in self.batch.possible_agents if name != self.agent]
            actions = {name: self._others.act(name, self._seen[name], self.np_random) for name in others} | {self.agent: actions}
        self._seen, rewards, terminations, truncations, infos = self.batch.step(actions)
        any_name = self.batch.possible_agents[0]
        reward = np.mean(list(rewards.values()), axis=0) if self.agent is None else rewards[self.agent]
        return self._view(self._seen), reward, terminations[any_name], truncations[any_name], self._told(infos)

    def render(self) -> tuple[Any, ...] | None:
        """A line a game."""
        return None if self.render_mode is None else tuple(self.batch.describe(i) for i in range(self.num_envs))

    def close_extras(self, **kwargs: Any) -> None:
        """There is nothing to release."""

    def _view(self, by_agent: dict[str, Any]) -> Any:
        return by_agent if self.agent is None else by_agent[self.agent]

    def _told(self, infos: dict[str, dict[str, Any]]) -> dict[str, Any]:
        """Masks beside everything, ends at the top."""
        names = self.batch.possible_agents if self.agent is None else [self.agent]
        ended = infos[names[0]].get("_final_obs")
        running = {name: {key: value for key, value in infos[name].items() if "final" not in key} for name in names}
        told = self._masked(self._view(running), self._ones)
        if ended is not None:
            last = np.full(self.num_envs, None, dtype=object)
            for i in np.flatnonzero(ended):
                last[i] = self._view({name: infos[name]["final_obs"][i] for name in names})
            told["final_obs"], told["_final_obs"] = last, ended
            told["final_info"] = self._masked(self._view({name: infos[name]["final_info"] for name in names}), ended)
            told["_final_info"] = ended
        return told

    def _masked(self, info: dict[str, Any], mask: np.ndarray) -> dict[str, Any]:
        masked = {}
        for key, value in info.items():
            masked[key] = self._masked(value, mask) if isinstance(value, dict) else value
            masked[f"_{key}"] = mask.copy()
        return masked
