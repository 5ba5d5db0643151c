"""Who learns the referential game in `commenv bench training`: our algorithm, its parts on stock RLlib, and loops of others."""

from typing import Any

import gymnasium as gym
import numpy as np
import torch
from ray.rllib.core.columns import Columns
from ray.rllib.core.learner.training_data import TrainingData
from ray.rllib.core.rl_module.rl_module import RLModuleSpec
from ray.rllib.env.multi_agent_env import MultiAgentEnv
from ray.rllib.env.multi_agent_env_runner import MultiAgentEnvRunner
from ray.tune.registry import register_env
from torch import Tensor
from torch.nn.functional import cross_entropy, gumbel_softmax, pad

from agents import CommPPOConfig
from agents.algorithm import TEAM
from agents.fragments import Fragment
from agents.learner import CommPPOLearner
from agents.modules import TeamModule
from agents.networks import Perceptron
from commenv.core.game import Layout, Options
from commenv.interfaces.rllib import MultiAgentGame
from experiments.bench.sampling import stock_config
from experiments.bench.training import ID, STATES, STEPS

SENDER, RECEIVER = "sender", "receiver"
REFUSED = -1e9


class Trained:
    """An RLlib algorithm that learns."""

    def __init__(self, config: Any, bits: int, seed: int) -> None:
        self.algorithm, self.bits = config.debugging(seed=seed, log_level="ERROR").build_algo(), bits

    def train(self) -> None:
        self.algorithm.train()

    @torch.no_grad()
    def code(self) -> tuple[np.ndarray, np.ndarray]:
        policies = self.policies()
        M = 2**self.bits
        messages = policies[SENDER](torch.eye(STATES)).argmax(-1).numpy()
        return messages, policies[RECEIVER](torch.eye(M, M + 1)).argmax(-1).numpy()

    def policies(self) -> Any:
        return self.algorithm.get_module(TEAM).policies

    def stop(self) -> None:
        self.algorithm.stop()


def ours(bits: int, seed: int) -> Trained:
    return Trained(CommPPOConfig().environment(ID, env_config={"bits": bits}), bits, seed)


# ------------------------------------------------------------------------------------------- stock RLlib, each its own
class Independent(Trained):
    def policies(self) -> Any:
        return {name: self.algorithm.get_module(name).policy for name in (SENDER, RECEIVER)}


def independent(bits: int, seed: int) -> Independent:
    usual = CommPPOConfig()
    keys = ("lr", "train_batch_size_per_learner", "num_epochs", "clip_param", "gamma", "lambda_", "use_kl_loss", "entropy_coeff")
    config = stock_config().environment(ID, env_config={"bits": bits})
    config.training(minibatch_size=STEPS // 2, **{key: getattr(usual, key) for key in keys})
    return Independent(config, bits, seed)


# --------------------------------------------------------------------------------------------- stock RLlib, our team
class Padded(MultiAgentEnv):
    """The game for one module that plays both agents: RLlib's runner stacks what they see, so it must be of one shape. First who
    is meant, 1 for the sender; then its observation, with zeros up to the longer one. Actions likewise have the larger number."""

    def __init__(self, config: Any) -> None:
        self.game = MultiAgentGame(ID, config)
        self.possible_agents = self.agents = self.game.possible_agents
        widths = [space.shape[0] for space in self.game.observation_spaces.values()]
        self.longest, actions = max(widths), max(int(space.n) for space in self.game.action_spaces.values())
        box = gym.spaces.Box(0, 1, (1 + self.longest,), np.float32)
        self.observation_spaces = dict.fromkeys(self.agents, box)
        self.action_spaces = dict.fromkeys(self.agents, gym.spaces.Discrete(actions))
        super().__init__()

    def _pad(self, seen: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        first = {SENDER: 1.0, RECEIVER: 0.0}
        return {
            name: np.concatenate([[first[name]], x, np.zeros(self.longest - len(x))]).astype(np.float32)
            for name, x in seen.items()
        }

    def reset(self, *, seed: int | None = None, options: dict | None = None) -> tuple[dict, dict]:
        seen, infos = self.game.reset(seed=seed)
        return self._pad(seen), infos

    def step(self, actions: dict[str, Any]) -> tuple[dict, dict, dict, dict, dict]:
        seen, *rest = self.game.step(actions)
        return self._pad(seen), *rest


class PaddedTeam(TeamModule):
    """The same module, for observations and actions of `Padded`."""

    def setup(self) -> None:
        given = self.observation_space, self.action_space
        self.observation_space, self.action_space = self.model_config["spaces"]
        self.widths = [
            self.observation_space[name].shape[0] for name in (self.model_config["speaker"], self.model_config["listener"])
        ]
        super().setup()
        self.observation_space, self.action_space = given

    def _forward(self, batch: Any, **kwargs: Any) -> dict[str, Tensor]:
        who, seen, most = batch[Columns.OBS][:, :1], batch[Columns.OBS][:, 1:], int(self.action_space.n)
        spoken, acted = (
            self.policies[name](seen[:, :width])
            for name, width in zip((self.speaker_name, self.listener_name), self.widths, strict=True)
        )
        spoken, acted = (pad(logits, (0, most - logits.shape[-1]), value=REFUSED) for logits in (spoken, acted))
        return {Columns.ACTION_DIST_INPUTS: torch.where(who > 0, spoken, acted)}


class EpisodeLearner(CommPPOLearner):
    """Our learner, on RLlib's episodes: each is a game of two steps."""

    def _make_batch_if_necessary(self, training_data: Any) -> Any:
        if not training_data.episodes:
            return super()._make_batch_if_necessary(training_data)
        module = self.module[TEAM].unwrapped()
        widths = dict(zip((SENDER, RECEIVER), module.widths, strict=True))
        whole = [episode for episode in training_data.episodes if episode.is_done]
        n = len(whole)
        agents = {}
        for t, name in enumerate((SENDER, RECEIVER)):
            own = [episode.agent_episodes[name] for episode in whole]
            columns = {
                "obs": np.zeros((n, 2, widths[name]), np.float32),
                "actions": np.zeros((n, 2), np.int64),
                "logp": np.zeros((n, 2), np.float32),
                "rewards": np.zeros((n, 2), np.float32),
                "active": np.zeros((n, 2), bool),
                "last_obs": np.zeros((n, widths[name]), np.float32),
                "final_obs": np.zeros((0, widths[name]), np.float32),
            }
            columns["active"][:, t] = True
            columns["obs"][:, t] = np.stack([one.get_observations(0)[1 : 1 + widths[name]] for one in own])
            columns["actions"][:, t] = [one.get_actions(0) for one in own]
            columns["rewards"][:, t] = [one.get_return() for one in own]
            agents[name] = columns
        ends = np.zeros((n, 2), bool)
        ends[:, 1] = True
        return super()._make_batch_if_necessary(TrainingData(episodes=[Fragment(agents, ends, np.zeros_like(ends))]))


class SameTeamConfig(CommPPOConfig):
    """Our algorithm on `Padded` and RLlib's runner."""

    def options(self) -> Options:
        return CommPPOConfig().environment(ID, env_config=self.env_config).options()

    def layout(self) -> Layout:
        return CommPPOConfig().environment(ID, env_config=self.env_config).layout()

    def get_default_rl_module_spec(self) -> RLModuleSpec:
        spec, game = super().get_default_rl_module_spec(), MultiAgentGame(ID, self.env_config)
        spaces = gym.spaces.Dict(game.observation_spaces), gym.spaces.Dict(game.action_spaces)
        return RLModuleSpec(module_class=PaddedTeam, model_config={**spec.model_config, "spaces": spaces})


def same_team_config(bits: int) -> SameTeamConfig:
    register_env("padded-referential", Padded)
    config = SameTeamConfig().environment("padded-referential", env_config={"bits": bits}, disable_env_checking=True)
    config.env_runners(
        env_runner_cls=MultiAgentEnvRunner,
        num_envs_per_env_runner=64,
        rollout_fragment_length=64,
        batch_mode="complete_episodes",
        episodes_to_numpy=False,
    )
    return config.training(learner_class=EpisodeLearner)


def same_team(bits: int, seed: int) -> Trained:
    return Trained(same_team_config(bits), bits, seed)


# -------------------------------------------------------------------------------------------------------- plain loops
class DirectGradient:
    """Sender and receiver as one differentiable function, by Gumbel-softmax of temperature 1 (Jang et al. 2017), and the
    cross-entropy of the receiver's answer: how EGG (Kharitonov et al. 2019) trains such a game. Not its code."""

    def __init__(self, bits: int, seed: int) -> None:
        torch.manual_seed(seed)
        M = 2**bits
        self.sender, self.receiver = Perceptron([STATES, 64, M]), Perceptron([M, 64, STATES])
        self.optimizer = torch.optim.Adam([*self.sender.parameters(), *self.receiver.parameters()], lr=5e-3)

    def train(self) -> None:
        states = torch.randint(STATES, (STEPS // 2,))
        message = gumbel_softmax(self.sender(torch.eye(STATES)[states]))
        self.optimizer.zero_grad()
        cross_entropy(self.receiver(message), states).backward()
        self.optimizer.step()

    @torch.no_grad()
    def code(self) -> tuple[np.ndarray, np.ndarray]:
        messages = self.sender(torch.eye(STATES)).argmax(-1).numpy()
        return messages, self.receiver(torch.eye(self.receiver.sizes[0])).argmax(-1).numpy()

    def stop(self) -> None:
        """Nothing is held."""


def jaxmarl(bits: int, seed: int) -> Any:
    raise ImportError(
        "not timed: the jaxmarl package holds environments, none of them this game; its IPPO is a script of its repository"
    )
