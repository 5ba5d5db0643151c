"""One agent of a game as a Gymnasium environment; given policies play the others."""

from typing import Any

import gymnasium
import numpy as np

from commenv.core.errors import bad
from commenv.interfaces.others import Others
from commenv.interfaces.parallel import FPS, MODES, SimultaneousEnv

_PATIENCE = 1000
"""Games passed over."""


METADATA = {"render_modes": MODES, "render_fps": FPS}
"""Of the class, for gymnasium reads it before there is a game."""


class SingleGame(gymnasium.Env):
    """The game as `agent` lives it: it is asked only when it is to act, and its rewards meanwhile are added up.

    others: who plays the rest, see `Others`; policies take observations [1, w] and answer [1]. Random ones draw from `np_random`.
    reset(seed) begins the first game of that seed and reset() the next one; games in which the agent never comes to act are
    passed over. info is the agent's, as in `SimultaneousEnv`.
    Raises ValueError for an agent that the game has not; RuntimeError if it never comes to act at all.
    """

    metadata: dict[str, Any] = METADATA

    def __init__(
        self, game: str, agent: str | None = None, others: Any = None, render_mode: str | None = None, **options: Any
    ) -> None:
        self._game = SimultaneousEnv(game, render_mode, **options)
        if agent not in self._game.possible_agents:
            raise bad("agent", agent, f"one of {self._game.possible_agents}")
        self.agent: str = agent
        self.batch, self.render_mode = self._game.batch, render_mode
        self.observation_space = self._game.observation_spaces[agent]
        self.action_space = self._game.action_spaces[agent]
        self._others = Others(others, {name: s for name, s in self._game.action_spaces.items() if name != agent})

    def reset(self, *, seed: int | None = None, options: dict | None = None) -> tuple[np.ndarray, dict[str, Any]]:
        super().reset(seed=seed)
        for _ in range(_PATIENCE):
            self._seen, infos = self._game.reset(seed)
            while self._game.agents and self.agent not in self._game.movers:
                self._seen, *_, infos = self._game.step(self._answers())
            if self._game.agents:
                return self._seen[self.agent], infos[self.agent]
            seed = None
        raise RuntimeError(f"in {_PATIENCE} games {self.agent} never came to act: nothing can be learnt")

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        if not self._game.agents:
            raise RuntimeError("step() outside of a game: it is over or has not begun, call reset()")
        own, earned = {self.agent: action}, 0.0
        while True:
            self._seen, rewards, terminated, truncated, infos = self._game.step(self._answers() | own)
            earned += rewards[self.agent]
            if not self._game.agents or self.agent in self._game.movers:
                break
            own = {}
        return self._seen[self.agent], earned, terminated[self.agent], truncated[self.agent], infos[self.agent]

    def render(self) -> Any:
        return self._game.render()

    def close(self) -> None:
        """There is nothing to release."""

    def _answers(self) -> dict[str, Any]:
        movers = [name for name in self._game.movers if name != self.agent]
        answers = {name: self._others.act(name, self._seen[name][None], self.np_random) for name in movers}
        return {name: tuple(part[0] for part in a) if isinstance(a, tuple) else a[0] for name, a in answers.items()}
