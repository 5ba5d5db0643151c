"""CommPPO: RLlib's PPO on batched games, with two ways to learn to talk."""

import copy
import math
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any, Self

from ray.rllib.algorithms.ppo import PPO, PPOConfig
from ray.rllib.core.rl_module.rl_module import RLModuleSpec
from ray.rllib.policy.sample_batch import DEFAULT_POLICY_ID

from agents.channel_learning import MarginalLoss
from agents.channel_sampling import ChannelEnvRunner
from agents.channel_team import ChannelTeamModule, seats
from agents.channels import LARGEST
from agents.graph_learning import GraphLoss, check
from agents.graph_sampling import GraphEnvRunner, unseen
from agents.graph_team import Plan, build
from agents.learner import CommPPOLearner
from agents.losses import TeamLoss
from agents.modules import AgentModule, GraphTeamModule, TeamModule
from agents.sampling import BatchedEnvRunner
from agents.team import TalkingTeam, Team
from agents.terms import chosen_terms
from commenv.core import links
from commenv.core.batch import Batch
from commenv.core.errors import bad, number, whole
from commenv.core.game import Layout, Options, choose
from commenv.games import rules
from commenv.games.coding.message import Options as CodingOptions

TEAM = "team"
"""Id of the one module of a team."""

WAYS = ("differentiable", "independent", "graph", "marginal")
PARTS = tuple(f.name for f in fields(Plan) if f.name not in ("names", "observations", "choices"))
"""What a user may choose of a team that talks over a graph."""


class CommPPO(PPO):
    """PPO on batches of games. Built by CommPPOConfig."""

    @classmethod
    def get_default_config(cls) -> "CommPPOConfig":
        return CommPPOConfig()

    def team(self) -> Team | TalkingTeam:
        """The team as it is deployed now, on plain tensors, without RLlib."""
        config, policies = self.config, dict[str, Any]()
        if config.learn == "graph":
            network = build(self.get_module(TEAM).team.plan)
            network.load_state_dict(self.get_module(TEAM).team.state_dict())
            return TalkingTeam(config.env, config.options(), network)
        for name in config.layout().names:
            module_id = config.policy_mapping_fn(name, None)
            module = self.get_module(module_id)
            if isinstance(module, TeamModule):
                policies[name] = module.policies[name]
            elif isinstance(module, ChannelTeamModule):
                policies[name] = copy.deepcopy(module.policies[name])  # of its own: a file holds no tensor twice
            elif isinstance(module, AgentModule):
                policies[name] = module.policy
            else:
                raise TypeError(
                    f"module {module_id!r} is a {type(module).__name__}: only our own modules can be written as a team"
                )
        return Team(config.env, config.options(), policies)


class CommPPOConfig(PPOConfig):
    """RLlib's PPOConfig with `.communication(...)`; everything else is RLlib's.

    >>> config = CommPPOConfig().environment("messaging/referential-v0", env_config={"bits": 2})
    >>> config.build_algo().train()  # doctest: +SKIP

    The environment is an id of commenv's, its env_config the game's options. `num_envs_per_env_runner` games are stepped at once.
    Each agent gets a module of its own name, or all together one named "team"; `.multi_agent` may say otherwise where agents
    learn independently.
    """

    def __init__(self, algo_class: type | None = None) -> None:
        super().__init__(algo_class=algo_class or CommPPO)
        self.learn, self.total_steps, self.marginal_up_to = "differentiable", 491_520, 64
        self.hidden: tuple[int, ...] = (64,)
        self.team_loss, self.graph_loss, self.marginal_loss = TeamLoss(), GraphLoss(), MarginalLoss()
        self.plan: dict[str, Any] = {}
        self.terms: dict[str, Any] = {}
        self.value = "central"
        self.bits_delivered = 0.0
        self.said: frozenset[str] = frozenset()
        self.env_runners(
            env_runner_cls=BatchedEnvRunner, num_env_runners=0, num_envs_per_env_runner=2048, rollout_fragment_length="auto"
        )
        self.training(
            learner_class=CommPPOLearner,
            lr=5e-3,
            train_batch_size_per_learner=4096,
            minibatch_size=None,
            num_epochs=4,
            clip_param=0.2,
            gamma=1.0,
            lambda_=0.95,
            use_kl_loss=False,
            vf_clip_param=math.inf,  # RLlib clips the squared error at 10: a value that is off by more would never learn
            entropy_coeff=[[0, 0.1], [400_000, 0.0]],
        )
        self.said = frozenset()  # nothing by the user so far

    def training(self, **settings: Any) -> Self:
        """RLlib's; what is said here stays, whatever suits a way to learn."""
        self.said |= set(settings)
        return super().training(**settings)

    def env_runners(self, **settings: Any) -> Self:
        """RLlib's; what is said here stays, whatever suits a way to learn."""
        self.said |= set(settings)
        return super().env_runners(**settings)

    def communication(
        self,
        *,
        learn: str | None = None,
        hidden: Sequence[int] | None = None,
        total_steps: int | None = None,
        marginal_up_to: int | None = None,
        loss: Mapping[str, float] | None = None,
        value: str | None = None,
        terms: Mapping[str, Any] | None = None,
        bits_delivered: float | None = None,
        **parts: Any,
    ) -> Self:
        """How the agents learn to talk. What is not given stays.

        learn: "differentiable", one team module whose messages let gradients through a copy of the channel; "independent",
        each agent a module of its own whose messages are sampled actions (RIAL without memory; Foerster et al. 2016); "graph",
        a team that talks over a graph within each step, before it acts; or "marginal", a team in whose game all act at once and
        hear in the next step what was sent, taught by the probability of an act summed over all messages.
        parts: of a team that talks over a graph, the fields of Plan: graph, bottleneck, their options, bits, rounds, memory,
        width, separate, identities; naming one of them means learn="graph".
        value: what that team's critic sees: "central", all observations; "own", an agent's; "state", all of them and what
        decides the game and no agent sees, as where the prey is.
        The game's own channel then carries nothing, unless env_config says otherwise.
        hidden: widths of the hidden layers. total_steps: environment steps over which the team's schedules run.
        marginal_up_to: largest alphabet that is summed over; above it gradients pass by straight-through Gumbel-softmax. With
        learn="marginal" most inboxes, all that an agent may hear at once, that are summed over; more are refused.
        terms: what is added to the loss or the rewards of a team that talks over a graph (agents/terms), by name: a weight, or
        options, weight among them: {"hinge": {"target": 1.5}, "positive_listening": 0.1}. They take the place of those before.
        bits_delivered: reward a bit that reaches the receiver of a coding game whose agents learn independently, beside what the
        game pays for naming (agents/delivered.py).
        loss: coefficients of TeamLoss, GraphLoss or MarginalLoss. Raises ValueError for anything not allowed.
        """
        if learn is not None:
            if learn not in WAYS:
                raise bad("learn", learn, f"one of {', '.join(WAYS)}")
            self.learn = learn
        if parts:
            if unknown := sorted(set(parts) - set(PARTS)):
                raise ValueError(f"unknown part {unknown[0]!r}; a team has {', '.join(PARTS)}")
            self.plan = {**self.plan, **parts}
            self.learn = "graph" if learn is None else learn
        if value is not None:
            if value not in ("central", "own", "state"):
                raise bad("value", value, "central, own or state")
            self.value = value
        if terms is not None:
            chosen_terms(terms)
            self.terms = dict(terms)
            self.learn = "graph" if learn is None else learn
        if bits_delivered is not None:
            self.bits_delivered = number("bits_delivered", bits_delivered, 0, math.inf)
        if hidden is not None:
            self.hidden = tuple(whole("hidden", width, 1) for width in hidden)
        if total_steps is not None:
            self.total_steps = whole("total_steps", total_steps, 1)
        if marginal_up_to is not None:
            self.marginal_up_to = whole("marginal_up_to", marginal_up_to, 0, LARGEST)
        if loss is not None:
            kind = {"graph": GraphLoss, "marginal": MarginalLoss}.get(self.learn, TeamLoss)
            known = [f.name for f in fields(kind)]
            if unknown := sorted(set(loss) - set(known)):
                raise ValueError(f"unknown coefficient {unknown[0]!r}; a team's loss has {', '.join(known)}")
            if self.learn == "graph":
                self.graph_loss = replace(self.graph_loss, **{k: check(k, v) for k, v in loss.items()})
            elif self.learn == "marginal":
                self.marginal_loss = replace(self.marginal_loss, **{k: number(k, v, 0, math.inf) for k, v in loss.items()})
            else:
                self.team_loss = replace(self.team_loss, **{k: number(k, v, 0, math.inf) for k, v in loss.items()})
        return self

    @property
    def communicates(self) -> bool:
        """Whether all agents are one team module."""
        return self.learn != "independent"

    def options(self) -> Options:
        """The game's options. Raises ValueError where the environment is not one of commenv's."""
        return choose(rules(self.env), dict(self.env_config))

    def layout(self) -> Layout:
        return links.layout(rules(self.env), self.options())

    def validate(self) -> None:
        if not isinstance(self.env, str):
            raise bad("environment", self.env, "an id of commenv's: see commenv.ids()")
        names = self.layout().names
        if self.options().link.floats:
            raise ValueError("messages of floats are continuous actions, which these agents do not take: use symbols")
        if self.bits_delivered and (self.communicates or not isinstance(self.options(), CodingOptions)):
            raise ValueError("bits_delivered is a reward of coding games whose agents learn independently: leave it out")
        ours = set(self.policies) in ({DEFAULT_POLICY_ID}, {TEAM}, set(names))
        if self.communicates:
            if not ours:
                raise ValueError(
                    f"a {self.learn} team is one module: leave policies={list(self.policies)} out, or learn independently"
                )
            if self.learn == "graph":
                super().env_runners(env_runner_cls=GraphEnvRunner)
                if not {"bits", "channel"} & set(self.env_config):
                    self.environment(env_config={**self.env_config, "bits": 0})
                self._usual_for_graphs()
                spaces = Batch(rules(self.env), self.options(), 1)
                build(
                    Plan.seated(spaces.observation_spaces, spaces.action_spaces, **self.plan)
                )  # a part that does not fit says so
                if self.value == "state":
                    self._unseen()
            elif self.learn == "marginal":
                super().env_runners(env_runner_cls=ChannelEnvRunner)
                self._seated()
            else:
                _speaker_and_listener(self.layout())
                if self.options().link.limited:
                    raise ValueError(
                        "a channel with a budget is not differentiable: learn independently, or leave refill and cap out"
                    )
            self.multi_agent(policies=[TEAM], policy_mapping_fn=_everybody_is_the_team)
        elif ours:
            self.multi_agent(policies=list(names), policy_mapping_fn=_each_its_own)
        if self.minibatch_size is None:  # several learners want a number; more than there is means all there is
            super().training(minibatch_size=self.train_batch_size_per_learner)
        super().validate()

    def _usual_for_graphs(self) -> None:
        """What suits teams that talk over a graph, where the user has said nothing."""
        total = self.total_steps
        fragment = min(self.options().max_cycles or 32, 64)
        games = self.num_envs_per_env_runner if "num_envs_per_env_runner" in self.said else 256
        length = self.rollout_fragment_length if "rollout_fragment_length" in self.said else fragment
        steps = games * (fragment if length == "auto" else length) * max(1, self.num_env_runners)
        wanted = {
            "num_envs_per_env_runner": 256,
            "rollout_fragment_length": fragment,
            "train_batch_size_per_learner": steps // max(1, self.num_learners),
            "minibatch_size": 64,  # rows, which are games of a fragment
            "num_epochs": 3,
            "lr": [[0, 2e-3], [int(0.3 * total), 2e-3], [total, 1e-4]],
            "entropy_coeff": [[0, 0.02], [int(0.8 * total), 0.0]],
            "gamma": 0.98,
            "lambda_": 0.9,
            "grad_clip": 1.0,
        }
        open_ones = {key: value for key, value in wanted.items() if key not in self.said and getattr(self, key) != value}
        runners = ("num_envs_per_env_runner", "rollout_fragment_length")
        super().env_runners(**{key: open_ones.pop(key) for key in runners if key in open_ones})
        super().training(**open_ones)

    def get_default_rl_module_spec(self) -> RLModuleSpec:
        if not self.communicates:
            return RLModuleSpec(module_class=AgentModule, model_config={"hidden": self.hidden})
        if self.learn == "graph":
            plan = {"central": self.value != "own", "plan": self.plan, "terms": self.terms}
            if self.value == "state":
                plan["unseen"] = self._unseen()
            return RLModuleSpec(module_class=GraphTeamModule, model_config=plan)
        if self.learn == "marginal":
            return RLModuleSpec(module_class=ChannelTeamModule, model_config=self._seated())
        layout, options = self.layout(), self.options()
        speaker, listener = _speaker_and_listener(layout)
        model = {
            "hidden": self.hidden,
            "speaker": layout.names[speaker],
            "listener": layout.names[listener],
            "own": layout.roles[listener].observation,
            "channel": options.link.fields(),
        }
        return RLModuleSpec(module_class=TeamModule, model_config=model)

    def _unseen(self) -> int:
        """Numbers that decide the game and no agent sees. Raises ValueError where there are none."""
        found = unseen(Batch(rules(self.env), self.options(), 1))
        if found is None:
            raise ValueError(f"value='state' is not allowed: {self.env} has nothing that critics alone may see; say central")
        return found.shape[1]

    def _seated(self) -> dict[str, Any]:
        """What a ChannelTeamModule is made of. Raises ValueError for games that it cannot learn."""
        if unknown := sorted(set(self.plan) - {"separate"}):
            raise ValueError(
                f"{unknown[0]} is a part of teams that talk over a graph: of a marginal team say separate, or nothing"
            )
        found = seats(rules(self.env), self.options(), self.hidden, self.marginal_up_to)
        return {**found, "separate": bool(self.plan.get("separate", False))}


def _everybody_is_the_team(agent: str, episode: Any, **kwargs: Any) -> str:
    return TEAM


def _each_its_own(agent: str, episode: Any, **kwargs: Any) -> str:
    return agent


def _speaker_and_listener(layout: Layout) -> tuple[int, int]:
    """Of games that a differentiable team can learn: one link, over which one agent speaks and the other answers in its turn."""
    if len(layout.links) == 1 and len(layout.roles) == 2 and layout.turns:
        speaker, listener = layout.links[0]
        if layout.roles[speaker].actions == 1:
            return speaker, listener
    raise ValueError("a differentiable team needs a game of one speaker and one listener in turn; learn this one independently")
