"""Sampling inside RLlib without its episode lists: the env runner steps a whole batch of games and hands out arrays.

Stock sampling builds a Python object for every agent of every step; this is what makes it slow. What stays RLlib's: the
config, the modules, weights and their synchronisation, remote runners, checkpoints, evaluation, and the places of metrics.
What is not called: connectors and episode callbacks, for the episode objects they work on do not exist here.
"""

import copy
import math
from typing import Any

import gymnasium as gym
import numpy as np
import ray
import torch
from ray.rllib.core import COMPONENT_RL_MODULE
from ray.rllib.core.columns import Columns
from ray.rllib.core.rl_module.multi_rl_module import MultiRLModule
from ray.rllib.env import INPUT_ENV_SPACES
from ray.rllib.env.env_runner import EnvRunner
from ray.rllib.utils.checkpoints import Checkpointable
from ray.rllib.utils.metrics import (
    EPISODE_AGENT_RETURN_MEAN,
    EPISODE_LEN_MEAN,
    EPISODE_MODULE_RETURN_MEAN,
    EPISODE_RETURN_MAX,
    EPISODE_RETURN_MEAN,
    EPISODE_RETURN_MIN,
    NUM_AGENT_STEPS_SAMPLED,
    NUM_AGENT_STEPS_SAMPLED_LIFETIME,
    NUM_ENV_STEPS_SAMPLED,
    NUM_ENV_STEPS_SAMPLED_LIFETIME,
    NUM_EPISODES,
    NUM_EPISODES_LIFETIME,
    NUM_MODULE_STEPS_SAMPLED,
    NUM_MODULE_STEPS_SAMPLED_LIFETIME,
    SAMPLE_TIMER,
    WEIGHTS_SEQ_NO,
)

import commenv
from agents.fragments import Fragment
from agents.networks import choices, sample
from agents.team import plain

COMMUNICATION = "communication"
"""Where the meter's figures stand among RLlib's env runner results."""
GAMES = "games"
"""The part of a runner's state that holds its running games and its random numbers."""


class BatchedEnvRunner(EnvRunner, Checkpointable):
    """Steps `num_envs_per_env_runner` games at once; `sample` returns a list of one Fragment.

    Its randomness, of games and of actions, comes from the config's seed and the runner's index alone. Its state holds the games
    as they stand, so that a run that is restored goes on bit for bit; RLlib saves that of a local runner, not of remote ones.
    """

    def __init__(self, *, config: Any, **kwargs: Any) -> None:
        super().__init__(config=config, **kwargs)
        self._weights_seq_no = 0
        self._spaces = kwargs.get("spaces")
        seed = np.random.SeedSequence(None if self._seed is None else self._seed)
        games, actions = (int(word) >> 1 for word in seed.generate_state(2, np.uint64))
        self._game_seed, self._generator = games, torch.Generator().manual_seed(actions)
        self.module: Any = None
        self.make_env()
        self.make_module()

    # ------------------------------------------------------------------------------------------ what RLlib asks for
    def make_env(self) -> None:
        self.num_envs = self.config.num_envs_per_env_runner
        self.env = commenv.make_batch(self.config.env, self.num_envs, self._game_seed, copy=False, **self.config.env_config)
        self.agents = self.env.possible_agents
        self.module_of = {name: self.config.policy_mapping_fn(name, None) for name in self.agents}
        self._needs_reset = True

    def make_module(self) -> None:
        spec = self.config.get_multi_rl_module_spec(spaces=self.get_spaces(), inference_only=True)
        self.module = spec.build()

    def get_spaces(self) -> dict[str, tuple[gym.Space, gym.Space]]:
        observation, action = self.env.observation_spaces, self.env.action_spaces
        # Of a dictionary Gymnasium sorts the names, and a team takes its places from their order: of pairs it does not.
        everything = gym.spaces.Dict(list(observation.items())), gym.spaces.Dict(list(action.items()))
        spaces: dict[str, Any] = {INPUT_ENV_SPACES: everything}
        for name, module_id in self.module_of.items():
            alone = sum(m == module_id for m in self.module_of.values()) == 1
            shared = not alone and self.config.communicates
            spaces[module_id] = everything if shared else (observation[name], action[name])
        return spaces

    def assert_healthy(self) -> None:
        assert self.env is not None, "the env runner has no environment"
        assert self.module is not None, "the env runner has no module"

    def stop(self) -> None:
        """Nothing to release: a batch holds only memory."""

    @torch.no_grad()
    def sample(
        self,
        *,
        num_timesteps: int | None = None,
        num_episodes: int | None = None,
        explore: bool | None = None,
        random_actions: bool = False,
        force_reset: bool = False,
        **kwargs: Any,
    ) -> list[Fragment]:
        """Play on. num_timesteps: at least so many environment steps over all games; num_episodes: from fresh games on until
        so many have ended; neither: the config's rollout fragment length, in each game."""
        explore = self.config.explore if explore is None else explore
        length: float = self._whole_turns(self.config.get_rollout_fragment_length(self.worker_index or 0))
        if num_timesteps is not None:
            length = math.ceil(num_timesteps / self.num_envs)
        if num_episodes is not None:
            length = math.inf
        with self.metrics.log_time(SAMPLE_TIMER):
            if self._needs_reset or force_reset or num_episodes is not None:
                self._begin()
            fragment, ended = self._play(length, num_episodes, explore, random_actions)
        self._log(fragment, ended)
        return [fragment]

    def _begin(self) -> None:
        """All games anew."""
        self.env.reset(self._game_seed if self._needs_reset else None)
        self._needs_reset = False

    def _whole_turns(self, length: int) -> int:
        """A fragment in which everybody comes to act, and twice where games may be cut in between: what an agent says at the
        end of one fragment and is answered in the next would be lost."""
        if not self.env.layout.turns:
            return length
        turns = len(self.agents)
        return max(turns * math.ceil(length / turns), 2 * turns if self.env.options.max_cycles else 0)

    def get_metrics(self) -> Any:
        return self.metrics.reduce()

    # ------------------------------------------------------------------------------------------------- one fragment
    def _play(self, length: float, episodes: int | None, explore: bool, random_actions: bool) -> tuple[Fragment, list[Any]]:
        env, columns = self.env, ("obs", "actions", "logp", "active", "rewards")
        rows: dict[str, dict[str, list[np.ndarray]]] = {name: {key: [] for key in columns} for name in self.agents}
        finals: dict[str, list[np.ndarray]] = {name: [] for name in self.agents}
        terminated, truncated, ended = [], [], []
        finished = t = 0
        self._meter_before = env.meter
        observations = env.observations
        while t < length and (episodes is None or finished < episodes):
            seen = {name: observation.copy() for name, observation in observations.items()}
            active = {name: flag.copy() for name, flag in env.active.items()}
            actions = self._act(seen, active, explore, random_actions, rows)
            observations, rewards, term, trunc, infos = env.step(actions)
            done, cut = term[self.agents[0]], trunc[self.agents[0]]
            terminated.append(done.copy())
            truncated.append(cut.copy())
            for name in self.agents:
                rows[name]["obs"].append(seen[name])
                rows[name]["active"].append(active[name])
                rows[name]["rewards"].append(rewards[name].astype(np.float32))
            if "final_info" in infos[self.agents[0]]:
                over = done | cut
                finished += int(over.sum())
                ended.append({name: {k: v[over] for k, v in infos[name]["final_info"].items()} for name in self.agents})
                if cut.any():
                    where = np.nonzero(cut)[0]
                    for name in self.agents:
                        finals[name].append(np.stack([where, np.full_like(where, t)], 1))
                        rows[name].setdefault("final_obs", []).append(infos[name]["final_obs"][where].copy())
            t += 1
        return self._fragment(rows, finals, np.stack(terminated, 1), np.stack(truncated, 1), observations), ended

    def _act(self, seen: Any, active: Any, explore: bool, random_actions: bool, rows: Any) -> dict[str, np.ndarray]:
        actions = {}
        for name in self.agents:
            if random_actions or not active[name].any():
                chosen, logp = self._uniform(name, active[name], random_actions)
            else:
                chosen, logp = self._choose(name, torch.from_numpy(seen[name]), explore)
            rows[name]["actions"].append(chosen)
            rows[name]["logp"].append(logp)
            actions[name] = chosen
        return actions

    def _choose(self, name: str, observation: torch.Tensor, explore: bool) -> tuple[np.ndarray, np.ndarray]:
        module = self.module[self.module_of[name]]
        batch = {Columns.OBS: {name: observation} if self.config.communicates else observation}
        out = module.forward_exploration(batch) if explore else module.forward_inference(batch)
        logits = out[Columns.ACTION_DIST_INPUTS]
        logits = logits[name] if self.config.communicates else logits
        parts = logits.split(choices(self.env.action_spaces[name]), -1)
        drawn = [sample(part, self._generator) if explore else part.log_softmax(-1).max(-1)[::-1] for part in parts]
        index = torch.stack([i for i, _ in drawn], -1) if len(parts) > 1 else drawn[0][0]
        return index.numpy(), torch.stack([logp for _, logp in drawn]).sum(0).numpy()

    def _uniform(self, name: str, active: np.ndarray, random: bool) -> tuple[np.ndarray, np.ndarray]:
        """Random actions, or the one action of an agent that is idle in every game."""
        sizes = torch.tensor(choices(self.env.action_spaces[name]))
        shape = (self.num_envs, len(sizes))
        u = torch.rand(shape, generator=self._generator) if random else torch.zeros(shape)
        index = (u * sizes).long().clamp(max=sizes - 1)
        logp = np.full(self.num_envs, -float(torch.log(sizes.double()).sum()), np.float32)
        return (index if len(sizes) > 1 else index[:, 0]).numpy(), logp

    def _time(self) -> np.ndarray:
        """[B] How much of each game is over, 0..1; 0 where nothing cuts it."""
        horizon = self.env.options.max_cycles or np.inf
        return (self.env.state.games["t"] / horizon).astype(np.float32)

    def _fragment(self, rows: Any, finals: Any, terminated: np.ndarray, truncated: np.ndarray, last: Any) -> Fragment:
        agents = {}
        for name in self.agents:
            columns = {key: np.stack(rows[name][key], 1) for key in ("obs", "actions", "logp", "active", "rewards")}
            columns["last_obs"] = last[name].copy()
            columns["final_obs"] = np.zeros((0, columns["obs"].shape[-1]), np.float32)
            if finals[name]:  # in the order of np.nonzero(truncated): by row, then by step
                where, seen = np.concatenate(finals[name]), np.concatenate(rows[name]["final_obs"])
                columns["final_obs"] = seen[np.lexsort((where[:, 1], where[:, 0]))]
            agents[name] = columns
        return Fragment(agents, terminated, truncated)

    # ------------------------------------------------------------------------------------------------------- metrics
    def _log(self, fragment: Fragment, ended: list[Any]) -> None:
        log, steps = self.metrics.log_value, fragment.env_steps()
        self.num_env_steps_sampled_lifetime += steps
        log(NUM_ENV_STEPS_SAMPLED, steps, reduce="sum")
        log(NUM_ENV_STEPS_SAMPLED_LIFETIME, steps, reduce="lifetime_sum", with_throughput=True)
        for name, acted in self._acted(fragment).items():
            log((NUM_AGENT_STEPS_SAMPLED, name), acted, reduce="sum")
            log((NUM_AGENT_STEPS_SAMPLED_LIFETIME, name), acted, reduce="lifetime_sum")
            log((NUM_MODULE_STEPS_SAMPLED, self.module_of[name]), acted, reduce="sum")
            log((NUM_MODULE_STEPS_SAMPLED_LIFETIME, self.module_of[name]), acted, reduce="lifetime_sum")
        log(WEIGHTS_SEQ_NO, self._weights_seq_no, window=1)
        episodes = sum(len(e[self.agents[0]]["episode_return"]) for e in ended)
        log(NUM_EPISODES, episodes, reduce="sum")
        log(NUM_EPISODES_LIFETIME, episodes, reduce="lifetime_sum")
        if not ended:
            return
        returns = {name: np.concatenate([e[name]["episode_return"] for e in ended]) for name in self.agents}
        team = sum(returns.values())  # RLlib's convention: the return of an episode is the sum over its agents
        lengths = np.concatenate([e[self.agents[0]]["episode_length"] for e in ended])
        log(EPISODE_RETURN_MEAN, float(np.mean(team)), window=1)
        log(EPISODE_RETURN_MIN, float(np.min(team)), reduce="min", window=1)
        log(EPISODE_RETURN_MAX, float(np.max(team)), reduce="max", window=1)
        log(EPISODE_LEN_MEAN, float(lengths.mean()), window=1)
        if "success" in ended[0][self.agents[0]]:
            log("success_mean", float(np.concatenate([e[self.agents[0]]["success"] for e in ended]).mean()), window=1)
        for name in self.agents:
            log((EPISODE_AGENT_RETURN_MEAN, name), float(returns[name].mean()), window=1)
            log((EPISODE_MODULE_RETURN_MEAN, self.module_of[name]), float(returns[name].mean()), window=1)
        self._log_bits(episodes)

    def _acted(self, fragment: Fragment) -> dict[str, int]:
        return {name: int(fragment.agents[name]["active"].sum()) for name in self.agents}

    def _log_bits(self, episodes: int) -> None:
        if not self.env.layout.links:
            return
        total, before = self.env.meter.total, self._meter_before.total
        counts = total.counts - before.counts
        if not counts.sum():
            return
        frequency = counts[counts > 0] / counts.sum()
        figures = {
            "payload_bits_per_game": (total.payload_bits - before.payload_bits) / episodes,
            "capacity_bits_per_game": (total.capacity_bits - before.capacity_bits) / episodes,
            "entropy_bits_per_message": float(-(frequency * np.log2(frequency)).sum()),
            "blocked_per_game": (total.blocked - before.blocked) / episodes,
        }
        for key, value in figures.items():
            self.metrics.log_value((COMMUNICATION, key), value, window=1)

    # --------------------------------------------------------------------------------------------------------- state
    def get_state(self, components: Any = None, *, not_components: Any = None, **kwargs: Any) -> dict[str, Any]:
        state: dict[str, Any] = {NUM_ENV_STEPS_SAMPLED_LIFETIME: self.num_env_steps_sampled_lifetime}
        if self._check_component(COMPONENT_RL_MODULE, components, not_components):
            state[COMPONENT_RL_MODULE] = self.module.get_state(
                components=self._get_subcomponents(COMPONENT_RL_MODULE, components),
                not_components=self._get_subcomponents(COMPONENT_RL_MODULE, not_components),
                **kwargs,
            )
            state[WEIGHTS_SEQ_NO] = self._weights_seq_no
        if self._check_component(GAMES, components, not_components):
            state[GAMES] = copy.deepcopy(self._running())
        return state

    def _running(self) -> dict[str, Any]:
        """All that the next sample follows from, weights aside."""
        return {"seat": self._seat(), "env": self.env, "begun": not self._needs_reset, "generator": self._generator.get_state()}

    def _seat(self) -> tuple[Any, ...]:
        """Whose games they are: those of another runner, or of another configuration, are not continued."""
        return self.worker_index, bool(self.config.in_evaluation), self.config.env, plain(self.env.options), self.num_envs

    def _go_on(self, running: dict[str, Any]) -> None:
        self.env, self._needs_reset = running["env"], not running["begun"]
        self._generator.set_state(running["generator"])

    def set_state(self, state: dict[str, Any]) -> None:
        if COMPONENT_RL_MODULE in state:
            sequence = state.get(WEIGHTS_SEQ_NO, 0)
            if sequence == 0 or sequence > self._weights_seq_no:  # older weights than ours are no news
                weights = state[COMPONENT_RL_MODULE]
                self.module.set_state(ray.get(weights) if isinstance(weights, ray.ObjectRef) else weights)
            if sequence > 0:
                self._weights_seq_no = sequence
        if NUM_ENV_STEPS_SAMPLED_LIFETIME in state:
            self.num_env_steps_sampled_lifetime = state[NUM_ENV_STEPS_SAMPLED_LIFETIME]
        if GAMES in state and state[GAMES]["seat"] == self._seat():
            self._go_on(copy.deepcopy(state[GAMES]))

    def get_ctor_args_and_kwargs(self) -> tuple[tuple, dict[str, Any]]:
        return (), {"config": self.config}

    def get_checkpointable_components(self) -> list[tuple[str, MultiRLModule]]:
        return [(COMPONENT_RL_MODULE, self.module)]
