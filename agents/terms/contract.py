"""What a term is: something named that is added to a loss or to the rewards, with its own weight; 0 leaves it out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from agents.graph_team import Step


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

    def mean(self, value: Tensor) -> Tensor:
        """Mean of value [S, N] over who acted."""
        return (value * self.acting).sum() / self.acting.sum().clamp_min(1.0)
