"""RLModules: an agent on its own, and a team whose messages let gradients through.

A module is decentralised in both: what an agent does follows from its own observation alone, and the inbox in it holds
nothing but what the channel delivered. A team differs in training only.
"""

from collections.abc import Mapping
from typing import Any

import gymnasium as gym
import torch
from ray.rllib.core.columns import Columns
from ray.rllib.core.distribution.torch.torch_distribution import TorchMultiCategorical
from ray.rllib.core.rl_module.apis import InferenceOnlyAPI, ValueFunctionAPI
from ray.rllib.core.rl_module.torch import TorchRLModule
from torch import Tensor

from agents.channels import DifferentiableChannel
from agents.graph_team import Critic, Plan, build
from agents.networks import Perceptron, choices
from agents.terms import chosen_terms
from agents.terms.contract import Scalars
from commenv.core.channel import Channel


class AgentModule(TorchRLModule, ValueFunctionAPI, InferenceOnlyAPI):
    """One agent that learns alone: a policy and a value of its own observation. Works in stock RLlib as well.

    model_config: hidden, the widths of the hidden layers.
    """

    def setup(self) -> None:
        width, hidden = self.observation_space.shape[0], list(self.model_config["hidden"])
        self.policy = Perceptron([width, *hidden, sum(choices(self.action_space))])
        if not self.inference_only:
            self.value = Perceptron([width, *hidden, 1])
        if isinstance(self.action_space, gym.spaces.MultiDiscrete):  # RLlib has no default for an action and a message
            lengths = choices(self.action_space)
            self.action_dist_cls = TorchMultiCategorical.get_partial_dist_cls(space=self.action_space, input_lens=lengths)

    def _forward(self, batch: Mapping[str, Any], **kwargs: Any) -> dict[str, Tensor]:
        return {Columns.ACTION_DIST_INPUTS: self.policy(batch[Columns.OBS])}

    def compute_values(self, batch: Mapping[str, Any], embeddings: Any = None) -> Tensor:
        return self.value(batch[Columns.OBS]).squeeze(-1)

    def get_non_inference_attributes(self) -> list[str]:
        return ["value"]


class TeamModule(TorchRLModule, InferenceOnlyAPI):
    """A speaker and a listener with the channel between them.

    The listener is one network; for training it is asked for its answer to every symbol. A reward model of what both see,
    used in training only, tells what each action would have earned.
    model_config: hidden, speaker, listener, own (length of the listener's own part of its observation), channel (its fields).
    """

    reward_scale: Tensor

    def setup(self) -> None:
        config = self.model_config
        hidden = list(config["hidden"])
        self.speaker_name, self.listener_name, self.own = config["speaker"], config["listener"], config["own"]
        seen, heard = (self.observation_space[name].shape[0] for name in (self.speaker_name, self.listener_name))
        messages, actions = (sum(choices(self.action_space[name])) for name in (self.speaker_name, self.listener_name))
        self.policies = torch.nn.ModuleDict(
            {
                self.speaker_name: Perceptron([seen, *hidden, messages]),
                self.listener_name: Perceptron([heard, *hidden, actions]),
            }
        )
        self.channel = DifferentiableChannel(Channel.of(config["channel"]))
        self.register_buffer("reward_scale", torch.tensor(0.05))  # largest spread of rewards so far: rewards are counted in it
        if not self.inference_only:
            self.reward_model = Perceptron([seen + self.own, *hidden, actions])

    @property
    def matrix(self) -> Tensor:
        """W [M, Y] without an erasure that never happens."""
        W = self.channel.matrix
        return W if bool(W[:, -1].any()) else W[:, :-1]

    def _forward(self, batch: Mapping[str, Any], **kwargs: Any) -> dict[str, Any]:
        """Each agent from its own observation; the observations stand in a dictionary by agent."""
        logits = {name: self.policies[name](observation) for name, observation in batch[Columns.OBS].items()}
        return {Columns.ACTION_DIST_INPUTS: logits}

    def _forward_train(self, batch: Mapping[str, Any], **kwargs: Any) -> dict[str, Any]:
        return {}  # the loss asks the module for what it needs: not every loss needs every symbol's answer

    def say(self, seen: Tensor) -> Tensor:
        """Log-probabilities [B, M] of the speaker's messages; seen [B, w]."""
        return self.policies[self.speaker_name](seen).log_softmax(-1)

    def worth(self, seen: Tensor, own: Tensor) -> Tensor:
        """Reward [B, A] that each action would earn, as far as learned; own [B, v] the listener's own part."""
        return self.reward_model(torch.cat([seen, own], -1))

    def answers(self, own: Tensor) -> Tensor:
        """Log-probabilities [B, Y, A]; [1, Y, A] where the listener sees nothing but its inbox."""
        Y, places = self.matrix.shape[1], self.channel.places
        own = own[:1] if self.own == 0 else own
        inbox = torch.eye(Y, places).expand(len(own), Y, places)
        return self.listen(own.unsqueeze(1).expand(-1, Y, -1), inbox)

    def listen(self, own: Tensor, inbox: Tensor) -> Tensor:
        """Log-probabilities of the listener's actions; own [..., v], inbox [..., M + 1], perhaps relaxed."""
        return self.policies[self.listener_name](torch.cat([own, inbox], -1)).log_softmax(-1)

    def get_non_inference_attributes(self) -> list[str]:
        return ["reward_model"]


class GraphTeamModule(TorchRLModule, InferenceOnlyAPI):
    """A team that talks over a graph within each step, and a critic that is used in training only.

    model_config: plan, the fields of Plan but names, observations and choices, which follow from the spaces; central, whether
    the critic sees all observations or an agent's own; unseen, how many numbers more; terms, what is added to its loss and
    rewards, by name.
    """

    def setup(self) -> None:
        self.team = build(Plan.seated(self.observation_space.spaces, self.action_space.spaces, **self.model_config["plan"]))
        if not self.inference_only:
            central, unseen = self.model_config["central"], self.model_config.get("unseen", 0)
            self.critic = Critic(self.team.longest, self.team.plan.width, central=central, unseen=unseen)
            self.terms = chosen_terms(self.model_config.get("terms", {}))
            made = {name: term.extras(self.team) for name, term in self.terms.items()}
            self.extras = torch.nn.ModuleDict({name: network for name, network in made.items() if network is not None})

    spoken: Tensor | None = None
    """Hidden vectors [S, width] of those who were there in the last minibatch, by which dead symbols are told."""

    def after_update(self, progress: float) -> dict[str, float]:
        """Between updates of the learner: symbols that nobody uses are revived, the graph is told how much of the training is
        over, 0 to 1, and terms take their own steps. What they keep, by name, and `revived`."""
        self.team.graph.advance(progress)
        figures = {"revived": 0.0 if self.spoken is None else float(self.team.bottleneck.revive(self.spoken))}
        for name, network in self.extras.items():
            self.terms[name].after_update(network)
            if isinstance(network, Scalars):
                figures |= {f"{name}_{key}": value for key, value in network.figures().items()}
        return figures

    def _forward(self, batch: Mapping[str, Any], **kwargs: Any) -> dict[str, Any]:
        """The team as deployed, without memory of earlier steps; observations stand in a dictionary by agent."""
        seen = [batch[Columns.OBS][name] for name in self.team.plan.names]
        padded = torch.stack([torch.nn.functional.pad(x, (0, self.team.longest - x.shape[-1])) for x in seen], 1)
        logits = self.team(padded, self.team.beginning(len(padded))).logits
        return {
            Columns.ACTION_DIST_INPUTS: {
                name: torch.cat([logits[:, i, k, :n] for k, n in enumerate(own)], -1)
                for i, (name, own) in enumerate(zip(self.team.plan.names, self.team.plan.choices, strict=True))
            }
        }

    def _forward_train(self, batch: Mapping[str, Any], **kwargs: Any) -> dict[str, Any]:
        return {}  # the loss unrolls the team itself

    def get_non_inference_attributes(self) -> list[str]:
        return ["critic", "extras"]
