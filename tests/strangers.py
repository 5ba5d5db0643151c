"""Environments as somebody else might write them: odd spaces, agents that come and go, and secrets that leak on request."""

import copy
from typing import Any, ClassVar

import numpy as np
from gymnasium.spaces import Box, Discrete, MultiDiscrete, Space
from pettingzoo import ParallelEnv


class Visitors(ParallelEnv):
    """`host` stays, `early` leaves in step 3, `late` comes in step 2; a vector, an image, a table; moves, forces, floats."""

    metadata: ClassVar[dict] = {"name": "visitors", "render_modes": []}
    possible_agents: ClassVar[list[str]] = ["host", "early", "late"]
    acts: ClassVar[dict[str, Space]] = {"host": Discrete(3, start=2), "early": Box(-1, 1, (2,), np.float32), "late": Discrete(2)}
    sights: ClassVar[dict[str, Space]] = {
        "host": Box(-1, 1, (2,), np.float64),
        "early": Box(0, 255, (3, 3), np.uint8),
        "late": Discrete(5),
    }

    def observation_space(self, agent: str) -> Space:
        return self.sights[agent]

    def action_space(self, agent: str) -> Space:
        return self.acts[agent]

    def reset(self, seed: int | None = None, options: dict | None = None) -> tuple[dict, dict]:
        self.rng = np.random.default_rng(seed)
        self.t, self.agents, self.taken = 0, ["host", "early"], []
        return self._see(self.agents), {name: {"own": 1} for name in self.agents}

    def step(self, actions: dict[str, Any]) -> tuple[dict, dict, dict, dict, dict]:
        assert all(self.acts[name].contains(action) for name, action in actions.items())
        self.taken.append(actions)
        self.t += 1
        told = [*self.agents, "late"] if self.t == 2 else list(self.agents)
        gone = {name: name == "early" and self.t == 3 for name in told}
        over = dict.fromkeys(told, self.t == 6)
        self.agents = [name for name in told if not gone[name] and not over[name]]
        return self._see(told), dict.fromkeys(told, 0.0), gone, over, {name: {} for name in told}

    def _see(self, names: list[str]) -> dict[str, Any]:
        sights = {"host": self.rng.uniform(-1, 1, 2), "early": np.full((3, 3), self.t, np.uint8), "late": min(self.t, 4)}
        return {name: sights[name] for name in names}


class Menagerie(ParallelEnv):
    """Any spaces one likes. Whom `absent` names in a step, from 0 for the beginning, is not there in it, and may come back."""

    metadata: ClassVar[dict] = {"name": "menagerie", "render_modes": []}

    def __init__(
        self, spaces: dict[str, tuple[Space, Space]], absent: dict[int, list[str]] | None = None, steps: int = 5
    ) -> None:
        self.spaces, self.absent, self.steps = copy.deepcopy(spaces), absent or {}, steps
        self.possible_agents = list(spaces)

    def action_space(self, agent: str) -> Space:
        return self.spaces[agent][0]

    def observation_space(self, agent: str) -> Space:
        return self.spaces[agent][1]

    def reset(self, seed: int | None = None, options: dict | None = None) -> tuple[dict, dict]:
        self.rng, self.t, self.taken = np.random.default_rng(seed), 0, []
        self.agents = self._present()
        return self._see(self.agents), {name: self._info(name) for name in self.agents}

    def step(self, actions: dict[str, Any]) -> tuple[dict, dict, dict, dict, dict]:
        assert all(self.action_space(name).contains(action) for name, action in actions.items())
        self.taken.append(actions)
        self.t += 1
        there = self._present()
        told = [name for name in self.possible_agents if name in self.agents or name in there]
        gone, over = {name: name not in there for name in told}, dict.fromkeys(told, self.t == self.steps)
        self.agents = [] if self.t == self.steps else there
        return self._see(told), dict.fromkeys(told, 0.0), gone, over, {name: self._info(name) for name in told}

    def _present(self) -> list[str]:
        return [name for name in self.possible_agents if name not in self.absent.get(self.t, [])]

    def _see(self, names: list[str]) -> dict[str, Any]:
        for name in names:
            self.observation_space(name).seed(int(self.rng.integers(2**31)))
        sights = {name: self.observation_space(name).sample() for name in names}
        for name, sight in sights.items():
            if isinstance(sight, dict) and "action_mask" in sight:
                sight["action_mask"] = self._info(name)["action_mask"]
        return sights

    def _info(self, name: str) -> dict[str, Any]:
        """Everything is allowed but the last."""
        space = self.action_space(name)
        if isinstance(space, Discrete):
            return {"action_mask": (np.arange(space.n, 0, -1) > 1).astype(np.int8)}
        if isinstance(space, MultiDiscrete):
            return {"action_mask": tuple((np.arange(n, 0, -1) > 1).astype(np.int8) for n in space.nvec)}
        return {}


class Whisperers(ParallelEnv):
    """`a` and `b` have a secret bit each and guess the other's; the last four numbers they see are free. `leak` names a way
    around the channel.

    sight: b sees a's secret. act: b sees a's guess. mask, info, end, agents: a's secret shows there. message: an action is
    act + 2 * word, and b sees a's word.
    """

    metadata: ClassVar[dict] = {"name": "whisperers", "render_modes": []}
    possible_agents: ClassVar[list[str]] = ["a", "b"]

    def __init__(self, leak: str | None = None) -> None:
        self.leak = leak
        self.spaces = {name: Discrete(8) if leak == "message" else Discrete(2) for name in self.possible_agents}
        self.sight = Box(0, 1, (6,), np.float32)

    def observation_space(self, agent: str) -> Space:
        return self.sight

    def action_space(self, agent: str) -> Space:
        return self.spaces[agent]

    def reset(self, seed: int | None = None, options: dict | None = None) -> tuple[dict, dict]:
        self.secret = dict(zip("ab", np.random.default_rng(seed).integers(2, size=2).tolist(), strict=True))
        self.t, self.agents, self.word, self.act = 0, ["a", "b"], 0, 0
        return self._see(), self._infos()

    def step(self, actions: dict[str, Any]) -> tuple[dict, dict, dict, dict, dict]:
        self.t += 1
        self.act, self.word = int(actions["a"]) % 2, int(actions["a"]) // 2
        names = self.agents
        gone = dict.fromkeys(names, self.leak == "end" and self.t == 3 and self.secret["a"] == 1)
        if self.leak == "agents" and self.t == 3 and self.secret["a"]:
            gone["b"] = True
        over = dict.fromkeys(names, self.t == 6)
        rewards = {name: float(actions[name] == self.secret["b" if name == "a" else "a"]) for name in names}
        told = self._see(), rewards, gone, over, self._infos()
        self.agents = [name for name in names if not gone[name] and not over[name]]
        return told

    def _see(self) -> dict[str, np.ndarray]:
        shown = {"sight": self.secret["a"], "act": self.act, "message": self.word / 3}.get(self.leak or "", 0)
        sights = {"a": [self.secret["a"], 0, 0, 0, 0, 0], "b": [self.secret["b"], shown, 0, 0, 0, 0]}
        return {name: np.array(sights[name], np.float32) for name in self.agents}

    def _infos(self) -> dict[str, dict]:
        infos: dict[str, dict] = {name: {} for name in self.agents}
        if self.leak == "info" and "b" in infos:
            infos["b"]["hint"] = self.secret["a"]
        if self.leak == "mask" and "b" in infos:
            infos["b"]["action_mask"] = np.array([1, 1 - self.secret["a"]], np.int8)
        return infos
