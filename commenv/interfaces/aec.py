"""One game as a PettingZoo AECEnv."""

from typing import Any

import gymnasium
import numpy as np
from pettingzoo import AECEnv

from commenv.interfaces.parallel import SimultaneousEnv


class TurnEnv(AECEnv):
    """One game, an agent at a time: only agents that can act come to move.

    Where agents move in turn, each action is a step of the game; where they act at once, the step is made when the last of
    them has acted, and nobody sees before that what the others did. Everything else is as in `SimultaneousEnv`.
    """

    agent_selection: str

    def __init__(self, id: str, render_mode: str | None = None, **options: Any) -> None:
        self._game = SimultaneousEnv(id, render_mode, **options)
        self.batch = self._game.batch
        self.metadata, self.render_mode = self._game.metadata, render_mode
        self.possible_agents: list[str] = self._game.possible_agents
        self.observation_spaces, self.action_spaces = self._game.observation_spaces, self._game.action_spaces
        self.state_space = self._game.state_space
        self.agents: list[str] = []

    def observation_space(self, agent: str) -> gymnasium.Space:
        return self.observation_spaces[agent]

    def action_space(self, agent: str) -> gymnasium.Space:
        return self.action_spaces[agent]

    def reset(self, seed: int | None = None, options: dict | None = None) -> None:
        """Begin a game: with `seed` its first one, else the next one. `options` are PettingZoo's and have no meaning here."""
        self._observations, self.infos = self._game.reset(seed)
        self.agents = self.possible_agents.copy()
        self.rewards = dict.fromkeys(self.agents, 0.0)
        self._cumulative_rewards = dict.fromkeys(self.agents, 0.0)
        self.terminations = dict.fromkeys(self.agents, False)
        self.truncations = dict.fromkeys(self.agents, False)
        self._ask()

    def step(self, action: Any) -> None:
        """The move of `agent_selection`; None once it is dead."""
        if not self.agents:
            raise RuntimeError("step() outside of a game: it is over or has not begun, call reset()")
        agent = self.agent_selection
        if self.terminations[agent] or self.truncations[agent]:
            self._was_dead_step(action)
            return
        self._game.put(agent, action)
        self._cumulative_rewards[agent] = 0.0
        self._waiting.pop(0)
        if self._waiting:
            self._clear_rewards()
            self.agent_selection = self._waiting[0]
            return
        self._observations, self.rewards, self.terminations, self.truncations, self.infos = self._game.play()
        self._accumulate_rewards()
        if self._game.agents:
            self._ask()
        else:
            self._deads_step_first()

    def observe(self, agent: str) -> np.ndarray:
        return self._observations[agent].copy()

    def state(self) -> np.ndarray:
        """What all agents see, one after another in the order of `possible_agents`."""
        return self._game.state()

    def render(self) -> str | np.ndarray | None:
        return self._game.render()

    def close(self) -> None:
        """There is nothing to release."""

    def _ask(self) -> None:
        self._waiting = self._game.movers.copy()
        self.agent_selection = self._waiting[0]
