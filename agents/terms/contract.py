"""What a term is: something named that is added to a loss or to the rewards, with its own weight; 0 leaves it out.

Units: PPO's loss counts advantages in their standard deviation of the fragment (`spread`), so a weight of the loss is in
standard deviations of advantages for each unit of its term; `rates.Priced` counts in reward units instead. Bits are log2.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from agents.graph_team import GraphTeam, Step
from commenv.core.errors import bad, number, whole


@dataclass(frozen=True)
class Moment:
    """What a term of the loss may look at: one minibatch of S steps of a game, N agents."""

    module: Any
    """The GraphTeamModule: its team, its critic, and `extras`, networks that terms brought along."""
    batch: Mapping[str, Tensor]
    """The columns, with leading axis S: obs, actions, logp, acts, advantages, targets, time, noise, ..."""
    step: Step
    """The steps as played, with gradients."""
    logp: Tensor
    """[S, N, P, C] log-probabilities of each component of an action now."""
    ratio: Tensor
    """[S, N] probability of the action now, over that when it was played."""
    acting: Tensor
    """[S, N] 1 where an agent acted, 0 where it was idle or absent."""
    progress: float
    """How much of the training is over, 0 to 1."""
    spread: Tensor
    """Standard deviation, in reward units, by which advantages were divided; a scalar."""
    clip: float
    """PPO's clipping of the ratio."""

    def mean(self, value: Tensor) -> Tensor:
        """Mean of value [S, N] over who acted."""
        return (value * self.acting).sum() / self.acting.sum().clamp_min(1.0)

    def again(self, *, silent: bool = False, instead: Callable[[int, Tensor], Tensor] | None = None) -> Step:
        """The same steps with the same noise, had nobody been heard, or other messages: see GraphTeam.talk."""
        return again(self.module.team, self.step, self.batch["noise"], silent=silent, instead=instead)


def again(team: GraphTeam, step: Step, noise: Tensor, **how: Any) -> Step:
    """Steps from the first round on, with noise [S, N, z] as it was drawn (z = 0: none was)."""
    return team.talk(step.perceived, step.state, step.present, noise if noise.shape[-1] else None, **how)


@dataclass(frozen=True, kw_only=True)
class Term:
    """A term and its options, which a user gives by name: numbers of at least 0, or what `least` says; counts of at least 1."""

    weight: float = 1.0
    """What it counts."""

    name: ClassVar[str]
    choices: ClassVar[dict[str, tuple[str, ...]]] = {}
    """Of options that are words, those allowed."""
    least: ClassVar[dict[str, float]] = {}
    """Lowest values where they are not 0."""
    most: ClassVar[dict[str, float]] = {}
    """Highest values where there are."""
    played: ClassVar[bool] = False
    """Whether it needs the columns symbols [B, T, R, N, d] and message_logp [B, T, R, N] of the messages as they were played."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value, label = getattr(self, field.name), f"{field.name} of {self.name}"
            if field.name in self.choices:
                if value not in self.choices[field.name]:
                    raise bad(label, value, " or ".join(self.choices[field.name]))
            elif field.type is float:
                number(label, value, self.least.get(field.name, 0.0), self.most.get(field.name, math.inf))
            elif field.type is int:
                whole(label, value, 1)

    def extras(self, team: GraphTeam) -> nn.Module | None:
        """Networks and buffers of its own, which live on the learner; None: it has none. Raises ValueError for a team whose
        messages it cannot be computed for."""
        return None

    def after_update(self, own: Any) -> None:
        """Once an update of the learner, when all its minibatches are through; own: what `extras` made."""


@dataclass(frozen=True, kw_only=True)
class LossTerm(Term):
    """Added to the loss."""

    def loss(self, now: Moment, own: Any) -> Tensor:
        """A scalar to be minimised, before the weight."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class Surrogate(Term):
    """Takes the place of PPO's clipped loss of a decision; with a weight below 1, of that share of it."""

    most: ClassVar[dict[str, float]] = {"weight": 1.0}

    def policy(self, now: Moment, own: Any) -> Tensor:
        """Loss of each decision, [S, N]."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class RewardTerm(Term):
    """Added to the rewards, after these are scaled and shared, before advantages are computed; its weight is in units of them.

    It reaches messages as any reward does: listeners' gradients pass through them; `message_policy` makes them actions that
    are themselves rewarded.
    """

    played: ClassVar[bool] = True

    def reward(self, team: GraphTeam, step: Step, noise: Tensor) -> Tensor:
        """[S, N] of S steps as they were played, without gradients; noise [S, N, z]."""
        raise NotImplementedError


class Scalars(nn.Module):
    """Numbers that a term keeps between updates; they are logged by name, and saved with the learner."""

    def __init__(self, **values: float) -> None:
        super().__init__()
        for name, value in values.items():
            self.register_buffer(name, torch.tensor(float(value)))

    def figures(self) -> dict[str, float]:
        return {name: float(value) for name, value in self.named_buffers() if not value.shape and not name.startswith("_")}
