"""Bits that are paid for out of the rewards: a linear price, and Optima's trade-off of task against tokens."""

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from agents.graph_team import GraphTeam, Step
from agents.ppo import clipped
from agents.terms.contract import LossTerm, Moment, RewardTerm
from agents.terms.messages import chosen, index, needs_odds, spoken

COUNTED = 2**16
"""Most messages of an alphabet whose frequencies are counted."""


@dataclass(frozen=True, kw_only=True)
class Paid(RewardTerm):
    """Bits that an agent sends in a step, each message once however many listen to it."""

    count: str = "payload"
    """payload: the bits of every message; surprisal: - log2 of how frequent it is in the fragment, what an ideal code takes."""
    choices: ClassVar[dict[str, tuple[str, ...]]] = {"count": ("payload", "surprisal")}

    def extras(self, team: GraphTeam) -> nn.Module | None:
        if self.count == "surprisal" and math.prod(team.bottleneck.alphabet) > COUNTED:
            raise ValueError(f"surprisal of {self.name} counts every message: at most {math.log2(COUNTED):g} bits are allowed")
        return None

    def bits(self, team: GraphTeam, step: Step) -> Tensor:
        """[S, N]."""
        sent = spoken(step)
        if self.count == "payload":
            return sent.sum(1) * team.bottleneck.bits
        place = index(step.symbols, team.bottleneck.alphabet)
        counts = torch.bincount(place[sent > 0], minlength=math.prod(team.bottleneck.alphabet)).to(sent.dtype)
        surprisal = -(counts.clamp_min(1.0) / counts.sum().clamp_min(1.0)).log2()
        return (surprisal[place] * sent).sum(1)


@dataclass(frozen=True, kw_only=True)
class BitsPrice(Paid):
    """- weight * bits: the price of a bit in reward units; see `rates` for what a linear price does."""

    name: ClassVar[str] = "bits_price"
    weight: float = 0.01

    def reward(self, team: GraphTeam, step: Step, noise: Tensor) -> Tensor:
        return -self.bits(team, step)


@dataclass(frozen=True, kw_only=True)
class Optima(Paid):
    """Optima (Chen et al. 2024): task - weight * bits / most bits, the most being a step's in which every message is sent.

    The paper divides tokens by the most of its rollouts of a task; its third part, readability, has no meaning here.
    """

    name: ClassVar[str] = "optima"
    weight: float = 0.1

    def reward(self, team: GraphTeam, step: Step, noise: Tensor) -> Tensor:
        return -self.bits(team, step) / max(team.plan.rounds * team.bottleneck.bits, 1e-12)


@dataclass(frozen=True, kw_only=True)
class MessagePolicy(LossTerm):
    """Messages are actions too (RIAL; Foerster et al. 2016): PPO's clipped loss of each message that somebody listened to, with
    the advantage of its speaker in that step. This is how rewards for speaking, such as social influence, reach the speaker.

    Gradients pass through messages as well; the two add up.
    """

    name: ClassVar[str] = "message_policy"
    played: ClassVar[bool] = True

    def extras(self, team: GraphTeam) -> nn.Module | None:
        needs_odds(self.name, team)
        return None

    def loss(self, now: Moment, own: Any) -> Tensor:
        ratio = (chosen(now.step.odds, now.batch["symbols"]) - now.batch["message_logp"]).exp()
        weight = spoken(now.step) * now.acting.unsqueeze(1)
        each = clipped(ratio, now.batch["advantages"].unsqueeze(1).expand_as(ratio), now.clip)
        return (each * weight).sum() / weight.sum().clamp_min(1.0)
