"""Sampling of teams that talk within a step: all agents of all games in one array, with their memories and the noise they met."""

from typing import Any

import numpy as np
import torch

from agents.fragments import Fragment
from agents.graph_team import Talk, by_agent, padded
from agents.networks import sample
from agents.sampling import COMMUNICATION, BatchedEnvRunner
from commenv.core.batch import Batch


class GraphEnvRunner(BatchedEnvRunner):
    """Plays with one GraphTeamModule; its Fragments have one agent, the module, whose columns have an axis of the N agents.

    Besides the columns of Fragment: noise [B, T, N, z] that was drawn, state [B, N, keeps] that was remembered when the fragment
    began, fresh [B, T] whether a game began with that step, time [B, T] and last_time [B] in 0..1. There are no final_obs: the
    critic sees the clock, so a game that is cut at its horizon is over (time awareness; Pardo et al. 2018). Where it sees the
    state too, unseen [B, T, w] and last_unseen [B, w].
    """

    def make_module(self) -> None:
        super().make_module()
        (self._id,) = self.module.keys()
        self._team = self.module[self._id].team
        self._state, self._fresh = self._team.beginning(self.num_envs), np.ones(self.num_envs, bool)

    def _begin(self) -> None:
        super()._begin()
        self._fresh[:] = True

    def _running(self) -> dict[str, Any]:
        return {**super()._running(), "state": self._state, "fresh": self._fresh}

    def _go_on(self, running: dict[str, Any]) -> None:
        super()._go_on(running)
        self._state, self._fresh = running["state"], running["fresh"]

    def _play(self, length: float, episodes: int | None, explore: bool, random_actions: bool) -> tuple[Fragment, list[Any]]:
        env, team = self.env, self._team
        rows: dict[str, list[Any]] = {k: [] for k in ("obs", "actions", "logp", "active", "rewards", "noise", "fresh", "time")}
        ends: dict[str, list[np.ndarray]] = {"terminated": [], "truncated": []}
        ended, finished, t = [], 0, 0
        self._meter_before, self._talk = env.meter, Talk(team)
        self._state[torch.from_numpy(self._fresh)] = 0.0
        began = self._state.clone()
        seen = padded(env.observations, self.agents)
        while t < length and (episodes is None or finished < episodes):
            noise = torch.rand(self.num_envs, len(self.agents), team.noise, generator=self._generator) if explore else None
            step = team(torch.from_numpy(seen), self._state, noise)
            logits = torch.zeros_like(step.logits) if random_actions else step.logits
            drawn, logp = sample(logits, self._generator) if explore else logits.log_softmax(-1).max(-1)[::-1]
            self._talk.add(step)
            active = np.stack([env.active[name] for name in self.agents], 1)
            time, fresh, hidden = self._time(), self._fresh.copy(), self._unseen()
            observations, rewards, term, trunc, infos = env.step(by_agent(drawn.numpy(), team.plan))
            done, cut = term[self.agents[0]].copy(), trunc[self.agents[0]].copy()
            self._fresh = done | cut
            self._state = step.state * torch.from_numpy(~self._fresh)[:, None, None]
            earned = np.stack([rewards[name] for name in self.agents], 1).astype(np.float32)
            kept = {"obs": seen, "actions": drawn.numpy(), "logp": logp.sum(-1).numpy(), "active": active, "rewards": earned}
            kept |= {"fresh": fresh, "time": time, "noise": _none(noise, seen), **hidden}
            for key, value in kept.items():
                rows.setdefault(key, []).append(value)
            ends["terminated"].append(done)
            ends["truncated"].append(cut)
            if "final_info" in infos[self.agents[0]]:
                over = done | cut
                finished += int(over.sum())
                ended.append({name: {k: v[over] for k, v in infos[name]["final_info"].items()} for name in self.agents})
            seen = padded(observations, self.agents)
            t += 1
        columns = {key: np.stack(values, 1) for key, values in rows.items()}
        columns |= {"last_obs": seen, "last_time": self._time(), "state": began.numpy()}
        columns |= {f"last_{key}": value for key, value in self._unseen().items()}
        return Fragment({self._id: columns}, np.stack(ends["terminated"], 1), np.stack(ends["truncated"], 1)), ended

    def _unseen(self) -> dict[str, np.ndarray]:
        found = unseen(self.env) if self.config.value == "state" else None
        return {} if found is None else {"unseen": found}

    def _acted(self, fragment: Fragment) -> dict[str, int]:
        counts = fragment.agents[self._id]["active"].sum((0, 1))
        return {name: int(count) for name, count in zip(self.agents, counts, strict=True)}

    def _log_bits(self, episodes: int) -> None:
        if self.env.layout.links:
            super()._log_bits(episodes)
        for key, value in self._talk.figures().items():
            self.metrics.log_value((COMMUNICATION, key), value, window=1)


def unseen(batch: Batch) -> np.ndarray | None:
    """What decides each game and no agent sees, [n, w], as it stands now; None where the game names nothing of the kind."""
    told = getattr(batch.rules, "unseen", None)
    found: np.ndarray | None = None if told is None else told(batch.options, batch.state.games)
    return found


def _none(noise: torch.Tensor | None, seen: np.ndarray) -> np.ndarray:
    return np.zeros((*seen.shape[:2], 0), np.float32) if noise is None else noise.numpy()
