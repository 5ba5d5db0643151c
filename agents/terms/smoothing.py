"""Entropy of decisions held where it should be: smoothing (EPO) and a target (Haarnoja et al. 2018)."""

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from agents.graph_team import GraphTeam
from agents.terms.contract import LossTerm, Moment, Scalars


@dataclass(frozen=True, kw_only=True)
class EntropySmoothing(LossTerm):
    """EPO (Xu et al. 2025): entropy of a decision outside low..high times its mean over past updates at that time of the game
    costs strength * what it is outside by, in nats.

    The authors' code has a constant there, which has no gradient. Its entropy bonus is PPO's own here. The time of a game is
    counted in `bins`, of which one that has no past yet costs nothing. Of its rule to wait for a step of the second half of a
    game nothing is kept.
    """

    name: ClassVar[str] = "epo"
    strength: float = 0.1
    low: float = 0.8
    high: float = 1.2
    bins: int = 16
    schedule: str = "constant"
    """Weight over the training: constant; code, that of the authors' code, which fades; rising, from 0 to 1, as the paper has
    it in words: from conservative to strong."""
    choices: ClassVar[dict[str, tuple[str, ...]]] = {"schedule": ("constant", "code", "rising")}

    def extras(self, team: GraphTeam) -> nn.Module | None:
        return History(self.bins)

    def loss(self, now: Moment, own: Any) -> Tensor:
        entropy = -(now.logp.exp() * now.logp).sum((-2, -1))
        place = (now.batch["time"] * own.bins).long().clamp(0, own.bins - 1)
        own.add(place, entropy.detach(), now.acting)
        past, known = own.mean()[place].unsqueeze(-1), (own.updates > 0)[place].unsqueeze(-1)
        outside = (self.low * past - entropy).clamp_min(0.0) + (entropy - self.high * past).clamp_min(0.0)
        return phase(self.schedule, now.progress) * self.strength * now.mean(outside * known)

    def after_update(self, own: Any) -> None:
        own.turn()


class History(nn.Module):
    """Mean entropy over past updates, by the time of the game."""

    now: Tensor
    count: Tensor
    past: Tensor
    updates: Tensor

    def __init__(self, bins: int) -> None:
        super().__init__()
        self.bins = bins
        for name in ("now", "count", "past", "updates"):
            self.register_buffer(name, torch.zeros(bins))

    def add(self, place: Tensor, entropy: Tensor, acting: Tensor) -> None:
        """Of this update: place [S], entropy and acting [S, N]."""
        self.now.index_add_(0, place, (entropy * acting).sum(-1))
        self.count.index_add_(0, place, acting.sum(-1))

    def mean(self) -> Tensor:
        """[bins], 0 where there is no past."""
        return self.past / self.updates.clamp_min(1.0)

    def turn(self) -> None:
        """This update is past."""
        seen = self.count > 0
        self.past += torch.where(seen, self.now / self.count.clamp_min(1.0), self.past.new_zeros(()))
        self.updates += seen
        self.now.zero_()
        self.count.zero_()


def phase(schedule: str, progress: float) -> float:
    """EPO's weight.

    >>> [round(phase("code", step / 150), 6) for step in (75, 76, 150)]
    [0.827067, 0.768632, 0.03983]
    """
    if schedule == "code":
        u = 2 * progress
        return 1 - 0.2 * (1 - math.exp(-2 * u)) if u <= 1 else 0.8 * math.exp(-3 * (u - 1))
    return progress if schedule == "rising" else 1.0


@dataclass(frozen=True, kw_only=True)
class EntropyTarget(LossTerm):
    """Entropy of decisions at a target: - coefficient * H, and after each update
    coefficient <- max(0, coefficient + step * (target - mean H)), after the temperature of SAC (Haarnoja et al. 2018).

    H and target are shares of the most that an agent's choices allow. `until`: the target falls linearly to `final` there.
    """

    name: ClassVar[str] = "entropy_target"
    target: float = 0.5
    final: float = 0.0
    until: float = 0.8
    step: float = 0.01
    coefficient: float = 0.01
    """When training begins; in the loss's units a nat."""
    most: ClassVar[dict[str, float]] = {"target": 1.0, "final": 1.0}
    least: ClassVar[dict[str, float]] = {"until": 1e-12}

    def extras(self, team: GraphTeam) -> nn.Module | None:
        return Scalars(coefficient=self.coefficient, share=0.0, _target=self.target, _total=0.0, _count=0.0)

    def loss(self, now: Moment, own: Any) -> Tensor:
        entropy = -(now.logp.exp() * now.logp).sum((-2, -1))
        allowed = (~now.module.team.refused).sum(-1).log().sum(-1)  # [N] nats
        chooses = now.acting * (allowed > 0)
        share = (entropy / allowed.clamp_min(1e-9) * chooses).sum() / chooses.sum().clamp_min(1.0)
        own._total += share.detach()
        own._count += 1
        own.share.copy_(share.detach())
        own._target.fill_(self.target + (self.final - self.target) * min(1.0, now.progress / self.until))
        return -own.coefficient.clone() * now.mean(entropy)

    def after_update(self, own: Any) -> None:
        if own._count > 0:
            own.coefficient.add_(self.step * (own._target - own._total / own._count)).clamp_min_(0.0)
        own._total.zero_()
        own._count.zero_()
