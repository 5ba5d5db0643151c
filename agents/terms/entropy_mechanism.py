"""Clip-Cov and KL-Cov (Cui et al. 2025, The Entropy Mechanism): hold what the few decisions do that make entropy collapse.

To first order a policy's entropy falls by the covariance of log-probability and advantage; a few decisions make most of it.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from agents.graph_team import GraphTeam
from agents.ppo import clipped
from agents.terms.contract import Moment, Scalars, Surrogate


@dataclass(frozen=True, kw_only=True)
class ClipCov(Surrogate):
    """PPO's loss, but of decisions whose covariance is between `low` and `high`, a few drawn at random are left out.

    low makes sense since advantages are normalised. The paper's share, 2e-4 of tokens, is one decision of a small batch.
    """

    name: ClassVar[str] = "clip_cov"
    share: float = 0.02
    """Of all decisions, how many are left out; at least one."""
    low: float = 1.0
    high: float = 5.0
    most: ClassVar[dict[str, float]] = {"weight": 1.0, "share": 1.0}

    def extras(self, team: GraphTeam) -> nn.Module | None:
        return Scalars(_drawn=0.0)

    def policy(self, now: Moment, own: Any) -> Tensor:
        advantages, ratio = now.batch["advantages"], now.ratio
        plain = clipped(ratio, advantages, now.clip)
        with torch.no_grad():
            free = plain == -ratio * advantages  # what PPO clips has no gradient anyway
            c = covariance(advantages, played(now), now.acting)
            fits = (now.acting > 0) & free & (c > self.low) & (c < self.high)
            own._drawn += 1
            # Seeded by a count that is saved: a run repeats itself, and nobody else's random numbers move.
            order = torch.rand(c.shape, generator=torch.Generator().manual_seed(int(own._drawn)))
            count = max(1, int(self.share * now.acting.sum()))
            out = top(order.masked_fill(~fits, -1.0), count) & fits
        return plain * ~out


@dataclass(frozen=True, kw_only=True)
class KlCov(Surrogate):
    """Policy gradient without clipping; the decisions of highest covariance pay for leaving what was played, with
    strength * |log p now - log p when played|."""

    name: ClassVar[str] = "kl_cov"
    share: float = 0.02
    """Of all decisions, how many pay; at least one. The paper's is .002."""
    strength: float = 1.0
    most: ClassVar[dict[str, float]] = {"weight": 1.0, "share": 1.0}

    def policy(self, now: Moment, own: Any) -> Tensor:
        advantages = now.batch["advantages"]
        with torch.no_grad():
            c = covariance(advantages, played(now), now.acting)
            acts = now.acting > 0
            held = top(c.masked_fill(~acts, -torch.inf), max(1, int(self.share * now.acting.sum()))) & acts
        return -advantages * now.ratio + self.strength * held * (played(now) - now.batch["logp"]).abs()


def played(now: Moment) -> Tensor:
    """Log-probability now, [S, N], of the actions that were played."""
    return now.logp.gather(-1, now.batch["actions"].long().unsqueeze(-1)).squeeze(-1).sum(-1)


def covariance(advantages: Tensor, logp: Tensor, acting: Tensor) -> Tensor:
    """(A - mean A) (log p - mean log p) of each decision, in nats; means are over those that were made; all of one shape."""

    def centred(x: Tensor) -> Tensor:
        return x - (x * acting).sum() / acting.sum().clamp_min(1.0)

    return centred(advantages) * centred(logp)


def top(value: Tensor, count: int) -> Tensor:
    """Which are the `count` highest of all: [...] -> [...] bool."""
    chosen = torch.zeros(value.numel(), dtype=torch.bool)
    chosen[value.flatten().topk(min(count, value.numel())).indices] = True
    return chosen.view(value.shape)
