"""From fragments to gradients: the learner of all ways to learn to talk, on RLlib's PPO learner."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from ray.rllib.algorithms.ppo.torch.ppo_torch_learner import PPOTorchLearner
from ray.rllib.core.columns import Columns
from ray.rllib.core.learner.learner import DEFAULT_OPTIMIZER
from ray.rllib.core.learner.training_data import TrainingData
from ray.rllib.evaluation.postprocessing import Postprocessing
from ray.rllib.policy.sample_batch import MultiAgentBatch, SampleBatch
from ray.rllib.utils.metrics import NUM_ENV_STEPS_SAMPLED_LIFETIME
from torch import Tensor

from agents import channel_learning, graph_learning
from agents.advantages import generalised_advantages
from agents.channel_team import ChannelTeamModule
from agents.delivered import PART, paid, telling
from agents.fragments import Fragment, join
from agents.losses import exchange_loss, find_exchange, marginal, noise_given, straight_through, team_loss
from agents.modules import GraphTeamModule, TeamModule
from agents.ppo import tensor

PLACE = "place"
"""The part of a learner's state that says where in the training it is."""
SPREAD = "spread"
"""The column of the standard deviation, in reward, in which advantages are counted."""
EDGES = "edges"
"""Name of the optimiser of a graph's edges, where they have one."""
EDGES_EVERY = 5
"""A graph that is learned in turns with the rest has every fifth epoch for itself (CommFormer; Hu et al. 2024)."""


class _Rows(SampleBatch):
    """Columns whose rows the learner's own generator shuffles: RLlib takes numpy's global one, which no checkpoint holds and
    anybody may move."""

    generator: torch.Generator

    def shuffle(self) -> "_Rows":
        order = torch.randperm(self.count, generator=self.generator)
        self.update({key: column[order] for key, column in self.items()})
        return self


class CommPPOLearner(PPOTorchLearner):
    """PPO on fragments. A module of one agent gets PPO's own loss; a team gets the loss that reaches through the channel.

    RLlib makes batches of episodes in a pipeline of connectors. Here `_make_batch_if_necessary` takes its place. It and
    `_create_iterator_if_necessary` are private methods, and the reason why ray is held to one minor version.
    """

    progress = 0.0
    """How much of the training is over, 0 to 1."""
    _sampled = 0
    """Environment steps as of the last update, by which RLlib's schedules go."""
    _epochs = 0
    """Epochs of all updates that are over."""
    _epoch = 0
    """The epoch, of all, that the minibatch is of."""

    @classmethod
    def rl_module_required_apis(cls) -> list[type]:
        return []  # a team has no value function

    def build(self) -> None:
        super().build()
        self._generator = torch.Generator().manual_seed(self.config.seed or 0)

    def configure_optimizers_for_module(self, module_id: str, config: Any = None) -> None:
        """RLlib's; a graph whose edges learn at a rate of their own has an optimiser for them alone."""
        module = self.module[module_id].unwrapped()
        rate = module.team.graph.edge_rate if isinstance(module, GraphTeamModule) else None
        if rate is None:
            super().configure_optimizers_for_module(module_id, config)
            return
        edges = module.team.graph.edge_parameters()
        apart = {id(parameter) for parameter in edges}
        rest = [parameter for parameter in self.get_parameters(module) if id(parameter) not in apart]
        for name, parameters, lr in ((DEFAULT_OPTIMIZER, rest, config.lr), (EDGES, edges, rate)):
            self.register_optimizer(
                module_id=module_id,
                optimizer_name=name,
                optimizer=torch.optim.Adam(parameters),
                params=parameters,
                lr_or_lr_schedule=lr,
            )

    # --------------------------------------------------------------------------------------------------------- state
    def get_state(self, components: Any = None, *, not_components: Any = None, **kwargs: Any) -> dict[str, Any]:
        """RLlib's, and what the next update follows from besides: it keeps no random numbers, and no schedule's place."""
        state = super().get_state(components, not_components=not_components, **kwargs)
        if self._check_component(PLACE, components, not_components):
            state[PLACE] = {
                "generator": self._generator.get_state().clone(),
                "sampled": self._sampled,
                "epochs": self._epochs,
                "kl_coefficients": {id: float(value) for id, value in self.curr_kl_coeffs_per_module.items()},
            }
        return state

    def set_state(self, state: dict[str, Any]) -> None:
        super().set_state(state)
        if PLACE not in state:
            return
        place = state[PLACE]
        self._generator.set_state(place["generator"])
        self._sampled, self._epochs = place["sampled"], place["epochs"]
        for module_id in self.module.keys():  # noqa: SIM118 - a MultiRLModule is not a dict
            self.entropy_coeff_schedulers_per_module[module_id].update(timestep=self._sampled)
        for module_id, coefficient in place["kl_coefficients"].items():
            self.curr_kl_coeffs_per_module[module_id].data.fill_(coefficient)

    # ------------------------------------------------------------------------------------------------------ an update
    def before_gradient_based_update(self, *, timesteps: dict[str, Any]) -> None:
        super().before_gradient_based_update(timesteps=timesteps)
        self._sampled = int(timesteps.get(NUM_ENV_STEPS_SAMPLED_LIFETIME) or 0)
        self.progress = min(1.0, self._sampled / self.config.total_steps)

    def after_gradient_based_update(self, *, timesteps: dict[str, Any]) -> None:
        super().after_gradient_based_update(timesteps=timesteps)
        for module_id, module in self._graph_teams():
            self.metrics.log_dict(module.after_update(self.progress), key=module_id, window=1)

    def _graph_teams(self) -> Iterator[tuple[str, GraphTeamModule]]:
        for module_id in self.module.keys():  # noqa: SIM118 - a MultiRLModule is not a dict
            module = self.module[module_id].unwrapped()
            if isinstance(module, GraphTeamModule):
                yield module_id, module

    def compute_gradients(self, loss_per_module: dict[str, Tensor], **kwargs: Any) -> dict[Tensor, Tensor | None]:
        """RLlib's; who rests in this epoch gets none: where a graph is learned in turns with the rest."""
        found = super().compute_gradients(loss_per_module, **kwargs)
        for _, module in self._graph_teams():
            edges = {id(parameter) for parameter in module.team.graph.edge_parameters()}
            turn = (self._epoch + 1) % EDGES_EVERY == 0
            for parameter in module.parameters() if edges else ():
                if (id(parameter) in edges) != turn:
                    found[parameter] = parameter.grad = None
        return found

    def _create_iterator_if_necessary(
        self, *, training_data: Any, minibatch_size: int | None = None, num_epochs: int = 1, **kwargs: Any
    ) -> Any:
        """Without a minibatch size, and where one is larger than what there is, an epoch is one batch: rows are decisions, of
        which there are fewer than steps, and RLlib would fill the batch up with copies."""
        batch = self._make_batch_if_necessary(training_data)
        for module_id in [id for id, columns in batch.policy_batches.items() if not len(columns)]:
            del batch.policy_batches[module_id]  # whoever had no turn has nothing to learn from
        counts = [len(columns) for columns in batch.policy_batches.values()]
        fewest, most = min(counts), max(counts)
        asked = minibatch_size or most
        if fewest < min(asked, most) and not kwargs.get("num_total_minibatches"):
            yield from self._apportioned(batch, math.ceil(most / asked), num_epochs)
        else:
            size = min(asked, fewest)
            minibatches = super()._create_iterator_if_necessary(
                training_data=TrainingData(batch=batch), minibatch_size=size, num_epochs=num_epochs, **kwargs
            )
            for k, minibatch in enumerate(minibatches):
                self._epoch = self._epochs + k * size // fewest
                yield minibatch
        self._epochs += num_epochs

    def _apportioned(self, batch: MultiAgentBatch, parts: int, epochs: int) -> Iterator[MultiAgentBatch]:
        """Every module's rows in so many minibatches an epoch, where one has fewer than a minibatch: RLlib gives each module as
        many rows, so all would go by the few of the one who seldom acts, or those would be repeated."""
        for epoch in range(epochs):
            self._epoch = self._epochs + epoch
            rows = {id: columns.shuffle() for id, columns in batch.policy_batches.items()}
            for k in range(parts):
                mine = {id: columns[k * len(columns) // parts : (k + 1) * len(columns) // parts] for id, columns in rows.items()}
                yield MultiAgentBatch({id: part for id, part in mine.items() if len(part)}, env_steps=batch.count)

    @torch.no_grad()
    def _make_batch_if_necessary(self, training_data: Any) -> MultiAgentBatch:
        if not training_data.episodes or not isinstance(training_data.episodes[0], Fragment):
            return super()._make_batch_if_necessary(training_data)
        fragment = join(training_data.episodes)
        if self.config.bits_delivered:
            receiver = self.module[self.config.policy_mapping_fn("receiver", None)].unwrapped()
            fragment = paid(fragment, self.config.options(), receiver.policy, self.config.bits_delivered)
        batches: dict[str, _Rows] = {}
        for module_id in self.module.keys():  # noqa: SIM118 - a MultiRLModule is not a dict
            agents = [name for name in fragment.agents if self.config.policy_mapping_fn(name, None) == module_id]
            module = self.module[module_id].unwrapped()
            if isinstance(module, GraphTeamModule):
                c = self.config
                columns = graph_learning.columns(module, fragment, c.gamma, c.lambda_, c.graph_loss, module.terms)
            elif isinstance(module, ChannelTeamModule):
                columns = channel_learning.columns(module, fragment, self.config.gamma, self.config.lambda_)
            elif isinstance(module, TeamModule):
                columns = self._team(module, fragment)
            else:
                columns = self._alone(module, module_id, fragment, agents)
            batches[module_id] = _Rows({key: column.to(self._device) for key, column in columns.items()})
            batches[module_id].generator = self._generator
        return MultiAgentBatch(batches, env_steps=len(fragment))

    # ---------------------------------------------------------------------------------------- each agent on its own
    def _alone(self, module: Any, module_id: str, fragment: Fragment, agents: list[str]) -> dict[str, Tensor]:
        """PPO's columns, of the steps in which the agents acted."""
        config = self.config.get_config_for_module(module_id)
        terminated, truncated = tensor(fragment.terminated), tensor(fragment.truncated)
        parts = []
        for name in agents:
            columns = {key: tensor(column) for key, column in fragment.agents[name].items()}
            B, T = columns["rewards"].shape
            finals = torch.zeros(B, T)
            if len(columns["final_obs"]):
                finals[truncated] = module.compute_values({Columns.OBS: columns["final_obs"]})
            estimates = generalised_advantages(
                columns["rewards"],
                module.compute_values({Columns.OBS: columns["obs"]}),
                columns["active"],
                terminated,
                truncated,
                finals,
                module.compute_values({Columns.OBS: columns["last_obs"]}),
                config.gamma,
                config.lambda_,
            )
            acted = columns["active"]
            observations = columns["obs"][acted]
            parts.append(
                {
                    Columns.OBS: observations,
                    Columns.ACTIONS: columns["actions"][acted],
                    Columns.ACTION_LOGP: columns["logp"][acted],
                    Columns.ACTION_DIST_INPUTS: module.forward_train({Columns.OBS: observations})[Columns.ACTION_DIST_INPUTS],
                    Postprocessing.ADVANTAGES: estimates.advantages[acted],
                    Postprocessing.VALUE_TARGETS: estimates.targets[acted],
                    **({PART: columns[PART][acted]} if PART in columns else {}),
                }
            )
        joined = {key: torch.cat([part[key] for part in parts]) for key in parts[0]}
        raw = joined[Postprocessing.ADVANTAGES]
        spread = raw.std().clamp_min(1e-4) if len(raw) > 1 else torch.ones(())  # one has no spread
        joined[Postprocessing.ADVANTAGES] = (raw - raw.mean()) / spread
        if PART in joined:
            joined[SPREAD] = spread.expand(len(raw))
        return joined

    # ------------------------------------------------------------------------------------------------------ the team
    def _team(self, module: TeamModule, fragment: Fragment) -> dict[str, Tensor]:
        """One row a round: the speaker acts, and in the next step of the same game the listener."""
        speaker, listener = fragment.agents[module.speaker_name], fragment.agents[module.listener_name]
        over = fragment.terminated | fragment.truncated
        rounds = speaker["active"][:, :-1] & listener["active"][:, 1:] & ~over[:, :-1]
        rows, steps = np.nonzero(rounds)

        def at(columns: dict[str, np.ndarray], key: str, later: int) -> Tensor:
            return torch.from_numpy(columns[key][rows, steps + later])

        if not len(rows):
            raise ValueError(
                f"no message was answered within {fragment.steps} steps of any game: "
                "give max_cycles room for it, or a longer rollout_fragment_length"
            )
        heard = at(listener, "obs", 1)
        columns = {
            "seen": at(speaker, "obs", 0),
            "own": heard[:, : module.own],
            "sent": at(speaker, "actions", 0),
            "delivered": heard[:, module.own :].argmax(-1),
            "actions": at(listener, "actions", 1),
            "rewards": at(listener, "rewards", 0) + at(listener, "rewards", 1),
        }
        module.reward_scale.fill_(max(float(module.reward_scale), float(columns["rewards"].std())))
        if self._sums(module):
            played = marginal(module, columns["seen"], columns["own"])
            columns["old"] = played.action.gather(-1, columns["actions"].unsqueeze(-1)).squeeze(-1)
        else:
            columns["old"] = at(listener, "logp", 1).exp()
            columns["noise"] = noise_given(module.channel, columns["sent"], columns["delivered"], self._generator)
        c = self.config.team_loss
        if c.exchange and self._sums(module) and c.exchange_from <= self.progress < c.exchange_until:
            columns |= find_exchange(module, columns["seen"], columns["own"], module.reward_scale, c)
        return columns

    def _sums(self, module: TeamModule) -> bool:
        """Whether the message is summed over: where the alphabet is small."""
        return module.channel.wire.symbols <= self.config.marginal_up_to

    def compute_loss_for_module(self, *, module_id: str, config: Any, batch: Any, fwd_out: Any) -> Tensor:
        module = self.module[module_id].unwrapped()
        if isinstance(module, GraphTeamModule):
            entropy = self.entropy_coeff_schedulers_per_module[module_id].get_current_value()
            c, clip = config.graph_loss, config.clip_param
            terms = graph_learning.loss(module, batch, clip, entropy, self.progress, c, module.terms)
            paid = {key: batch[key].mean() for key in batch if key.endswith("_reward")}
            self.metrics.log_dict(paid, key=module_id, window=1)
            self.metrics.log_dict({f"{name}_loss": term for name, term in terms.items()}, key=module_id, window=1)
            return sum(terms.values(), torch.zeros(()))
        if isinstance(module, ChannelTeamModule):
            terms = channel_learning.loss(module, batch, config.clip_param, self.progress, config.marginal_loss)
            self.metrics.log_dict({f"{name}_loss": term for name, term in terms.items()}, key=module_id, window=1)
            return sum(terms.values(), torch.zeros(()))
        if PART in batch:
            short = telling(fwd_out[Columns.ACTION_DIST_INPUTS], batch[PART])
            self.metrics.log_value((module_id, "bits_short"), short, window=1)
            ppo = super().compute_loss_for_module(module_id=module_id, config=config, batch=batch, fwd_out=fwd_out)
            return ppo + self.config.bits_delivered / batch[SPREAD].mean() * short
        if not isinstance(module, TeamModule):
            return super().compute_loss_for_module(module_id=module_id, config=config, batch=batch, fwd_out=fwd_out)
        seen, own = batch["seen"], batch["own"]
        if self._sums(module):
            played = marginal(module, seen, own)
        else:
            played = straight_through(module, seen, own, batch["sent"], batch["noise"], self._generator)
        c = config.team_loss
        terms = team_loss(played, module.worth(seen, own), batch, module.reward_scale, self.progress, config.clip_param, c)
        if "exchange_found" in batch:
            terms["exchange"] = c.exchange * exchange_loss(module, played.message, own, batch)
            self.metrics.log_value((module_id, "exchange_found"), batch["exchange_found"][0], window=1)
        self.metrics.log_dict({f"{name}_loss": term for name, term in terms.items()}, key=module_id, window=1)
        return sum(terms.values(), torch.zeros(()))
